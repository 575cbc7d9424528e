//! The commands that need no libtorch.

use super::repository;
use assert_cmd::Command;
use ptool::inputs::Arrays;

fn ptool(command: &str, fixture: &str) -> Command {
    let mut ptool = Command::new(assert_cmd::cargo::cargo_bin!("ptool"));
    ptool.arg(command);
    ptool.arg(repository(&format!("testdata/hbdk/{fixture}.pt")));
    ptool
}

fn stdout(command: &mut Command, code: i32) -> String {
    let out = command.assert().code(code);
    String::from_utf8_lossy(&out.get_output().stdout).into_owned()
}

#[test]
fn inspect_lists_layers() {
    let text = stdout(ptool("inspect", "guide_older").arg("--hbir"), 0);
    assert!(
        text.starts_with("hbir march=bayes\ninput arg0: int8[1, 5, 5, 10]"),
        "{text}"
    );
    let json = stdout(
        ptool("inspect", "guide_older").args(["--hbir", "--format", "json"]),
        0,
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["march"], &json["kinds"][0][0]),
        (&"bayes".into(), &"RoiResize".into())
    );
}

#[test]
fn check_finds_everything_at_once() {
    let text = stdout(ptool("check", "refused_bernoulli2").arg("--deploy"), 1);
    for part in [
        "aten::unbind",
        "aten::stack",
        "int16",
        "align_corners",
        "linear",
        "aten::select",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(text.contains("hbdk.py:"), "no Python line in {text}");
    let sound = stdout(ptool("check", "guide_newer").arg("--deploy"), 0);
    assert!(sound.contains("can be deployed to bayes"), "{sound}");
    let args = ["--deploy", "--format", "json"];
    let json = stdout(ptool("check", "refused_bernoulli2").args(args), 1);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["can_deploy"], false);
    assert_eq!(json["findings"].as_array().unwrap().len(), 7);
}

#[test]
fn check_finds_sums_that_overflow() {
    let text = stdout(
        ptool("check", "refused_scales_bernoulli2").arg("--deploy"),
        1,
    );
    assert!(
        text.contains("hardware limit at `hz::add` in the root module"),
        "{text}"
    );
    assert!(text.contains("needs more than 32 bits"), "{text}");
}

#[test]
fn run_needs_no_libtorch() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.npz");
    let mut run = ptool("run", "convolutions_bayes");
    let text = stdout(run.args(["--engine", "hbdk", "-o"]).arg(&out), 0);
    assert!(text.contains("float32"), "{text}");
    assert_eq!(Arrays::read(&out).unwrap().items.len(), 1);
    let refused = ptool("run", "refused_bernoulli2")
        .args(["--engine", "hbdk"])
        .assert()
        .code(2);
    let stderr = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(stderr.contains("ptool check --deploy"), "{stderr}");
}
