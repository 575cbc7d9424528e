//! Observers: from the values of a tensor to its scale (horizon.md 6).
//!
//! An [`Observer`] sees batches one after the other, keeps a minimum and a maximum for the tensor or for each channel,
//! and makes the scale of them. It holds no batch; its state serialises.

mod candidates;
mod channels;
mod error;
mod histogram;
mod kl;
mod moments;
mod percentile;
mod range;
mod rounding;
mod scale;
mod search;
mod spec;
mod squared_error;
mod steps;
mod update;
mod weights;

pub use error::ObserverError;
pub use rounding::Grid;
pub use spec::{ObserverKind, ObserverSpec, ObserverValue};

use kl::KlState;
use serde::{Deserialize, Serialize};
use steps::Steps;

/// Finds the scale of one tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observer {
    spec: ObserverSpec,
    grid: Grid,
    /// The axis with a scale each, if there is one.
    ch_axis: Option<usize>,
    /// Empty until something was observed; one item, or one for each channel.
    min_val: Vec<f32>,
    max_val: Vec<f32>,
    /// The range holds that of every batch, instead of their moving average.
    keeps_widest: bool,
    /// The step that all values have in common, where that matters.
    steps: Option<Steps>,
    kl: KlState,
}

/// What an observer found.
#[derive(Clone, Debug, PartialEq)]
pub struct QParams {
    /// One scale, or one for each channel; 1 while nothing was observed.
    pub scale: Vec<f32>,
    /// The least value, as the observer's algorithm sees it; empty while nothing was observed and for a fixed scale.
    pub min_val: Vec<f32>,
    /// The greatest value, likewise.
    pub max_val: Vec<f32>,
}

impl Observer {
    /// An observer that has seen nothing. `ch_axis` below 0 is per tensor.
    pub fn new(spec: ObserverSpec, grid: Grid, ch_axis: i64) -> Result<Observer, ObserverError> {
        let ch_axis = usize::try_from(ch_axis).ok();
        if ch_axis.is_some() && !spec.has_channels() {
            return Err(ObserverError::PerTensorOnly { key: spec.key() });
        }
        Ok(Observer {
            spec,
            grid,
            ch_axis,
            min_val: Vec::new(),
            max_val: Vec::new(),
            keeps_widest: false,
            steps: None,
            kl: KlState::default(),
        })
    }

    /// Which observer it is.
    pub fn spec(&self) -> &ObserverSpec {
        &self.spec
    }

    /// From now on the range holds the ranges of all batches, instead of their moving average: with the few batches
    /// of a calibration the average cuts what most of them had.
    pub fn keep_widest(&mut self) {
        self.keeps_widest = true;
    }

    /// From now on values that are multiples of one step get a scale that represents them all without error, if there
    /// is one near that of their extremes. Observers that are told how much to cut off, and scales of channels, stay
    /// as they are.
    pub fn keep_steps(&mut self) {
        use ObserverKind::{MinMax, Mix, Mse, RunningMinMax};
        let is_free = matches!(self.spec.kind, MinMax | RunningMinMax | Mse { .. } | Mix);
        if is_free && self.ch_axis.is_none() && !self.has_observed() {
            self.steps = Some(Steps::new());
        }
    }

    /// Takes a batch in: `x` row-major of `shape`. An empty batch changes nothing.
    pub fn observe(&mut self, x: &[f32], shape: &[i64]) -> Result<(), ObserverError> {
        let channels = channels::split(shape, self.ch_axis, x.len())?;
        if x.is_empty() || matches!(self.spec.kind, ObserverKind::FixedScale { .. }) {
            return Ok(());
        }
        if self.ch_axis.is_some()
            && !self.min_val.is_empty()
            && self.min_val.len() != channels.count
        {
            return Err(ObserverError::Channels {
                expected: self.min_val.len(),
                found: channels.count,
            });
        }
        let ranges = channels
            .ranges(x)
            .ok_or_else(|| error::not_finite(x, shape))?;
        if let Some(steps) = &mut self.steps {
            steps.see(x, ranges[0]);
        }
        self.update(x, &channels, ranges)
    }

    /// Takes in what another observer of the same tensor saw, as if this one had seen it: only extremes of everything
    /// seen add up like that.
    pub fn merge(&mut self, other: &Observer) -> Result<(), ObserverError> {
        let same =
            self.spec == other.spec && self.grid == other.grid && self.ch_axis == other.ch_axis;
        let lengths = [self.min_val.len(), other.min_val.len()];
        if !same || (!lengths.contains(&0) && lengths[0] != lengths[1]) {
            return Err(ObserverError::MergeOther);
        }
        match self.spec.kind {
            ObserverKind::FixedScale { .. } => {}
            ObserverKind::RunningMinMax => {
                let ranges = other.min_val.iter().zip(&other.max_val);
                self.widen(
                    ranges
                        .map(|(min, max)| range::Range {
                            min: *min,
                            max: *max,
                        })
                        .collect(),
                );
                match (&mut self.steps, &other.steps) {
                    (Some(steps), Some(other)) => steps.merge(other),
                    _ => self.steps = None,
                }
            }
            _ => {
                return Err(ObserverError::Merge {
                    key: self.spec.key(),
                });
            }
        }
        Ok(())
    }

    /// Whether there is something to make a scale of.
    pub fn has_observed(&self) -> bool {
        !self.min_val.is_empty() || matches!(self.spec.kind, ObserverKind::FixedScale { .. })
    }

    /// The scale and the range it was made of (horizon.md 6.1).
    pub fn qparams(&self) -> QParams {
        if let ObserverKind::FixedScale { scale, .. } = self.spec.kind {
            return QParams {
                scale: vec![scale],
                min_val: Vec::new(),
                max_val: Vec::new(),
            };
        }
        if let Some(found) = self.steps.as_ref().and_then(|it| it.qparams(&self.grid)) {
            return found;
        }
        let ranges = self.min_val.iter().zip(&self.max_val);
        let mut scale: Vec<f32> = ranges
            .map(|(min, max)| self.grid.scale(*min, *max))
            .collect();
        if scale.is_empty() {
            scale.push(1.0);
        }
        QParams {
            scale,
            min_val: self.min_val.clone(),
            max_val: self.max_val.clone(),
        }
    }
}
