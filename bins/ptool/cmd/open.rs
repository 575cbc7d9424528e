//! Opening files, with their names in every error.

use anyhow::Context as _;
use ptool::archive::ArchiveError;
use ptool::model::Model;
use std::path::Path;

/// Opens a TorchScript file with its program.
pub(crate) fn model(path: &Path) -> anyhow::Result<Model> {
    named(path, Model::open(path))
}

/// Says which file an error is about, unless it does itself.
pub(crate) fn named<T>(path: &Path, result: Result<T, ArchiveError>) -> anyhow::Result<T> {
    match result {
        Err(error @ (ArchiveError::Io { .. } | ArchiveError::NotAFile { .. })) => Err(error.into()),
        result => result.with_context(|| format!("cannot open `{}`", path.display())),
    }
}
