//! Every fixture that runs: bit-equal to libtorch's own interpreter and to what Python stored.

use super::io::{self, Call};
use super::repository;
use ptool::exec::torch::{self, Options, Reference, TorchEngine};
use ptool::exec::{ExecError, Value};
use ptool::ir::Param;
use ptool::model::Model;
use std::path::{Path, PathBuf};

/// Files with a `NAME.io.pt` beside them, in order.
fn runnable(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "pt")
                && path.with_extension("io.pt").exists()
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Positional inputs of a call: keyword arguments and defaults take their parameters' places.
fn positional(call: &Call, params: &[Param]) -> Vec<Value> {
    let mut inputs = call.inputs.clone();
    for param in params.iter().skip(inputs.len()) {
        let named =
            |(k, _): &&(Value, Value)| matches!(k, Value::Str(s) if **s == *param.name.as_bytes());
        match call.kwargs.iter().find(named) {
            Some((_, value)) => inputs.push(value.clone()),
            None => break,
        }
    }
    inputs
}

fn ours(engine: &mut TorchEngine<'_>, method: &str, inputs: &[Value]) -> Result<Value, ExecError> {
    torch::manual_seed(0)?;
    engine.start_method(method, inputs)?.finish()
}

/// What differs between our run of a file, libtorch's, and Python's.
fn check(path: &Path) -> Result<(), String> {
    let model = Model::open(path).map_err(|e| format!("open: {e}"))?;
    if let Some(first) = model.diagnostics.iter().find(|_| model.has_errors()) {
        return Err(format!("lowering: {first}"));
    }
    let mut engine =
        TorchEngine::new(&model, Options::default()).map_err(|e| format!("load: {e}"))?;
    let mut reference = Reference::load(path.to_str().unwrap(), None).map_err(|e| e.to_string())?;
    for call in io::read(&path.with_extension("io.pt")) {
        let (_, function) = model.method(&call.method).ok_or("no such method")?;
        let params = &function.params[1..];
        let inputs = positional(&call, params);
        let mine = ours(&mut engine, &call.method, &inputs);
        torch::manual_seed(0).unwrap();
        let theirs = reference.run(&call.method, &model.program, params, &inputs);
        compare(&call, mine, theirs)?;
    }
    Ok(())
}

fn compare(
    call: &Call,
    mine: Result<Value, ExecError>,
    theirs: Result<Value, ExecError>,
) -> Result<(), String> {
    match (mine, theirs) {
        (Ok(mine), Ok(theirs)) if !io::same(&mine, &theirs) => Err(format!(
            "{}: differs from libtorch: {mine:?} {theirs:?}",
            call.method
        )),
        (Ok(mine), Ok(_)) => match &call.output {
            Some(stored) if !io::same(&mine, stored) => Err(format!(
                "{}: differs from Python: {mine:?} {stored:?}",
                call.method
            )),
            Some(_) => Ok(()),
            None => Err(format!("{}: Python raised {:?}", call.method, call.raises)),
        },
        (Err(mine), Err(theirs)) => {
            let raised = call.raises.as_deref().ok_or(format!("{mine}, {theirs}"))?;
            let line = raised
                .rsplit_once("Error: ")
                .map_or(raised, |(_, message)| message);
            if mine.to_string().contains(line) {
                Ok(())
            } else {
                Err(format!(
                    "{}: our message `{mine}`, Python's `{raised}`",
                    call.method
                ))
            }
        }
        (Err(mine), Ok(_)) => Err(format!("{}: {mine}", call.method)),
        (Ok(_), Err(theirs)) => Err(format!("{}: runs, but {theirs}", call.method)),
    }
}

fn check_all(folder: &Path) {
    torch::set_threads(1).unwrap();
    let files = runnable(folder);
    assert!(
        !files.is_empty(),
        "no runnable files in {}",
        folder.display()
    );
    let failures: Vec<String> = files
        .iter()
        .filter_map(|path| {
            let name = path.strip_prefix(folder).unwrap_or(path).display();
            let mut message = check(path).err()?;
            message.truncate(600);
            Some(format!("{name}: {message}"))
        })
        .collect();
    let (bad, all) = (failures.len(), files.len());
    assert!(
        failures.is_empty(),
        "{bad} of {all} files:\n{}",
        failures.join("\n")
    );
}

#[test]
fn fixtures_run_as_in_libtorch() {
    check_all(&repository("testdata"));
}
