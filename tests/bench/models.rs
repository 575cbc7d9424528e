//! The models the benches use: full-size ones from the corpus folder, long ones made here.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;

/// A model of the corpus (`cargo xtask corpus`), such as `resnet50_traced`.
pub(crate) fn corpus(name: &str) -> PathBuf {
    let folder = std::env::var_os("PTOOL_CORPUS").expect("`cargo xtask bench` names the corpus");
    let path = Path::new(&folder).join(format!("{name}.pt"));
    assert!(
        path.exists(),
        "{} is missing: `cargo xtask corpus --only resnet18,resnet50`",
        path.display()
    );
    path
}

/// The program as users have it, built by `cargo xtask bench`.
pub(crate) fn ptool() -> PathBuf {
    let folder =
        std::env::var_os("PTOOL_PROGRAMS").expect("`cargo xtask bench` names the programs");
    Path::new(&folder).join("ptool")
}

/// Where benches write.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&folder).expect("target is writable");
    folder.join(name)
}

/// A module whose forward is `n` additions in a row on its argument.
pub(crate) fn straight_line(n: usize) -> PathBuf {
    let mut code = String::from(
        "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n",
    );
    for i in 0..n {
        let input = if i == 0 {
            "x".to_owned()
        } else {
            format!("_{}", i - 1)
        };
        code.push_str(&format!("    _{i} = torch.add({input}, 1)\n"));
    }
    code.push_str(&format!("    return _{}\n", n - 1));
    let path = scratch(&format!("straight_{n}.pt"));
    write_archive(&path, &code);
    path
}

/// A module whose forward packs a weight and convolves `n` times in a row, in int8; `n` is an argument, so that nothing
/// can be unrolled and merged.
pub(crate) fn quantised_convolutions() -> PathBuf {
    let code = "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n  \
        def forward(self: __torch__.M,\n    x: Tensor,\n    w: Tensor,\n    b: Tensor,\n    n: int) -> Tensor:\n    \
        q = torch.quantize_per_tensor(x, 0.02, 64, 13)\n    v = torch.quantize_per_tensor(w, 0.01, 0, 12)\n    \
        p = ops.quantized.conv2d_prepack(v, b, [1, 1], [1, 1], [1, 1], 1)\n    q0 = q\n    for _0 in range(n):\n      \
        q1 = ops.quantized.conv2d(q0, p, 0.02, 64)\n      q0 = q1\n    return torch.dequantize(q0)\n";
    let path = scratch("quantised_convolutions.pt");
    write_archive(&path, code);
    path
}

/// The smallest archive torch loads around one source file (`torchscript.md` section 8, item 11).
fn write_archive(path: &Path, code: &str) {
    let mut zip = zip::ZipWriter::new(File::create(path).expect("target is writable"));
    let pickle = b"\x80\x02c__torch__\nM\n)\x81}(X\x08\x00\x00\x00training\x89ub.".as_slice();
    let records: [(&str, &[u8]); 4] = [
        ("M/version", b"3\n"),
        ("M/data.pkl", pickle),
        ("M/constants.pkl", b"\x80\x02)."),
        ("M/code/__torch__.py", code.as_bytes()),
    ];
    for (name, bytes) in records {
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(name, options)
            .expect("the archive takes records");
        zip.write_all(bytes).expect("the archive takes records");
    }
    zip.finish().expect("the archive closes");
}

/// A module with one float32 parameter of so many bytes, not all zero, so that no file system stores it as a hole.
pub(crate) fn large(bytes: u64) -> PathBuf {
    let path = scratch(&format!("large_{bytes}.pt"));
    if path.exists() {
        return path;
    }
    let code = "class M(Module):\n  __parameters__ = [\"w\", ]\n  __buffers__ = []\n  w : Tensor\n  training : bool\n  \
        def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return torch.add(x, torch.select(self.w, 0, 0))\n";
    let part = path.with_extension("part");
    let mut zip = zip::ZipWriter::new(File::create(&part).expect("target is writable"));
    let options = || {
        SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .with_alignment(64)
    };
    let count = i32::try_from(bytes / 4).expect("a count that BININT holds");
    zip.start_file(
        "M/data/0",
        options().large_file(bytes > u64::from(u32::MAX / 2)),
    )
    .expect("the archive takes records");
    let chunk: Vec<u8> = (0..1 << 20)
        .map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x3f)
        .collect();
    for _ in 0..bytes >> 20 {
        zip.write_all(&chunk).expect("target has room");
    }
    let records: [(&str, &[u8]); 4] = [
        ("M/data.pkl", &large_pickle(count)),
        ("M/code/__torch__.py", code.as_bytes()),
        ("M/constants.pkl", b"\x80\x02)."),
        ("M/version", b"3\n"),
    ];
    for (name, bytes) in records {
        zip.start_file(name, options())
            .expect("the archive takes records");
        zip.write_all(bytes).expect("the archive takes records");
    }
    zip.finish().expect("the archive closes");
    std::fs::rename(part, &path).expect("target is writable");
    path
}

/// `data.pkl` of [`large`]: one float32 tensor of `count` elements at key 0, and `training`.
fn large_pickle(count: i32) -> Vec<u8> {
    let mut pickle = b"\x80\x02c__torch__\nM\n)\x81}(X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuJ".to_vec();
    let count = count.to_le_bytes();
    pickle.extend_from_slice(&count);
    pickle.extend_from_slice(b"tQK\x00(J");
    pickle.extend_from_slice(&count);
    pickle.extend_from_slice(
        b"t(K\x01t\x88ccollections\nOrderedDict\n)RtRX\x08\x00\x00\x00training\x89ub.",
    );
    pickle
}
