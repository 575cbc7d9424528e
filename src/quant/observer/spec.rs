//! Which observer, with which parameters.

mod set;

use serde::{Deserialize, Serialize};

/// An observer and its parameters, by the plugin's keys and defaults (horizon.md 6.2 and 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObserverSpec {
    /// What it does with a batch.
    pub kind: ObserverKind,
    /// `c` in `min ← min + c·(min_cur − min)`; 0 keeps the first batch's, 1 the last one's.
    pub averaging_constant: f64,
}

/// The batch statistic of an observer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ObserverKind {
    /// Minimum and maximum of a batch, moving average over batches.
    MinMax,
    /// Minimum and maximum of all batches: the first generation's `MinMaxObserver` and `PerChannelMinMaxObserver`.
    RunningMinMax,
    /// The range that holds a share of the values.
    Percentile {
        /// The share, in percent.
        percentile: f64,
        /// Bins of the histogram.
        bins: u32,
    },
    /// The range with the least squared error.
    Mse {
        /// Step between candidates, in hundredths of the range.
        stride: u32,
    },
    /// The range with the least Kullback-Leibler divergence.
    Kl {
        /// Bins of the histogram.
        bins: u32,
        /// Batches between two searches.
        update_interval: u32,
    },
    /// The best of nine percentiles by squared error.
    Mix,
    /// A scale given by the user.
    FixedScale {
        /// The scale.
        scale: f32,
        /// 0: the BPU is symmetric.
        zero_point: i64,
    },
    /// Minimum and maximum, clipped to a range.
    Clip {
        /// Lower end.
        xmin: f32,
        /// Upper end.
        xmax: f32,
    },
    /// Minimum and maximum, clipped to a number of standard deviations around the mean.
    ClipStd {
        /// The number.
        std_scale: f64,
    },
}

/// A parameter of an observer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are TorchScript's scalars")]
pub enum ObserverValue {
    Int(i64),
    Float(f64),
}

/// The module of the observers' classes.
const MODULE: &str = "__torch__.horizon_plugin_pytorch.quantization.observer_v2";

/// Default of `averaging_constant`.
const AVERAGING_CONSTANT: f64 = 0.01;

impl Default for ObserverSpec {
    fn default() -> Self {
        ObserverSpec {
            kind: ObserverKind::MinMax,
            averaging_constant: AVERAGING_CONSTANT,
        }
    }
}

impl ObserverSpec {
    /// The keys of [`ObserverSpec::named`].
    pub const KEYS: [&str; 9] = [
        "min_max",
        "percentile",
        "mse",
        "kl",
        "mix",
        "fixed_scale",
        "clip",
        "clip_std",
        "running_min_max",
    ];

    /// An observer with its default parameters.
    pub fn named(key: &str) -> Option<ObserverSpec> {
        use ObserverKind::*;
        let (kind, averaging_constant) = match key {
            "min_max" => (MinMax, AVERAGING_CONSTANT),
            "running_min_max" => (RunningMinMax, AVERAGING_CONSTANT),
            "percentile" => (
                Percentile {
                    percentile: 99.99,
                    bins: 2048,
                },
                AVERAGING_CONSTANT,
            ),
            "mse" => (Mse { stride: 1 }, AVERAGING_CONSTANT),
            "kl" => (
                Kl {
                    bins: 512,
                    update_interval: 1,
                },
                AVERAGING_CONSTANT,
            ),
            "mix" => (Mix, AVERAGING_CONSTANT),
            "fixed_scale" => (
                FixedScale {
                    scale: 1.0,
                    zero_point: 0,
                },
                0.0,
            ),
            "clip" => (
                Clip {
                    xmin: -1.0,
                    xmax: 1.0,
                },
                1.0,
            ),
            "clip_std" => (ClipStd { std_scale: 3.0 }, AVERAGING_CONSTANT),
            _ => return None,
        };
        Some(ObserverSpec {
            kind,
            averaging_constant,
        })
    }

    /// The plugin's key.
    pub fn key(&self) -> &'static str {
        use ObserverKind::*;
        match self.kind {
            MinMax => "min_max",
            RunningMinMax => "running_min_max",
            Percentile { .. } => "percentile",
            Mse { .. } => "mse",
            Kl { .. } => "kl",
            Mix => "mix",
            FixedScale { .. } => "fixed_scale",
            Clip { .. } => "clip",
            ClipStd { .. } => "clip_std",
        }
    }

    /// Whether it can find a scale for each channel.
    pub fn has_channels(&self) -> bool {
        use ObserverKind::*;
        match self.kind {
            MinMax | RunningMinMax | Mse { .. } | Clip { .. } | FixedScale { .. } => true,
            Percentile { .. } | Kl { .. } | Mix | ClipStd { .. } => false,
        }
    }

    /// Batches after which a scale is found.
    pub fn update_interval(&self) -> u32 {
        match self.kind {
            ObserverKind::Kl {
                update_interval, ..
            } => update_interval,
            _ => 1,
        }
    }

    /// The qualified class name of the observer's object.
    pub fn class_name(&self, per_channel: bool) -> String {
        use ObserverKind::*;
        let class = match self.kind {
            MinMax => "MinMaxObserver",
            // The two classes of the first generation live in another module.
            RunningMinMax => {
                let class = match per_channel {
                    true => "PerChannelMinMaxObserver",
                    false => "MinMaxObserver",
                };
                return format!("__torch__.horizon_plugin_pytorch.quantization.observer.{class}");
            }
            Percentile { .. } => "PercentileObserver",
            Mse { .. } => "MSEObserver",
            Kl { .. } => "KLObserver",
            Mix => "MixObserver",
            FixedScale { .. } => "FixedScaleObserver",
            Clip { .. } => "ClipObserver",
            ClipStd { .. } => "ClipStdObserver",
        };
        format!("{MODULE}.{class}")
    }

    /// The parameters, by the attribute names of the observer's object. FixedScale's `scale` and `zero_point` are
    /// buffers of the plugin (horizon.md 6.2), so they are not here.
    pub fn attributes(&self) -> Vec<(&'static str, ObserverValue)> {
        use ObserverKind::*;
        let mut list = self.parameters();
        if let FixedScale { .. } = self.kind {
            list.clear();
        }
        if self.kind != RunningMinMax {
            list.insert(
                0,
                (
                    "averaging_constant",
                    ObserverValue::Float(self.averaging_constant),
                ),
            );
        }
        list
    }

    /// The parameters that this kind of observer has besides `averaging_constant`.
    pub fn parameters(&self) -> Vec<(&'static str, ObserverValue)> {
        use ObserverKind::*;
        use ObserverValue::*;
        match self.kind {
            MinMax | RunningMinMax | Mix => Vec::new(),
            Percentile { percentile, bins } => {
                vec![
                    ("percentile", Float(percentile)),
                    ("bins", Int(bins.into())),
                ]
            }
            Mse { stride } => vec![("stride", Int(stride.into()))],
            Kl {
                bins,
                update_interval,
            } => vec![
                ("bins", Int(bins.into())),
                ("update_interval", Int(update_interval.into())),
            ],
            FixedScale { scale, zero_point } => {
                vec![
                    ("scale", Float(scale.into())),
                    ("zero_point", Int(zero_point)),
                ]
            }
            Clip { xmin, xmax } => {
                vec![("xmin", Float(xmin.into())), ("xmax", Float(xmax.into()))]
            }
            ClipStd { std_scale } => vec![("std_scale", Float(std_scale))],
        }
    }
}
