//! Whether a file is sound, layer by layer: container, pickles, source, graph.

use crate::archive::{Archive, ArchiveError};
use crate::diag::{Diagnostic, FileId, Span};
use crate::ir;
use crate::model::Model;
use crate::torchscript::{parse, print};

/// A record, pickle or tensor that contradicts itself.
pub const CONTAINER: &str = "E0101";
/// Source that the printer does not reproduce although it parses: it was edited by hand, or torch printed it wrong.
pub const SPELLING: &str = "N0301";

/// Everything wrong with the records: checksums, pickles, tensors that reach beyond their storages.
pub fn container(archive: &Archive) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut check = |result: Result<(), ArchiveError>| {
        if let Err(error) = result {
            found.push(Diagnostic::error(CONTAINER, error.to_string(), None));
        }
    };
    for (id, _) in archive.zip().entries() {
        check(archive.zip().verify_crc(id));
    }
    check(archive.data().and_then(|it| it.check_tensors()));
    check(archive.constants().and_then(|it| it.check_tensors()));
    check(
        archive
            .traced_inputs()
            .and_then(|it| it.map_or(Ok(()), |it| it.check_tensors())),
    );
    found
}

/// Everything wrong with sources and graphs; spelling that torch's printer would not choose is a note.
pub fn program(model: &Model) -> Vec<Diagnostic> {
    let mut found = model.diagnostics.clone();
    for (index, file) in model.program.files.iter().enumerate() {
        let (parsed, errors) = parse::parse(file.text.as_bytes());
        if errors.is_empty() && print::print(&parsed) != *file.text {
            let span = Span {
                file: FileId(index as u32),
                start: 0,
                end: 0,
            };
            let message = format!("`{}` is not spelled as torch spells it", file.name);
            found.push(Diagnostic {
                severity: crate::diag::Severity::Note,
                ..Diagnostic::error(SPELLING, message, Some(span))
            });
        }
    }
    // Graphs with errors in their source are incomplete: what the verifier says of them would be noise.
    if !model.has_errors() {
        found.extend(ir::verify::verify(&model.program));
    }
    found
}
