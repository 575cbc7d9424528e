//! Hands a command that executes a model over to `ptool-torch`.

use crate::app::Executing;
use crate::cmd::{Context, Exit};
use anyhow::{Context as _, bail};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Replaces this process by `ptool-torch` with the same arguments.
pub(crate) fn run(_: Executing, _: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let program = find()?;
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1));
    out.flush()?;
    replace(command).with_context(|| format!("cannot start `{}`", program.display()))
}

/// `$PTOOL_TORCH`, or `ptool-torch` in the folder of this executable.
fn find() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("PTOOL_TORCH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!(
                "`{}`, named by PTOOL_TORCH, is not a file; unset it or run `cargo xtask setup`",
                path.display()
            );
        }
        return Ok(path);
    }
    let name = format!("ptool-torch{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::current_exe()
        .context("cannot tell where this executable lies; set PTOOL_TORCH")?
        .with_file_name(&name);
    if !path.is_file() {
        bail!(
            "this command runs a model, which needs `{name}`, and it is not next to `ptool`; \
             `cargo xtask setup` fetches libtorch and builds it"
        );
    }
    Ok(path)
}

#[cfg(unix)]
fn replace(mut command: Command) -> std::io::Result<Exit> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn replace(mut command: Command) -> std::io::Result<Exit> {
    let status = command.status()?;
    Ok(match status.code() {
        Some(0) => Exit::Ok,
        Some(1) => Exit::No,
        _ => Exit::Error,
    })
}
