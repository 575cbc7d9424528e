//! The common cases, without a file.

use super::error::QConfigError;
use super::march::{March, QDType};
use super::rule::{Overlay, Part, Patch, Rule};
use super::{QConfig, RoundMode};
use crate::quant::observer::{ObserverSpec, ObserverValue};

/// What flags of the command line say; they go before the file's `global` and its top-level keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    /// `--march`
    pub march: Option<March>,
    /// `--round-mode`
    pub round_mode: Option<RoundMode>,
    /// `--observer`, a key of [`ObserverSpec::KEYS`] for activations.
    pub observer: Option<String>,
    /// `--weight-observer`
    pub weight_observer: Option<String>,
    /// `--averaging-constant` of activations.
    pub averaging_constant: Option<f64>,
    /// `--activation-dtype`
    pub activation_dtype: Option<QDType>,
    /// `--no-high-precision-output` is `Some(false)`.
    pub high_precision_output: Option<bool>,
}

impl Flags {
    /// Puts the flags over what a file says; the march comes before.
    pub(super) fn apply(&self, qconfig: &mut QConfig) -> Result<(), QConfigError> {
        if let Some(mode) = self.round_mode {
            qconfig.round_mode = mode;
        }
        if let Some(high) = self.high_precision_output {
            qconfig.high_precision_output = high;
        }
        let activation = Patch {
            dtype: self.activation_dtype,
            observer: named(self.observer.as_deref(), "--observer")?,
            averaging_constant: self.averaging_constant,
            ..Patch::default()
        };
        let weight = Patch {
            observer: named(self.weight_observer.as_deref(), "--weight-observer")?,
            ..Patch::default()
        };
        self.check(qconfig.march, &activation, &weight)?;
        if activation != Patch::default() {
            let overlay = overlay(&mut qconfig.global, "--observer")?;
            let under = match overlay.activation.take() {
                Some(Part::On(under)) => under,
                _ => Patch::default(),
            };
            overlay.activation = Some(Part::On(activation.over(under)));
        }
        if weight != Patch::default() {
            let overlay = overlay(&mut qconfig.global, "--weight-observer")?;
            let under = overlay.weight.take().unwrap_or_default();
            overlay.weight = Some(weight.over(under));
        }
        Ok(())
    }

    fn check(&self, march: March, activation: &Patch, weight: &Patch) -> Result<(), QConfigError> {
        if activation.dtype == Some(QDType::Qint16) && !march.has_int16() {
            return Err(flag(
                "--activation-dtype",
                format!(
                    "march {march} has no qint16 activations; use qint8, or a march such as bayes"
                ),
            ));
        }
        if let Some(constant) = self.averaging_constant {
            let set =
                ObserverSpec::default().set("averaging_constant", ObserverValue::Float(constant));
            set.map_err(|message| flag("--averaging-constant", message))?;
        }
        if let Some(observer) = weight.observer.filter(|it| !it.has_channels()) {
            let key = observer.key();
            let message = format!(
                "observer `{key}` works per tensor, weights are quantised per channel; set \
                 `weight = {{ observer = \"{key}\", ch_axis = -1 }}` in a qconfig file if that is meant"
            );
            return Err(flag("--weight-observer", message));
        }
        Ok(())
    }
}

impl Patch {
    /// This patch, and where it says nothing, another. An observer named here replaces that one's averaging constant.
    fn over(self, under: Patch) -> Patch {
        let constant = match self.observer {
            Some(_) => self.averaging_constant,
            None => self.averaging_constant.or(under.averaging_constant),
        };
        Patch {
            dtype: self.dtype.or(under.dtype),
            ch_axis: self.ch_axis.or(under.ch_axis),
            observer: self.observer.or(under.observer),
            averaging_constant: constant,
            saturate: self.saturate.or(under.saturate),
        }
    }
}

fn overlay<'q>(global: &'q mut Rule, key: &str) -> Result<&'q mut Overlay, QConfigError> {
    match global {
        Rule::Quantised(overlay) => Ok(overlay),
        Rule::Float => Err(flag(
            key,
            "the qconfig file says `global = false`; drop one of the two".to_owned(),
        )),
    }
}

fn named(key: Option<&str>, name: &str) -> Result<Option<ObserverSpec>, QConfigError> {
    let Some(key) = key else { return Ok(None) };
    match ObserverSpec::named(key) {
        Some(ObserverSpec {
            kind: crate::quant::observer::ObserverKind::FixedScale { .. },
            ..
        }) => Err(flag(
            name,
            "`fixed_scale` needs a scale for each module; give it in a qconfig file".to_owned(),
        )),
        Some(spec) => Ok(Some(spec)),
        None => Err(flag(
            name,
            format!(
                "`{key}` is no observer, expected one of {}",
                ObserverSpec::KEYS.join(", ")
            ),
        )),
    }
}

fn flag(key: &str, message: String) -> QConfigError {
    QConfigError::Key {
        place: "the command line".to_owned(),
        key: key.to_owned(),
        message,
    }
}
