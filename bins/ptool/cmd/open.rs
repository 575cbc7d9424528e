//! Opening files, with their names in every error.

use anyhow::{Context as _, bail};
use ptool::archive::{Archive, ArchiveError};
use ptool::diag::Severity;
use ptool::exec::ExecError;
use ptool::model::Model;
use ptool::model::origin::Origins;
use std::path::Path;

/// Opens a TorchScript file with its program.
pub(crate) fn model(path: &Path) -> anyhow::Result<Model> {
    named(path, Model::from_archive(archive(path)?))
}

/// Opens a TorchScript file. No command but `verify` and `inspect --entries`, which show what is wrong, answers
/// anything about a file whose tensors do not lie in their records.
pub(crate) fn archive(path: &Path) -> anyhow::Result<Archive> {
    let archive = named(path, Archive::open_torchscript(path))?;
    named(path, archive.check_tensors())?;
    Ok(archive)
}

/// Says which file an error is about, unless it does itself.
pub(crate) fn named<T>(path: &Path, result: Result<T, ArchiveError>) -> anyhow::Result<T> {
    match result {
        Err(error @ (ArchiveError::Io { .. } | ArchiveError::NotAFile { .. })) => Err(error.into()),
        result => result.with_context(|| format!("cannot open `{}`", path.display())),
    }
}

/// Opens a file whose sources must be sound, since it is to run.
pub(crate) fn runnable(path: &Path) -> anyhow::Result<Model> {
    let model = model(path)?;
    if let Some(error) = model
        .diagnostics
        .iter()
        .find(|d| d.severity == Severity::Error)
    {
        bail!(
            "`{}` has broken sources: {error}; `ptool verify` lists all",
            path.display()
        );
    }
    Ok(model)
}

/// Adds the user's Python line to an error that knows its place in the source.
pub(crate) fn located(mut error: ExecError, origins: &Origins<'_>) -> ExecError {
    if let Some(site) = error.site_mut()
        && let Some(origin) = site.span.and_then(|span| origins.of(span))
    {
        site.location = Some(origin.to_string().into());
    }
    error
}
