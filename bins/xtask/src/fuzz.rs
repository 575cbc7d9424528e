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
/// Sanitiser coverage through LLVM's own pass, which needs no nightly compiler.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Ccodegen-units=1 -Cdebug-assertions=on -Coverflow-checks=on";

/// Builds every target.
fn build() -> Result<()> {
    // Naming the target keeps the coverage flags away from build scripts.
    let triple = host_triple()?;
    let mut build = cargo([
        "build",
        "--release",
        "--manifest-path",
        "tests/fuzz/Cargo.toml",
        "--target",
    ]);
    run(build.arg(triple).env("RUSTFLAGS", COVERAGE))
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
        let program = root()
            .join("tests/fuzz/target")
            .join(host_triple()?)
            .join("release")
            .join(target);
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

fn host_triple() -> Result<String> {
    let output = std::process::Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix("host: "))
        .context("`rustc -vV` names no host")?;
    Ok(line.to_owned())
}
