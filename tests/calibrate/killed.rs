//! A run that is killed leaves no half-written file, and files that were there as they were.

use super::testdata;
use ptool::exec::HostTensor;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Data that takes a while.
const ROWS: usize = 1 << 16;

fn write_data(path: &Path) {
    let values: Vec<f32> = (0..ROWS * 64).map(|it| (it % 17) as f32 / 16.0).collect();
    let x = HostTensor::from_f32(&[ROWS as i64, 1, 8, 8], &values).expect("the shape fits");
    let mut file = std::fs::File::create(path).expect("created");
    ptool::inputs::npy::write(&mut file, &x).expect("written");
}

fn digits(name: &str) -> PathBuf {
    testdata("../digits").join(name)
}

/// Waits until the program has read a part of the file, which it reads while it observes.
fn wait_until_read(child: &mut Child, data: &Path) {
    let start = Instant::now();
    let folder = PathBuf::from(format!("/proc/{}", child.id()));
    let wanted = data.metadata().expect("readable").len() / 64;
    loop {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "the data is not read"
        );
        assert_eq!(child.try_wait().expect("waited"), None, "it ended before");
        let open = std::fs::read_dir(folder.join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        let position = open
            .filter(|it| std::fs::read_link(it.path()).is_ok_and(|to| to == data))
            .filter_map(|it| {
                let info = folder.join("fdinfo").join(it.file_name());
                let text = std::fs::read_to_string(info).ok()?;
                text.lines()
                    .next()?
                    .strip_prefix("pos:")?
                    .trim()
                    .parse::<u64>()
                    .ok()
            })
            .max();
        if position.is_some_and(|it| it > wanted) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("readable");
    let paths = entries.map(|it| it.expect("readable").path());
    let mut files: Vec<_> = paths
        .map(|it| (it.clone(), std::fs::read(&it).expect("readable")))
        .collect();
    files.sort();
    files
}

/// Kills `ptool COMMAND MODEL … -o OUTPUT` in the middle, with and without earlier results in the folder.
fn kill(command: &str, model: &Path, results: &[&str], data: &Path) {
    let folder = tempfile::tempdir().expect("a folder");
    for before in [&[], results] {
        for name in before {
            std::fs::write(folder.path().join(name), b"an earlier result").expect("written");
        }
        let expected = files(folder.path());
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("ptool-torch"))
            .arg(command)
            .arg(model)
            .arg("--data")
            .arg(data)
            .args(["--threads", "1", "--force", "-o"])
            .arg(folder.path().join(results[0]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        wait_until_read(&mut child, data);
        child.kill().expect("killed");
        assert!(!child.wait().expect("waited").success());
        assert!(
            files(folder.path()) == expected,
            "{command} left other files"
        );
    }
}

#[test]
fn nothing_is_left_and_nothing_is_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("x.npy");
    write_data(&data);
    let prepared = folder.path().join("digits.fq.pt");
    assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("ptool-torch"))
        .arg("prepare")
        .arg(digits("digits.pt"))
        .args(["--march", "bayes", "-o"])
        .arg(&prepared)
        .assert()
        .success();
    kill("calibrate", &prepared, &["net.pt"], &data);
    kill(
        "quantize",
        &digits("digits.pt"),
        &["net.int.pt", "net.fq.pt"],
        &data,
    );
}
