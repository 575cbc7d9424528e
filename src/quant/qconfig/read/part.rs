//! What a rule says about one tensor.

use super::place::Item;
use crate::quant::observer::{ObserverKind, ObserverSpec, ObserverValue};
use crate::quant::qconfig::{March, Part, Patch, QConfigError, QDType};

/// Keys besides the observer's parameters.
const KEYS: [&str; 4] = ["dtype", "ch_axis", "observer", "saturate"];

/// `false`, or how an output is quantised.
pub(super) fn activation(item: &Item<'_>, march: March) -> Result<Part, QConfigError> {
    if let toml::de::DeValue::Boolean(false) = item.value() {
        return Ok(Part::Off);
    }
    let patch = patch(item, march, "`false` (high-precision output) or a table")?;
    Ok(Part::On(patch.read(item)?))
}

/// One input or a list of them.
pub(super) fn inputs(item: &Item<'_>, march: March) -> Result<Vec<Part>, QConfigError> {
    match item.array() {
        Some(items) => items.iter().map(|item| activation(item, march)).collect(),
        None => Ok(vec![activation(item, march)?]),
    }
}

/// How weights are quantised.
pub(super) fn weight(item: &Item<'_>, march: March) -> Result<Patch, QConfigError> {
    let mut reader = patch(item, march, "a table")?;
    reader.is_weight = true;
    reader.read(item)
}

fn patch<'t>(item: &Item<'t>, march: March, expected: &str) -> Result<Reader<'t>, QConfigError> {
    Ok(Reader {
        items: item.table(expected)?.all(),
        march,
        is_weight: false,
    })
}

struct Reader<'t> {
    items: Vec<Item<'t>>,
    march: March,
    is_weight: bool,
}

impl Reader<'_> {
    fn read(&self, whole: &Item<'_>) -> Result<Patch, QConfigError> {
        let mut patch = Patch {
            observer: self.observer()?,
            ..Patch::default()
        };
        for item in &self.items {
            match item.name.as_str() {
                "observer" => {}
                "dtype" => patch.dtype = Some(self.dtype(item)?),
                "ch_axis" => patch.ch_axis = Some(self.ch_axis(item)?),
                "saturate" => patch.saturate = Some(item.bool()?),
                name => self.parameter(item, name, &mut patch)?,
            }
        }
        self.check(whole, &patch)?;
        Ok(patch)
    }

    fn item(&self, name: &str) -> Option<&Item<'_>> {
        self.items.iter().find(|it| it.name == name)
    }

    fn observer(&self) -> Result<Option<ObserverSpec>, QConfigError> {
        let Some(item) = self.item("observer") else {
            return Ok(None);
        };
        let keys = || ObserverSpec::KEYS.join(", ");
        let key = item.str(&format!("one of {}", keys()))?;
        let spec = ObserverSpec::named(key).ok_or_else(|| {
            item.error(format!(
                "`{key}` is no observer, expected one of {}",
                keys()
            ))
        })?;
        Ok(Some(spec))
    }

    fn dtype(&self, item: &Item<'_>) -> Result<QDType, QConfigError> {
        let dtype = item.choice(&QDType::ALL, QDType::name)?;
        match dtype {
            QDType::Qint16 if self.is_weight => {
                Err(item.error("weights are qint8: Only support qint8 weight!".to_owned()))
            }
            QDType::Qint16 if !self.march.has_int16() => Err(item.error(format!(
                "march {} has no qint16 activations; use \"qint8\", or a march such as bayes",
                self.march
            ))),
            dtype => Ok(dtype),
        }
    }

    fn ch_axis(&self, item: &Item<'_>) -> Result<i64, QConfigError> {
        match (item.number()?, self.is_weight) {
            (ObserverValue::Int(axis @ (-1 | 0)), true) => Ok(axis),
            (ObserverValue::Int(-1), false) => Ok(-1),
            (_, true) => Err(item
                .error("must be 0 (a scale for each output channel) or -1 (one scale)".to_owned())),
            (_, false) => Err(item.error("must be -1: activations have one scale".to_owned())),
        }
    }

    /// A key that is none of ours is a parameter of the observer.
    fn parameter(
        &self,
        item: &Item<'_>,
        name: &str,
        patch: &mut Patch,
    ) -> Result<(), QConfigError> {
        let value = item.number()?;
        match (&mut patch.observer, name) {
            (Some(observer), _) => {
                let set = observer.set(name, value);
                set.map_err(|message| {
                    item.error(format!("{message}{}", self.also(name, observer)))
                })?;
                if name == "averaging_constant" {
                    patch.averaging_constant = Some(observer.averaging_constant);
                }
                Ok(())
            }
            (None, "averaging_constant") => {
                let mut any = ObserverSpec::default();
                any.set(name, value)
                    .map_err(|message| item.error(message))?;
                patch.averaging_constant = Some(any.averaging_constant);
                Ok(())
            }
            (None, _) => Err(item.error(format!(
                "is a parameter of an observer, or no key at all; name the `observer` beside it; \
                 the other keys are {}, averaging_constant",
                KEYS.join(", ")
            ))),
        }
    }

    fn also(&self, name: &str, observer: &ObserverSpec) -> String {
        let known = observer.parameters().iter().any(|(it, _)| *it == name);
        match known || name == "averaging_constant" {
            true => String::new(),
            false => format!("; the other keys are {}", KEYS.join(", ")),
        }
    }

    fn check(&self, whole: &Item<'_>, patch: &Patch) -> Result<(), QConfigError> {
        let Some(observer) = &patch.observer else {
            return Ok(());
        };
        let at = self.item("observer").unwrap_or(whole);
        observer.check().map_err(|message| at.error(message))?;
        let per_channel = self.is_weight && patch.ch_axis.unwrap_or(0) >= 0;
        if per_channel && !observer.has_channels() {
            return Err(at.error(format!(
                "observer `{}` works per tensor, weights are quantised per channel; add `ch_axis = -1` \
                 for one scale",
                observer.key()
            )));
        }
        let ObserverKind::FixedScale { scale, .. } = observer.kind else {
            return Ok(());
        };
        if self.item("scale").is_none() {
            return Err(at.error("`fixed_scale` needs a `scale`".to_owned()));
        }
        let is_power = scale.log2().fract() == 0.0;
        match self.march.has_power_of_two_scales() && !is_power {
            true => Err(self.item("scale").unwrap_or(at).error(format!(
                "march {} has scales that are powers of two, {scale} is none",
                self.march
            ))),
            false => Ok(()),
        }
    }
}
