//! What can be wrong with a qconfig.

use std::path::PathBuf;

/// Why a qconfig cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum QConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{file}:{line}: not TOML: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A key or value is not allowed.
    #[error("{place}: `{key}`: {message}")]
    Key {
        /// `FILE:LINE`, or the flag.
        place: String,
        /// The dotted key.
        key: String,
        /// What is wrong and what is allowed.
        message: String,
    },
}
