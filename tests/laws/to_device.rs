//! Moved models load in libtorch, and what came back computes what it did before.

use super::{calls, fixtures, judge, judged};
use crate::exec::{alone, io};
use ptool::archive::Archive;
use ptool::exec::torch::Reference;
use ptool::model::Model;
use ptool::pass::to_device::{Options, Patterns, Rewrite};
use std::path::Path;

fn moved(file: &[u8], target: &str) -> Result<Vec<u8>, String> {
    let archive = Archive::from_bytes(file.to_vec()).map_err(|e| e.to_string())?;
    let options = Options {
        target: target.parse().map_err(|_| "no such device")?,
        keep: Patterns::default(),
        only: Vec::new(),
    };
    let rewrite = Rewrite::new(&archive, &options).map_err(|e| e.to_string())?;
    let (plan, _) = rewrite.into_plan().map_err(|e| e.to_string())?;
    plan.to_bytes().map_err(|e| e.to_string())
}

fn check(path: &Path, folder: &Path) -> Result<bool, String> {
    let file = std::fs::read(path).map_err(|e| e.to_string())?;
    if Reference::load(&path.to_string_lossy(), None).is_err() {
        return Ok(false);
    }
    let away = moved(&file, "cuda:0")?;
    let copy = folder.join("moved.pt");
    let put = |bytes: &[u8]| std::fs::write(&copy, bytes).map_err(|e| e.to_string());
    put(&away)?;
    for device in ["cpu", "meta"] {
        // libtorch itself cannot put every file on meta: it compares constants while loading.
        if Reference::load(&path.to_string_lossy(), Some(device)).is_err() {
            continue;
        }
        let loaded = Reference::load(&copy.to_string_lossy(), Some(device));
        loaded.map_err(|e| format!("on cuda, mapped to {device}: {e}"))?;
    }
    put(&moved(&away, "cpu")?)?;
    let model = Model::open(path).map_err(|e| e.to_string())?;
    // What named no device but the CPU is as before.
    let first = &calls(path)[0];
    if let Ok(expected) = judge(path, None, &model, first) {
        let found = judge(&copy, None, &model, first).map_err(|e| format!("back: {e}"))?;
        if !io::same(&expected, &found) {
            return Err(format!("back: {expected:?}, then {found:?}"));
        }
    }
    Ok(true)
}

#[test]
fn moved_models_load_in_libtorch() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let paths = ["devices", "archs", "digits"]
        .into_iter()
        .flat_map(fixtures);
    let count = judged(paths, |path| check(path, folder.path()));
    assert!(count > 70, "{count} files");
}
