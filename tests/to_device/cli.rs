//! The command.

use super::models;
use assert_cmd::Command;
use std::path::PathBuf;

fn ptool() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("ptool"))
}

fn model(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("net.pt");
    let fixture = models("devices")
        .into_iter()
        .find(|p| p.ends_with("to_positional.pt"));
    std::fs::copy(fixture.expect("the fixture exists"), &path).expect("copied");
    path
}

#[test]
fn writes_beside_the_model_and_never_over_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = model(&folder);
    let original = std::fs::read(&path).expect("readable");
    let out = ptool()
        .arg("to-device")
        .arg(&path)
        .arg("cuda:1")
        .assert()
        .success();
    let stdout = String::from_utf8_lossy(&out.get_output().stdout).into_owned();
    assert!(
        stdout.contains("literal") && stdout.contains("cuda:1"),
        "{stdout}"
    );
    assert!(String::from_utf8_lossy(&out.get_output().stderr).contains("net.cuda_1.pt"));
    assert!(folder.path().join("net.cuda_1.pt").is_file());
    assert!(std::fs::read(&path).expect("readable") == original);

    let again = ptool()
        .arg("to-device")
        .arg(&path)
        .arg("cuda:1")
        .assert()
        .code(2);
    assert!(String::from_utf8_lossy(&again.get_output().stderr).contains("--force"));
    let itself = ptool()
        .arg("to-device")
        .arg(&path)
        .args(["cuda", "--force", "-o"])
        .arg(&path)
        .assert()
        .code(2);
    assert!(String::from_utf8_lossy(&itself.get_output().stderr).contains("--in-place"));
    assert!(std::fs::read(&path).expect("readable") == original);
}

#[test]
fn in_place_and_back_gives_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = model(&folder);
    let original = std::fs::read(&path).expect("readable");
    ptool()
        .arg("to-device")
        .arg(&path)
        .args(["cuda", "--in-place"])
        .assert()
        .success();
    assert!(std::fs::read(&path).expect("readable") != original);
    ptool()
        .arg("to-device")
        .arg(&path)
        .args(["cpu", "--in-place"])
        .assert()
        .success();
    assert!(std::fs::read(&path).expect("readable") == original);
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("readable").count(),
        1
    );
}

#[test]
fn json_and_dry_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = model(&folder);
    let out = ptool()
        .arg("to-device")
        .arg(&path)
        .args(["cuda", "--dry-run", "--format", "json"])
        .assert()
        .success();
    let read: serde_json::Value = serde_json::from_slice(&out.get_output().stdout).expect("JSON");
    assert_eq!(
        (&read["command"], &read["target"]),
        (&"to-device".into(), &"cuda".into())
    );
    assert!(read["output"].is_null() && read["changes"].as_array().is_some_and(|c| !c.is_empty()));
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("readable").count(),
        1
    );
}

#[test]
fn unknown_devices_and_files_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = model(&folder);
    for device in ["gpu", "cuda:", "cuda:x", "CPU", "follow"] {
        let out = ptool()
            .arg("to-device")
            .arg(&path)
            .arg(device)
            .assert()
            .code(2);
        let stderr = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
        assert!(
            stderr.contains(&format!("unknown device `{device}`"))
                && stderr.contains("privateuseone"),
            "{stderr}"
        );
    }
    let junk = folder.path().join("junk.pt");
    std::fs::write(&junk, b"no zip at all").expect("written");
    ptool()
        .arg("to-device")
        .arg(&junk)
        .arg("cpu")
        .assert()
        .code(2);
    ptool()
        .arg("to-device")
        .arg(folder.path().join("none.pt"))
        .arg("cpu")
        .assert()
        .code(2);
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("readable").count(),
        2
    );
}
