//! Compiles the libtorch shim when the `torch` feature is on; does nothing otherwise.

fn main() {
    println!("cargo:rerun-if-changed=src/exec/torch/build.rs");
    println!("cargo:rerun-if-changed=src/exec/torch/shim");
    #[cfg(feature = "torch")]
    shim();
}

#[cfg(feature = "torch")]
fn shim() {
    let lib = std::env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys tells where libtorch lies");
    let include = format!("{lib}/../include");
    let parts = ["types", "build", "read", "call", "keep", "reference"];
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .warnings(false)
        .include(&include)
        .include(format!("{include}/torch/csrc/api/include"))
        .flag("-std=c++17")
        .flag("-D_GLIBCXX_USE_CXX11_ABI=1")
        .flag("-O2")
        .files(parts.map(|part| format!("src/exec/torch/shim/{part}.cpp")))
        .files(
            ["register", "memo", "fake_quant", "fake_roi"]
                .map(|part| format!("src/exec/torch/shim/horizon/{part}.cpp")),
        )
        .compile("ptool_shim");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
}
