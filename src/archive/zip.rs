//! The zip container as torch writes it, read through its central directory (`torchscript.md` section 1).
//!
//! Opening reads the directory only; a record's own header is parsed when its bytes are first asked for. The
//! extents of records are known to be disjoint from the start: an [`Entry`] reaches from its header to the next
//! header or the directory, and every read is checked against that limit.

mod directory;
mod entry;
mod inflate;

use std::borrow::Cow;
use std::hash::Hasher;
use std::ops::Range;

use smallvec::SmallVec;

pub(super) use directory::{
    END_SIGNATURE, END_SIZE, LOCATOR_SIGNATURE, LOCATOR_SIZE, ZIP64_END_SIGNATURE, ZIP64_END_SIZE,
};
pub(super) use entry::{
    CENTRAL_SIGNATURE, CENTRAL_SIZE, FLAG_DESCRIPTOR, LOCAL_SIGNATURE, LOCAL_SIZE, ZIP64_EXTRA,
    extra_fields,
};
pub use entry::{Entry, EntryId, LocalHeader, Method};

use super::bytes::Blob;
use super::error::{ArchiveError, RecordFault, ZipFault};
use directory::End;

/// An opened zip file: its bytes and its directory.
#[derive(Debug)]
pub struct Zip {
    blob: Blob,
    entries: Vec<Entry>,
    /// Hash of the case-folded name, entry; sorted.
    index: Vec<(u64, EntryId)>,
    /// Entries by position in the file.
    order: Vec<EntryId>,
    end: End,
}

impl Zip {
    /// Reads the directory and refuses what no honest writer produces.
    pub fn open(blob: Blob) -> Result<Zip, ArchiveError> {
        let end = End::find(&blob)?;
        let mut entries = directory::entries(&blob, &end)?;
        let order = set_limits(&blob, &mut entries, end.directory.start as u64)?;
        let index = name_index(&blob, &entries)?;
        check_claims(&entries)?;
        Ok(Zip {
            blob,
            entries,
            index,
            order,
            end,
        })
    }

    /// The whole file.
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True for no records, which [`Zip::open`] refuses.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Records in directory order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (EntryId, &Entry)> {
        self.entries
            .iter()
            .enumerate()
            .map(|(it, entry)| (EntryId(it as u32), entry))
    }

    /// Records in the order of their bytes.
    pub fn in_file_order(&self) -> &[EntryId] {
        &self.order
    }

    /// One record's directory facts.
    pub fn entry(&self, id: EntryId) -> &Entry {
        &self.entries[id.0 as usize]
    }

    /// A record's full name. Never use it as a path.
    pub fn name(&self, id: EntryId) -> &[u8] {
        self.entry(id).name(&self.blob)
    }

    /// The name for messages.
    pub fn display_name(&self, id: EntryId) -> String {
        display(self.name(id))
    }

    /// Finds `folder/record`: exactly, or as torch does, ignoring ASCII case. Names are unique either way.
    pub fn find(&self, folder: &[u8], record: &str) -> Option<EntryId> {
        let mut name: SmallVec<[u8; 128]> = SmallVec::from_slice(folder);
        if !folder.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(record.as_bytes());
        let hash = folded_hash(&name);
        let first = self.index.partition_point(|it| it.0 < hash);
        let candidates = self.index[first..].iter().take_while(|it| it.0 == hash);
        candidates
            .map(|it| it.1)
            .find(|it| self.name(*it).eq_ignore_ascii_case(&name))
    }

    /// A record's own header, checked against the directory.
    pub fn local(&self, id: EntryId) -> Result<LocalHeader, ArchiveError> {
        LocalHeader::read(&self.blob, self.entry(id)).map_err(|fault| self.record_error(id, fault))
    }

    /// The compressed bytes as they lie in the file.
    pub fn raw(&self, id: EntryId) -> Result<Blob, ArchiveError> {
        let local = self.local(id)?;
        let overlap = RecordFault::Overlap {
            limit: self.entry(id).limit,
        };
        self.blob
            .slice(local.data)
            .ok_or_else(|| self.record_error(id, overlap))
    }

    /// A record's bytes: a view of the file when stored, inflated (and checksummed) otherwise.
    pub fn blob_of(&self, id: EntryId) -> Result<Blob, ArchiveError> {
        let raw = self.raw(id)?;
        match self.entry(id).method {
            Method::Stored => Ok(raw),
            Method::Deflated => self
                .inflate(id, &raw)
                .map(Blob::from)
                .map_err(|fault| self.record_error(id, fault)),
        }
    }

