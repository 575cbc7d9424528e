//! `--help` of the program and of every command.

use super::{ptool, snapshot};

fn help(args: &[&str]) -> String {
    let out = ptool(args).output().expect("ptool starts");
    assert!(out.status.success(), "{args:?}");
    assert!(out.stderr.is_empty(), "{args:?}");
    String::from_utf8(out.stdout).expect("help is UTF-8")
}

/// The commands that the program's own help lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn help_texts() {
    let general = help(&["--help"]);
    let commands = commands(&general);
    assert!(commands.len() >= 7, "{commands:?}");
    snapshot("help", general);
    for command in commands {
        let text = help(&[&command, "--help"]);
        if command != "completions" {
            assert!(
                text.contains("Examples:"),
                "`{command} --help` has no example"
            );
        }
        snapshot(&format!("help_{command}"), text);
    }
}
