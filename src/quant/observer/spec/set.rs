//! Setting parameters by name, with their limits.

use super::{ObserverKind, ObserverSpec, ObserverValue};

/// Bins of a histogram at most: the percentile of 2^24 bins is as fine as float32 is.
const MAX_BINS: i64 = 1 << 24;
/// The least number of bins of `kl` (horizon.md 6.2).
const MIN_KL_BINS: i64 = 256;
/// Bins of `kl` at most: its search takes quadratic time.
const MAX_KL_BINS: i64 = 1 << 14;
/// Candidates of `mse` (horizon.md 6.2).
const MSE_CANDIDATES: i64 = 95;

impl ObserverSpec {
    /// Sets a parameter. The error says what is wrong with it, without naming it.
    pub fn set(&mut self, name: &str, value: ObserverValue) -> Result<(), String> {
        use ObserverKind::*;
        if name == "averaging_constant" && self.kind != RunningMinMax {
            self.averaging_constant = float(value, 0.0, 1.0)?;
            return Ok(());
        }
        match (&mut self.kind, name) {
            (Percentile { percentile, .. }, "percentile") => {
                *percentile = float(value, 0.0, 100.0)?;
            }
            (Percentile { bins, .. }, "bins") => *bins = int(value, 1, MAX_BINS)?,
            (Mse { stride }, "stride") => *stride = int(value, 1, MSE_CANDIDATES)?,
            (Kl { bins, .. }, "bins") => *bins = int(value, MIN_KL_BINS, MAX_KL_BINS)?,
            (
                Kl {
                    update_interval, ..
                },
                "update_interval",
            ) => *update_interval = int(value, 1, i64::from(u32::MAX))?,
            (FixedScale { scale, .. }, "scale") => *scale = positive(value)? as f32,
            (FixedScale { zero_point, .. }, "zero_point") => {
                let _: u32 = int(value, 0, 0)?;
                *zero_point = 0;
            }
            (Clip { xmin, .. }, "xmin") => *xmin = finite(value)? as f32,
            (Clip { xmax, .. }, "xmax") => *xmax = finite(value)? as f32,
            (ClipStd { std_scale }, "std_scale") => *std_scale = positive(value)?,
            _ => return Err(self.unknown()),
        }
        Ok(())
    }

    /// What only holds for the parameters together.
    pub fn check(&self) -> Result<(), String> {
        match self.kind {
            ObserverKind::Clip { xmin, xmax } if xmin > xmax => {
                Err(format!("xmin {xmin} is greater than xmax {xmax}"))
            }
            _ => Ok(()),
        }
    }

    /// The observer of an object: its class, and its attributes by name. Missing attributes have their defaults.
    pub fn from_attributes(
        class: &str,
        get: &dyn Fn(&str) -> Option<ObserverValue>,
    ) -> Result<ObserverSpec, String> {
        let class = class.strip_prefix("__torch__.").unwrap_or(class);
        let parts: Vec<&str> = class
            .split('.')
            .filter(|part| !part.starts_with("___torch_mangle_"))
            .collect();
        let spec = parts
            .strip_prefix(&["horizon_plugin_pytorch", "quantization"])
            .and_then(named_class);
        let mut spec = spec.ok_or_else(|| format!("`{class}` is no observer that is known"))?;
        let names = spec.parameters().into_iter().map(|(name, _)| name);
        for name in names.chain(["averaging_constant"]) {
            if let Some(value) = get(name).filter(|_| spec.has(name)) {
                let set = spec.set(name, value);
                set.map_err(|message| format!("`{name}` {message}"))?;
            }
        }
        spec.check()?;
        Ok(spec)
    }

    fn has(&self, name: &str) -> bool {
        match name {
            "averaging_constant" => self.kind != ObserverKind::RunningMinMax,
            _ => self.parameters().iter().any(|(it, _)| *it == name),
        }
    }

    fn unknown(&self) -> String {
        let names: Vec<_> = self
            .parameters()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let mut list = names.join(", ");
        if self.kind != ObserverKind::RunningMinMax {
            list = match list.is_empty() {
                true => "averaging_constant".to_owned(),
                false => format!("averaging_constant, {list}"),
            };
        }
        match list.is_empty() {
            true => format!("observer `{}` has no parameters", self.key()),
            false => format!("observer `{}` has the parameters {list}", self.key()),
        }
    }
}

/// The observer of a class, by module and name (horizon.md 6.2 and 6.4).
fn named_class(path: &[&str]) -> Option<ObserverSpec> {
    let key = match path {
        ["observer_v2", class] => match *class {
            "MinMaxObserver" => "min_max",
            "PercentileObserver" => "percentile",
            "MSEObserver" => "mse",
            "KLObserver" => "kl",
            "MixObserver" => "mix",
            "FixedScaleObserver" => "fixed_scale",
            "ClipObserver" => "clip",
            "ClipStdObserver" => "clip_std",
            _ => return None,
        },
        ["observer", class] => match *class {
            "MinMaxObserver" | "PerChannelMinMaxObserver" => "running_min_max",
            "MovingAverageMinMaxObserver" | "MovingAveragePerChannelMinMaxObserver" => "min_max",
            "FixedScaleObserver" => "fixed_scale",
            "ClipObserver" => "clip",
            _ => return None,
        },
        _ => return None,
    };
    ObserverSpec::named(key)
}

fn int(value: ObserverValue, min: i64, max: i64) -> Result<u32, String> {
    let expected = match min == max {
        true => format!("must be {min}"),
        false => format!("must be an integer from {min} to {max}"),
    };
    match value {
        ObserverValue::Int(n) if (min..=max).contains(&n) => u32::try_from(n).map_err(|_| expected),
        ObserverValue::Int(n) => Err(format!("{expected}, it is {n}")),
        ObserverValue::Float(x) => Err(format!("{expected}, it is {x}")),
    }
}

fn number(value: ObserverValue) -> f64 {
    match value {
        ObserverValue::Int(n) => n as f64,
        ObserverValue::Float(x) => x,
    }
}

fn float(value: ObserverValue, min: f64, max: f64) -> Result<f64, String> {
    let x = number(value);
    match (min..=max).contains(&x) {
        true => Ok(x),
        false => Err(format!("must be from {min} to {max}, it is {x}")),
    }
}

/// A number that float32 holds.
fn finite(value: ObserverValue) -> Result<f64, String> {
    let x = number(value);
    match (x as f32).is_finite() {
        true => Ok(x),
        false => Err(format!("must be a finite float32, it is {x}")),
    }
}

fn positive(value: ObserverValue) -> Result<f64, String> {
    let x = finite(value)?;
    match x as f32 > 0.0 {
        true => Ok(x),
        false => Err(format!("must be greater than 0, it is {x}")),
    }
}
