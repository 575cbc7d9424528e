//! libtorch with the plugin's operators against the front end: every operator of every fixture.

mod quantised;

use ptool::analysis::profile::{Collector, Results, arrays, describe, names, profile, result};
use ptool::exec::torch::{self, Options as TorchOptions, TorchEngine};
use ptool::exec::{Engine, HostTensor, Value};
use ptool::hbdk::{Build, Options, build, eval};
use ptool::inputs::{Given, choose, safetensors};
use ptool::model::Model;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hbdk")
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

struct Ran {
    build: Build,
    values: Vec<Value>,
    results: Results,
    output: Value,
}

fn run(path: &Path) -> Ran {
    torch::set_threads(1).unwrap();
    let model = Model::open(path).unwrap();
    let recorded = std::fs::read(path.with_extension("ops.safetensors")).unwrap();
    let recorded = safetensors::read(&recorded, "recorded").unwrap();
    let inputs = recorded
        .into_iter()
        .filter(|(n, _)| n.starts_with("input/"));
    let mut inputs = inputs.map(|(_, tensor)| tensor);
    let chosen = choose(&model, "forward", Given::Nothing, 0).unwrap();
    let values: Vec<Value> = chosen
        .values
        .iter()
        .map(|v| filled(v, &mut inputs))
        .collect();
    let build = build(&model, &describe(&values), Options::default());
    let mut engine = TorchEngine::new(&model, TorchOptions::default()).unwrap();
    let mut collector = Collector::new(&build);
    let output = engine.run(&values, &mut collector).unwrap();
    let results = collector.finish(&names(&build)).unwrap();
    Ran {
        build,
        values,
        results,
        output,
    }
}

fn fixtures(prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == "pt"));
    found.retain(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(prefix)
    });
    found.sort();
    found
}

/// The tensors of a value, in order.
fn tensors(value: &Value) -> Vec<&HostTensor> {
    match value {
        Value::Tensor(tensor) => vec![tensor],
        Value::List(items) | Value::Tuple(items) => items.iter().flat_map(tensors).collect(),
        _ => vec![],
    }
}

#[test]
fn every_operator_of_every_fixture_is_equal() {
    let mut operators = 0;
    for path in fixtures("") {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("known_") || name.starts_with("refused_") {
            continue;
        }
        let ran = run(&path);
        let graph = &ran.build.graph;
        let inputs = arrays(&ran.values).unwrap();
        let found = profile(graph, &names(&ran.build), &inputs, &ran.results).unwrap();
        let different: Vec<_> = found.rows.iter().filter(|row| !row.is_equal()).collect();
        assert!(different.is_empty(), "{name}: {different:#?}");
        operators += found.rows.len();
        // What the model returns is the same too, floats included.
        let outputs = eval::run_live(graph, &inputs).unwrap();
        let (ours, theirs) = (result(graph, &outputs), &ran.output);
        let same = |(a, b): (&&HostTensor, &&HostTensor)| a.shape == b.shape && a.bytes == b.bytes;
        let (ours, theirs) = (
            tensors(&ours).into_iter().cloned().collect::<Vec<_>>(),
            tensors(theirs),
        );
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let pairs: Vec<&HostTensor> = ours.iter().collect();
        // Indices are int64 in torch.
        let floats = pairs
            .iter()
            .zip(&theirs)
            .filter(|(a, _)| a.dtype == ptool::tensor::DType::F32);
        assert!(floats.into_iter().all(same), "{name}: outputs differ");
    }
    assert!(operators > 60, "{operators}");
}

#[test]
fn known_disagreements_are_shown_as_known() {
    for path in fixtures("known_") {
        let ran = run(&path);
        let graph = &ran.build.graph;
        let inputs = arrays(&ran.values).unwrap();
        let found = profile(graph, &names(&ran.build), &inputs, &ran.results).unwrap();
        let own: Vec<_> = found.rows.iter().filter(|row| row.by_itself).collect();
        assert!(!own.is_empty(), "{}: nothing differs", path.display());
        assert!(
            own.iter().all(|row| row.known.is_some()),
            "{}: {own:#?}",
            path.display()
        );
    }
}
