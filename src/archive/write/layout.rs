//! From a plan to the pieces of the output, in order.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write;
use std::ops::Range;

use byteorder::{ByteOrder, LittleEndian};
use flate2::{Compression, write::DeflateEncoder};

use super::header::{self, Facts, ZIP64_AT};
use super::{ArchiveError, New, Plan, PlanFault, Record, limits, plan_error};
use crate::archive::bytes::Blob;
use crate::archive::zip::{CENTRAL_SIZE, Entry, EntryId, FLAG_DESCRIPTOR, LOCAL_SIZE, Method, Zip};

/// A piece of the output.
#[derive(Debug)]
pub(super) enum Segment {
    /// Headers.
    Made(Vec<u8>),
    /// Bytes of the input, or a new record's.
    Copied(Blob),
}

impl Segment {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Segment::Made(bytes) => bytes,
            Segment::Copied(blob) => blob,
        }
    }
}

/// Pieces so far, and where the next one lands.
struct Output {
    segments: Vec<Segment>,
    at: u64,
}

impl Output {
    fn made(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.at += bytes.len() as u64;
        match self.segments.last_mut() {
            Some(Segment::Made(last)) => last.extend(bytes),
            _ => self.segments.push(Segment::Made(bytes)),
        }
    }

    /// Ranges that follow each other in the input become one.
    fn copied(&mut self, blob: Blob) {
        if blob.is_empty() {
            return;
        }
        self.at += blob.len() as u64;
        let joined = match self.segments.last() {
            Some(Segment::Copied(last)) => last.join(&blob),
            _ => None,
        };
        match joined {
            Some(both) => {
                self.segments.pop();
                self.segments.push(Segment::Copied(both));
            }
            None => self.segments.push(Segment::Copied(blob)),
        }
    }
}

/// Lays the output out.
pub(super) fn layout(plan: &Plan<'_>) -> Result<Vec<Segment>, ArchiveError> {
    if let (true, Some(base)) = (plan.is_unchanged(), plan.base) {
        return Ok(vec![Segment::Copied(base.blob().clone())]);
    }
    let records = plan.records();
    check_names(plan, &records)?;
    let mut output = Output {
        segments: Vec::new(),
        at: 0,
    };
    let mut directory = Vec::with_capacity(records.len());
    for record in &records {
        let (place, entry) = match (record, plan.base) {
            (Record::Kept(id), Some(base)) => (Some(*id), keep(base, *id, &mut output)?),
            (Record::New(place, new), _) => (*place, put(new, &mut output)?),
            (Record::Kept(_), None) => continue,
        };
        directory.push((place.map_or(u32::MAX, |it| it.0), entry));
    }
    // The directory keeps its own order, in which entry 0 names the folder; new records come last.
    directory.sort_by_key(|it| it.0);
    check_first(plan, &directory)?;
    let count = directory.len() as u64;
    let start = output.at;
    directory.into_iter().for_each(|it| output.made(it.1));
    let size = output.at - start;
    finish(plan.base, count, size, start, &mut output);
    Ok(output.segments)
}

fn check_names(plan: &Plan<'_>, records: &[Record<'_>]) -> Result<(), ArchiveError> {
    if records.is_empty() {
        return Err(plan_error(&plan.folder, PlanFault::Empty));
    }
    let mut seen = HashSet::with_capacity(records.len());
    for record in records {
        let name = match (record, plan.base) {
            (Record::Kept(id), Some(base)) => base.name(*id),
            (Record::New(_, new), _) => &new.name,
            (Record::Kept(_), None) => continue,
        };
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(plan_error(name, PlanFault::Duplicate));
        }
    }
    if records.len() as u64 > limits::MAX_ENTRIES {
        return Err(plan_error(&plan.folder, PlanFault::TooMany));
    }
    Ok(())
}

