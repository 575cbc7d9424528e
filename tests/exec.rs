//! The libtorch engine against libtorch's own interpreter and against what Python computed.

mod errors;
mod events;
pub(crate) mod fixtures;
mod flat;
pub(crate) mod io;
mod kept;
mod prepare;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Torch's random generator is one for the process: tests that seed it take turns.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A path below the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
