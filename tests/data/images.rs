//! Folders of images against the arrays that PIL and numpy make of them (`testdata/gen/images.py`).

use super::*;
use ptool::inputs::Arrays;
use ptool::inputs::data::{Color, ImageOptions};

const MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const STD: [f32; 3] = [58.395, 57.12, 57.375];

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/images")
        .join(name)
}

fn floats(tensor: &HostTensor) -> Vec<f32> {
    let values = tensor.bytes.as_chunks::<4>().0.iter();
    values.map(|it| f32::from_le_bytes(*it)).collect()
}

/// Compares all values of the folder with an array; images may be `levels` of 255 apart, a JPEG one more.
fn assert_like(name: &str, images: ImageOptions, levels: f32) {
    let options = DataOptions {
        images: images.clone(),
        ..options(&[testdata("folder")], 2)
    };
    let found = joined(&batches(options, &[param("x")]).unwrap(), 0);
    let expected = Arrays::read(&testdata("expected.npz")).unwrap();
    let expected = expected
        .items
        .iter()
        .find(|it| it.name.as_deref() == Some(name));
    let expected = tensor(&expected.unwrap().value);
    assert_eq!(found.shape, expected.shape, "{name}");
    let (found, expected) = (floats(&found), floats(expected));
    let (image, plane) = (found.len() / 5, found.len() / 15);
    for (at, (a, b)) in found.iter().zip(&expected).enumerate() {
        // The last one is the JPEG, whose decoders round on their own.
        let levels = levels + if at / image == 4 { 2.0 } else { 0.0 };
        let apart = (a - b).abs() * images.std[at / plane % 3];
        assert!(apart <= levels + 1e-4, "{name} at {at}: {a}, expected {b}");
    }
}

#[test]
fn red_green_blue_and_the_other_way_round() {
    let options = ImageOptions {
        color: Color::Rgb,
        ..ImageOptions::default()
    };
    assert_like("rgb", options, 0.0);
    let reversed = |of: [f32; 3]| [of[2], of[1], of[0]];
    let options = ImageOptions {
        color: Color::Bgr,
        mean: Some(reversed(MEAN)),
        std: reversed(STD),
        resize: None,
    };
    assert_like("bgr", options, 0.0);
}

#[test]
fn centred_yuv444() {
    // PIL converts with tables of 16 bits, whose last bit may round the other way.
    assert_like("yuv444", ImageOptions::default(), 1.0);
}

#[test]
fn resized() {
    let options = ImageOptions {
        color: Color::Rgb,
        mean: Some(MEAN),
        std: STD,
        resize: Some((16, 32)),
    };
    // PIL rounds between its two passes.
    assert_like("resized", options, 1.0);
}