    /// A record's bytes, borrowed from the file when stored.
    pub fn read(&self, id: EntryId) -> Result<Cow<'_, [u8]>, ArchiveError> {
        match self.entry(id).method {
            Method::Stored => {
                let data = self.local(id)?.data;
                Ok(Cow::Borrowed(&self.blob[data]))
            }
            Method::Deflated => Ok(Cow::Owned(self.blob_of(id)?.to_vec())),
        }
    }

    /// As [`Zip::blob_of`], for text and pickles: a deflated one is held to a tighter bound.
    pub fn text(&self, id: EntryId) -> Result<Blob, ArchiveError> {
        let Entry {
            method,
            size,
            compressed_size: compressed,
            ..
        } = *self.entry(id);
        let limit = inflate::text_limit(compressed);
        if method == Method::Deflated && size > limit {
            return Err(self.record_error(
                id,
                RecordFault::Ratio {
                    size,
                    compressed,
                    limit,
                },
            ));
        }
        self.blob_of(id)
    }

    /// Compares a record's checksum with its bytes. Reading does not, for stored records: neither does torch.
    pub fn verify_crc(&self, id: EntryId) -> Result<(), ArchiveError> {
        let raw = self.raw(id)?;
        let entry = self.entry(id);
        let found = match entry.method {
            Method::Stored => Ok(crc32fast::hash(&raw)),
            Method::Deflated => inflate::inflated_crc(&raw, entry.size),
        };
        let checked = found.and_then(|found| check_crc(entry.crc, found));
        checked.map_err(|fault| self.record_error(id, fault))
    }

    /// The directory and all that follows it.
    pub(super) fn end(&self) -> &End {
        &self.end
    }

    /// An error about one record.
    pub(super) fn record_error(&self, id: EntryId, fault: RecordFault) -> ArchiveError {
        ArchiveError::Record {
            record: self.display_name(id),
            fault,
        }
    }

    fn inflate(&self, id: EntryId, raw: &[u8]) -> Result<Vec<u8>, RecordFault> {
        let entry = self.entry(id);
        let bytes = inflate::inflate(raw, entry.size as usize)?;
        check_crc(entry.crc, crc32fast::hash(&bytes))?;
        Ok(bytes)
    }
}

fn check_crc(expected: u32, found: u32) -> Result<(), RecordFault> {
    if expected == found {
        Ok(())
    } else {
        Err(RecordFault::Crc { expected, found })
    }
}

/// A record's name for people: lossy, and cut where it would flood a terminal.
pub(super) fn display(name: &[u8]) -> String {
    const SHOWN: usize = 200;
    let text = String::from_utf8_lossy(&name[..name.len().min(SHOWN)]);
    let mut text: String = text.chars().flat_map(|it| it.escape_debug()).collect();
    if name.len() > SHOWN {
        text.push('…');
    }
    text
}

/// Gives every entry the position where the next one begins, and refuses overlaps that the directory shows.
fn set_limits(
    bytes: &[u8],
    entries: &mut [Entry],
    directory: u64,
) -> Result<Vec<EntryId>, ArchiveError> {
    let mut order: Vec<EntryId> = (0..entries.len() as u32).map(EntryId).collect();
    order.sort_unstable_by_key(|it| entries[it.0 as usize].header_offset);
    let mut limit = directory;
    let mut next: Option<EntryId> = None;
    for &id in order.iter().rev() {
        let entry = &mut entries[id.0 as usize];
        entry.limit = limit;
        if entry.least_end().is_none_or(|end| end > limit) {
            let first = display(entry.name(bytes));
            let Some(second) = next.map(|it| display(entries[it.0 as usize].name(bytes))) else {
                return Err(ArchiveError::Record {
                    record: first,
                    fault: RecordFault::Overlap { limit },
                });
            };
            return Err(ZipFault::Overlap { first, second }.into());
        }
        limit = entry.header_offset;
        next = Some(id);
    }
    if limit != 0 {
        return Err(ZipFault::NoStart.into());
    }
    Ok(order)
}

fn name_index(bytes: &[u8], entries: &[Entry]) -> Result<Vec<(u64, EntryId)>, ArchiveError> {
    let name = |id: EntryId| entries[id.0 as usize].name(bytes);
    let hashed = entries
        .iter()
        .enumerate()
        .map(|(it, entry)| (folded_hash(entry.name(bytes)), EntryId(it as u32)));
    let mut index: Vec<_> = hashed.collect();
    // Ordering equal hashes by name keeps made-up collisions from costing quadratic time.
    let folded = |id| name(id).iter().map(u8::to_ascii_lowercase);
    index.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| folded(a.1).cmp(folded(b.1))));
    let twin = index
        .windows(2)
        .find(|pair| pair[0].0 == pair[1].0 && folded(pair[0].1).eq(folded(pair[1].1)));
    match twin {
        Some(pair) => {
            let (first, second) = (pair[0].1.min(pair[1].1), pair[0].1.max(pair[1].1));
            Err(ZipFault::Duplicate {
                first: display(name(first)),
                second: display(name(second)),
            }
            .into())
        }
        None => Ok(index),
    }
}

fn check_claims(entries: &[Entry]) -> Result<(), ZipFault> {
    let deflated = || entries.iter().filter(|it| it.method == Method::Deflated);
    let total = deflated().fold(0u64, |sum, it| sum.saturating_add(it.size));
    let limit = inflate::total_limit(deflated().map(|it| it.compressed_size).sum());
    if total > limit {
        Err(ZipFault::Bomb { total, limit })
    } else {
        Ok(())
    }
}

/// A hash that ignores ASCII case, and by its mask a little more; equality is checked byte by byte.
fn folded_hash(name: &[u8]) -> u64 {
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let mut hasher = rustc_hash::FxHasher::default();
    let (words, rest) = name.as_chunks::<8>();
    words
        .iter()
        .for_each(|it| hasher.write_u64(u64::from_le_bytes(*it) | LOWER));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    hasher.write_u64(u64::from_le_bytes(last) | LOWER);
    hasher.finish()
}

/// A byte range as `usize`, when it lies within `len` bytes.
fn range_within(start: u64, size: u64, len: u64) -> Option<Range<usize>> {
    let end = start.checked_add(size)?;
    (end <= len).then_some(start as usize..end as usize)
}
