//! Laws of whole files that libtorch judges: run, printed anew, moved. Each takes the path of a file with recorded calls.

use super::{calls, fixtures, judge};
use crate::exec::{alone, io};
use ptool::archive::Archive;
use ptool::exec::torch::Reference;
use ptool::model::Model;
use ptool::pass::reprint::reprint;
use ptool::pass::to_device::{Options, Patterns, Rewrite};
use std::path::Path;

/// What a law found; an error says what does not hold.
pub(super) type Verdict = Result<Holds, String>;

/// A law that does not fail.
#[derive(Debug, PartialEq)]
pub(super) enum Holds {
    Yes,
    /// libtorch refuses the file as it is: for an operator that it lacks, or for a device it has no kernel on.
    NoJudge,
}

/// Any error as text.
pub(super) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The file moved to a device, written.
pub(super) fn moved(path: &Path, target: &str, out: &Path) -> Result<(), String> {
    let archive = Archive::open(path).map_err(text)?;
    let options = Options {
        target: target.parse().map_err(text)?,
        keep: Patterns::default(),
        only: Vec::new(),
    };
    let rewrite = Rewrite::new(&archive, &options).map_err(text)?;
    let (plan, _) = rewrite.into_plan().map_err(text)?;
    plan.write(out).map_err(text)
}

/// Every function printed anew from its graph: libtorch loads the file and computes the same bits.
pub(super) fn reprinted_is_the_same(path: &Path, scratch: &Path) -> Verdict {
    let out = scratch.join("reprinted.pt");
    let model = Model::open(path).map_err(text)?;
    let plan = reprint(&model).map_err(text)?;
    plan.write(&out).map_err(text)?;
    same_in_libtorch(path, &out, &model)
}

/// Without device literals of its own the file computes the same bits where its inputs are.
pub(super) fn following_its_input_is_the_same(path: &Path, scratch: &Path) -> Verdict {
    let out = scratch.join("following.pt");
    moved(path, "follow-input", &out)?;
    same_in_libtorch(path, &out, &Model::open(path).map_err(text)?)
}

/// Moved to `cuda`, the file loads onto a machine without one when the loader is told where to.
pub(super) fn moved_loads(path: &Path, scratch: &Path, map_location: &str) -> Verdict {
    if load(path, Some(map_location)).is_err() {
        return Ok(Holds::NoJudge);
    }
    let out = scratch.join("moved.pt");
    moved(path, "cuda", &out)?;
    load(&out, Some(map_location)).map(|_| Holds::Yes)
}

fn load(path: &Path, device: Option<&str>) -> Result<Reference, String> {
    Reference::load(path.to_str().ok_or("a path that is no text")?, device).map_err(text)
}

/// Whether libtorch lacks an operator that the file names, so that it refuses to load it.
pub(super) fn without_judge(path: &Path) -> bool {
    load(path, None).is_err_and(|e| e.contains("Unknown builtin op"))
}

/// The recorded calls of `before`, on both files, in libtorch's own interpreter.
fn same_in_libtorch(before: &Path, after: &Path, model: &Model) -> Verdict {
    if without_judge(before) {
        return Ok(Holds::NoJudge);
    }
    for call in &calls(before) {
        let expected = judge(before, None, model, call);
        let found = judge(after, None, model, call);
        match (expected, found) {
            (Ok(a), Ok(b)) if io::same(&a, &b) => {}
            (Err(_), Err(_)) => {}
            (expected, found) => return Err(format!("{}: {expected:?}, {found:?}", call.method)),
        }
    }
    Ok(Holds::Yes)
}

#[test]
fn fixtures_that_follow_their_input_run_as_before() {
    let _alone = alone();
    let scratch = tempfile::tempdir().expect("a folder");
    let (mut judged, mut wrong) = (0, Vec::new());
    for path in fixtures("devices") {
        match following_its_input_is_the_same(&path, scratch.path()) {
            Ok(holds) => judged += usize::from(holds == Holds::Yes),
            Err(why) => wrong.push(format!("{}: {why:.400}", path.display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged >= 25, "{judged} files");
}
