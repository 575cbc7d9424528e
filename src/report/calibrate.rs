//! What `ptool calibrate` tells.

use super::run::Accuracy;
use super::table;
use crate::inputs::data::Data;
use crate::quant::calibrate::{Calibration, Point};
use serde::Serialize;

/// A calibration.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What the data was.
    pub data: String,
    /// Rows that were run.
    pub rows: u64,
    /// Batches that they were run in.
    pub batches: u64,
    /// Every FakeQuantize, in the order of the file.
    pub scales: Vec<Scale>,
    /// FakeQuantizes that saw nothing and keep the scale 1.
    pub unobserved: Vec<String>,
    /// Of the model in float, when there are labels.
    pub accuracy: Option<Accuracy>,
    /// The file.
    pub written: String,
}

/// One FakeQuantize.
#[derive(Debug, Serialize)]
pub struct Scale {
    /// Its path.
    pub name: String,
    /// `qint8` or `qint16`.
    pub dtype: String,
    /// The observer's key.
    pub observer: &'static str,
    /// How often it was called.
    pub calls: u64,
    /// One scale for each channel; a single one per tensor.
    pub channels: usize,
    /// The least scale.
    pub scale_min: f32,
    /// The greatest scale.
    pub scale_max: f32,
    /// The least value that is represented; none for fixed scales.
    pub min: Option<f32>,
    /// The greatest.
    pub max: Option<f32>,
}

impl Report {
    /// What the observers found.
    pub fn new(
        calibration: &Calibration<'_>,
        data: &Data<'_>,
        accuracy: Option<Accuracy>,
        written: String,
    ) -> Report {
        Report {
            data: data.describe(),
            rows: data.rows(),
            batches: data.batches(),
            scales: calibration.points().iter().map(scale).collect(),
            unobserved: calibration.unobserved().map(|it| it.path.clone()).collect(),
            accuracy,
            written,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let rows: Vec<Vec<String>> = self.scales.iter().map(row).collect();
        let headings = ["name", "dtype", "observer", "calls", "scale", "min", "max"];
        let mut text = table(&headings, &rows, &[3]);
        let (weights, activations) = (
            self.scales.iter().filter(|it| it.channels > 1).count(),
            self.scales.len(),
        );
        text += &format!(
            "\n{activations} scales, {weights} of them per channel, from {} rows in {} batches\n",
            self.rows, self.batches
        );
        for name in &self.unobserved {
            text += &format!(
                "warning: {name} has not collected any statistics of activations and its scale is 1, please check \
                 whether this is intended\n"
            );
        }
        if let Some(accuracy) = &self.accuracy {
            text += &format!(
                "top-1 accuracy in float: {:.2} % ({} of {})\n",
                accuracy.top1 * 100.0,
                accuracy.correct,
                accuracy.total
            );
        }
        text
    }
}

fn scale(point: &Point) -> Scale {
    let found = point.qparams();
    let least = |values: &[f32]| values.iter().copied().reduce(f32::min);
    let greatest = |values: &[f32]| values.iter().copied().reduce(f32::max);
    Scale {
        name: point.path.clone(),
        dtype: point.dtype.clone(),
        observer: point.observer.spec().key(),
        calls: point.calls,
        channels: found.scale.len(),
        scale_min: least(&found.scale).unwrap_or(1.0),
        scale_max: greatest(&found.scale).unwrap_or(1.0),
        min: least(&found.min_val),
        max: greatest(&found.max_val),
    }
}

fn row(scale: &Scale) -> Vec<String> {
    let number = |value: f32| format!("{value:.6}");
    let optional = |value: Option<f32>| value.map_or_else(|| "-".to_owned(), number);
    let scales = match scale.channels {
        1 => format!("{:.6e}", scale.scale_min),
        n => format!("{:.3e} to {:.3e} ({n})", scale.scale_min, scale.scale_max),
    };
    vec![
        scale.name.clone(),
        scale.dtype.clone(),
        scale.observer.to_owned(),
        scale.calls.to_string(),
        scales,
        optional(scale.min),
        optional(scale.max),
    ]
}
