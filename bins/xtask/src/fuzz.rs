//! Coverage-guided fuzzing on stable Rust: the targets are ordinary programs linked with libFuzzer.

use crate::shell::{cargo, root, run, step};
use anyhow::{Context, Result};
use std::fs;

/// One program each under `tests/fuzz`; the bodies live in `src/testing.rs`.
const TARGETS: [&str; 5] = [
    "zip_open",
    "unpickle",
    "parse_roundtrip",
    "lower",
    "rewrite",
];

/// Builds every target, with debug assertions and overflow checks.
pub(crate) fn build() -> Result<()> {
    let mut build = cargo(["build", "--package", "ptool-fuzz"]);
    run(build.env(
        "RUSTC_WORKSPACE_WRAPPER",
        root().join("tests/fuzz/instrument"),
    ))
}

/// Builds every target and runs each for the given seconds.
pub(crate) fn fuzz(args: &[String]) -> Result<()> {
    build()?;
    if args.iter().any(|a| a == "--build") {
        return Ok(());
    }
    let seconds = args
        .first()
        .map_or(Ok(60), |a| a.parse::<u32>())
        .context("`fuzz` takes a number of seconds")?;
    for target in TARGETS {
        step(&format!("fuzz {target} for {seconds} s"));
        let corpus = root().join("target/fuzz-corpus").join(target);
        fs::create_dir_all(&corpus)?;
        let program = root().join("target/debug").join(target);
        let mut fuzz = crate::shell::command(program);
        fuzz.arg(format!("-max_total_time={seconds}")).args([
            "-rss_limit_mb=2048",
            "-timeout=10",
            "-print_final_stats=1",
        ]);
        fuzz.arg(&corpus)
            .args(seeds(target).iter().filter(|s| s.exists()));
        run(&mut fuzz)?;
    }
    Ok(())
}

/// Folders whose files start the search.
fn seeds(target: &str) -> Vec<std::path::PathBuf> {
    let folders: &[&str] = match target {
        "parse_roundtrip" | "lower" => &["testdata/source"],
        _ => &["testdata/hostile", "testdata/core"],
    };
    folders.iter().map(|f| root().join(f)).collect()
}
