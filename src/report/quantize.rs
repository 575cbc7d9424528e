//! What `ptool quantize` prints.

use super::convert::float_text;
use super::json;
use super::run::Accuracy;
use super::table::table;
use crate::quant::convert::Report as Converted;
use serde::Serialize;
use std::fmt::Write;

/// Operations further apart than this are listed for people; JSON has all.
const SHOWN_FROM: f64 = 1.0 + ROUNDING;
/// Distances are taken in float32: a difference of one step may come out a little larger.
const ROUNDING: f64 = 1e-3;
/// Rows of operations that people read.
const MAX_ROWS: usize = 30;

/// A quantisation.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The chip.
    pub march: String,
    /// Where the calibration data came from.
    pub data: String,
    /// Samples the observers saw.
    pub calibrated_on: u64,
    /// Samples the results below are of; 0 when nothing was evaluated.
    pub evaluated_on: u64,
    /// The three stages.
    pub stages: Vec<Stage>,
    /// Every integer operation against its fake-quant one, on the same inputs.
    pub operations: Vec<Operation>,
    /// Operations that stay in float, by operator.
    pub float_operations: Vec<String>,
    /// Their share, 0 to 1.
    pub float_share: Option<f64>,
}

/// One of float, fake-quant, fixed-point.
#[derive(Debug, Serialize)]
pub struct Stage {
    /// `float`, `fake-quant`, `fixed-point`.
    pub name: &'static str,
    /// Its file.
    pub file: String,
    /// Top-1 accuracy, where labels are known.
    pub accuracy: Option<Accuracy>,
    /// Root mean square of the outputs' differences from float, over that of float's outputs.
    #[serde(serialize_with = "json::optional")]
    pub relative_rms: Option<f64>,
}

/// One operation.
#[derive(Debug, Serialize)]
pub struct Operation {
    /// Module path or operator.
    pub name: String,
    /// Largest difference in steps of the output's scale.
    #[serde(serialize_with = "json::number")]
    pub steps: f64,
}

impl Report {
    /// Takes over what conversion says of float operations.
    pub fn float_of(&mut self, converted: &Converted) {
        self.float_operations = converted.float_ops().map(|s| s.op.clone()).collect();
        self.float_share = converted.float_share();
    }

    /// Whether no operation differs by more than one step of its output.
    pub fn is_close(&self) -> bool {
        self.operations.iter().all(|o| o.steps <= SHOWN_FROM)
    }

    /// Stages, operations that differ, operations in float.
    pub fn text(&self, converted: &Converted) -> String {
        let rows: Vec<Vec<String>> = self.stages.iter().map(stage_row).collect();
        let headings = ["stage", "accuracy", "relative RMS error", "file"];
        let mut out = table(&headings, &rows, &[1, 2]);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "\n{}, calibrated on {} samples ({})",
            self.march, self.calibrated_on, self.data
        );
        out += &self.operations_text();
        out += &float_text(converted);
        out
    }

    fn operations_text(&self) -> String {
        let mut out = String::new();
        let total = self.operations.len();
        if total == 0 {
            return out;
        }
        let largest = self.operations.iter().map(|o| o.steps).fold(0.0, f64::max);
        let _ = writeln!(
            out,
            "\nfixed-point against fake-quant, same inputs: {total} operations, largest difference {largest:.3} output steps"
        );
        let far: Vec<&Operation> = (self.operations.iter())
            .filter(|o| o.steps.is_nan() || o.steps > SHOWN_FROM)
            .collect();
        if far.is_empty() {
            return out;
        }
        let row = |o: &&Operation| vec![o.name.clone(), format!("{:.3}", o.steps)];
        let rows: Vec<Vec<String>> = far.iter().take(MAX_ROWS).map(row).collect();
        out += &table(&["more than one step apart", "steps"], &rows, &[1]);
        let hidden = far.len().saturating_sub(MAX_ROWS);
        if hidden > 0 {
            let _ = writeln!(out, "… and {hidden} more (--format json lists all)");
        }
        out
    }
}

fn stage_row(stage: &Stage) -> Vec<String> {
    let accuracy = stage.accuracy.as_ref().map_or_else(
        || "-".to_owned(),
        |a| format!("{:.2} % ({}/{})", a.top1 * 100.0, a.correct, a.total),
    );
    let rms = stage
        .relative_rms
        .map_or_else(|| "-".to_owned(), |r| format!("{r:.4}"));
    vec![stage.name.to_owned(), accuracy, rms, stage.file.clone()]
}
