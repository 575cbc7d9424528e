//! BPU generations as the front end tells them apart (`horizon.md` 1.3, `hbir.md` 0.4).

use crate::tensor::DType;

/// A BPU generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the front end's")]
pub enum March {
    Bernoulli,
    Bernoulli2,
    Bayes,
    /// `bayes-e`
    B25E,
    /// `bayes-a825-03`
    B253,
}

impl March {
    /// The march a user string means, upper case or lower.
    pub fn parse(text: &str) -> Option<March> {
        Some(match text.to_ascii_lowercase().as_str() {
            "x2" | "j2" | "bernoulli" => March::Bernoulli,
            "x2a" | "j2a" | "bernoulli2" => March::Bernoulli2,
            "bpu25" | "b25" | "bayes" => March::Bayes,
            "bpu25e" | "b25e" | "bayes-e" => March::B25E,
            "bpu2503" | "b253" | "bayes-a825-03" => March::B253,
            _ => return None,
        })
    }

    /// The plugin's name.
    pub fn name(self) -> &'static str {
        match self {
            March::Bernoulli => "bernoulli",
            March::Bernoulli2 => "bernoulli2",
            March::Bayes => "bayes",
            March::B25E => "bayes-e",
            March::B253 => "bayes-a825-03",
        }
    }

    /// bayes, bayes-e, bayes-a825-03.
    pub fn is_bayes(self) -> bool {
        matches!(self, March::Bayes | March::B25E | March::B253)
    }

    /// Largest shift before the multiplication (`horizon.md` 3.2 step 4).
    pub fn max_pre_shift(self) -> i64 {
        match self {
            March::Bayes | March::B25E => 17,
            _ => 31,
        }
    }
}

/// The integer type of a quantised dtype name, such as `qint8`.
pub fn qtype(name: &str) -> Option<DType> {
    match name {
        "qint8" => Some(DType::I8),
        "qint16" => Some(DType::I16),
        "qint32" => Some(DType::I32),
        "qbool" => Some(DType::Bool),
        _ => None,
    }
}

/// Smallest and largest value of an integer type.
pub fn limits(dtype: DType) -> (i64, i64) {
    match dtype {
        DType::I8 => (-128, 127),
        DType::I16 => (-32768, 32767),
        DType::U8 => (0, 255),
        DType::Bool => (0, 1),
        DType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

/// Saturates to an integer type.
pub fn saturate(dtype: DType, value: i64) -> i64 {
    let (low, high) = limits(dtype);
    value.clamp(low, high)
}
