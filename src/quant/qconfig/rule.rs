//! One level of a qconfig: what it says, and what it leaves to the level below.

use super::march::QDType;
use super::spec::{FakeQuantSpec, Resolved};
use crate::quant::observer::ObserverSpec;

/// What one key of a qconfig says about the modules it names.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// `false`: not quantised.
    Float,
    /// Quantised; what is not said is as the level below says.
    Quantised(Overlay),
}

/// The parts that a rule says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay {
    /// The output.
    pub activation: Option<Part>,
    /// The weights.
    pub weight: Option<Patch>,
    /// The inputs.
    pub input: Option<Vec<Part>>,
}

/// What a rule says about one activation.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// `false`: not quantised; an output then keeps its high precision.
    Off,
    /// Quantised so.
    On(Patch),
}

/// Fields of a [`FakeQuantSpec`] that are said. An observer that is said replaces the one below with its parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// The integers' type.
    pub dtype: Option<QDType>,
    /// The channel axis.
    pub ch_axis: Option<i64>,
    /// The observer.
    pub observer: Option<ObserverSpec>,
    /// `averaging_constant`, for the observer beside it or below.
    pub averaging_constant: Option<f64>,
    /// Gradient saturation.
    pub saturate: Option<bool>,
}

impl Patch {
    pub(super) fn apply(&self, spec: &mut FakeQuantSpec) {
        let Patch {
            dtype,
            ch_axis,
            observer,
            averaging_constant,
            saturate,
        } = self;
        spec.dtype = dtype.unwrap_or(spec.dtype);
        spec.ch_axis = ch_axis.unwrap_or(spec.ch_axis);
        if let Some(observer) = observer {
            spec.observer = *observer;
            (spec.says_observer, spec.says_average) = (true, false);
        }
        if let Some(constant) = averaging_constant {
            spec.observer.averaging_constant = *constant;
            spec.says_average = true;
        }
        spec.saturate = saturate.unwrap_or(spec.saturate);
    }
}

impl Rule {
    /// The qconfig of a module, given that of the level below.
    pub(super) fn apply(&self, below: Option<Resolved>) -> Option<Resolved> {
        let Rule::Quantised(overlay) = self else {
            return None;
        };
        let mut resolved = below.unwrap_or_default();
        if let Some(part) = &overlay.activation {
            resolved.activation = part.apply(resolved.activation);
        }
        if let Some(patch) = &overlay.weight {
            patch.apply(&mut resolved.weight);
        }
        if let Some(parts) = &overlay.input {
            resolved.input = parts.iter().map(|part| part.apply(None)).collect();
        }
        Some(resolved)
    }

    /// Whether it says something about the activation.
    pub(super) fn names_activation(&self) -> bool {
        match self {
            Rule::Float => false,
            Rule::Quantised(overlay) => overlay.activation.is_some(),
        }
    }
}

impl Part {
    fn apply(&self, below: Option<FakeQuantSpec>) -> Option<FakeQuantSpec> {
        match self {
            Part::Off => None,
            Part::On(patch) => {
                let mut spec = below.unwrap_or_else(FakeQuantSpec::activation);
                patch.apply(&mut spec);
                Some(spec)
            }
        }
    }
}
