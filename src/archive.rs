//! The `.pt` container: zip, pickle, storages, tensors as views of mapped bytes; reader and lossless writer.
//! No meaning is attached to what is found.
//!
//! Facts about the format are in the sections of `torchscript.md` that comments name.

mod bytes;
mod document;
pub mod error;
mod kind;
pub mod limits;
pub mod pickle;
mod tensor_view;
pub mod torch_save;
mod version;
pub mod write;
pub mod zip;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub use bytes::Blob;
pub use document::Document;
pub use error::ArchiveError;
pub use kind::Kind;
pub use tensor_view::{TensorView, row_major};
pub use write::Plan;

use document::Source;
use pickle::{Dialect, Value};
use zip::{EntryId, Zip};

/// An opened `.pt` file that is a zip.
#[derive(Debug)]
pub struct Archive {
    zip: Arc<Zip>,
    path: Option<PathBuf>,
    /// The folder of all records: entry 0's name up to its first slash.
    folder: Vec<u8>,
    data: OnceLock<Document>,
    constants: OnceLock<Document>,
    traced_inputs: OnceLock<Option<Document>>,
}

impl Archive {
    /// Maps a file and reads its directory. Any zip opens; see [`Archive::kind`].
    pub fn open(path: impl AsRef<Path>) -> Result<Archive, ArchiveError> {
        let path = path.as_ref();
        let archive = Archive::from_blob(Blob::open(path)?)?;
        Ok(Archive {
            path: Some(path.to_owned()),
            ..archive
        })
    }

    /// Opens a file that must be TorchScript of a version torch 2.11 reads.
    pub fn open_torchscript(path: impl AsRef<Path>) -> Result<Archive, ArchiveError> {
        let archive = Archive::open(path)?;
        archive.require_torchscript()?;
        Ok(archive)
    }

