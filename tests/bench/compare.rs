//! Guards: `ptool compare` costs little more than running both models, in time and in memory.

use crate::{measure, models};
use std::process::Command;

const ROUNDS: usize = 7;
/// Of one plain run's time.
const RUNS: f64 = 2.3;
/// Of the memory of two plain runs.
const MEMORY: f64 = 1.3;

pub(crate) fn bench() {
    let model = models::corpus("resnet50_traced");
    let command = |words: &[&str]| {
        let mut command = Command::new(models::ptool());
        command
            .args(words)
            .args(["--shape", "1x3x224x224", "--threads", "1"]);
        command
    };
    let path = model.to_str().expect("the corpus has a plain path");
    let (mut runs, mut compares) = (Vec::new(), Vec::new());
    let (mut run_peak, mut compare_peak) = (0, 0);
    for round in 0..=ROUNDS {
        let run = measure::run_process(&mut command(&["run", path]));
        let compare = measure::run_process(&mut command(&["compare", path, path]));
        if round > 0 {
            runs.push(run.seconds);
            compares.push(compare.seconds);
            run_peak = run_peak.max(run.peak_bytes);
            compare_peak = compare_peak.max(compare.peak_bytes);
        }
    }
    let (run, compare) = (measure::median(&mut runs), measure::median(&mut compares));
    let mut table = measure::new_table(&["what", "median ms", "ratio", "peak MB"]);
    for (what, seconds, peak) in [
        ("run", run, run_peak),
        ("compare with itself", compare, compare_peak),
    ] {
        let cells = [
            format!("{:.0}", seconds * 1e3),
            format!("{:.2}", seconds / run),
            format!("{:.0}", peak as f64 / 1e6),
        ];
        table.add_row(std::iter::once(what.to_owned()).chain(cells));
    }
    measure::print(&format!(
        "\n`ptool run` and `ptool compare` of a traced ResNet-50, whole processes ({ROUNDS} rounds)\n{table}\n"
    ));
    measure::print(&format!(
        "time of one plain run: {}; memory of two: {}\n",
        measure::against(compare / run, RUNS, ""),
        measure::against(compare_peak as f64 / (2 * run_peak) as f64, MEMORY, "")
    ));
}
