//! What a qconfig says about one module.

use super::march::QDType;
use crate::quant::observer::ObserverSpec;

/// How one tensor is quantised.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeQuantSpec {
    /// The integers' type.
    pub dtype: QDType,
    /// The axis with a scale each, -1 for one scale.
    pub ch_axis: i64,
    /// What finds the scale.
    pub observer: ObserverSpec,
    /// Whether training gets no gradient outside of the range.
    pub saturate: bool,
    /// Whether `observer` was given, not taken from the defaults.
    pub says_observer: bool,
    /// Whether the observer's `averaging_constant` was given, even as what it is by default.
    pub says_average: bool,
}

impl FakeQuantSpec {
    /// The default of activations: qint8 per tensor, `mse`, as `default_calib_8bit_fake_quant_qconfig` (horizon.md 7.1).
    pub fn activation() -> FakeQuantSpec {
        FakeQuantSpec {
            dtype: QDType::Qint8,
            ch_axis: -1,
            observer: ObserverSpec::named("mse").unwrap_or_default(),
            saturate: true,
            says_observer: false,
            says_average: false,
        }
    }

    /// The default of weights: qint8 per output channel, `min_max` (horizon.md 7.1).
    pub fn weight() -> FakeQuantSpec {
        FakeQuantSpec {
            dtype: QDType::Qint8,
            ch_axis: 0,
            observer: ObserverSpec::default(),
            saturate: true,
            says_observer: false,
            says_average: false,
        }
    }

    /// The least integer.
    pub fn quant_min(&self) -> i64 {
        self.dtype.quant_min()
    }

    /// The greatest integer.
    pub fn quant_max(&self) -> i64 {
        self.dtype.quant_max()
    }
}

/// The effective qconfig of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// How the output is quantised; `None` asks for high-precision output.
    pub activation: Option<FakeQuantSpec>,
    /// How weights are quantised; always qint8.
    pub weight: FakeQuantSpec,
    /// How each input is quantised again; mostly empty.
    pub input: Vec<Option<FakeQuantSpec>>,
    /// Whether this module's own `module_name` entry says something about the activation, which
    /// `high_precision_output` then leaves alone.
    pub names_activation: bool,
}

impl Default for Resolved {
    fn default() -> Self {
        Resolved {
            activation: Some(FakeQuantSpec::activation()),
            weight: FakeQuantSpec::weight(),
            input: Vec::new(),
            names_activation: false,
        }
    }
}
