//! Flat methods in the place of the stored ones: bit-equal results, or the same refusal.

use super::fixtures::{positional, runnable};
use super::io::{self, Call};
use super::{alone, repository};
use ptool::exec::torch::{self, Options, TorchEngine};
use ptool::exec::{ExecError, Value};
use ptool::model::Model;
use ptool::pass::{Flat, flat};
use std::path::Path;

fn run(model: &Model, call: &Call) -> Result<Value, ExecError> {
    let options = Options {
        method: call.method.as_str().into(),
        ..Options::default()
    };
    let mut engine = TorchEngine::new(model, options)?;
    let inputs = positional(call, engine.params());
    torch::manual_seed(0)?;
    engine.start(&inputs)?.finish()
}

/// The error without where it happened: flat code runs elsewhere.
fn message(error: &ExecError) -> String {
    if let ExecError::MissingOperator { name, .. } = error {
        return name.to_string();
    }
    let text = error.to_string();
    text.lines().last().unwrap_or_default().to_owned()
}

fn check(path: &Path) -> Result<(), String> {
    let mut model = Model::open(path).map_err(|e| e.to_string())?;
    for call in io::read(&path.with_extension("io.pt")) {
        let expected = run(&model, &call);
        let (id, original) = model.method(&call.method).ok_or("no such method")?;
        let original = original.clone();
        let Flat { function, .. } = flat(&model, &call.method).map_err(|e| e.to_string())?;
        model.program.functions[id] = function;
        let found = run(&model, &call);
        model.program.functions[id] = original;
        match (&expected, &found) {
            (Ok(a), Ok(b)) if io::same(a, b) => {}
            (Err(a), Err(b)) if message(a) == message(b) => {}
            _ => return Err(format!("{}: {expected:?}, flat {found:?}", call.method)),
        }
    }
    Ok(())
}

fn check_all(folder: &Path) -> usize {
    let _alone = alone();
    torch::set_threads(1).unwrap();
    let files = runnable(folder);
    let failures: Vec<String> = files
        .iter()
        .filter_map(|path| {
            let mut message = check(path).err()?;
            message.truncate(600);
            Some(format!("{}: {message}", path.display()))
        })
        .collect();
    let (bad, all) = (failures.len(), files.len());
    assert!(
        failures.is_empty(),
        "{bad} of {all} files:\n{}",
        failures.join("\n")
    );
    all
}

#[test]
fn flat_methods_compute_the_same_bits() {
    let all = check_all(&repository("testdata"));
    assert!(all > 300, "{all} files");
}

/// Full-size models: `PTOOL_CORPUS=FOLDER cargo test --features torch --test torch -- --ignored corpus`.
#[test]
#[ignore = "needs a folder of full-size models in PTOOL_CORPUS"]
fn corpus_computes_the_same_bits_flat() {
    let folder = std::env::var("PTOOL_CORPUS").expect("PTOOL_CORPUS names a folder");
    check_all(Path::new(&folder));
}
