//! Quantised files in execution: engines agree bit for bit, fixed-point stays within a step of fake-quant.

use ptool::analysis::rms::RelativeRms;
use ptool::exec::torch::{Options as Run, Reference, TorchEngine};
use ptool::exec::{Engine, NoTap, Value};
use ptool::inputs::{Chosen, Given, choose};
use ptool::model::Model;
use ptool::quant::convert::{Options, checking, convert};
use std::path::{Path, PathBuf};

/// `testdata/fixed`.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixed")
}

/// Files with this ending, in order.
fn files(ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("testdata/fixed");
    let paths = entries.map(|e| e.expect("an entry").path());
    let mut found: Vec<PathBuf> = paths
        .filter(|p| p.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no {ending} in testdata/fixed");
    found
}

/// The data beside a file: `cnn.npz` for `cnn.bayes.int.pt`.
fn data(path: &Path, model: &Model) -> Chosen {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split('.').next().unwrap_or_default();
    let data = folder().join(format!("{name}.npz"));
    choose(model, "forward", Given::File(&data), 0).expect("data")
}

fn output(model: &Model, values: &[Value]) -> Value {
    let mut engine = TorchEngine::new(model, Run::default()).expect("an engine");
    engine.run(values, &mut NoTap).expect("a result")
}

#[test]
fn both_interpreters_give_the_same_bits() {
    for ending in [".int.pt", ".fq.pt"] {
        for path in files(ending) {
            let model = Model::open(&path).expect("a model");
            let chosen = data(&path, &model);
            let ours = output(&model, &chosen.values);
            let mut reference = Reference::load(&path.to_string_lossy(), None).expect("libtorch");
            Reference::optimize(false);
            let params = &model.method("forward").expect("forward").1.params[1..];
            let theirs = reference
                .run("forward", &model.program, params, &chosen.values)
                .expect("libtorch runs it");
            assert_eq!(ours, theirs, "{}", path.display());
        }
    }
}

#[test]
fn prepacking_changes_no_bit() {
    for path in files(".fq.pt") {
        let fake = Model::open(&path).expect("a model");
        let chosen = data(&path, &fake);
        let mut results = Vec::new();
        for prepack in [false, true] {
            let converted = convert(&fake, "x", Options { prepack }).expect("a fixed-point file");
            let bytes = converted.plan.to_bytes().expect("bytes");
            let fixed = Model::from_bytes(bytes).expect("a model");
            results.push(output(&fixed, &chosen.values));
        }
        assert_eq!(results[0], results[1], "{}", path.display());
    }
}

/// One step; distances are taken in float32.
const ONE_STEP: f32 = 1.001;

#[test]
fn every_operation_is_within_a_step_of_its_fake_quant_one() {
    for path in files(".fq.pt") {
        let fake = Model::open(&path).expect("a model");
        let chosen = data(&path, &fake);
        let check = checking(&fake, "check", Options::default()).expect("a checking file");
        let model = Model::from_bytes(check.plan.to_bytes().expect("bytes")).expect("a model");
        let Value::Tensor(errors) = output(&model, &chosen.values) else {
            panic!("no tensor");
        };
        let errors = errors.bytes.chunks_exact(4);
        let errors: Vec<f32> = errors
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        assert_eq!(errors.len(), check.names.len());
        for (name, error) in check.names.iter().zip(errors) {
            assert!(
                error <= ONE_STEP,
                "{}: {name} is {error} steps off",
                path.display()
            );
        }
    }
}

#[test]
fn outputs_stay_near_the_float_model() {
    for path in files(".int.pt") {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let float = folder().join(format!("{}.pt", name.split('.').next().unwrap_or_default()));
        let float = Model::open(&float).expect("the float model");
        let fixed = Model::open(&path).expect("the fixed-point model");
        let chosen = data(&path, &float);
        let mut rms = RelativeRms::default();
        rms.add(
            &output(&float, &chosen.values),
            &output(&fixed, &chosen.values),
        )
        .expect("the same outputs");
        let error = rms.value().expect("outputs that are not zero");
        assert!(error < 0.1, "{name}: relative RMS error {error}");
    }
}
