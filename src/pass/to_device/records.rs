//! The source records of an archive and what belongs to them.

use super::ToDeviceError;
use super::device::DEVICE_TYPES;
use super::names::Unit;
use crate::archive::zip::EntryId;
use crate::archive::{Archive, Blob, Document};
use crate::torchscript::parse::parse_strict;

/// One source record before it is parsed.
pub(super) struct Source {
    pub(super) entry: EntryId,
    pub(super) record: String,
    pub(super) text: Blob,
}

/// Reads every source record.
pub(super) fn read(archive: &Archive) -> Result<Vec<Source>, ToDeviceError> {
    let is_source = |record: &str| record.starts_with("code/") && record.ends_with(".py");
    let sources = archive.entries().filter(|(_, record)| is_source(record));
    let read = |(entry, record): (EntryId, &str)| {
        Ok(Source {
            entry,
            record: record.to_owned(),
            text: archive.text(entry)?,
        })
    };
    sources.map(read).collect()
}

/// Parses all of them: a text may flow through any.
pub(super) fn parse(sources: &[Source]) -> Result<Vec<Unit>, ToDeviceError> {
    let parse = |source: &Source| {
        let file = parse_strict(&source.text).map_err(|error| ToDeviceError::Parse {
            record: source.record.clone(),
            at: error.range.start,
            message: error.to_string(),
        })?;
        Ok(Unit::new(source.record.clone(), source.text.to_vec(), file))
    };
    sources.iter().map(parse).collect()
}

/// Whether a text can name a device at all. Most models cannot, and then nothing of them is parsed.
pub(super) fn may_name_devices(text: &[u8]) -> bool {
    let words: [&[u8]; 4] = [b"cpu", b"cuda", b"pin_memory", b"Device"];
    words.iter().any(|word| contains(text, word)) || has_device_text(text)
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|b| *b == word[0]) {
        rest = &rest[at..];
        if rest.starts_with(word) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// A quote followed by a device type.
fn has_device_text(text: &[u8]) -> bool {
    let after_quotes = text
        .iter()
        .enumerate()
        .filter(|(_, b)| matches!(b, b'"' | b'\''))
        .map(|(at, _)| &text[at + 1..]);
    after_quotes
        .into_iter()
        .any(|rest| DEVICE_TYPES.iter().any(|t| rest.starts_with(t.as_bytes())))
}

/// The debug record of a source record, when there is one that can be decoded.
pub(super) fn debug(archive: &Archive, record: &str) -> Option<(EntryId, Option<Document>)> {
    let entry = archive.find(&format!("{record}.debug_pkl"))?;
    Some((entry, archive.pickle(entry).ok()))
}
