//! The grid of integers that a quantised value lies on.

use super::error::ConvertError;
use super::lut::{Output, Rounding};
use super::read::Module;
use crate::bpu::dtype::QType;
use std::sync::Arc;

/// Type and scale of a quantised value; the zero point is always 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    pub(super) dtype: QType,
    /// One scale, or one per channel.
    pub(super) scales: Arc<[f32]>,
    /// Where the channels of several scales lie.
    pub(super) channels: Channels,
}

/// The axis of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channels {
    At(i64),
    /// The last dimension of a tensor of unknown rank.
    Last,
}

impl Grid {
    pub(super) fn new(dtype: QType, scale: f32) -> Grid {
        Grid {
            dtype,
            scales: [scale].into(),
            channels: Channels::At(1),
        }
    }

    /// The scale of a value that has one.
    pub(super) fn scale(&self) -> Option<f32> {
        match *self.scales {
            [scale] => Some(scale),
            _ => None,
        }
    }

    /// The axis that `dequantize` takes: channels of a per-channel scale; -1 means none there.
    pub(super) fn axis(&self) -> Channels {
        match self.scales.len() {
            1 => Channels::At(-1),
            _ => self.channels,
        }
    }

    /// What a table that gives such values needs to know.
    pub(super) fn output(&self, rounding: Rounding) -> Output {
        Output {
            scale: self.scales[0] as f64,
            range: self.dtype.limits(),
            rounding,
        }
    }
}

/// What one `FakeQuantize` says.
#[derive(Clone, Debug)]
pub(super) struct FakeQuant {
    pub(super) grid: Grid,
    pub(super) march: String,
    pub(super) round_mode: String,
}

impl FakeQuant {
    /// Reads a `FakeQuantize` module.
    pub(super) fn read(module: &Module) -> Result<FakeQuant, ConvertError> {
        let dtype = module.str("dtype")?;
        let dtype = dtype
            .parse()
            .map_err(|error| module.refuse(format!("{error}")))?;
        let scale = module.some_floats("scale")?.values;
        if let Some(&wrong) = scale.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
            return Err(ConvertError::Scale {
                path: module.path.to_string(),
                scale: wrong,
            });
        }
        check_calibrated(module, &scale)?;
        Ok(FakeQuant {
            grid: Grid {
                dtype,
                scales: scale.into(),
                channels: Channels::At(1),
            },
            march: module.str("march")?.to_owned(),
            round_mode: module.str("round_mode")?.to_owned(),
        })
    }

    /// The quantiser of a module's output; none for a high-precision output.
    pub(super) fn of_output(module: &Module) -> Result<Option<FakeQuant>, ConvertError> {
        let child = module.child("activation_post_process");
        child.map(|it| FakeQuant::read(&it)).transpose()
    }

    /// The quantiser of a module's output, which must have one.
    pub(super) fn of_some_output(module: &Module) -> Result<FakeQuant, ConvertError> {
        FakeQuant::read(&module.part("activation_post_process")?)
    }

    pub(super) fn rounding(&self) -> Rounding {
        match self.round_mode.as_str() {
            "bpu_round" => Rounding::HalfUp,
            _ => Rounding::HalfToEven,
        }
    }
}

/// All scales 1 and an observer that saw nothing: the plugin warns, here nothing sensible would come out.
fn check_calibrated(module: &Module, scale: &[f32]) -> Result<(), ConvertError> {
    let Some(observer) = module.child("activation_post_process") else {
        return Ok(());
    };
    let is_fixed = observer.plain_class().ends_with(".FixedScaleObserver");
    let seen = observer.tensor("min_val")?.is_some_and(|v| v.numel() > 0);
    if is_fixed || seen || scale.iter().any(|s| *s != 1.0) {
        return Ok(());
    }
    Err(ConvertError::NotCalibrated {
        path: module.path.to_string(),
    })
}
