//! Every function printed anew: libtorch reads it and computes the same.

use super::{calls, fixtures, judge, judged};
use crate::exec::{alone, io};
use ptool::model::Model;
use ptool::pass::reprint::reprint;
use std::path::Path;

fn check(path: &Path, folder: &Path) -> Result<bool, String> {
    let model = Model::open(path).map_err(|e| e.to_string())?;
    let copy = folder.join("reprinted.pt");
    let plan = reprint(&model).map_err(|e| e.to_string())?;
    std::fs::write(&copy, plan.to_bytes().map_err(|e| e.to_string())?)
        .map_err(|e| e.to_string())?;
    let mut judged = false;
    for call in calls(path) {
        let Ok(expected) = judge(path, None, &model, &call) else {
            // A call that raises, or an operator that libtorch lacks: both files must agree.
            match judge(&copy, None, &model, &call) {
                Ok(_) => return Err(format!("{}: runs only when reprinted", call.method)),
                Err(_) => continue,
            }
        };
        let found = judge(&copy, None, &model, &call).map_err(|e| e.to_string())?;
        if !io::same(&expected, &found) {
            return Err(format!(
                "{}: {expected:?}, reprinted {found:?}",
                call.method
            ));
        }
        judged = true;
    }
    Ok(judged)
}

#[test]
fn reprinted_models_compute_the_same_bits() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let paths = fixtures("");
    let count = judged(paths, |path| check(path, folder.path()));
    assert!(count > 300, "{count} files");
}
