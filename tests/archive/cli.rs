//! Hostile files through the program: the right exit code, one clear message, nothing left behind.

use super::hostile;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// What each command answers to a file of this kind.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The container or a pickle lies: every command refuses the file; `verify` may also list what it found.
    Broken,
    /// The source is broken: what needs no sources works, the rest says what is wrong.
    Source,
    /// Odd, and still sound.
    Sound,
}

fn kind(name: &str) -> Kind {
    match name {
        it if it.starts_with("ok_") => Kind::Sound,
        it if it.starts_with("src_") => Kind::Source,
        _ => Kind::Broken,
    }
}

fn ptool(words: &[&str], model: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("ptool"));
    command.args(words).arg(model).args(more);
    command.output().expect("ptool starts")
}

/// The exit code. Panics, overflowed stacks, several messages and half-answers fail the test.
fn code(output: &Output, about: &str) -> i32 {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    let code = code.unwrap_or_else(|| panic!("{about}: {}: {stderr}", output.status));
    assert!((0..=2).contains(&code), "{about}: {code}: {stderr}");
    assert!(!stderr.contains("panicked"), "{about}: {stderr}");
    if code == 2 {
        let lines: Vec<&str> = stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{about}: {stderr}");
        assert!(lines[0].starts_with("error: "), "{about}: {stderr}");
        assert!(lines[0].contains(".pt`"), "{about} names no file: {stderr}");
    }
    code
}

/// The message without the program's framing and the path, which differs between machines.
fn message(output: &Output, path: &Path) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.trim_end().replace(&path.display().to_string(), "FILE")
}

#[test]
#[cfg_attr(
    feature = "torch",
    ignore = "built with libtorch, each of the 800 runs would load it first"
)]
fn hostile_files_are_refused_with_one_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.pt");
    let out_text = out.to_str().expect("a path of text");
    let mut table = String::new();
    for path in hostile::files() {
        let name = path.file_stem().expect("a name").to_string_lossy();
        let kind = kind(&name);
        let inspect = ptool(&["inspect"], &path, &[]);
        let verify = ptool(&["verify", "--reprint", out_text], &path, &[]);
        let reprinted = std::fs::remove_file(&out).is_ok();
        let moved = ptool(&["to-device"], &path, &["cuda", "-o", out_text]);
        let written = std::fs::remove_file(&out).is_ok();
        let codes = [&inspect, &verify, &moved].map(|it| code(it, &name));
        assert_eq!(reprinted, codes[1] == 0, "{name}: reprinted");
        assert_eq!(written, codes[2] == 0, "{name}: written");
        let left = std::fs::read_dir(folder.path()).expect("readable").count();
        assert_eq!(left, 0, "{name}: something was left behind");
        match kind {
            Kind::Broken => assert!(codes[0] == 2 && codes[2] == 2, "{name}: {codes:?}"),
            Kind::Sound => assert_eq!(codes, [0, 0, 0], "{name}"),
            Kind::Source => assert_eq!(codes[0], 0, "{name}"),
        }
        if codes[0] == 2 {
            assert!(inspect.stdout.is_empty(), "{name}: half an answer");
        }
        let _ = writeln!(
            table,
            "{name}: inspect {}, verify {}, to-device {}",
            codes[0], codes[1], codes[2]
        );
        for it in [&inspect, &moved] {
            if it.status.code() == Some(2) {
                let _ = writeln!(table, "  {}", message(it, &path));
            }
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/cli");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("hostile", table));
}
