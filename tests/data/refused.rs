//! What is refused names the file, the array and what was expected.

use super::*;

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Case {
        Case {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The error of reading some files, without the folder's name.
    fn error(&self, names: &[&str]) -> String {
        let paths: Vec<PathBuf> = names.iter().map(|it| self.path(it)).collect();
        let text = error(options(&paths, 4), &[param("x")]);
        let folder = format!("{}/", self.folder.path().display());
        text.replace(&folder, "")
    }
}

#[test]
fn other_shapes_and_types_than_in_the_first_file() {
    let case = Case::new();
    write_npz(&case.path("a.npz"), &[("x", counting(0, 4, &[3, 8, 8]))]);
    write_npz(&case.path("b.npz"), &[("x", counting(0, 4, &[3, 9, 8]))]);
    write_npz(&case.path("c.npz"), &[("x", labels(0, 4))]);
    write_npz(&case.path("d.npz"), &[("z", counting(0, 4, &[3, 8, 8]))]);
    assert_eq!(
        case.error(&["a.npz", "b.npz"]),
        "`b.npz`: array `x`: is float32 of shape Nx3x9x8, expected float32 of shape Nx3x8x8 as in `a.npz`"
    );
    assert_eq!(
        case.error(&["a.npz", "c.npz"]),
        "`c.npz`: array `x`: is int64 of shape N, expected float32 of shape Nx3x8x8 as in `a.npz`"
    );
    assert_eq!(
        case.error(&["a.npz", "d.npz"]),
        "`d.npz`: array `x`: is missing, expected float32 Nx3x8x8 as in `a.npz`"
    );
}

#[test]
fn double_precision() {
    let case = Case::new();
    let bytes = vec![0; 4 * 2 * 8];
    let x = HostTensor::new(ptool::tensor::DType::F64, vec![4, 2], bytes).unwrap();
    write_npy(&case.path("x.npy"), &x);
    assert_eq!(
        case.error(&["x.npy"]),
        "`x.npy`: array `input 0`: is float64; save it with `.astype(numpy.float32)`: expected float32 or an integer \
         type of shape Nx2"
    );
}

#[test]
fn empty_arrays_files_and_folders() {
    let case = Case::new();
    write_npz(&case.path("x.npz"), &[("x", counting(0, 0, &[3, 2]))]);
    assert_eq!(
        case.error(&["x.npz"]),
        "`x.npz`: array `x`: is empty; expected rows of float32 Nx3x2"
    );
    write_npz(
        &case.path("none.npz"),
        &[("x", HostTensor::from_f32(&[], &[1.0]).unwrap())],
    );
    assert_eq!(
        case.error(&["none.npz"]),
        "`none.npz`: array `x`: is a scalar; expected rows along the first axis"
    );
    std::fs::create_dir(case.path("empty")).unwrap();
    assert_eq!(
        case.error(&["empty"]),
        "`empty`: holds no data; expected files that end in .npz, .npy, .safetensors, .pt, .pth or images"
    );
    std::fs::write(case.path("x.npy"), b"").unwrap();
    assert_eq!(
        case.error(&["x.npy"]),
        "`x.npy`: is no .npy array: too short"
    );
}

#[test]
fn values_that_are_no_numbers() {
    let case = Case::new();
    for (value, what) in [(f32::NAN, "NaN"), (f32::INFINITY, "infinite")] {
        let mut x = counting(0, 6, &[2, 3]);
        let at = 5 * 6 + 4;
        x.bytes[at * 4..at * 4 + 4].copy_from_slice(&value.to_le_bytes());
        write_npz(&case.path("x.npz"), &[("x", x)]);
        assert_eq!(
            case.error(&["x.npz"]),
            format!(
                "`x.npz`: array `x`: has a value that is {what} at [5, 1, 1]; expected finite float32 of shape Nx2x3"
            )
        );
    }
}

#[test]
fn damaged_files() {
    let case = Case::new();
    write_npz(&case.path("x.npz"), &[("x", counting(0, 6, &[2, 3]))]);
    let mut bytes = std::fs::read(case.path("x.npz")).unwrap();
    let at = bytes
        .windows(4)
        .position(|it| it == 1.0_f32.to_le_bytes())
        .unwrap();
    bytes[at] ^= 1;
    std::fs::write(case.path("x.npz"), &bytes).unwrap();
    assert_eq!(
        case.error(&["x.npz"]),
        "`x.npz`: array `x`: is damaged: its checksum is another"
    );
    write_npy(&case.path("x.npy"), &counting(0, 6, &[2, 3]));
    let bytes = std::fs::read(case.path("x.npy")).unwrap();
    std::fs::write(case.path("x.npy"), &bytes[..bytes.len() - 9]).unwrap();
    assert_eq!(
        case.error(&["x.npy"]),
        "`x.npy`: array `input 0`: is cut off"
    );
    std::fs::write(case.path("x.npy"), &bytes[..130]).unwrap();
    assert_eq!(
        case.error(&["x.npy"]),
        "`x.npy`: claims 6 rows of float32 Nx2x3, more than there are"
    );
    for name in ["y.npz", "y.npy", "y.safetensors", "y.pt", "y.png"] {
        std::fs::write(case.path(name), b"this is none of them").unwrap();
        assert!(
            case.error(&[name]).starts_with(&format!("`{name}`: ")),
            "{name}"
        );
    }
    assert!(case.error(&["missing.npz"]).contains("missing.npz"));
    std::fs::write(case.path("x.txt"), b"x").unwrap();
    assert!(case.error(&["x.txt"]).contains("unknown extension"));
}

#[test]
fn arrays_of_several_lengths_and_labels_that_do_not_fit() {
    let case = Case::new();
    let arrays = [("x", counting(0, 6, &[2])), ("z", counting(0, 5, &[2]))];
    write_npz(&case.path("x.npz"), &arrays);
    assert_eq!(
        case.error(&["x.npz"]),
        "`x.npz`: array `z`: has 5 rows, expected 6 as in `x`"
    );
    write_npz(&case.path("x.npz"), &[("x", counting(0, 6, &[2]))]);
    write_npy(&case.path("l.npy"), &labels(0, 5));
    let with = |given: &str| {
        let options = DataOptions {
            labels: Some(given.to_owned()),
            ..options(&[case.path("x.npz")], 4)
        };
        error(options, &[param("x")])
    };
    let file = case.path("l.npy");
    assert_eq!(
        with(&file.to_string_lossy()),
        format!(
            "labels `{}`: has 5 labels, expected one for each of 6 rows",
            file.display()
        )
    );
    assert_eq!(
        with("classes"),
        "labels `classes`: is neither a file nor an array of the data, which has `x`"
    );
}

#[test]
fn images_of_several_sizes() {
    let case = Case::new();
    std::fs::create_dir(case.path("images")).unwrap();
    for (name, width) in [("a.png", 4), ("b.png", 5)] {
        let image = image::RgbImage::new(width, 2);
        image.save(case.path("images").join(name)).unwrap();
    }
    assert_eq!(
        case.error(&["images"]),
        "`images/b.png`: is 2x5 (height x width), expected 2x4 as in the first image; use --resize"
    );
}
