//! A CPU-only libtorch, made from the wheels of the Python package index by the user's own pip.

use crate::python;
use crate::shell::{command, root, run, say};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

const VERSION: &str = "2.11.0";
/// libtorch_cpu of the wheel needs the CUDA runtime and profiler libraries to load, even where there is no GPU.
const CUDA_WHEELS: [(&str, &str); 2] = [
    (
        "nvidia-cuda-runtime==13.0.96",
        "nvidia/cu13/lib/libcudart.so.13",
    ),
    (
        "nvidia-cuda-cupti==13.0.85",
        "nvidia/cu13/lib/libcupti.so.13",
    ),
];

/// Where `setup` puts libtorch and `.cargo/config.toml` finds it.
pub(crate) fn folder() -> PathBuf {
    root().join("target/libtorch")
}

/// Whether the user named a libtorch of their own.
fn is_user_provided() -> bool {
    let own = std::env::var_os("LIBTORCH").is_some_and(|path| Path::new(&path) != folder());
    own || std::env::var_os("LIBTORCH_USE_PYTORCH").is_some()
}

/// Makes libtorch available; does nothing when it is.
pub(crate) fn setup() -> Result<()> {
    if is_user_provided() {
        say("setup: using the libtorch that LIBTORCH or LIBTORCH_USE_PYTORCH names\n");
        return Ok(());
    }
    if folder().join("build-version").exists() {
        say("setup: target/libtorch is there\n");
        return Ok(());
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "setup fetches libtorch for Linux on x86-64 only: install libtorch {VERSION} or torch {VERSION} and set LIBTORCH=<folder> or LIBTORCH_USE_PYTORCH=1"
        );
    }
    fetch().context("libtorch could not be fetched; install it by hand and set LIBTORCH=<folder>")
}

fn fetch() -> Result<()> {
    say("setup: fetching libtorch (550 MB of wheels, once)\n");
    let wheels = root().join("target/libtorch-wheels");
    fs::create_dir_all(&wheels)?;
    let torch = format!("torch=={VERSION}");
    let platform = [
        "--python-version",
        "3.11",
        "--only-binary=:all:",
        "--platform",
        "manylinux_2_28_x86_64",
    ];
    download(&wheels, &torch, &platform)?;
    for (package, _) in CUDA_WHEELS {
        download(&wheels, package, &[])?;
    }
    unpack(&wheels)?;
    fs::remove_dir_all(&wheels)?;
    say("setup: target/libtorch is ready\n");
    Ok(())
}

fn download(wheels: &Path, package: &str, options: &[&str]) -> Result<()> {
    let mut pip = command(python::interpreter());
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]);
    run(pip.arg("-d").arg(wheels).args(options).arg(package))
}

/// Unpacks into a side folder that is renamed last, so that an interrupted setup is started anew.
fn unpack(wheels: &Path) -> Result<()> {
    let parts = root().join("target/libtorch.part");
    let _ = fs::remove_dir_all(&parts);
    let lib = parts.join("lib");
    fs::create_dir_all(&lib)?;
    let script = "import sys, glob, zipfile\n\
        wheels, out = sys.argv[1:3]\n\
        want = ('torch/include/', 'torch/lib/libc10.so', 'torch/lib/libtorch_cpu.so', 'torch/lib/libgomp.so.1') + tuple(sys.argv[3:])\n\
        for wheel in glob.glob(wheels + '/*.whl'):\n\
        \x20   with zipfile.ZipFile(wheel) as z:\n\
        \x20       z.extractall(out, [n for n in z.namelist() if n.startswith(want)])\n";
    let unpacked = parts.join("wheel");
    let mut python = command(python::interpreter());
    python.arg("-c").arg(script).arg(wheels).arg(&unpacked);
    run(python.args(CUDA_WHEELS.map(|(_, library)| library)))?;
    fs::rename(unpacked.join("torch/include"), parts.join("include"))?;
    for folder in ["torch/lib", "nvidia/cu13/lib"] {
        for file in fs::read_dir(unpacked.join(folder))? {
            let file = file?;
            fs::rename(file.path(), lib.join(file.file_name()))?;
        }
    }
    fs::remove_dir_all(&unpacked)?;
    empty_libtorch(&lib)?;
    fs::write(parts.join("build-version"), format!("{VERSION}+cpu"))?;
    fs::rename(parts, folder())?;
    Ok(())
}

/// The wheel's `libtorch.so` needs libtorch_cuda; torch-sys only wants the name, so an empty one serves.
fn empty_libtorch(lib: &Path) -> Result<()> {
    let source = lib.join("empty.c");
    fs::write(&source, "")?;
    let mut cc = command(std::env::var("CC").unwrap_or_else(|_| "cc".into()));
    cc.args([
        "-shared",
        "-fPIC",
        "-Wl,-soname,libtorch.so",
        "-Wl,--no-as-needed",
        "-Wl,-rpath,$ORIGIN",
    ]);
    cc.arg("-Wl,--allow-shlib-undefined")
        .arg("-o")
        .arg(lib.join("libtorch.so"))
        .arg(&source);
    run(cc
        .arg(format!("-L{}", lib.display()))
        .args(["-ltorch_cpu", "-lc10"]))?;
    fs::remove_file(source)?;
    Ok(())
}
