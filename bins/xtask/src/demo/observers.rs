//! Every observer on both marches: what quantising the digits model costs.

use crate::shell::{command, root, say};
use anyhow::{Context, Result, ensure};
use serde_json::Value;

const OBSERVERS: [&str; 5] = ["min_max", "percentile", "mse", "kl", "mix"];
/// Marches, with the share of accuracy that fixed-point may lose.
const MARCHES: [(&str, f64); 2] = [("bayes", 0.005), ("bernoulli2", 0.01)];

/// Quantises with each, prints one table, and fails where fixed-point loses more than it may.
pub(super) fn compare() -> Result<()> {
    say("\nevery observer on both marches: accuracy over all test images\n\n");
    say("march       observer    float    fake-quant  fixed-point  relative RMS  largest step\n");
    say("----------  ----------  -------  ----------  -----------  ------------  ------------\n");
    for (march, allowed) in MARCHES {
        for observer in OBSERVERS {
            let report = quantise(march, observer)?;
            let row = Row::of(&report).context("`ptool quantize` reports something else")?;
            say(&row.text(march, observer));
            ensure!(
                row.accuracies[2] >= row.accuracies[0] - allowed,
                "{observer} on {march} loses more than {} points",
                allowed * 100.0
            );
        }
    }
    Ok(())
}

fn quantise(march: &str, observer: &str) -> Result<Value> {
    let output = format!("target/demo/{march}_{observer}.int.pt");
    let mut command = command(root().join("target/release/ptool"));
    command.args(["quantize", "testdata/digits/digits.pt", "--format", "json"]);
    command.args(["--data", "testdata/digits/calib.npz"]);
    command.args(["--eval", "testdata/digits/test.npz"]);
    command.args(["--march", march, "--observer", observer, "-o", &output]);
    let done = command.output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.success(),
        "quantising ended with {}: {said}",
        done.status
    );
    Ok(serde_json::from_slice(&done.stdout)?)
}

struct Row {
    accuracies: [f64; 3],
    relative_rms: f64,
    steps: f64,
}

impl Row {
    fn of(report: &Value) -> Option<Row> {
        let stage = |at: usize| report["stages"][at]["accuracy"]["top1"].as_f64();
        let operations = report["operations"].as_array()?.iter();
        let steps: Option<Vec<f64>> = operations.map(|it| it["steps"].as_f64()).collect();
        Some(Row {
            accuracies: [stage(0)?, stage(1)?, stage(2)?],
            relative_rms: report["stages"][2]["relative_rms"].as_f64()?,
            steps: steps?.into_iter().fold(0.0, f64::max),
        })
    }

    fn text(&self, march: &str, observer: &str) -> String {
        let [float, fake, fixed] = self.accuracies.map(|it| format!("{:.2} %", it * 100.0));
        format!(
            "{march:10}  {observer:10}  {float:>7}  {fake:>10}  {fixed:>11}  {:>12.4}  {:>12.3}\n",
            self.relative_rms, self.steps
        )
    }
}
