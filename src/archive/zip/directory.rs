//! The end records and the central directory.

use std::ops::Range;

use byteorder::{ByteOrder, LittleEndian};

use super::entry::{CENTRAL_SIGNATURE, CENTRAL_SIZE, Entry};
use super::{display, range_within};
use crate::archive::error::{ArchiveError, RecordFault, ZipFault};
use crate::archive::limits;

pub(in crate::archive) const END_SIGNATURE: u32 = 0x0605_4b50;
pub(in crate::archive) const END_SIZE: usize = 22;
pub(in crate::archive) const ZIP64_END_SIGNATURE: u32 = 0x0606_4b50;
pub(in crate::archive) const ZIP64_END_SIZE: usize = 56;
pub(in crate::archive) const LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
pub(in crate::archive) const LOCATOR_SIZE: usize = 20;

/// Where the directory lies and what ends it.
#[derive(Debug)]
pub(in crate::archive) struct End {
    /// The directory's bytes.
    pub(in crate::archive) directory: Range<usize>,
    /// The zip64 end record's bytes, when there is one; torch always writes one.
    pub(in crate::archive) zip64: Option<Range<usize>>,
    /// The classic end record's first byte; its comment and any junk reach to the end of the file.
    pub(in crate::archive) classic: usize,
    count: u64,
}

/// The four fields that exist in both forms.
struct Claims {
    disks_agree: bool,
    count: u64,
    size: u64,
    start: u64,
}

impl End {
    pub(super) fn find(bytes: &[u8]) -> Result<End, ZipFault> {
        let classic = find_classic(bytes).ok_or(ZipFault::NoEnd)?;
        let narrow = classic_claims(&bytes[classic..]);
        let zip64 = find_zip64(bytes, classic)?;
        let (claims, directory_end) = match &zip64 {
            Some(range) => (zip64_claims(&bytes[range.clone()], &narrow)?, range.start),
            None => (narrow, classic),
        };
        if !claims.disks_agree {
            return Err(ZipFault::MultiDisk);
        }
        let Claims {
            count, size, start, ..
        } = claims;
        let expected = directory_end as u64;
        let range = range_within(start, size, expected).filter(|it| it.end == directory_end);
        let end = start.saturating_add(size);
        let directory = range.ok_or(ZipFault::DirectoryRange {
            start,
            end,
            expected,
        })?;
        check_count(count, size)?;
        Ok(End {
            directory,
            zip64,
            classic,
            count,
        })
    }
}

fn check_count(count: u64, size: u64) -> Result<(), ZipFault> {
    if count == 0 {
        return Err(ZipFault::Empty);
    }
    if count > limits::MAX_ENTRIES {
        return Err(ZipFault::TooMany {
            count,
            limit: limits::MAX_ENTRIES,
        });
    }
    if count * CENTRAL_SIZE as u64 > size {
        return Err(ZipFault::Count { count, size });
    }
    Ok(())
}

/// The last signature in the file wins, as in torch; junk may follow it.
fn find_classic(bytes: &[u8]) -> Option<usize> {
    // A comment has at most 65,535 bytes.
    let first = bytes.len().saturating_sub(END_SIZE + u16::MAX as usize);
    let last = bytes.len().checked_sub(END_SIZE)?;
    (first..=last)
        .rev()
        .find(|at| LittleEndian::read_u32(&bytes[*at..]) == END_SIGNATURE)
}

fn classic_claims(end: &[u8]) -> Claims {
    let u16_at = |at: usize| LittleEndian::read_u16(&end[at..]);
    let disks = (u16_at(4), u16_at(6));
    Claims {
        disks_agree: matches!(disks, (0, 0) | (1, 1)) && u16_at(8) == u16_at(10),
        count: u16_at(10) as u64,
        size: LittleEndian::read_u32(&end[12..]) as u64,
        start: LittleEndian::read_u32(&end[16..]) as u64,
    }
}

