//! One record: what the directory says, and its own header.

use std::ops::Range;

use byteorder::{ByteOrder, LittleEndian};

use super::{inflate, range_within};
use crate::archive::error::RecordFault;

/// A record of one opened zip, by position in its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub u32);

/// How a record's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As they are.
    Stored,
    /// DEFLATE.
    Deflated,
}

/// What the central directory says about one record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// How the bytes are stored.
    pub method: Method,
    /// General-purpose flags; torch sets bit 3 (descriptor follows) and bit 11 (UTF-8 name).
    pub flags: u16,
    /// Checksum of the uncompressed bytes.
    pub crc: u32,
    /// Bytes on disk.
    pub compressed_size: u64,
    /// Bytes in use.
    pub size: u64,
    /// Position of the record's own header.
    pub header_offset: u64,
    /// Where the next record or the directory begins.
    pub(in crate::archive) limit: u64,
    /// The directory entry's own bytes in the file.
    pub(in crate::archive) directory: Range<usize>,
    pub(super) name_len: u16,
}

pub(in crate::archive) const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
pub(in crate::archive) const CENTRAL_SIZE: usize = 46;
pub(in crate::archive) const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
pub(in crate::archive) const LOCAL_SIZE: usize = 30;
pub(in crate::archive) const ZIP64_EXTRA: u16 = 1;
/// Flag bit 3: checksum and sizes follow the data.
pub(in crate::archive) const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

impl Entry {
    /// Reads one directory entry whose bytes are `at..at + length`, as split by the directory.
    pub(super) fn read(bytes: &[u8], directory: Range<usize>) -> Result<Entry, RecordFault> {
        let fixed = &bytes[directory.clone()];
        let u16_at = |at: usize| LittleEndian::read_u16(&fixed[at..]);
        let u32_at = |at: usize| LittleEndian::read_u32(&fixed[at..]);
        let (name_len, extra_len) = (u16_at(28), u16_at(30));
        let extra = CENTRAL_SIZE + name_len as usize;
        let mut zip64 = Zip64::find(&fixed[extra..extra + extra_len as usize]);
        let size = zip64.widen(u32_at(24))?;
        let compressed_size = zip64.widen(u32_at(20))?;
        let header_offset = zip64.widen(u32_at(42))?;
        let method = match u16_at(10) {
            0 => Method::Stored,
            8 => Method::Deflated,
            other => return Err(RecordFault::Method(other)),
        };
        let (flags, crc) = (u16_at(8), u32_at(16));
        let entry = Entry {
            method,
            flags,
            crc,
            compressed_size,
            size,
            header_offset,
            limit: 0,
            directory,
            name_len,
        };
        entry.check(bytes)?;
        Ok(entry)
    }

    /// The full name.
    pub(super) fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.directory.start + CENTRAL_SIZE;
        &bytes[start..start + self.name_len as usize]
    }

    /// The least end of the record: its own header may hold more than name and data.
    pub(super) fn least_end(&self) -> Option<u64> {
        let header = LOCAL_SIZE as u64 + self.name_len as u64;
        self.header_offset
            .checked_add(header)?
            .checked_add(self.compressed_size)
    }

    fn check(&self, bytes: &[u8]) -> Result<(), RecordFault> {
        let (size, compressed) = (self.size, self.compressed_size);
        let name = self.name(bytes);
        if self.flags & FLAG_ENCRYPTED != 0 {
            return Err(RecordFault::Encrypted);
        }
        if name.is_empty() {
            return Err(RecordFault::NoName);
        }
        if name.contains(&0) {
            return Err(RecordFault::NulName);
        }
        match self.method {
            Method::Stored if size != compressed => {
                Err(RecordFault::StoredSize { compressed, size })
            }
            Method::Deflated if size > inflate::possible(compressed) => Err(RecordFault::Ratio {
                size,
                compressed,
                limit: inflate::possible(compressed),
            }),
            _ => Ok(()),
        }
    }
}

/// The zip64 extra field: values in a fixed order, each present only when its 32-bit field is saturated.
struct Zip64<'a> {
    left: &'a [u8],
}

impl<'a> Zip64<'a> {
    fn find(extra: &'a [u8]) -> Zip64<'a> {
        let field = extra_fields(extra).find(|it| it.0 == ZIP64_EXTRA);
        Zip64 {
            left: field.map_or(&[], |it| it.1),
        }
    }

    fn widen(&mut self, narrow: u32) -> Result<u64, RecordFault> {
        if narrow != u32::MAX {
            return Ok(narrow as u64);
        }
        let (value, left) = self.left.split_at_checked(8).ok_or(RecordFault::Zip64)?;
        self.left = left;
        Ok(LittleEndian::read_u64(value))
    }
}

/// Extra fields as (id, payload); stops at the first one that is cut short.
pub(in crate::archive) fn extra_fields(extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut left = extra;
    std::iter::from_fn(move || {
        let (head, rest) = left.split_at_checked(4)?;
        let (payload, rest) = rest.split_at_checked(LittleEndian::read_u16(&head[2..]) as usize)?;
        left = rest;
        Some((LittleEndian::read_u16(head), payload))
    })
}

/// A record's own header, found to agree with the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalHeader {
    /// The extra fields' bytes in the file.
    pub extra: Range<usize>,
    /// The compressed bytes in the file.
    pub data: Range<usize>,
}

impl LocalHeader {
    pub(super) fn read(bytes: &[u8], entry: &Entry) -> Result<LocalHeader, RecordFault> {
        let at = entry.header_offset;
        let fixed = range_within(at, LOCAL_SIZE as u64, bytes.len() as u64)
            .ok_or(RecordFault::Header { at })?;
        let name_start = fixed.end;
        let fixed = &bytes[fixed];
        if LittleEndian::read_u32(fixed) != LOCAL_SIGNATURE {
            return Err(RecordFault::Header { at });
        }
        let name_len = LittleEndian::read_u16(&fixed[26..]) as usize;
        let extra_len = LittleEndian::read_u16(&fixed[28..]) as usize;
        let name = bytes
            .get(name_start..name_start + name_len)
            .ok_or(RecordFault::Header { at })?;
        if name != entry.name(bytes) {
            return Err(RecordFault::Disagrees("the name"));
        }
        check_agreement(fixed, entry)?;
        let extra = name_start + name_len..name_start + name_len + extra_len;
        let data = range_within(extra.end as u64, entry.compressed_size, entry.limit);
        let data = data.ok_or(RecordFault::Overlap { limit: entry.limit })?;
        Ok(LocalHeader { extra, data })
    }
}

fn check_agreement(fixed: &[u8], entry: &Entry) -> Result<(), RecordFault> {
    let method = match entry.method {
        Method::Stored => 0,
        Method::Deflated => 8,
    };
    let flags = LittleEndian::read_u16(&fixed[6..]);
    if LittleEndian::read_u16(&fixed[8..]) != method {
        return Err(RecordFault::Disagrees("the compression method"));
    }
    if (flags ^ entry.flags) & (FLAG_DESCRIPTOR | FLAG_ENCRYPTED) != 0 {
        return Err(RecordFault::Disagrees("the flags"));
    }
    if flags & FLAG_DESCRIPTOR != 0 {
        return Ok(());
    }
    let agrees = |at: usize, wide: u64| {
        let narrow = LittleEndian::read_u32(&fixed[at..]);
        narrow == u32::MAX || narrow as u64 == wide
    };
    if !agrees(18, entry.compressed_size) || !agrees(22, entry.size) {
        return Err(RecordFault::Disagrees("the sizes"));
    }
    Ok(())
}
