//! `to-device`: what it changes, what it leaves, and that nothing else moves.

mod cli;
mod killed;
mod laws;
mod left;

use ptool::archive::Archive;
use ptool::pass::to_device::{Options, Patterns, Report, Rewrite};
use std::path::{Path, PathBuf};

/// Every model below a folder of `testdata`, recorded inputs and outputs aside.
fn models(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder exists");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("readable").path()).collect();
    paths.retain(|p| {
        p.extension().is_some_and(|e| e == "pt") && !p.to_string_lossy().ends_with(".io.pt")
    });
    paths.sort();
    assert!(!paths.is_empty(), "no models in {}", folder.display());
    paths
}

/// All models that `torch.jit.load` understands.
fn all_models() -> Vec<PathBuf> {
    ["devices", "core", "archs", "versions", "digits"]
        .into_iter()
        .flat_map(models)
        .collect()
}

fn name(path: &Path) -> String {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let file = path.file_name().unwrap_or_default();
    format!("{}/{}", folder.to_string_lossy(), file.to_string_lossy())
}

fn options(target: &str) -> Options {
    Options {
        target: target.parse().expect("a known device"),
        keep: Patterns::default(),
        only: Vec::new(),
    }
}

/// The rewritten file and its report.
fn moved(file: &[u8], options: &Options) -> (Vec<u8>, Report) {
    let archive = Archive::from_bytes(file.to_vec()).expect("opens");
    let rewrite = Rewrite::new(&archive, options).expect("can be moved");
    let (plan, report) = rewrite.into_plan().expect("a plan");
    (plan.to_bytes().expect("fits in memory"), report)
}
