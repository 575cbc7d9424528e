//! Which tensors are quantised, to what, with which observer (horizon.md 7).
//!
//! A qconfig is a TOML file. Every key may be left out.
//!
//! ```toml
//! march = "bayes"                 # or "bernoulli2", …
//! round_mode = "half_to_even"     # or "bpu_round"
//! high_precision_output = true    # the last conv or linear keeps its accumulator's precision
//!
//! [global]
//! activation = { dtype = "qint8", observer = "mse", averaging_constant = 0.01 }
//! weight = { observer = "min_max", ch_axis = 0 }
//!
//! [module_type."torch.nn.Linear"]
//! activation = { dtype = "qint16" }
//!
//! [module_name."backbone.layer1"]
//! activation = { observer = "percentile", percentile = 99.99, bins = 4096 }
//!
//! [module_name]
//! "quant" = { activation = { observer = "fixed_scale", scale = 0.0078125 } }
//! "head.conv" = { activation = false }    # high-precision output
//! "post" = false                          # stays in float
//! ```
//!
//! `module_name` goes before `module_type` before `global`, and a module takes what its parent has; a table says only
//! what differs from the level below. Without a word, activations are qint8 per tensor with the `mse` observer, as in
//! the plugin's calibration qconfig, because calibration comes before anything else here; weights are qint8 per output
//! channel with `min_max`.

mod error;
mod flags;
mod march;
mod read;
mod resolve;
mod rule;
mod spec;

pub use error::QConfigError;
pub use flags::Flags;
pub use march::{March, QDType, RoundMode};
pub use resolve::{Resolver, UnusedKey};
pub use rule::{Overlay, Part, Patch, Rule};
pub use spec::{FakeQuantSpec, Resolved};

use std::path::Path;

/// A qconfig: what holds for all modules, for those of a class, and for single ones.
#[derive(Clone, Debug, PartialEq)]
pub struct QConfig {
    /// The chip.
    pub march: March,
    /// How quantising rounds.
    pub round_mode: RoundMode,
    /// Whether a conv or linear that makes an output of the model keeps its accumulator's precision.
    pub high_precision_output: bool,
    global: Rule,
    module_type: Vec<Named>,
    module_name: Vec<Named>,
}

/// A rule and the key it stands under.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    key: String,
    /// `FILE:LINE`, for messages.
    place: String,
    rule: Rule,
}

impl QConfig {
    /// The defaults for a march.
    pub fn new(march: March) -> QConfig {
        QConfig {
            march,
            round_mode: RoundMode::default(),
            high_precision_output: true,
            global: Rule::Quantised(Overlay::default()),
            module_type: Vec::new(),
            module_name: Vec::new(),
        }
    }

    /// Reads a TOML file; flags go before what it says about all modules.
    pub fn read(path: &Path, flags: &Flags) -> Result<QConfig, QConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| QConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        QConfig::parse(&text, &path.display().to_string(), flags)
    }

    /// Reads TOML text; `file` names it in messages.
    pub fn parse(text: &str, file: &str, flags: &Flags) -> Result<QConfig, QConfigError> {
        read::read(text, file, flags)
    }

    /// What flags alone say.
    pub fn from_flags(flags: &Flags) -> Result<QConfig, QConfigError> {
        read::read("", "the command line", flags)
    }

    /// Resolves the modules of a model.
    pub fn resolver(&self) -> Resolver<'_> {
        Resolver::new(self)
    }
}
