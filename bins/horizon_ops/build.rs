//! Compiles the registration against libtorch's headers and links it to the libtorch that Python has loaded.

use std::path::PathBuf;

const SHIM: &str = "../../src/exec/torch/shim/horizon";

fn main() {
    println!("cargo:rerun-if-changed={SHIM}");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let libtorch = std::env::var_os("LIBTORCH").map(PathBuf::from);
    let libtorch = libtorch.filter(|folder| folder.join("include/torch/library.h").exists());
    let libtorch = libtorch
        .expect("LIBTORCH names no libtorch 2.11 with headers; `cargo xtask setup` fetches one");
    let include = libtorch.join("include");
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .warnings(false)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .flag("-std=c++17")
        .flag("-D_GLIBCXX_USE_CXX11_ABI=1")
        .flag("-fvisibility=hidden")
        .flag("-O3")
        .flag("-fno-math-errno")
        .flag("-fno-trapping-math")
        .files(["register", "memo", "fake_quant", "fake_roi"].map(|part| format!("{SHIM}/{part}.cpp")))
        .compile("horizon_ops_shim");
    // No rpath: the loader must find the libraries that Python's torch has brought already.
    println!(
        "cargo:rustc-link-search=native={}",
        libtorch.join("lib").display()
    );
    println!("cargo:rustc-link-lib=dylib=torch_cpu");
    println!("cargo:rustc-link-lib=dylib=c10");
}
