//! Every fixture that runs: bit-equal to libtorch's own interpreter and to what Python stored.

use super::io::{self, Call};
use super::{alone, repository};
use ptool::exec::torch::{self, Options, Reference, TorchEngine};
use ptool::exec::{Device, ExecError, Value};
use ptool::ir::{Constant, Param};
use ptool::model::Model;
use std::path::{Path, PathBuf};

/// Files with a `NAME.io.pt` beside them, in order.
pub(crate) fn runnable(folder: &Path) -> Vec<PathBuf> {
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
pub(crate) fn positional(call: &Call, params: &[Param]) -> Vec<Value> {
    let mut inputs = call.inputs.clone();
    for param in params.iter().skip(inputs.len()) {
        let named =
            |(k, _): &&(Value, Value)| matches!(k, Value::Str(s) if **s == *param.name.as_bytes());
        match (call.kwargs.iter().find(named), &param.default) {
            (Some((_, value)), _) => inputs.push(value.clone()),
            (None, Some(default)) => inputs.push(constant(default)),
            (None, None) => break,
        }
    }
    inputs
}

fn constant(constant: &Constant) -> Value {
    let all = |items: &[Constant]| items.iter().map(self::constant).collect();
    match constant {
        Constant::None => Value::None,
        Constant::Bool(v) => Value::Bool(*v),
        Constant::Int(v) => Value::Int(*v),
        Constant::Float(v) => Value::Float(*v),
        Constant::Complex(re, im) => Value::Complex(*re, *im),
        Constant::Str(bytes) => Value::Str(bytes.clone()),
        Constant::Device(text) => Value::Device(Device::parse(text).unwrap()),
        Constant::List(items) => Value::List(all(items)),
        Constant::Tuple(items) => Value::Tuple(all(items)),
        other => panic!("{other:?} as a default"),
    }
}

fn ours(engine: &mut TorchEngine<'_>, method: &str, inputs: &[Value]) -> Result<Value, ExecError> {
    torch::manual_seed(0)?;
    engine.start_method(method, inputs)?.finish()
}

/// What differs between our run of a file, libtorch's, and Python's.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let model = Model::open(path).map_err(|e| format!("open: {e}"))?;
    if let Some(first) = model.diagnostics.iter().find(|_| model.has_errors()) {
        return Err(format!("lowering: {first}"));
    }
    let mut engine =
        TorchEngine::new(&model, Options::default()).map_err(|e| format!("load: {e}"))?;
    let mut reference = Reference::load(path.to_str().unwrap(), None);
    for call in io::read(&path.with_extension("io.pt")) {
        let (_, function) = model.method(&call.method).ok_or("no such method")?;
        let params = &function.params[1..];
        let inputs = positional(&call, params);
        let mine = ours(&mut engine, &call.method, &inputs);
        torch::manual_seed(0).unwrap();
        let theirs = match &mut reference {
            Ok(reference) => reference.run(&call.method, &model.program, params, &inputs),
            // libtorch refuses a file for an operator it lacks; we only when that is reached.
            Err(_) if !engine.missing_operators().is_empty() => {
                return without_reference(&call, mine);
            }
            Err(error) => return Err(error.to_string()),
        };
        compare(&call, mine, theirs)?;
    }
    Ok(())
}

/// A file that names operators libtorch lacks: right where they are not reached, else an error that says what to do.
fn without_reference(call: &Call, mine: Result<Value, ExecError>) -> Result<(), String> {
    match (mine, &call.output) {
        (Ok(mine), Some(stored)) if io::close(&mine, stored) => Ok(()),
        (Err(error @ ExecError::MissingOperator { .. }), _)
            if error.to_string().contains("--library") =>
        {
            Ok(())
        }
        (mine, _) => Err(format!("without reference: {mine:?}")),
    }
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
            // Bit by bit on one processor; Python's results were stored on some other.
            Some(stored) if !io::close(&mine, stored) => Err(format!(
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

#[test]
fn fixtures_run_as_in_libtorch() {
    let folder = &repository("testdata");
    let _alone = alone();
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
