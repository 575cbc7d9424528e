//! The main commands on the shipped model, printed as a user would type them.

mod observers;

use crate::libtorch;
use crate::shell::{cargo, root, run, say, shown};
use anyhow::Result;
use std::fs;
use std::process::Command;

/// Builds the programs as users do, `ptool` without libtorch and `ptool-torch` with it, and `libhorizon_ops.so`.
pub(crate) fn build_release() -> Result<()> {
    libtorch::setup()?;
    run(&mut cargo([
        "build",
        "--quiet",
        "--release",
        "--features",
        "torch",
        "--bin",
        "ptool-torch",
    ]))?;
    run(&mut cargo([
        "build",
        "--quiet",
        "--release",
        "--bin",
        "ptool",
    ]))?;
    run(horizon_ops("build").arg("--release"))
}

/// A cargo command on `bins/horizon_ops`, whose results lie where the programs do.
pub(crate) fn horizon_ops(task: &str) -> Command {
    let mut command = cargo([task, "--quiet"]);
    command.args([
        "--manifest-path",
        "bins/horizon_ops/Cargo.toml",
        "--target-dir",
        "target",
    ]);
    command
}

/// Sets up, builds and shows.
pub(crate) fn demo() -> Result<()> {
    build_release()?;
    let out = root().join("target/demo");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out)?;
    for line in [
        "inspect testdata/digits/digits.pt",
        "run testdata/digits/digits.pt --inputs testdata/digits/test.npz --accuracy --check",
        "to-device testdata/digits/digits.pt cuda -o target/demo/digits_cuda.pt",
        "verify target/demo/digits_cuda.pt",
        "compare testdata/digits/digits.pt testdata/digits/digits_v2.pt --inputs testdata/digits/test.npz",
        "quantize testdata/digits/digits.pt --data testdata/digits/calib.npz --eval testdata/digits/test.npz --march bayes -o target/demo/digits.int.pt",
    ] {
        show(line)?;
    }
    observers::compare()
}

/// Runs one `ptool` command line and prints it first. `compare` answers 1 when models differ: a result, not a failure.
fn show(line: &str) -> Result<()> {
    let mut command = crate::shell::command(root().join("target/release/ptool"));
    command.args(line.split(' '));
    say(&format!("\n$ ptool {line}\n"));
    let status = command.status()?;
    anyhow::ensure!(
        matches!(status.code(), Some(0 | 1)),
        "{} ended with {status}",
        shown_short(&command)
    );
    Ok(())
}

fn shown_short(command: &Command) -> String {
    shown(command).replace(&format!("{}/", root().display()), "")
}
