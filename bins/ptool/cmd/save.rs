//! Writing files: never over an input, never half.

use anyhow::{Context as _, bail};
use ptool::exec::HostTensor;
use ptool::inputs::{npy, safetensors};
use ptool::report::torch_save;
use std::fs::File;
use std::io::Write;
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

/// Writes a model's outputs; the extension says how.
pub(crate) fn arrays(path: &Path, tensors: &[(String, HostTensor)]) -> anyhow::Result<()> {
    if tensors.is_empty() {
        bail!(
            "the outputs hold no tensor, so that `{}` would be empty",
            path.display()
        );
    }
    match (extension(path), tensors) {
        ("npz", tensors) => write(path, |file| Ok(npy::write_npz(file, tensors)?)),
        ("npy", [(_, tensor)]) => write(path, |file| Ok(npy::write(file, tensor)?)),
        ("npy", tensors) => bail!(
            "the outputs hold {} tensors, and .npy holds one; name the output .npz",
            tensors.len()
        ),
        ("safetensors", tensors) => {
            let bytes = safetensors::write(tensors)?;
            write(path, |file| Ok(file.write_all(&bytes)?))
        }
        _ => bail!(
            "`{}` has an unknown extension; expected .npz, .npy or .safetensors",
            path.display()
        ),
    }
}

/// Writes the results of operators by name; the extension says how.
pub(crate) fn results(path: &Path, tensors: &[(String, HostTensor)]) -> anyhow::Result<()> {
    match extension(path) {
        "pt" | "pth" => write(path, |file| Ok(torch_save::write(file, tensors)?)),
        "safetensors" => {
            let bytes = safetensors::write(tensors)?;
            write(path, |file| Ok(file.write_all(&bytes)?))
        }
        _ => bail!(
            "`{}` has an unknown extension; expected .safetensors or .pt",
            path.display()
        ),
    }
}

fn extension(path: &Path) -> &str {
    let extension = path.extension().and_then(|e| e.to_str());
    extension.unwrap_or_default()
}