    /// Opens a file that is already in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Archive, ArchiveError> {
        Archive::from_blob(Blob::from(bytes))
    }

    /// Opens a file's bytes.
    pub fn from_blob(blob: Blob) -> Result<Archive, ArchiveError> {
        if let Some(kind) = Kind::of_non_zip(&blob) {
            return Err(ArchiveError::WrongKind { kind });
        }
        let zip = Zip::open(blob)?;
        let first = zip.name(EntryId(0));
        let folder = first
            .iter()
            .position(|it| *it == b'/')
            .map_or(&[][..], |slash| &first[..slash])
            .to_vec();
        Ok(Archive {
            zip: Arc::new(zip),
            path: None,
            folder,
            data: OnceLock::new(),
            constants: OnceLock::new(),
            traced_inputs: OnceLock::new(),
        })
    }

    /// The path it was opened from.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The folder of all records, lossy.
    pub fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.folder)
    }

    /// The folder of all records.
    pub fn folder(&self) -> &[u8] {
        &self.folder
    }

    /// The zip itself.
    pub fn zip(&self) -> &Zip {
        &self.zip
    }

    /// What sort of file it is.
    pub fn kind(&self) -> Kind {
        Kind::of_zip(&self.zip, &self.folder)
    }

    /// Refuses everything that `torch.jit.load` of 2.11 refuses by kind or version.
    pub fn require_torchscript(&self) -> Result<(), ArchiveError> {
        match self.kind() {
            Kind::TorchScript => self.version().map(|_| ()),
            kind => Err(ArchiveError::WrongKind { kind }),
        }
    }

    /// The file format version, 1 to 10.
    pub fn version(&self) -> Result<u64, ArchiveError> {
        let record = self.find(".data/version").or_else(|| self.find("version"));
        let entry = record.ok_or(ArchiveError::Missing { record: "version" })?;
        version::parse(&self.text(entry)?)
    }

    /// Record ids in directory order, with names inside the folder. Records outside of it, and names that are not
    /// UTF-8, are invisible here and untouched by writing.
    pub fn entries(&self) -> impl Iterator<Item = (EntryId, &str)> {
        self.zip
            .entries()
            .filter_map(|(id, _)| Some((id, self.record(id)?)))
    }

    /// A record's name inside the folder, such as `code/__torch__.py`.
    pub fn record(&self, id: EntryId) -> Option<&str> {
        let name = self.zip.name(id);
        let record = match self.folder.is_empty() {
            true => name,
            false => name.strip_prefix(&self.folder[..])?.strip_prefix(b"/")?,
        };
        std::str::from_utf8(record).ok()
    }

    /// Finds a record by its name inside the folder: exactly, or as torch does, ignoring ASCII case.
    pub fn find(&self, record: &str) -> Option<EntryId> {
        self.zip.find(&self.folder, record)
    }

    /// A record's bytes, borrowed from the file when stored.
    pub fn read(&self, id: EntryId) -> Result<Cow<'_, [u8]>, ArchiveError> {
        self.zip.read(id)
    }

    /// The bytes of a text or pickle record, under the tighter bound on inflating.
    pub fn text(&self, id: EntryId) -> Result<Blob, ArchiveError> {
        self.zip.text(id)
    }

    /// `data.pkl`: the root object and all it reaches.
    pub fn data(&self) -> Result<&Document, ArchiveError> {
        once(&self.data, || {
            let data = self.document("data.pkl", "data", false)?;
            check_root(&data, "an object", |it| matches!(it, Value::Object(_)))?;
            Ok(data)
        })
    }

    /// `constants.pkl`: the tuple that `CONSTANTS.cN` indexes.
    pub fn constants(&self) -> Result<&Document, ArchiveError> {
        once(&self.constants, || {
            let constants = self.document("constants.pkl", "constants", false)?;
            check_root(&constants, "a tuple", |it| matches!(it, Value::Tuple(_)))?;
            Ok(constants)
        })
    }

    /// `traced_inputs.pkl`, which traced files have; its storages may have no bytes.
    pub fn traced_inputs(&self) -> Result<Option<&Document>, ArchiveError> {
        let inputs = once(&self.traced_inputs, || {
            match self.find("traced_inputs.pkl") {
                Some(_) => self
                    .document("traced_inputs.pkl", "traced_inputs", true)
                    .map(Some),
                None => Ok(None),
            }
        });
        Ok(inputs?.as_ref())
    }

    /// Whether every tensor of the model, its constants and its example inputs lies in its record.
    pub fn check_tensors(&self) -> Result<(), ArchiveError> {
        self.data()?.check_tensors()?;
        self.constants()?.check_tensors()?;
        self.traced_inputs()?
            .map_or(Ok(()), Document::check_tensors)
    }

    /// Decodes any pickle record of the TorchScript subset, such as a `debug_pkl`.
    pub fn pickle(&self, id: EntryId) -> Result<Document, ArchiveError> {
        let record = self.record(id).unwrap_or("?").to_owned();
        let source = self.source("", false);
        Document::decode(self.text(id)?, Dialect::Jit, &record, source)
    }

    fn document(
        &self,
        record: &'static str,
        prefix: &'static str,
        optional: bool,
    ) -> Result<Document, ArchiveError> {
        let entry = self.find(record).ok_or(ArchiveError::Missing { record })?;
        Document::decode(
            self.text(entry)?,
            Dialect::Jit,
            record,
            self.source(prefix, optional),
        )
    }

    fn source(&self, prefix: &'static str, optional: bool) -> Source {
        // torch.jit.load ignores the `byteorder` record (1.7).
        Source::Zip {
            zip: Arc::clone(&self.zip),
            folder: self.folder.clone(),
            prefix,
            optional,
            swap: false,
        }
    }
}

fn check_root(
    document: &Document,
    expected: &'static str,
    fits: fn(Value) -> bool,
) -> Result<(), ArchiveError> {
    let root = document.at(document.root());
    if fits(root) {
        return Ok(());
    }
    Err(ArchiveError::Root {
        record: document.record().into(),
        expected,
        found: root.describe(),
    })
}

/// Fills a cell on first use; an error is not kept.
fn once<T>(
    cell: &OnceLock<T>,
    make: impl FnOnce() -> Result<T, ArchiveError>,
) -> Result<&T, ArchiveError> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}
