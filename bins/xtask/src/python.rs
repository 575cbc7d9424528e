//! Finding a Python, with or without torch.

use crate::shell::{command, has};
use anyhow::{Result, bail};
use std::process::Command;

/// `$PYTHON`, else `python3`.
pub(crate) fn interpreter() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".into())
}

/// Whether that Python imports a module.
pub(crate) fn can_import(module: &str) -> bool {
    has(&interpreter(), &["-c", &format!("import {module}")])
}

/// A Python that imports these modules, ready for arguments; names what to install otherwise.
pub(crate) fn with_modules(modules: &[&str]) -> Result<Command> {
    for module in modules {
        if !can_import(module) {
            bail!(
                "`{python}` cannot import `{module}`: install torch 2.11, torchvision 0.26 and numpy into a virtual \
                 environment and name it: `PYTHON=venv/bin/python cargo xtask …`",
                python = interpreter()
            );
        }
    }
    Ok(command(interpreter()))
}
