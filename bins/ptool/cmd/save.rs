//! Writing files: never over an input, never half.

use anyhow::{Context as _, bail};
use std::fs::File;
use std::path::Path;

/// Refuses an output that is an input, or exists without `--force`.
pub(crate) fn check(path: &Path, force: bool, inputs: &[&Path]) -> anyhow::Result<()> {
    let Ok(existing) = path.canonicalize() else {
        return Ok(());
    };
    let is_input = |input: &&Path| input.canonicalize().is_ok_and(|input| input == existing);
    if inputs.iter().any(is_input) {
        bail!("`{}` is an input; name another output", path.display());
    }
    if !force {
        bail!("`{}` exists; overwrite it with --force", path.display());
    }
    Ok(())
}

/// Writes a file beside its place and moves it there when it is complete.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut File) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let failed = || format!("cannot write `{}`", path.display());
    let mut file = tempfile::Builder::new()
        .prefix(".ptool-")
        .suffix(".tmp")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .with_context(failed)?;
    content(file.as_file_mut()).with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(())
}
