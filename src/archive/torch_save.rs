//! Files from `torch.save`: state dicts and inputs, zip and legacy (`torchscript.md` 2.8).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use byteorder::{ByteOrder, LittleEndian};

use super::document::{Document, Source, swapped};
use super::error::LegacyFault;
use super::pickle::{Dialect, Pickle, Value};
use super::{Archive, ArchiveError, Blob, Kind};

/// The long that starts a legacy file.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const LEGACY_PROTOCOL: i64 = 1001;
/// What messages call the one pickle of a legacy file.
const LEGACY_RECORD: &str = "the saved object";

/// Opens a file that `torch.save` wrote: tensors and plain values only, no Python classes.
pub fn open(path: impl AsRef<Path>) -> Result<Document, ArchiveError> {
    from_blob(Blob::open(path.as_ref())?)
}

/// As [`open`], from memory.
pub fn from_blob(blob: Blob) -> Result<Document, ArchiveError> {
    match Kind::of_non_zip(&blob) {
        None => from_archive(&Archive::from_blob(blob)?),
        Some(Kind::LegacyTorchSave) => legacy(&blob),
        Some(kind) => Err(ArchiveError::WrongKind { kind }),
    }
}

/// The object in an opened zip, which must be of kind [`Kind::TorchSave`].
pub fn from_archive(archive: &Archive) -> Result<Document, ArchiveError> {
    let kind = archive.kind();
    let entry = archive.find("data.pkl").filter(|_| kind == Kind::TorchSave);
    let entry = entry.ok_or(ArchiveError::NotTorchSave { kind })?;
    let source = Source::Zip {
        zip: Arc::clone(&archive.zip),
        folder: archive.folder.clone(),
        prefix: "data",
        optional: false,
        swap: is_big_endian(archive)?,
    };
    Document::decode(archive.text(entry)?, Dialect::Python, "data.pkl", source)
}

fn is_big_endian(archive: &Archive) -> Result<bool, ArchiveError> {
    let Some(entry) = archive.find("byteorder") else {
        return Ok(false);
    };
    match &archive.text(entry)?[..] {
        b"little" => Ok(false),
        b"big" => Ok(true),
        other => {
            let text = other[..other.len().min(super::limits::MAX_VERSION_TEXT)]
                .escape_ascii()
                .to_string();
            Err(ArchiveError::Legacy {
                record: "byteorder".into(),
                fault: LegacyFault::ByteOrder(text),
            })
        }
    }
}

/// Magic, protocol, system info, object, storage keys: five pickles, then the storages' bytes.
fn legacy(blob: &Blob) -> Result<Document, ArchiveError> {
    let mut rest = blob.clone();
    let magic = next(&mut rest)?;
    if !matches!(magic.at(magic.root()), Value::BigInt(text) if magic.text(text) == MAGIC) {
        return Err(ArchiveError::WrongKind {
            kind: Kind::Unknown,
        });
    }
    let protocol = next(&mut rest)?;
    match protocol.at(protocol.root()) {
        Value::Int(LEGACY_PROTOCOL) => {}
        Value::Int(found) => return Err(fault(LegacyFault::Protocol { found })),
        _ => return Err(fault(LegacyFault::Protocol { found: -1 })),
    }
    let info = next(&mut rest)?;
    let big = is_big_endian_legacy(&info);
    let object = next(&mut rest)?;
    let keys = next(&mut rest)?;
    let parts = storages(&object, &keys, &rest, big)?;
    Ok(Document::new(
        object,
        LEGACY_RECORD.into(),
        Source::Parts(parts),
    ))
}

fn fault(fault: LegacyFault) -> ArchiveError {
    ArchiveError::Legacy {
        record: LEGACY_RECORD.into(),
        fault,
    }
}

fn is_big_endian_legacy(info: &Pickle) -> bool {
    let Value::Dict(dict) = info.at(info.root()) else {
        return false;
    };
    info.get(dict, "little_endian")
        .is_some_and(|it| info.at(it) == Value::Bool(false))
}

fn next(rest: &mut Blob) -> Result<Pickle, ArchiveError> {
    let pickle =
        Pickle::decode(rest.clone(), Dialect::Python).map_err(|error| ArchiveError::Pickle {
            record: LEGACY_RECORD.into(),
            at: error.at,
            fault: error.fault,
        })?;
    *rest = rest
        .slice(pickle.size_bytes()..rest.len())
        .unwrap_or_else(|| Blob::from(Vec::new()));
    Ok(pickle)
}

/// For each key in order: an `i64` count of elements, then the bytes.
fn storages(
    object: &Pickle,
    keys: &Pickle,
    rest: &Blob,
    big: bool,
) -> Result<HashMap<Vec<u8>, Blob>, ArchiveError> {
    let dtypes: HashMap<&[u8], _> = object
        .storages()
        .map(|(_, it)| (object.text(it.key), it.dtype))
        .collect();
    let keys_root = keys
        .sequence(keys.at(keys.root()))
        .ok_or_else(|| fault(LegacyFault::Keys))?;
    let mut parts = HashMap::with_capacity(keys_root.len());
    let mut at = 0usize;
    for key in keys_root {
        let Value::Str(key) = keys.at(*key) else {
            return Err(fault(LegacyFault::Keys));
        };
        let key = keys.text(key);
        let dtype = *dtypes.get(key).ok_or_else(|| fault(LegacyFault::Keys))?;
        let short = || {
            fault(LegacyFault::Short {
                key: String::from_utf8_lossy(key).into_owned(),
            })
        };
        let count = rest.slice(at..at + 8).ok_or_else(short)?;
        let count = usize::try_from(LittleEndian::read_i64(&count)).map_err(|_| short())?;
        let item = dtype.map_or(1, crate::tensor::DType::size);
        let end = count
            .checked_mul(item)
            .and_then(|it| it.checked_add(at + 8))
            .ok_or_else(short)?;
        let bytes = rest.slice(at + 8..end).ok_or_else(short)?;
        let previous = parts.insert(
            key.to_vec(),
            if big { swapped(&bytes, dtype) } else { bytes },
        );
        if previous.is_some() {
            return Err(fault(LegacyFault::Keys));
        }
        at = end;
    }
    Ok(parts)
}
