//! What comes out.

use super::*;
use ptool::inputs::data::{Color, ImageOptions};
use std::io::Write;

#[test]
fn every_format_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let x = counting(0, 7, &[2, 3]);
    let path = |name: &str| folder.path().join(name);
    write_npz(&path("a.npz"), &[("x", x.clone())]);
    write_npy(&path("a.npy"), &x);
    write_safetensors(&path("a.safetensors"), &[("x".to_owned(), x.clone())]);
    deflated(&path("b.npz"), &x);
    for name in ["a.npz", "a.npy", "a.safetensors", "b.npz"] {
        for batch in [1, 3, 7, 100] {
            let found = batches(options(&[path(name)], batch), &[param("x")]).unwrap();
            assert_eq!(joined(&found, 0), x, "{name} in batches of {batch}");
            assert_eq!(found[0].rows, batch.min(7) as u64);
        }
    }
}

/// As `numpy.savez_compressed` writes it.
fn deflated(path: &Path, x: &HostTensor) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    zip.start_file("x.npy", options).unwrap();
    let mut bytes = Vec::new();
    npy::write(&mut bytes, x).unwrap();
    zip.write_all(&bytes).unwrap();
    zip.finish().unwrap();
}

#[test]
fn torch_saved_files_are_read() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = repository.join("testdata/digits");
    let saved = std::fs::read_dir(path)
        .unwrap()
        .flatten()
        .map(|it| it.path());
    let path = saved
        .into_iter()
        .find(|it| it.to_string_lossy().ends_with(".io.pt"));
    let Some(path) = path else {
        panic!("testdata/digits has a file of torch.save");
    };
    let found = batches(options(std::slice::from_ref(&path), 1), &[param("x")]).unwrap();
    let whole = ptool::inputs::Arrays::read(&path).unwrap();
    assert_eq!(joined(&found, 0), *tensor(&whole.items[0].value));
}

#[test]
fn batches_go_across_files_and_stop_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    for (name, first, rows) in [("b.npz", 5, 4), ("a.npz", 0, 5), ("c.npz", 9, 3)] {
        let arrays = [
            ("x", counting(first, rows, &[4])),
            ("y", labels(first as i64, rows as i64)),
        ];
        write_npz(&folder.path().join(name), &arrays);
    }
    let found = batches(options(&[folder.path().to_owned()], 4), &[param("x")]).unwrap();
    assert_eq!(
        found.iter().map(|it| it.rows).collect::<Vec<_>>(),
        [4, 4, 4]
    );
    assert_eq!(joined(&found, 0), counting(0, 12, &[4]));
    let numbers: Vec<u8> = found
        .iter()
        .flat_map(|it| it.labels.clone().unwrap().bytes)
        .collect();
    assert_eq!(numbers, labels(0, 12).bytes);
    assert_eq!(found[1].first, 4);
    assert!(
        found[1].origin.ends_with("b.npz` rows 0 to 2"),
        "{}",
        found[1].origin
    );

    let limited = DataOptions {
        limit: Some(6),
        ..options(&[folder.path().to_owned()], 4)
    };
    let found = batches(limited, &[param("x")]).unwrap();
    assert_eq!(found.iter().map(|it| it.rows).collect::<Vec<_>>(), [4, 2]);
}

#[test]
fn labels_come_from_a_key_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("d.npz"), folder.path().join("l.npy"));
    let arrays = [("classes", labels(10, 5)), ("x", counting(0, 5, &[2]))];
    write_npz(&data, &arrays);
    let with = |given: &str| DataOptions {
        labels: Some(given.to_owned()),
        ..options(std::slice::from_ref(&data), 2)
    };
    let found = batches(with("classes"), &[param("x")]).unwrap();
    assert_eq!(found[1].labels.as_ref().unwrap().bytes, labels(12, 2).bytes);

    write_npz(&data, &[("x", counting(0, 5, &[2]))]);
    write_npy(&file, &labels(20, 5));
    let found = batches(with(&file.to_string_lossy()), &[param("x")]).unwrap();
    assert_eq!(found[2].labels.as_ref().unwrap().bytes, labels(24, 1).bytes);
}

#[test]
fn a_parameter_called_y_is_no_label() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.npz");
    write_npz(
        &path,
        &[("y", counting(3, 4, &[2])), ("x", counting(0, 4, &[2]))],
    );
    let found = batches(options(&[path], 4), &[param("x"), param("y")]).unwrap();
    assert_eq!(joined(&found, 0), counting(0, 4, &[2]));
    assert_eq!(joined(&found, 1), counting(3, 4, &[2]));
    assert_eq!(found[0].labels, None);
}

#[test]
fn images_become_planes() {
    let folder = tempfile::tempdir().unwrap();
    for (name, pixel) in [("a.png", [255, 0, 0]), ("b.png", [10, 20, 30])] {
        let image = image::RgbImage::from_pixel(4, 2, image::Rgb(pixel));
        image.save(folder.path().join(name)).unwrap();
    }
    let run = |images: ImageOptions| {
        let options = DataOptions {
            images,
            ..options(&[folder.path().to_owned()], 8)
        };
        let found = batches(options, &[param("x")]).unwrap();
        let x = joined(&found, 0);
        let values: Vec<f32> = x
            .bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|it| f32::from_le_bytes(*it))
            .collect();
        let plane = (x.shape[2] * x.shape[3]) as usize;
        let firsts: Vec<f32> = values.iter().step_by(plane).copied().collect();
        (x.shape, firsts)
    };
    let (shape, firsts) = run(ImageOptions::default());
    assert_eq!(shape, [2, 3, 2, 4]);
    let yuv = [-52.0, -43.0, 127.0].map(|it: f32| it / 128.0);
    assert_eq!(firsts[..3], yuv);
    let (shape, firsts) = run(ImageOptions {
        color: Color::Bgr,
        mean: Some([1.0, 2.0, 3.0]),
        std: [2.0, 4.0, 5.0],
        resize: Some((6, 5)),
    });
    assert_eq!(shape, [2, 3, 6, 5]);
    assert_eq!(firsts[3..], [14.5, 4.5, 1.4]);
}
