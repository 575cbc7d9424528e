//! The second opinion, without libtorch: names, layers, and integers against what numpy computed.

mod calls;
mod cli;
mod examples;
mod hostile;
mod kernels;
mod known;
mod mutants;
mod names;

use ptool::analysis::profile::{arrays, describe};
use ptool::exec::{HostTensor, Value};
use ptool::hbdk::{Array, Build, Options, build};
use ptool::inputs::{Given, choose, safetensors};
use ptool::model::Model;
use std::path::{Path, PathBuf};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A fixture with its layers and what Python recorded.
struct Case {
    build: Build,
    inputs: Vec<Array>,
    recorded: Vec<(String, HostTensor)>,
}

fn case(name: &str) -> Case {
    let path = repository(&format!("testdata/hbdk/{name}.pt"));
    let model = Model::open(&path).unwrap();
    assert!(!model.has_errors(), "{name}: {:?}", model.diagnostics);
    let recorded = std::fs::read(path.with_extension("ops.safetensors")).unwrap();
    let recorded = safetensors::read(&recorded, name).unwrap();
    let mut given = recorded
        .iter()
        .filter(|(name, _)| name.starts_with("input/"))
        .map(|(_, tensor)| tensor.clone());
    let chosen = choose(&model, "forward", Given::Nothing, 0).unwrap();
    let values: Vec<Value> = chosen
        .values
        .iter()
        .map(|v| filled(v, &mut given))
        .collect();
    let build = build(&model, &describe(&values), Options::default());
    Case {
        build,
        inputs: arrays(&values).unwrap(),
        recorded,
    }
}

/// Every fixture, in order.
fn fixtures() -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(repository("testdata/hbdk")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "pt") {
            found.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

/// The same value with the recorded tensors in it.
fn filled(value: &Value, given: &mut impl Iterator<Item = HostTensor>) -> Value {
    match value {
        Value::Tensor(_) => Value::Tensor(given.next().unwrap()),
        Value::List(items) => Value::List(items.iter().map(|v| filled(v, given)).collect()),
        Value::Tuple(items) => Value::Tuple(items.iter().map(|v| filled(v, given)).collect()),
        other => other.clone(),
    }
}
