//! The command line as users see it: help texts, reports, exit codes.

mod help;
mod reports;

use assert_cmd::Command;
use std::path::Path;

/// The program, run inside `testdata` so that no path of a machine is printed.
fn ptool(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("ptool"));
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"))
        .env_remove("CLICOLOR_FORCE")
        .env("NO_COLOR", "1")
        .args(args);
    command
}

/// What a run prints and how it ends.
fn transcript(args: &[&str]) -> String {
    let out = ptool(args).output().expect("ptool starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut shown = format!(
        "$ ptool {}\nexit code {}\n",
        args.join(" "),
        out.status.code().unwrap_or(-1)
    );
    for (name, bytes) in [("stdout", &out.stdout), ("stderr", &out.stderr)] {
        if !bytes.is_empty() {
            shown.push_str(&format!("--- {name}\n{}", text(bytes)));
        }
    }
    shown
}

fn snapshot(name: &str, text: String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/cli"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // Generators of fixtures run in a folder of their own, which debug records name.
    settings.add_filter("/tmp/gen/", "gen/");
    settings.bind(|| insta::assert_snapshot!(name, text));
}
