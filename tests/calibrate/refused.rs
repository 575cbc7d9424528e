//! Bad data through the program: exit code 2, a message that names file, array and expected shape, and no file.

use super::testdata;
use ptool::exec::HostTensor;
use ptool::inputs::{npy, safetensors};
use ptool::tensor::DType;
use std::fs::File;
use std::path::Path;

/// Rows of digits, which the model records as 1x1x8x8 in float32.
fn images(rows: usize) -> HostTensor {
    HostTensor::from_f32(&[rows as i64, 1, 8, 8], &vec![0.5; rows * 64]).expect("the shape fits")
}

fn of_type(dtype: DType) -> HostTensor {
    let bytes = vec![0; 4 * 64 * dtype.size()];
    HostTensor::new(dtype, vec![4, 1, 8, 8], bytes).expect("the shape fits")
}

fn npz(path: &Path, arrays: &[(&str, HostTensor)]) {
    let arrays: Vec<(String, HostTensor)> = arrays
        .iter()
        .map(|(name, tensor)| ((*name).to_owned(), tensor.clone()))
        .collect();
    npy::write_npz(File::create(path).expect("created"), &arrays).expect("written");
}

/// Runs a command on one data file; its message, without the folder's name.
fn refused(command: &str, data: &Path, more: &[&str]) -> String {
    let results = tempfile::tempdir().expect("a folder");
    let digits = testdata("../digits");
    let model = match command {
        "calibrate" => {
            let model = data.with_file_name("digits.fq.pt");
            super::ptool()
                .arg("prepare")
                .arg(digits.join("digits.pt"))
                .args(["--march", "bayes", "--force", "-o"])
                .arg(&model)
                .assert()
                .success();
            model
        }
        _ => digits.join("digits.pt"),
    };
    let failed = super::ptool()
        .arg(command)
        .arg(model)
        .arg("--data")
        .arg(data)
        .args(["--batch", "4", "-o"])
        .arg(results.path().join("net.int.pt"))
        .args(more)
        .assert()
        .code(2);
    assert!(failed.get_output().stdout.is_empty());
    let left: Vec<_> = std::fs::read_dir(results.path())
        .expect("readable")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let text = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    let folder = data.parent().unwrap_or(Path::new("")).display().to_string();
    text.replace(&format!("{folder}/"), "")
}

#[test]
fn the_message_names_file_array_and_expected_shape() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    npz(
        &path("shape.npz"),
        &[(
            "images",
            HostTensor::from_f32(&[4, 3, 8, 8], &[0.5; 768]).expect("fits"),
        )],
    );
    npz(
        &path("size.npz"),
        &[(
            "x",
            HostTensor::from_f32(&[1, 1, 4, 4], &[0.5; 16]).expect("fits"),
        )],
    );
    npz(
        &path("rank.npz"),
        &[(
            "x",
            HostTensor::from_f32(&[4, 64], &[0.5; 256]).expect("fits"),
        )],
    );
    npz(&path("double.npz"), &[("images", of_type(DType::F64))]);
    npz(&path("bytes.npz"), &[("images", of_type(DType::U8))]);
    npz(&path("half.npz"), &[("images", of_type(DType::F16))]);
    npz(&path("empty.npz"), &[("images", images(0))]);
    npz(&path("none.npz"), &[]);
    let mut infinite = images(6);
    infinite.bytes[5 * 256..5 * 256 + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let tensors = [("x".to_owned(), infinite)];
    std::fs::write(
        path("inf.safetensors"),
        safetensors::write(&tensors).expect("written"),
    )
    .expect("written");
    npz(&path("whole.npz"), &[("images", images(8))]);
    let bytes = std::fs::read(path("whole.npz")).expect("readable");
    std::fs::write(path("cut.npz"), &bytes[..bytes.len() / 2]).expect("written");
    let records = "as the model records in `traced_inputs.pkl`";
    for (name, expected) in [
        ("shape.npz", format!("`shape.npz`: array `images`: is float32 of shape Nx3x8x8, expected float32 of shape Nx1x8x8 {records}")),
        ("size.npz", format!("`size.npz`: array `x`: is float32 of shape Nx1x4x4, expected float32 of shape Nx1x8x8 {records}")),
        ("rank.npz", format!("`rank.npz`: array `x`: is float32 of shape Nx64, expected float32 of shape Nx1x8x8 {records}")),
        ("double.npz", format!("`double.npz`: array `images`: is float64 of shape Nx1x8x8, expected float32 of shape Nx1x8x8 {records}; save it with `.astype(numpy.float32)`")),
        ("bytes.npz", format!("`bytes.npz`: array `images`: is uint8 of shape Nx1x8x8, expected float32 of shape Nx1x8x8 {records}")),
        ("half.npz", format!("`half.npz`: array `images`: is float16 of shape Nx1x8x8, expected float32 of shape Nx1x8x8 {records}")),
        ("empty.npz", "`empty.npz`: array `images`: is empty; expected rows of float32 Nx1x8x8".to_owned()),
        ("none.npz", "`none.npz`: not a .npz file: zip: no records".to_owned()),
        ("inf.safetensors", "`inf.safetensors`: array `x`: has a value that is infinite at [5, 0, 0, 0]; expected finite float32 of shape Nx1x8x8".to_owned()),
        ("cut.npz", "`cut.npz`: not a .npz file".to_owned()),
    ] {
        for command in ["calibrate", "quantize"] {
            let text = refused(command, &path(name), &[]);
            assert!(text.contains(&expected), "{command} {name}: {text}");
        }
    }
}

#[test]
fn evaluation_data_is_looked_at_before_the_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    npz(&path("calib.npz"), &[("images", images(4))]);
    npz(&path("test.npz"), &[("images", of_type(DType::F64))]);
    let test = path("test.npz");
    let text = refused(
        "quantize",
        &path("calib.npz"),
        &["--eval", &test.to_string_lossy()],
    );
    assert!(
        text.contains("`test.npz`: array `images`: is float64"),
        "{text}"
    );
}

#[test]
fn images_of_another_size_than_the_model_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    std::fs::create_dir(&images).expect("made");
    let image = image::RgbImage::from_pixel(8, 8, image::Rgb([1, 2, 3]));
    image.save(images.join("a.png")).expect("written");
    let text = refused("quantize", &images, &[]);
    assert!(
        text.contains("`images`: array `input 0`: is float32 of shape Nx3x8x8, expected float32 of shape Nx1x8x8"),
        "{text}"
    );
}
