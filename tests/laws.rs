//! Rewritten files before the judge: libtorch loads them, and they compute the same bits.

mod compare;
mod corpus;
mod files;
mod reprint;
mod to_device;

use crate::exec::fixtures::{positional, runnable};
use crate::exec::io::{self, Call};
use ptool::exec::torch::{self, Reference};
use ptool::exec::{ExecError, Value};
use ptool::model::Model;
use std::path::{Path, PathBuf};

/// Fixtures that run, below a folder of `testdata`.
fn fixtures(folder: &str) -> Vec<PathBuf> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    runnable(&testdata.join(folder))
}

/// Checks each file; how many were judged. What is wrong is said of all of them at once.
fn judged(
    paths: impl IntoIterator<Item = PathBuf>,
    check: impl Fn(&Path) -> Result<bool, String>,
) -> usize {
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for path in paths {
        match check(&path) {
            Ok(true) => judged += 1,
            Ok(false) => {}
            Err(mut message) => {
                message.truncate(400);
                wrong.push(format!("{}: {message}", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} files:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    judged
}

/// The stored calls of a fixture.
fn calls(fixture: &Path) -> Vec<Call> {
    io::read(&fixture.with_extension("io.pt"))
}

/// A method of a file in libtorch's own interpreter.
fn judge(
    file: &Path,
    device: Option<&str>,
    model: &Model,
    call: &Call,
) -> Result<Value, ExecError> {
    let (_, function) = model
        .method(&call.method)
        .ok_or_else(|| ExecError::NoMethod(call.method.as_str().into()))?;
    let params = &function.params[1..];
    let mut reference = Reference::load(&file.to_string_lossy(), device)?;
    torch::manual_seed(0)?;
    reference.run(
        &call.method,
        &model.program,
        params,
        &positional(call, params),
    )
}
