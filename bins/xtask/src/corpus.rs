//! Full-size torchvision models, made locally, and every law checked on them.

use crate::shell::{cargo, root, run, step};
use crate::{libtorch, python};
use anyhow::Result;

/// Makes the models with Python (arguments go to `testdata/gen/corpus.py`) and runs the law tests on them.
/// `PTOOL_CORPUS` names a folder of models that exist already, `PTOOL_CORPUS_LIBRARY` a library with operators they use.
pub(crate) fn corpus(args: &[String]) -> Result<()> {
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
