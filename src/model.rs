//! An opened model: its archive, and everything its sources define as graphs.

mod constants;
pub mod origin;

use crate::archive::pickle::{ObjectId, Value};
use crate::archive::{Archive, ArchiveError};
use crate::diag::{Diagnostic, Severity, Span};
use crate::ir::{Class, FuncId, Function, Program};
use crate::torchscript::debug::{DebugIndex, Origin};
use crate::torchscript::lower::{Input, Lowered, lower};
use smol_str::SmolStr;
use std::cell::RefCell;
use std::path::Path;

/// The code of a source record that cannot be read from the archive.
const UNREADABLE: &str = "E0414";

/// A TorchScript file with its program.
#[derive(Debug)]
pub struct Model {
    /// The container.
    pub archive: Archive,
    /// Classes and functions that the objects of the file reach.
    pub program: Program,
    /// Qualified name of the root module's class.
    pub root_class: SmolStr,
    /// What is wrong with the sources; functions that failed have empty graphs.
    pub diagnostics: Vec<Diagnostic>,
    root: ObjectId,
    debug: DebugIndex,
}

impl Model {
    /// Opens a file and lowers its sources. Errors in sources are diagnostics, not an error here.
    pub fn open(path: impl AsRef<Path>) -> Result<Model, ArchiveError> {
        Model::from_archive(Archive::open_torchscript(path)?)
    }

    /// Opens a file that is already in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Model, ArchiveError> {
        let archive = Archive::from_bytes(bytes)?;
        archive.require_torchscript()?;
        Model::from_archive(archive)
    }

    /// Lowers the sources of an opened archive, which must be TorchScript.
    pub fn from_archive(archive: Archive) -> Result<Model, ArchiveError> {
        let data = archive.data()?;
        let root = match data.at(data.root()) {
            Value::Object(root) => root,
            other => {
                return Err(ArchiveError::Root {
                    record: data.record().into(),
                    expected: "an object",
                    found: other.describe(),
                });
            }
        };
        let root_class = SmolStr::from(data.qualified_name(data.object(root).class));
        let roots = constants::classes(&root_class, data, archive.constants()?);
        let Lowered {
            program,
            diagnostics,
        } = lower_archive(&archive, &roots)?;
        Ok(Model {
            debug: DebugIndex::new(&archive),
            archive,
            program,
            root_class,
            diagnostics,
            root,
        })
    }

    /// The root module in `data.pkl`.
    pub fn root(&self) -> ObjectId {
        self.root
    }

    /// The class of the root module; none if its source is missing or broken.
    pub fn root_definition(&self) -> Option<&Class> {
        self.program.class(&self.root_class)
    }

    /// A method of the root module, such as `forward`.
    pub fn method(&self, name: &str) -> Option<(FuncId, &Function)> {
        let id = self.root_definition()?.method(name)?;
        Some((id, &self.program.functions[id]))
    }

    /// The user's Python line that a place in the serialised source was made from, if the file says so.
    pub fn user_location(&self, span: Span) -> Option<Origin> {
        let record = &self.program.file(span.file)?.name;
        self.debug.lookup(&self.archive, record, span.start)
    }

    /// Whether some diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|d| d.severity == Severity::Error)
    }
}

fn lower_archive(archive: &Archive, roots: &[SmolStr]) -> Result<Lowered, ArchiveError> {
    let unreadable = RefCell::new(Vec::new());
    let source = |record: &str| match archive.text(archive.find(record)?) {
        Ok(text) => Some(text.to_vec()),
        Err(error) => {
            let message = format!("expected to read `{record}`: {error}");
            unreadable
                .borrow_mut()
                .push(Diagnostic::error(UNREADABLE, message, None));
            None
        }
    };
    let mut lowered = lower(&Input {
        source: &source,
        constants: &constants::types(archive.constants()?),
        version: archive.version()?,
        roots,
    });
    lowered.diagnostics.splice(0..0, unreadable.into_inner());
    Ok(lowered)
}