/// The directory's first name must still begin with the folder: torch takes the folder from there.
fn check_first(plan: &Plan<'_>, directory: &[(u32, Vec<u8>)]) -> Result<(), ArchiveError> {
    let Some((_, entry)) = directory.first() else {
        return Ok(());
    };
    let name_len = LittleEndian::read_u16(&entry[28..]) as usize;
    let name = &entry[CENTRAL_SIZE..CENTRAL_SIZE + name_len];
    let slash = name.iter().position(|it| *it == b'/');
    match name[..slash.unwrap_or(0)] == plan.folder[..] {
        true => Ok(()),
        false => Err(plan_error(name, PlanFault::FirstFolder)),
    }
}

/// Copies a record; gives its directory entry.
fn keep(base: &Zip, id: EntryId, output: &mut Output) -> Result<Vec<u8>, ArchiveError> {
    let entry = base.entry(id);
    let directory = &base.blob()[entry.directory.clone()];
    let facts = Facts {
        offset: output.at,
        ..facts_of(entry)
    };
    // A whole number of alignments further, the padding is right as it is.
    let aligned = (output.at as i128 - entry.header_offset as i128) % 64 == 0;
    let narrow = entry.header_offset < ZIP64_AT && output.at < ZIP64_AT;
    let extent = entry.header_offset as usize..entry.limit as usize;
    if output.at == entry.header_offset || aligned && narrow {
        output.copied(input(base, extent));
    } else {
        let local = base.local(id)?;
        let header = entry.header_offset as usize;
        let fixed = &base.blob()[header..header + LOCAL_SIZE];
        let extra = &base.blob()[local.extra];
        output.made(header::moved_local(fixed, extra, base.name(id), &facts));
        output.copied(input(base, local.data));
        if entry.flags & FLAG_DESCRIPTOR != 0 {
            output.made(header::descriptor(&facts));
        }
    }
    match facts.offset == entry.header_offset {
        true => Ok(directory.to_vec()),
        false => Ok(header::moved_central(directory, &facts)),
    }
}

fn input(base: &Zip, range: Range<usize>) -> Blob {
    base.blob()
        .slice(range)
        .unwrap_or_else(|| Blob::from(Vec::new()))
}

fn facts_of(entry: &Entry) -> Facts {
    let Entry {
        method,
        crc,
        compressed_size,
        size,
        header_offset: offset,
        ..
    } = *entry;
    Facts {
        method,
        crc,
        compressed_size,
        size,
        offset,
    }
}

/// Writes a new record; gives its directory entry.
fn put(new: &New, output: &mut Output) -> Result<Vec<u8>, ArchiveError> {
    let (method, data) = match is_deflated(&new.name, new.bytes.len()) {
        true => (Method::Deflated, Blob::from(deflate(&new.bytes))),
        false => (Method::Stored, new.bytes.clone()),
    };
    let facts = Facts {
        method,
        crc: crc32fast::hash(&new.bytes),
        compressed_size: data.len() as u64,
        size: new.bytes.len() as u64,
        offset: output.at,
    };
    output.made(header::local(&new.name, &facts));
    output.copied(data);
    output.made(header::new_descriptor(&facts));
    Ok(header::central(&new.name, &facts))
}

/// torch deflates sources and their debug records at its best level, unless they are short (1.4).
fn is_deflated(name: &[u8], size: usize) -> bool {
    const SHORT: usize = 200;
    size > SHORT && (name.ends_with(b".py") || name.ends_with(b".debug_pkl"))
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to a `Vec` cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The end records, in the input's style.
fn finish(base: Option<&Zip>, count: u64, size: u64, start: u64, output: &mut Output) {
    let large = count >= u16::MAX as u64 || size >= ZIP64_AT || start >= ZIP64_AT;
    if large || base.is_none_or(|it| it.end().zip64.is_some()) {
        output.made(header::zip64_end(count, size, start));
    }
    let (comment_len, after): (u16, Cow<'_, [u8]>) = match base {
        Some(base) => {
            let end = &base.blob()[base.end().classic..];
            (LittleEndian::read_u16(&end[20..]), end[22..].into())
        }
        None => (0, Cow::Borrowed(&[])),
    };
    output.made(header::end(count, size, start, comment_len, &after));
}
