//! Guards: `ptool to-device` costs what `cp` costs, in time and memory, whatever the size of the model.

use crate::{measure, models};
use std::path::Path;
use std::process::Command;

const ROUNDS: usize = 9;

pub(crate) fn bench() {
    let large = models::large(2 << 30);
    let files = [
        ("ResNet-18", models::corpus("resnet18_traced")),
        ("ResNet-50", models::corpus("resnet50_traced")),
        ("2 GB model", large),
    ];
    let mut table = measure::new_table(&["model", "cp ms", "to-device ms", "ratio", "peak MB"]);
    for (name, path) in &files {
        let rounds = if name.starts_with('2') { 3 } else { ROUNDS };
        let (copy, rewrite, peak) = pair(path, rounds);
        let ratio = format!("{:.2}", rewrite / copy);
        table.add_row([
            (*name).to_owned(),
            ms(copy),
            ms(rewrite),
            ratio,
            format!("{:.1}", peak as f64 / 1e6),
        ]);
    }
    measure::print(&format!(
        "\n`ptool to-device M cuda` as a whole process beside `cp M OUT`\n{table}\n"
    ));
}

fn ms(seconds: f64) -> String {
    format!("{:.1}", seconds * 1e3)
}

/// Median seconds of `cp` and of `to-device`, interleaved, and the largest peak memory of the latter.
fn pair(path: &Path, rounds: usize) -> (f64, f64, u64) {
    let out = models::scratch("out.pt");
    let ptool = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/ptool");
    let (mut copies, mut rewrites, mut peak) = (Vec::new(), Vec::new(), 0);
    for round in 0..=rounds {
        let _ = std::fs::remove_file(&out);
        let copy = measure::run_process(Command::new("cp").arg(path).arg(&out));
        let _ = std::fs::remove_file(&out);
        let rewrite = measure::run_process(
            Command::new(&ptool)
                .arg("to-device")
                .arg(path)
                .arg("cuda")
                .arg("-o")
                .arg(&out),
        );
        if round > 0 {
            copies.push(copy.seconds);
            rewrites.push(rewrite.seconds);
            peak = peak.max(rewrite.peak_bytes);
        }
    }
    let _ = std::fs::remove_file(&out);
    (
        measure::median(&mut copies),
        measure::median(&mut rewrites),
        peak,
    )
}
