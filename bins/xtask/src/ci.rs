//! Tests and checks, in the order CI runs them.

use crate::libtorch;
use crate::shell::{cargo, has, run, step};
use anyhow::Result;
use std::process::Command;

/// Whatever changes the tests' outcome between machines is pinned here.
fn test_environment(command: &mut Command) -> &mut Command {
    command
        .env("OMP_NUM_THREADS", "1")
        .env("INSTA_UPDATE", "no")
}

/// The test runner: nextest where it is installed, else cargo's own.
fn test_with(features: &[&str]) -> Result<()> {
    let mut command = if has("cargo-nextest", &["--version"]) {
        cargo(["nextest", "run", "--no-fail-fast"])
    } else {
        cargo(["test", "--no-fail-fast"])
    };
    run(test_environment(command.args(features)))
}

/// All tests, without and with libtorch.
pub(crate) fn test() -> Result<()> {
    step("tests without libtorch");
    test_with(&[])?;
    libtorch::setup()?;
    step("tests with libtorch");
    test_with(&["--features", "torch"])?;
    step("documentation tests");
    run(test_environment(&mut cargo(["test", "--doc", "--quiet"])))
}

/// Layering, file length and wording rules.
pub(crate) fn tidy() -> Result<()> {
    run(&mut cargo(["test", "--quiet", "--test", "main", "tidy::"]))
}

/// Accepts the snapshots the last test run wrote.
pub(crate) fn bless() -> Result<()> {
    run(cargo(["test"]).env("INSTA_UPDATE", "always"))?;
    run(cargo(["test", "--features", "torch"]).env("INSTA_UPDATE", "always"))
}

/// Everything CI runs.
pub(crate) fn ci() -> Result<()> {
    libtorch::setup()?;
    step("fmt");
    run(&mut cargo(["fmt", "--all", "--check"]))?;
    step("clippy");
    run(&mut cargo([
        "clippy",
        "--quiet",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    run(&mut cargo([
        "clippy",
        "--quiet",
        "--all-targets",
        "--features",
        "torch",
        "--",
        "-D",
        "warnings",
    ]))?;
    run(crate::demo::horizon_ops("clippy").args(["--", "-D", "warnings"]))?;
    step("tidy");
    tidy()?;
    test()?;
    step("fuzz build");
    crate::fuzz::build()?;
    step("docs");
    docs()
}

/// The documentation of everything, private items and the libtorch engine included; a broken link is an error.
fn docs() -> Result<()> {
    let mut doc = cargo([
        "doc",
        "--quiet",
        "--no-deps",
        "--features",
        "torch",
        "--document-private-items",
    ]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}
