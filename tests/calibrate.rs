//! `ptool calibrate` on a file of stand-ins for the plugin's classes (`testdata/gen/fakequant.py`).

mod formats;
mod killed;
mod memory;
mod refused;

use assert_cmd::Command;
use ptool::archive::Document;
use ptool::archive::pickle::{ObjectId, Value as Pickled};
use ptool::exec::torch::{Options, Reference, TorchEngine};
use ptool::exec::{Engine as _, HostTensor, NoTap, Value};
use ptool::inputs::Arrays;
use ptool::model::Model;
use std::path::{Path, PathBuf};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/fakequant")
        .join(name)
}

fn ptool() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("ptool-torch"))
}

fn calibrate(output: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
    ptool()
        .arg("calibrate")
        .arg(testdata("observers.fq.pt"))
        .arg("--data")
        .arg(testdata("data.npz"))
        .args(["--batch", "4", "--threads", "1", "-o"])
        .arg(output)
        .args(more)
        .assert()
}

fn object(data: &Document, path: &str) -> ObjectId {
    let mut at = match data.at(data.root()) {
        Pickled::Object(root) => root,
        _ => panic!("the root is an object"),
    };
    for part in path.split('.') {
        let child = data.attribute(at, part).map(|it| data.at(it));
        at = match child {
            Some(Pickled::Object(child)) => child,
            _ => panic!("{path} has no {part}"),
        };
    }
    at
}

fn buffer(data: &Document, path: &str, name: &str) -> Vec<f64> {
    let found = data.attribute(object(data, path), name).unwrap();
    let tensor = data.as_tensor(data.at(found)).unwrap();
    data.view(tensor)
        .unwrap()
        .unwrap()
        .to_f64()
        .unwrap()
        .collect()
}

fn assert_close(found: &[f64], expected: &serde_json::Value, ulps: u32, what: &str) {
    let expected: Vec<f64> = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(&expected) {
        let apart = (*a as f32).to_bits().abs_diff((*b as f32).to_bits());
        assert!(apart <= ulps, "{what}: {found:?}, expected {expected:?}");
    }
}

#[test]
fn scales_are_those_of_numpy_and_the_rest_of_the_file_is_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("net.pt");
    let stdout = calibrate(&output, &["--format", "json"])
        .success()
        .get_output()
        .stdout
        .clone();
    let report: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(report["rows"], 10);
    assert_eq!(report["batches"], 3);
    assert_eq!(report["accuracy"]["correct"], 9);
    assert_eq!(
        report["unobserved"],
        serde_json::json!(["unused.activation_post_process"])
    );

    let before = Model::open(testdata("observers.fq.pt")).unwrap();
    let after = Model::open(&output).unwrap();
    let data = after.archive.data().unwrap();
    let text = std::fs::read_to_string(testdata("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (path, expected) in expected.as_object().unwrap() {
        let observer = format!("{path}.activation_post_process");
        // Sums and torch.linspace depend on the machine's vectors in the last bit.
        let ulps = if path.starts_with("kl") || path.starts_with("clip_std") {
            2
        } else {
            0
        };
        assert_close(&buffer(data, path, "scale"), &expected["scale"], ulps, path);
        assert_close(
            &buffer(data, &observer, "min_val"),
            &expected["min_val"],
            ulps,
            path,
        );
        assert_close(
            &buffer(data, &observer, "max_val"),
            &expected["max_val"],
            ulps,
            path,
        );
        let zeros = buffer(data, path, "zero_point");
        assert_eq!(
            zeros,
            vec![0.0; expected["scale"].as_array().unwrap().len()],
            "{path}"
        );
        assert_eq!(buffer(data, path, "fake_quant_enabled"), [1.0]);
    }
    assert_eq!(
        buffer(data, "fixed.activation_post_process", "scale"),
        [1.0 / 128.0]
    );
    assert_eq!(
        buffer(data, "unused.activation_post_process", "scale"),
        [1.0]
    );

    for (id, name) in before.archive.entries() {
        let twin = after.archive.find(name).unwrap();
        if name != "data.pkl" && !name.starts_with("data/") {
            assert_eq!(
                before.archive.read(id).unwrap(),
                after.archive.read(twin).unwrap(),
                "{name}"
            );
        }
    }
    let weight = |model: &Model| {
        let data = model.archive.data().unwrap();
        buffer(data, "conv", "weight")
    };
    assert_eq!(weight(&before), weight(&after));
}

