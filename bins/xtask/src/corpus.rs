//! Full-size torchvision models, made locally, and every law checked on them.

use crate::demo::build_release;
use crate::shell::{cargo, root, run, step};
use crate::{libtorch, python};
use anyhow::Result;
use std::path::Path;

/// Makes the models with Python (arguments go to `testdata/gen/corpus.py`) and runs the law tests on them.
/// `PTOOL_CORPUS` names a folder of models that exist already, `PTOOL_CORPUS_LIBRARY` a library with operators they use.
///
/// `--quantise [MARCH]`, at the end, quantises eleven of them instead and compares the engines that run the results.
pub(crate) fn corpus(args: &[String]) -> Result<()> {
    let at = args.iter().position(|it| it == "--quantise");
    let quantises = at.is_some();
    let (args, rest) = args.split_at(at.unwrap_or(args.len()));
    let march = rest.get(1).map_or("bayes", String::as_str).to_owned();
    libtorch::setup()?;
    let folder =
        std::env::var_os("PTOOL_CORPUS").map_or_else(|| root().join("target/corpus"), Into::into);
    if !folder.join("manifest.json").exists() || !args.is_empty() {
        step("making the models");
        let mut generate = python::with_modules(&["torch", "torchvision"])?;
        run(generate
            .arg("testdata/gen/corpus.py")
            .arg("--out")
            .arg(&folder)
            .args(args))?;
    }
    if quantises {
        return quantise(&folder, &march);
    }
    step("laws on every model");
    let mut test = cargo([
        "test",
        "--quiet",
        "--release",
        "--features",
        "torch",
        "--test",
        "torch",
    ]);
    test.args(["--", "--ignored", "--nocapture", "corpus"]);
    run(test
        .env("PTOOL_CORPUS", &folder)
        .env("OMP_NUM_THREADS", "1"))
}

/// `tests/python/quantised.py` on the models that are there.
fn quantise(folder: &Path, march: &str) -> Result<()> {
    build_release()?;
    step("quantised models in every engine");
    let mut check = python::with_modules(&["torch", "numpy"])?;
    run(check
        .arg("tests/python/quantised.py")
        .args(["--ptool", "target/release/ptool-torch"])
        .args(["--library", "target/release/libhorizon_ops.so"])
        .args(["--out", "target/corpus-quantised", "--march", march])
        .arg("--corpus")
        .arg(folder)
        .env("OMP_NUM_THREADS", "1"))
}
