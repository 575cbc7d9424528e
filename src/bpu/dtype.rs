//! Quantised types: names, limits and the storage type that holds them (`horizon.md` 1.1).

use std::fmt;
use std::str::FromStr;

use crate::tensor::DType;

/// A quantised type, by the string that the operators take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the plugin's")]
pub enum QType {
    Qint4,
    Quint4,
    Qint8,
    Qint16,
    Qint32,
    Qint64,
}

/// The string names no quantised type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported dtype: {0}")]
pub struct UnknownQType(pub String);

impl QType {
    /// The plugin's name, such as `qint8`.
    pub const fn name(self) -> &'static str {
        match self {
            QType::Qint4 => "qint4",
            QType::Quint4 => "quint4",
            QType::Qint8 => "qint8",
            QType::Qint16 => "qint16",
            QType::Qint32 => "qint32",
            QType::Qint64 => "qint64",
        }
    }

    /// Smallest and largest value. Those of `qint64` are off by one, as in the plugin.
    pub const fn limits(self) -> (i64, i64) {
        match self {
            QType::Qint4 => (-8, 7),
            QType::Quint4 => (0, 15),
            QType::Qint8 => (-128, 127),
            QType::Qint16 => (-32768, 32767),
            QType::Qint32 => (i32::MIN as i64, i32::MAX as i64),
            QType::Qint64 => (-i64::MAX, i64::MAX - 1),
        }
    }

    /// Limits of a type of at most 32 bits; wider ones are cut to `i32`.
    pub const fn limits32(self) -> (i32, i32) {
        match self {
            QType::Qint64 => (i32::MIN, i32::MAX),
            _ => {
                let (lo, hi) = self.limits();
                (lo as i32, hi as i32)
            }
        }
    }

    /// Bits of the value without its sign: the `P` of `horizon.md` 3.2.
    pub const fn value_bits(self) -> i32 {
        match self {
            QType::Qint4 => 3,
            QType::Quint4 => 4,
            QType::Qint8 => 7,
            QType::Qint16 => 15,
            QType::Qint32 => 31,
            QType::Qint64 => 63,
        }
    }

    /// The torch type that stores it.
    pub const fn storage(self) -> DType {
        match self {
            QType::Qint4 | QType::Quint4 | QType::Qint8 => DType::I8,
            QType::Qint16 => DType::I16,
            QType::Qint32 => DType::I32,
            QType::Qint64 => DType::I64,
        }
    }
}

impl FromStr for QType {
    type Err = UnknownQType;

    fn from_str(text: &str) -> Result<Self, UnknownQType> {
        Ok(match text {
            "qint4" => QType::Qint4,
            "quint4" => QType::Quint4,
            "qint8" => QType::Qint8,
            "qint16" => QType::Qint16,
            "qint32" => QType::Qint32,
            "qint64" => QType::Qint64,
            _ => return Err(UnknownQType(text.to_owned())),
        })
    }
}

impl fmt::Display for QType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
