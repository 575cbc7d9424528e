//! Chips, round modes and quantised data types, by the plugin's names (horizon.md 1).

use std::fmt;

/// A BPU generation (horizon.md 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are the plugin's names")]
pub enum March {
    Bernoulli,
    Bernoulli2,
    Bayes,
    BayesE,
    BayesA825,
    Nash,
    NashE,
    NashM,
    NashP,
    Meta,
}

impl March {
    /// Every march, in the plugin's order.
    pub const ALL: [March; 10] = [
        March::Bernoulli,
        March::Bernoulli2,
        March::Bayes,
        March::BayesE,
        March::BayesA825,
        March::Nash,
        March::NashE,
        March::NashM,
        March::NashP,
        March::Meta,
    ];

    /// The plugin's string.
    pub fn name(self) -> &'static str {
        match self {
            March::Bernoulli => "bernoulli",
            March::Bernoulli2 => "bernoulli2",
            March::Bayes => "bayes",
            March::BayesE => "bayes-e",
            March::BayesA825 => "bayes-a825-03",
            March::Nash => "nash",
            March::NashE => "nash-e",
            March::NashM => "nash-m",
            March::NashP => "nash-p",
            March::Meta => "meta",
        }
    }

    /// The march of a plugin's string.
    pub fn parse(text: &str) -> Option<March> {
        March::ALL.into_iter().find(|march| march.name() == text)
    }

    /// Whether activations may be qint16 (horizon.md 1.2).
    pub fn has_int16(self) -> bool {
        !matches!(self, March::Bernoulli | March::Bernoulli2)
    }

    /// Whether linear has a quantised function (horizon.md 8.3 and the assertion of 1.2).
    pub fn has_linear(self) -> bool {
        !matches!(
            self,
            March::Bernoulli | March::Bernoulli2 | March::BayesA825
        )
    }

    /// Whether scales are powers of two (horizon.md 6.1).
    pub fn has_power_of_two_scales(self) -> bool {
        self == March::Bernoulli
    }
}

impl fmt::Display for March {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How quantising rounds (horizon.md 1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RoundMode {
    /// `⌊x + 0.5⌋`
    BpuRound,
    /// To the nearest, ties to even: the plugin's default.
    #[default]
    HalfToEven,
}

impl RoundMode {
    /// Both.
    pub const ALL: [RoundMode; 2] = [RoundMode::BpuRound, RoundMode::HalfToEven];

    /// The plugin's string.
    pub fn name(self) -> &'static str {
        match self {
            RoundMode::BpuRound => "bpu_round",
            RoundMode::HalfToEven => "half_to_even",
        }
    }

    /// The mode of a plugin's string.
    pub fn parse(text: &str) -> Option<RoundMode> {
        RoundMode::ALL.into_iter().find(|mode| mode.name() == text)
    }
}

impl fmt::Display for RoundMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A quantised data type that an activation or weight may have (horizon.md 1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are the plugin's names")]
pub enum QDType {
    #[default]
    Qint8,
    Qint16,
}

impl QDType {
    /// All of them.
    pub const ALL: [QDType; 2] = [QDType::Qint8, QDType::Qint16];

    /// The plugin's string.
    pub fn name(self) -> &'static str {
        match self {
            QDType::Qint8 => "qint8",
            QDType::Qint16 => "qint16",
        }
    }

    /// The type of a plugin's string.
    pub fn parse(text: &str) -> Option<QDType> {
        QDType::ALL.into_iter().find(|dtype| dtype.name() == text)
    }

    /// The least integer.
    pub fn quant_min(self) -> i64 {
        match self {
            QDType::Qint8 => -128,
            QDType::Qint16 => -32768,
        }
    }

    /// The greatest integer.
    pub fn quant_max(self) -> i64 {
        -1 - self.quant_min()
    }
}

impl fmt::Display for QDType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
