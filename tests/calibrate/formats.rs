//! The same data in every format gives the same file; images through the program.

use super::{buffer, ptool, testdata};
use ptool::inputs::Arrays;
use ptool::model::Model;
use std::path::Path;

#[test]
fn every_format_gives_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("net.pt");
    let mut first: Option<Vec<u8>> = None;
    for name in ["data.npz", "data.safetensors", "data.pth", "x.npy", "parts"] {
        ptool()
            .arg("calibrate")
            .arg(testdata("observers.fq.pt"))
            .arg("--data")
            .arg(testdata(name))
            .args(["--batch", "4", "--threads", "1", "--force", "-o"])
            .arg(&output)
            .assert()
            .success();
        let bytes = std::fs::read(&output).unwrap();
        let first = first.get_or_insert_with(|| bytes.clone());
        assert!(*first == bytes, "{name} gives another file");
    }
}

/// Calibrates on the images and gives the range that the model's only observer found.
fn range(images: &Path, flags: &[&str]) -> [f64; 2] {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("net.pt");
    ptool()
        .arg("calibrate")
        .arg(testdata("sampled.fq.pt"))
        .arg("--data")
        .arg(images)
        .args(["--threads", "1", "-o"])
        .arg(&output)
        .args(flags)
        .assert()
        .success();
    let model = Model::open(&output).unwrap();
    let data = model.archive.data().unwrap();
    let path = "quant.activation_post_process.activation_post_process";
    ["min_val", "max_val"].map(|name| buffer(data, path, name)[0])
}

/// The extremes of an array that PIL and numpy made, at the places that the model observes.
fn expected(name: &str, step: usize) -> [f64; 2] {
    let arrays = Arrays::read(&testdata("../images/expected.npz")).unwrap();
    let array = arrays
        .items
        .iter()
        .find(|it| it.name.as_deref() == Some(name));
    let ptool::exec::Value::Tensor(tensor) = &array.unwrap().value else {
        panic!("{name} is no tensor");
    };
    let (height, width) = (tensor.shape[2] as usize, tensor.shape[3] as usize);
    let values = tensor.bytes.as_chunks::<4>().0.iter().enumerate();
    let values = values
        .filter(|(at, _)| at % width % step == 0 && at / width % height % step == 0)
        .map(|(_, it)| f64::from(f32::from_le_bytes(*it)));
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[min, max], it| {
        [min.min(it), max.max(it)]
    })
}

#[test]
fn images_are_read_as_the_flags_say() {
    let images = testdata("../images/folder");
    let mean = "123.675,116.28,103.53";
    let std = "58.395,57.12,57.375";
    for (name, flags, level) in [
        ("rgb", vec!["--image-color", "rgb"], 1.0 / 128.0),
        (
            "bgr",
            vec![
                "--image-color",
                "bgr",
                "--mean",
                "103.53,116.28,123.675",
                "--std",
                "57.375,57.12,58.395",
            ],
            1.0 / 57.0,
        ),
        ("yuv444", vec!["--image-color", "yuv444"], 1.0 / 128.0),
        (
            "resized",
            vec![
                "--image-color",
                "rgb",
                "--mean",
                mean,
                "--std",
                std,
                "--resize",
                "16x32",
            ],
            1.0 / 57.0,
        ),
    ] {
        let (found, expected) = (range(&images, &flags), expected(name, 16));
        for (a, b) in found.iter().zip(expected) {
            assert!(
                (a - b).abs() <= 1.01 * level,
                "{name}: {found:?}, expected {expected:?}"
            );
        }
    }
}
