//! The libtorch engine against libtorch's own interpreter and against what Python computed.

mod errors;
mod events;
mod fixtures;
mod flat;
mod io;
mod kept;
mod prepare;

use std::path::{Path, PathBuf};

/// A path below the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