#[test]
fn the_calibrated_file_runs_in_libtorch_with_its_scales() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("net.pt");
    calibrate(&output, &[]).success();
    let model = Model::open(&output).unwrap();
    let x = Arrays::read(&testdata("data.npz")).unwrap();
    let x = x
        .items
        .into_iter()
        .find(|it| it.name.as_deref() == Some("x"))
        .unwrap();
    let inputs = [x.value];
    let mut engine = TorchEngine::new(&model, Options::default()).unwrap();
    let ours = engine.run(&inputs, &mut NoTap).unwrap();
    let mut reference = Reference::load(&output.to_string_lossy(), None).unwrap();
    Reference::optimize(false);
    let params = &model.method("forward").unwrap().1.params[1..];
    let theirs = reference
        .run("forward", &model.program, params, &inputs)
        .unwrap();
    assert_eq!(ours, theirs);
    // The last quantiser has the fixed scale 1/128.
    let Value::Tensor(HostTensor { bytes, .. }) = ours else {
        panic!("the result is a tensor");
    };
    let values = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|it| f32::from_le_bytes(*it) * 128.0);
    assert!(values.clone().all(|it| it.fract() == 0.0) && values.into_iter().any(|it| it != 0.0));
}

#[test]
fn running_it_again_gives_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.pt"), folder.path().join("b.pt"));
    calibrate(&a, &[]).success();
    ptool()
        .arg("calibrate")
        .arg(&a)
        .arg("--data")
        .arg(testdata("data.npz"))
        .args(["--batch", "4", "--threads", "1", "-o"])
        .arg(&b)
        .assert()
        .success();
    assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap());
}

#[test]
fn nothing_is_written_when_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("net.pt");
    let bad = folder.path().join("bad.npz");
    let mut x = vec![0.5_f32; 8 * 3 * 8 * 8];
    x[5 * 192] = f32::NAN;
    let x = HostTensor::from_f32(&[8, 3, 8, 8], &x).unwrap();
    let arrays = [("x".to_owned(), x)];
    ptool::inputs::npy::write_npz(std::fs::File::create(&bad).unwrap(), &arrays).unwrap();
    let failed = ptool()
        .arg("calibrate")
        .arg(testdata("observers.fq.pt"))
        .arg("--data")
        .arg(&bad)
        .args(["--batch", "4", "-o"])
        .arg(&output)
        .assert()
        .code(2);
    let text = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(
        text.contains("array `x`: has a value that is NaN at [5, 0, 0, 0]"),
        "{text}"
    );
    let wrong = HostTensor::from_f32(&[2, 4, 8, 8], &[0.5; 512]).unwrap();
    let arrays = [("x".to_owned(), wrong)];
    ptool::inputs::npy::write_npz(std::fs::File::create(&bad).unwrap(), &arrays).unwrap();
    let failed = ptool()
        .arg("calibrate")
        .arg(testdata("observers.fq.pt"))
        .arg("--data")
        .arg(&bad)
        .arg("-o")
        .arg(&output)
        .assert()
        .code(2);
    let text = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(
        text.contains("bad.npz` rows 0 to 1 (float32 [2, 4, 8, 8])"),
        "{text}"
    );
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    ptool()
        .arg("calibrate")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/digits/digits.pt"))
        .arg("--data")
        .arg(testdata("data.npz"))
        .arg("-o")
        .arg(&output)
        .assert()
        .code(2);
}
