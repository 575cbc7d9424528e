//! From data to scales: fills the observers of a fake-quant file (horizon.md 6.5, state CALIBRATION).
//!
//! The file's `forward` runs with fake quantisation off, so that what a FakeQuantize returns is what it received;
//! that is what its observer sees. Weights are observed as they lie in the file. The result is the same file with
//! other bytes in the buffers `scale`, `zero_point`, `min_val` and `max_val`, and in the state VALIDATION.

mod error;
mod find;
mod tap;
mod write;

pub use error::CalibrateError;
pub use tap::ObserverTap;

use crate::archive::Plan;
use crate::archive::pickle::TensorId;
use crate::model::Model;
use crate::quant::observer::{Observer, QParams};
use rustc_hash::{FxHashMap, FxHashSet};

/// The method that switches a fake-quant file's state, and the state without fake quantisation and observers.
pub const SET_STATE: (&str, &str) = ("set_fake_quantize", "float");

/// The observers of a fake-quant file.
#[derive(Debug)]
pub struct Calibration<'m> {
    model: &'m Model,
    points: Vec<Point>,
    /// Paths of a FakeQuantize, which may be shared, to its point.
    by_path: FxHashMap<String, usize>,
}

/// One FakeQuantize.
#[derive(Debug)]
pub struct Point {
    /// Its first path, such as `conv.activation_post_process`.
    pub path: String,
    /// The observer, with what it has seen.
    pub observer: Observer,
    /// `qint8` or `qint16`.
    pub dtype: String,
    /// The weight that it quantises; `None` for activations.
    pub weight: Option<TensorId>,
    /// How often it was called.
    pub calls: u64,
    buffers: find::Buffers,
}

/// What is changed of what the file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// `averaging_constant` of every activation's observer.
    pub averaging_constant: Option<f64>,
    /// Ranges are those of the least error; without it, they are what the observers of the file find.
    pub fits: Option<Fit>,
}

/// Ranges of the least error: those of activations hold the ranges of all batches instead of their moving average,
/// and the steps of values that have some; those of weights that `min_max` observes keep sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// Modules whose activation is averaged with a constant that the user gave.
    pub averaged: FxHashSet<String>,
    /// Modules whose weight has an observer that the user gave.
    pub observed: FxHashSet<String>,
}

impl<'m> Calibration<'m> {
    /// Finds the observers of a file and shows the weights to theirs.
    pub fn new(model: &'m Model, options: &Options) -> Result<Calibration<'m>, CalibrateError> {
        let (points, by_path) = find::points(model, options)?;
        let mut calibration = Calibration {
            model,
            points,
            by_path,
        };
        calibration.observe_weights(options.fits.as_ref())?;
        Ok(calibration)
    }

    /// Every FakeQuantize, in the order of the file.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// FakeQuantizes that saw nothing: their scale stays 1.
    pub fn unobserved(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|it| !it.observer.has_observed())
    }

    /// A tap that shows a run of the model, with fake quantisation off, to the observers.
    pub fn tap(&mut self) -> ObserverTap<'_> {
        ObserverTap::new(&mut self.points, &self.by_path)
    }

    /// The calibrated file: the model's own, with other bytes where a scale was found.
    pub fn plan(&self) -> Result<Plan<'m>, CalibrateError> {
        write::plan(self.model, &self.points)
    }

    fn observe_weights(&mut self, fit: Option<&Fit>) -> Result<(), CalibrateError> {
        let model = self.model;
        let data = model.archive.data()?;
        for point in &mut self.points {
            let Some(weight) = point.weight else { continue };
            let what = |message: String| CalibrateError::Weight {
                path: point.path.clone(),
                message,
            };
            let view = data.view(weight)?;
            let view = view.ok_or_else(|| what("has no data".to_owned()))?;
            if view.dtype() != crate::tensor::DType::F32 {
                return Err(what(format!("is {}, expected float32", view.dtype())));
            }
            let bytes = view.contiguous().map_err(|e| what(e.to_string()))?;
            let values: Vec<f32> = tap::floats(&bytes).collect();
            // An observer that searches every few batches sees the same weight in each of them.
            for _ in 0..point.observer.spec().update_interval() {
                let observed = point.observer.observe(&values, view.sizes());
                observed.map_err(|e| what(e.to_string()))?;
            }
            if fit.is_some_and(|it| !it.observed.contains(point.module())) {
                let fitted = point.observer.fit_weight(&values, view.sizes());
                fitted.map_err(|e| what(e.to_string()))?;
            }
            point.calls = 1;
        }
        Ok(())
    }
}

impl Point {
    /// The path of the module that it belongs to.
    fn module(&self) -> &str {
        module(&self.path)
    }

    /// The scale and range found so far.
    pub fn qparams(&self) -> QParams {
        self.observer.qparams()
    }
}

/// `conv` of `conv.activation_post_process`.
fn module(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(module, _)| module)
}
