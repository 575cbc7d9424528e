//! Speed and memory, measured against libtorch, `cp` and Python in the same run.

use crate::demo::build_release;
use crate::shell::{cargo, root, run, step};
use anyhow::{Result, ensure};
use std::fs;

/// Runs `tests/bench`; arguments choose subjects (`cargo xtask bench open device`).
pub(crate) fn bench(args: &[String]) -> Result<()> {
    build_release()?;
    let folder =
        std::env::var_os("PTOOL_CORPUS").map_or_else(|| root().join("target/corpus"), Into::into);
    ensure!(
        folder.join("manifest.json").exists(),
        "benches use full-size models: make them with `cargo xtask corpus --only resnet18,resnet50`"
    );
    // `cargo bench` builds the programs anew with libtorch linked in, which users' `ptool` never has.
    let programs = root().join("target/bench/programs");
    fs::create_dir_all(&programs)?;
    for name in ["ptool", "ptool-torch"] {
        fs::copy(
            root().join("target/release").join(name),
            programs.join(name),
        )?;
    }
    step("benches");
    let mut bench = cargo([
        "bench",
        "--quiet",
        "--features",
        "torch",
        "--bench",
        "main",
        "--",
    ]);
    bench.env("PTOOL_PROGRAMS", &programs);
    run(bench.args(args).env("PTOOL_CORPUS", &folder))
}
