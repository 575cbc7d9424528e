//! Laws of rewrites of whole files.

use crate::archive::Archive;
use crate::ir::verify::{verify, verify_function};
use crate::model::Model;
use crate::pass::reprint::reprint;
use crate::pass::to_device::{Options, Patterns, Rewrite};
use crate::pass::{PassError, flat};

/// Opens any bytes as a model, moves it, flattens its methods and prints it anew: files that were written open again,
/// flat graphs keep the graph's rules.
pub fn rewrite(bytes: &[u8]) {
    let Ok(archive) = Archive::from_bytes(bytes.to_vec()) else {
        return;
    };
    for target in ["cuda:1", "cpu", "follow-input"] {
        moved(&archive, target);
    }
    let Ok(model) = Model::from_bytes(bytes.to_vec()) else {
        return;
    };
    flattened(&model);
    if let Ok(plan) = reprint(&model)
        && let Ok(bytes) = plan.to_bytes()
    {
        assert!(Model::from_bytes(bytes).is_ok(), "a reprinted file opens");
    }
}

fn moved(archive: &Archive, target: &str) {
    let Ok(target) = target.parse() else { return };
    let options = Options {
        target,
        keep: Patterns::default(),
        only: Vec::new(),
    };
    let Ok(rewrite) = Rewrite::new(archive, &options) else {
        return;
    };
    let Ok((plan, _)) = rewrite.into_plan() else {
        return;
    };
    if let Ok(bytes) = plan.to_bytes() {
        assert!(Archive::from_bytes(bytes).is_ok(), "a moved file opens");
    }
}

fn flattened(model: &Model) {
    // Nothing is promised for a graph that breaks the rules from the start.
    if model.has_errors() || !verify(&model.program).is_empty() {
        return;
    }
    let methods = model.root_definition().map(|class| class.methods.clone());
    for (name, _) in methods.unwrap_or_default() {
        match flat(model, &name) {
            Ok(flat) => {
                let wrong = verify_function(&model.program, &flat.function);
                assert!(wrong.is_empty(), "{name}: {}", wrong[0].message);
            }
            Err(error @ PassError::Broken { .. }) => panic!("{name}: {error}"),
            Err(_) => {}
        }
    }
}
