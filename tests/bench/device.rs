//! Guards: `ptool to-device` costs what `cp` costs, in time and memory, whatever the size of the model.

use crate::{measure, models};
use std::path::Path;
use std::process::Command;

const ROUNDS: usize = 25;
/// Times what `cp` takes, at most.
const RATIO: f64 = 1.3;
/// Private megabytes, at most.
const MEGABYTES: f64 = 40.0;

pub(crate) fn bench() {
    let large = models::large(2 << 30);
    let files = [
        ("ResNet-18", models::corpus("resnet18_traced")),
        ("ResNet-50", models::corpus("resnet50_traced")),
        ("2 GB model", large),
    ];
    let header = [
        "model",
        "cp ms",
        "to-device ms",
        "ratio",
        "private MB",
        "peak MB with mapped pages",
    ];
    let mut table = measure::new_table(&header);
    for (name, path) in &files {
        let rounds = if name.starts_with('2') { 3 } else { ROUNDS };
        let pair = pair(path, rounds);
        table.add_row([
            (*name).to_owned(),
            ms(pair.copy),
            ms(pair.rewrite),
            measure::against(pair.rewrite / pair.copy, RATIO, ""),
            measure::against(pair.private_bytes as f64 / 1e6, MEGABYTES, ""),
            format!("{:.1}", pair.peak_bytes as f64 / 1e6),
        ]);
    }
    measure::print(&format!(
        "\n`ptool to-device M cuda` as a whole process beside `cp M OUT`\n{table}\n"
    ));
}

fn ms(seconds: f64) -> String {
    format!("{:.1}", seconds * 1e3)
}

/// What copying and moving one file costs.
struct Pair {
    /// Median seconds of `cp`.
    copy: f64,
    /// Median seconds of `to-device`.
    rewrite: f64,
    peak_bytes: u64,
    private_bytes: u64,
}

/// Both programs in turn, and the memory of `to-device`.
fn pair(path: &Path, rounds: usize) -> Pair {
    let out = models::scratch("out.pt");
    let mut copy = Command::new("cp");
    copy.arg(path).arg(&out);
    let mut rewrite = Command::new(models::ptool());
    rewrite
        .arg("to-device")
        .arg(path)
        .arg("cuda")
        .arg("-o")
        .arg(&out);
    let (mut copies, mut rewrites, mut peak_bytes) = (Vec::new(), Vec::new(), 0);
    for round in 0..=rounds {
        let _ = std::fs::remove_file(&out);
        let copied = measure::run_process(&mut copy);
        let _ = std::fs::remove_file(&out);
        let rewritten = measure::run_process(&mut rewrite);
        if round > 0 {
            copies.push(copied.seconds);
            rewrites.push(rewritten.seconds);
            peak_bytes = peak_bytes.max(rewritten.peak_bytes);
        }
    }
    let _ = std::fs::remove_file(&out);
    let private_bytes = measure::peak_private_bytes(&mut rewrite);
    let _ = std::fs::remove_file(&out);
    Pair {
        copy: measure::median(&mut copies),
        rewrite: measure::median(&mut rewrites),
        peak_bytes,
        private_bytes,
    }
}
