//! Data must be like the inputs that the model records.

use super::*;
use ptool::archive::Plan;
use ptool::inputs::data::Examples;
use ptool::inputs::recorded;
use ptool::model::Model;

fn model(name: &str) -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    Model::open(path.join(name)).unwrap()
}

/// The digits model, which was traced with rows of 1x8x8, with another recorded example.
fn recording(row: &[i64]) -> Model {
    let digits = model("digits/digits.pt");
    let example = Value::Tensor(counting(0, 1, row));
    let bytes = recorded::encode(&[param("x")], &[example]).unwrap();
    let mut plan = Plan::new(&digits.archive);
    plan.add("extra/ptool_inputs.safetensors", bytes).unwrap();
    Model::from_bytes(plan.to_bytes().unwrap()).unwrap()
}

fn read(model: &Model, path: &Path) -> Result<Vec<Batch>, InputError> {
    let options = DataOptions {
        examples: Examples::of(model, "forward").unwrap(),
        ..options(&[path.to_owned()], 4)
    };
    batches(options, &[param("x")])
}

#[test]
fn rows_of_another_shape_are_refused_whatever_the_array_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.npz");
    for name in ["x", "images"] {
        write_npz(
            &path,
            &[(name, counting(0, 4, &[1, 8, 8])), ("labels", labels(0, 4))],
        );
        for fine in [
            model("digits/digits.pt"),
            model("fakequant/observers.fq.pt"),
        ] {
            assert_eq!(read(&fine, &path).unwrap().len(), 1);
        }
        let error = read(&recording(&[1, 6, 6]), &path).unwrap_err().to_string();
        let expected = format!(
            "array `{name}`: is float32 of shape Nx1x8x8, expected float32 of shape Nx1x6x6 as the model records in \
             `extra/ptool_inputs.safetensors`"
        );
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[test]
fn folders_and_files_without_names_too() {
    let folder = tempfile::tempdir().unwrap();
    write_npy(&folder.path().join("a.npy"), &counting(0, 4, &[1, 8, 8]));
    write_npy(&folder.path().join("b.npy"), &counting(0, 4, &[1, 6, 6]));
    let error = read(&model("digits/digits.pt"), folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("b.npy`: array `input 0`: is float32 of shape Nx1x6x6, expected float32 of shape Nx1x8x8 as the"),
        "{error}"
    );
}
