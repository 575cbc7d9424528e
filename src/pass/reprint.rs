//! Every function of a file printed anew from its graph: the strongest test of lowering, raising and printing.

use crate::archive::{Archive, ArchiveError, Plan};
use crate::ir::Program;
use crate::model::Model;
use crate::torchscript::print::print;
use crate::torchscript::raise::{self, RaiseError};

/// Why a file cannot be reprinted.
#[derive(Debug, thiserror::Error)]
pub enum ReprintError {
    /// A graph has no source form.
    #[error(transparent)]
    Raise(#[from] RaiseError),
    /// The archive cannot be read or written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Operators and the least file version that means them as graphs do (`torchscript.md` 1.9).
const VERSIONED: [(&str, u64); 6] = [
    ("aten::div", 4),
    ("aten::div_", 4),
    ("aten::full", 5),
    ("aten::linspace", 8),
    ("aten::logspace", 9),
    ("aten::gelu", 10),
];

/// The version from which the record is called `.data/version`.
const DATA_VERSION: u64 = 6;

/// The file with every reached source record printed from its graphs. Debug records of those sources are dropped,
/// since their offsets point into the old text; all other records keep their bytes.
pub fn reprint(model: &Model) -> Result<Plan<'_>, ReprintError> {
    let archive = &model.archive;
    let mut plan = Plan::new(archive);
    for (record, file) in raise::files(&model.program)? {
        let Some(entry) = archive.find(&record) else {
            continue;
        };
        plan.replace(entry, print(&file).into_bytes())?;
        if let Some(debug) = archive.find(&format!("{record}.debug_pkl")) {
            plan.drop_entry(debug)?;
        }
    }
    raise_version(archive, &model.program, &mut plan)?;
    Ok(plan)
}

/// Graphs mean today's operators; the printed file must say so.
fn raise_version(
    archive: &Archive,
    program: &Program,
    plan: &mut Plan<'_>,
) -> Result<(), ReprintError> {
    let needed = needed_version(program);
    if archive.version()? >= needed {
        return Ok(());
    }
    let old = archive
        .find(".data/version")
        .or_else(|| archive.find("version"));
    let name = if needed >= DATA_VERSION {
        ".data/version"
    } else {
        "version"
    };
    if let Some(entry) = old {
        plan.replace_as(entry, name, format!("{needed}\n").into_bytes())?;
    }
    Ok(())
}

fn needed_version(program: &Program) -> u64 {
    let mut needed = 0;
    for function in program.functions.values() {
        for node in function.graph.nodes_in_order() {
            let kind = function.graph.node(node).op.kind();
            let versioned = VERSIONED.iter().find(|(name, _)| *name == kind);
            needed = needed.max(versioned.map_or(0, |(_, version)| *version));
        }
    }
    needed
}
