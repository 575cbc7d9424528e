//! `compare` as users see it.

use assert_cmd::Command;
use std::path::Path;

/// Output and exit code; figures depend on the processor and are blotted out.
fn compare(args: &[&str]) -> (String, Option<i32>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Command::new(assert_cmd::cargo::cargo_bin!("ptool-torch"))
        .current_dir(root.join("testdata"))
        .env("NO_COLOR", "1")
        .arg("compare")
        .args(args)
        .output()
        .expect("ptool-torch starts");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    (text, out.status.code())
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/cli"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter("/tmp/gen/[^/]*/", "gen/");
    settings.add_filter(r"\b\d+(\.\d+)?(e[-+]?\d+)?\b", "#");
    settings.add_filter(r" +", " ");
    settings.add_filter(r"[-─═]+", "-");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn a_model_equals_itself() {
    let (text, code) = compare(&["digits/digits.pt", "digits/digits.pt"]);
    assert_eq!(code, Some(0), "{text}");
    snapshot("compare_same", &text);
}

#[test]
fn the_first_divergence_of_two_versions() {
    let (text, code) = compare(&["digits/digits.pt", "digits/digits_v2.pt"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("False"), "{text}");
    snapshot("compare", &text);
}

#[test]
fn json_names_the_first_divergence() {
    let args = [
        "digits/digits.pt",
        "digits/digits_v2.pt",
        "--format",
        "json",
    ];
    let (text, code) = compare(&args);
    assert_eq!(code, Some(1), "{text}");
    let report: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(report["command"], "compare");
}
