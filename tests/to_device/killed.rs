//! A killed run leaves the model whole and no half-written result.

use super::models;
use ptool::archive::{Archive, write::Plan};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Large enough that a copy of it can be caught in the middle.
const PADDING_BYTES: usize = 192 << 20;
const ROUNDS: usize = 6;

fn large_model(folder: &Path) -> PathBuf {
    let fixture = models("devices")
        .into_iter()
        .find(|p| p.ends_with("storages_traced.pt"));
    let archive = Archive::open(fixture.expect("the fixture exists")).expect("opens");
    let mut plan = Plan::new(&archive);
    plan.add("extra/padding", vec![7; PADDING_BYTES])
        .expect("a fine name");
    let path = folder.join("large.pt");
    plan.write(&path).expect("written");
    path
}

fn temporaries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("readable");
    let paths = entries.map(|e| e.expect("readable").path());
    paths
        .filter(|p| p.extension().is_some_and(|e| e == "tmp"))
        .collect()
}

/// Waits until the temporary file has at least so many bytes; false when the run ended before.
fn wait_for(child: &mut Child, folder: &Path, bytes: u64) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        let sizes = temporaries(folder);
        let mut sizes = sizes.iter().filter_map(|p| std::fs::metadata(p).ok());
        if sizes.any(|m| m.len() >= bytes) {
            return true;
        }
        if child.try_wait().expect("waited").is_some() {
            return false;
        }
    }
    panic!("the run neither wrote nor ended");
}

fn killed_rounds(folder: &Path, model: &Path, args: &[&str]) -> usize {
    let original = std::fs::read(model).expect("readable");
    let names = || {
        let entries = std::fs::read_dir(folder).expect("readable");
        let mut names: Vec<_> = entries.map(|e| e.expect("readable").file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let mut caught = 0;
    for round in 0..ROUNDS {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("ptool"));
        let mut child = command
            .arg("to-device")
            .arg(model)
            .args(args)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("starts");
        let in_the_middle = wait_for(
            &mut child,
            folder,
            round as u64 * (PADDING_BYTES / ROUNDS) as u64,
        );
        child.kill().expect("killed");
        let status = child.wait().expect("waited");
        let stale = temporaries(folder);
        // A run that was not caught finished its work, which is no interruption.
        if in_the_middle && !status.success() && !stale.is_empty() {
            caught += 1;
            assert!(
                std::fs::read(model).expect("readable") == original,
                "the model changed"
            );
            let name = stale[0]
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            assert!(name.starts_with('.'), "{name}");
        }
        stale
            .iter()
            .for_each(|p| std::fs::remove_file(p).expect("removed"));
        if status.success() {
            let _ = std::fs::remove_file(folder.join("out.pt"));
            std::fs::write(model, &original).expect("restored");
        }
        assert_eq!(names(), before);
    }
    caught
}

#[test]
fn interrupted_writes_leave_everything_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = large_model(folder.path());
    let out = folder.path().join("out.pt");
    let out = out.to_string_lossy().into_owned();
    let beside = killed_rounds(folder.path(), &model, &["cuda", "-o", &out]);
    let in_place = killed_rounds(folder.path(), &model, &["cuda", "--in-place"]);
    assert!(
        beside > 0 && in_place > 0,
        "caught {beside} and {in_place} of {ROUNDS}"
    );
}
