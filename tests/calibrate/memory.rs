//! Memory while calibrating does not grow with the batches.

use super::testdata;
use ptool::exec::HostTensor;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const BATCH: usize = 32;
/// Rows of 48 KiB, of which the model observes 192 bytes.
const ROW: [i64; 3] = [3, 64, 64];
/// Enough batches that the run stays at its peak for a while, where the figure is read.
const FEW: usize = 8 * BATCH;
const MANY: usize = 40 * BATCH;
/// Bytes: a fifth of what many batches hold more than few.
const ALLOWED: u64 = 9 << 20;

/// The greatest resident memory of a run over these rows.
fn peak(data: &Path, rows: usize) -> u64 {
    let output = data.with_file_name("net.pt");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("ptool-torch"))
        .arg("calibrate")
        .arg(testdata("sampled.fq.pt"))
        .arg("--data")
        .arg(data)
        .args(["--batch", &BATCH.to_string(), "--limit", &rows.to_string()])
        .args(["--threads", "1", "--force", "-o"])
        .arg(output)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // The figure never falls, so that the last one read is the peak but for the last moment.
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|it| it.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak = kilobytes.map_or(peak, |it: u64| it << 10);
        if let Some(status) = child.try_wait().expect("waited") {
            assert!(status.success(), "{status}");
            return peak;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

#[test]
fn many_batches_need_what_few_need() {
    let folder = tempfile::tempdir().expect("a folder");
    let row = ROW.iter().product::<i64>() as usize;
    let values: Vec<f32> = (0..MANY * row).map(|it| (it % 251) as f32).collect();
    let shape: Vec<i64> = [MANY as i64].into_iter().chain(ROW).collect();
    let x = HostTensor::from_f32(&shape, &values).expect("the shape fits");
    for name in ["x.npz", "x.npy"] {
        let path = folder.path().join(name);
        let mut file = std::fs::File::create(&path).expect("created");
        let written = match name {
            "x.npy" => ptool::inputs::npy::write(&mut file, &x),
            _ => ptool::inputs::npy::write_npz(file, &[("x".to_owned(), x.clone())]),
        };
        written.expect("written");
        let [few, many] = [FEW, MANY].map(|rows| peak(&path, rows));
        assert!(few > 1 << 20, "{few} bytes: nothing was measured");
        assert!(
            many < few + ALLOWED,
            "{name}: {few} bytes for {FEW} rows, {many} for {MANY}"
        );
        std::fs::remove_file(path).expect("removed");
    }
}
