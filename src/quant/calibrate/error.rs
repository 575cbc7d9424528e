//! Why a file cannot be calibrated.

use crate::archive::ArchiveError;
use crate::quant::observer::ObserverError;

/// Why a file cannot be calibrated.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// It is no fake-quant file.
    #[error("it has no FakeQuantize: calibrate a file that `ptool prepare` wrote")]
    NoFakeQuant,
    /// An object of the file is not as a fake-quant file has it.
    #[error("`{path}`: {message}")]
    Object {
        /// Path of the object.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// A weight cannot be observed.
    #[error("the weight of `{path}` {message}")]
    Weight {
        /// Path of its FakeQuantize.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// An activation cannot be observed.
    #[error("`{path}` in call {call}: {message}")]
    Activation {
        /// Path of its FakeQuantize.
        path: String,
        /// Which call of it, from 1.
        call: u64,
        /// What is wrong.
        message: String,
    },
    /// Buffers that two scales would go into.
    #[error("`{path}`: its buffer `{buffer}` shares memory with that of another FakeQuantize")]
    Shared {
        /// Path of the FakeQuantize.
        path: String,
        /// The buffer.
        buffer: &'static str,
    },
}

impl CalibrateError {
    pub(super) fn observed(path: &str, call: u64, error: &ObserverError) -> CalibrateError {
        CalibrateError::Activation {
            path: path.to_owned(),
            call,
            message: error.to_string(),
        }
    }
}