fn find_zip64(bytes: &[u8], classic: usize) -> Result<Option<Range<usize>>, ZipFault> {
    let Some(locator) = classic.checked_sub(LOCATOR_SIZE) else {
        return Ok(None);
    };
    if LittleEndian::read_u32(&bytes[locator..]) != LOCATOR_SIGNATURE {
        return Ok(None);
    }
    let at = LittleEndian::read_u64(&bytes[locator + 8..]);
    let fault = ZipFault::Zip64Locator { at };
    let range = range_within(at, ZIP64_END_SIZE as u64, locator as u64).ok_or(fault.clone())?;
    let record = &bytes[range.clone()];
    let length = LittleEndian::read_u64(&record[4..]);
    let exact = length.checked_add(12).and_then(|it| it.checked_add(at)) == Some(locator as u64);
    if LittleEndian::read_u32(record) != ZIP64_END_SIGNATURE || !exact {
        return Err(fault);
    }
    Ok(Some(range.start..locator))
}

fn zip64_claims(end: &[u8], narrow: &Claims) -> Result<Claims, ZipFault> {
    let u64_at = |at: usize| LittleEndian::read_u64(&end[at..]);
    let disks = (
        LittleEndian::read_u32(&end[16..]),
        LittleEndian::read_u32(&end[20..]),
    );
    let agree = |field, classic: u64, saturated: u64, zip64: u64| {
        let same = classic == zip64 || classic == saturated;
        if same {
            Ok(zip64)
        } else {
            Err(ZipFault::Zip64Disagrees {
                field,
                classic,
                zip64,
            })
        }
    };
    Ok(Claims {
        disks_agree: narrow.disks_agree
            && matches!(disks, (0, 0) | (1, 1))
            && u64_at(24) == u64_at(32),
        count: agree(
            "the number of records",
            narrow.count,
            u16::MAX as u64,
            u64_at(32),
        )?,
        size: agree(
            "the directory's size",
            narrow.size,
            u32::MAX as u64,
            u64_at(40),
        )?,
        start: agree(
            "the directory's start",
            narrow.start,
            u32::MAX as u64,
            u64_at(48),
        )?,
    })
}

/// Parses all entries; each must lie before the directory.
pub(super) fn entries(bytes: &[u8], end: &End) -> Result<Vec<Entry>, ArchiveError> {
    let mut entries = Vec::with_capacity(end.count as usize);
    let mut at = end.directory.start;
    for index in 0..end.count as u32 {
        let length =
            entry_length(&bytes[at..end.directory.end]).ok_or(ZipFault::Entry { index })?;
        let range = at..at + length;
        let entry =
            Entry::read(bytes, range.clone()).map_err(|fault| in_entry(&bytes[range], fault))?;
        if entry.header_offset >= end.directory.start as u64 {
            let fault = RecordFault::InDirectory {
                at: entry.header_offset,
            };
            return Err(ArchiveError::Record {
                record: display(entry.name(bytes)),
                fault,
            });
        }
        entries.push(entry);
        at += length;
    }
    match end.directory.end - at {
        0 => Ok(entries),
        left => Err(ZipFault::Trailing { left }.into()),
    }
}

fn in_entry(entry: &[u8], fault: RecordFault) -> ArchiveError {
    let name_len = LittleEndian::read_u16(&entry[28..]) as usize;
    ArchiveError::Record {
        record: display(&entry[CENTRAL_SIZE..CENTRAL_SIZE + name_len]),
        fault,
    }
}

/// The length of the entry at the start of `left`, when it is whole.
fn entry_length(left: &[u8]) -> Option<usize> {
    if left.len() < CENTRAL_SIZE || LittleEndian::read_u32(left) != CENTRAL_SIGNATURE {
        return None;
    }
    let variable: usize = [28, 30, 32]
        .iter()
        .map(|at| LittleEndian::read_u16(&left[*at..]) as usize)
        .sum();
    let length = CENTRAL_SIZE + variable;
    (length <= left.len()).then_some(length)
}
