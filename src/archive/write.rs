//! Writing a `.pt`: what is kept is copied as raw ranges, what is new is laid out as torch does it (1.4 to 1.6).

mod atomic;
mod header;
mod layout;

use std::path::Path;

use super::bytes::Blob;
use super::error::{ArchiveError, PlanFault};
use super::zip::{EntryId, Zip};
use super::{Archive, limits};
use layout::Segment;

/// What the output holds: the records of an input, kept, replaced or dropped, and new ones after them.
///
/// Without changes the output equals the input byte for byte, whatever wrote it.
#[derive(Debug)]
pub struct Plan<'a> {
    base: Option<&'a Zip>,
    folder: Vec<u8>,
    /// By entry of the base.
    actions: Vec<Action>,
    added: Vec<New>,
}

/// What becomes of a record of the input.
#[derive(Debug)]
enum Action {
    Keep,
    Drop,
    Replace(New),
}

/// A record to write.
#[derive(Debug)]
struct New {
    /// Full name, folder included.
    name: Vec<u8>,
    bytes: Blob,
}

impl<'a> Plan<'a> {
    /// Keeps everything.
    pub fn new(archive: &'a Archive) -> Plan<'a> {
        let actions = archive.zip().entries().map(|_| Action::Keep).collect();
        Plan {
            base: Some(archive.zip()),
            folder: archive.folder().to_vec(),
            actions,
            added: Vec::new(),
        }
    }

    /// An archive from nothing, whose records lie in `folder`.
    pub fn create(folder: &str) -> Plan<'static> {
        Plan {
            base: None,
            folder: folder.as_bytes().to_vec(),
            actions: Vec::new(),
            added: Vec::new(),
        }
    }

    /// Writes other bytes under a record's name.
    pub fn replace(&mut self, entry: EntryId, bytes: impl Into<Blob>) -> Result<(), ArchiveError> {
        let name = self.name_of(entry)?;
        self.act(
            entry,
            Action::Replace(New {
                name,
                bytes: bytes.into(),
            }),
        )
    }

    /// Writes other bytes under another name, in a record's place.
    pub fn replace_as(
        &mut self,
        entry: EntryId,
        record: &str,
        bytes: impl Into<Blob>,
    ) -> Result<(), ArchiveError> {
        let name = self.full_name(record)?;
        self.act(
            entry,
            Action::Replace(New {
                name,
                bytes: bytes.into(),
            }),
        )
    }

    /// Leaves a record out.
    pub fn drop_entry(&mut self, entry: EntryId) -> Result<(), ArchiveError> {
        self.act(entry, Action::Drop)
    }

    /// Adds a record after all others. `record` is its name inside the folder.
    pub fn add(&mut self, record: &str, bytes: impl Into<Blob>) -> Result<(), ArchiveError> {
        let name = self.full_name(record)?;
        self.added.push(New {
            name,
            bytes: bytes.into(),
        });
        Ok(())
    }

    /// True when the output will equal the input.
    pub fn is_unchanged(&self) -> bool {
        self.base.is_some()
            && self.added.is_empty()
            && self.actions.iter().all(|it| matches!(it, Action::Keep))
    }

    /// Writes to a file through a temporary one beside it, which takes its name at the end: a reader sees the old
    /// file or the new one, never a part. The input itself may be overwritten. Nothing is synced to disk: after a
    /// power failure the file system decides, as with `cp`.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ArchiveError> {
        let segments = layout::layout(self)?;
        atomic::write(path.as_ref(), |file| {
            segments.iter().try_for_each(|it| atomic::put(it, file))
        })
    }

    /// The output in memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArchiveError> {
        let segments = layout::layout(self)?;
        let mut out = Vec::with_capacity(segments.iter().map(|it| it.bytes().len()).sum());
        segments
            .iter()
            .for_each(|it| out.extend_from_slice(it.bytes()));
        Ok(out)
    }

    fn act(&mut self, entry: EntryId, action: Action) -> Result<(), ArchiveError> {
        let name = self.name_of(entry)?;
        match self.actions.get_mut(entry.0 as usize) {
            Some(slot) => *slot = action,
            None => return Err(plan_error(&name, PlanFault::NoSuchEntry)),
        }
        Ok(())
    }

    fn name_of(&self, entry: EntryId) -> Result<Vec<u8>, ArchiveError> {
        let base = self.base.filter(|it| (entry.0 as usize) < it.len());
        let name = base.map(|it| it.name(entry).to_vec());
        name.ok_or_else(|| plan_error(format!("#{}", entry.0).as_bytes(), PlanFault::NoSuchEntry))
    }

    fn full_name(&self, record: &str) -> Result<Vec<u8>, ArchiveError> {
        let parts = || record.split('/');
        let sound = !record.contains('\0') && parts().all(|it| !matches!(it, "" | "." | ".."));
        let name = match self.folder.is_empty() {
            true => record.as_bytes().to_vec(),
            false => [&self.folder[..], b"/", record.as_bytes()].concat(),
        };
        let fits = name.len() <= u16::MAX as usize;
        if sound && fits {
            Ok(name)
        } else {
            Err(plan_error(&name, PlanFault::Name))
        }
    }

    /// Records of the output by position: entry of the base or new, in the order of their bytes.
    fn records(&self) -> Vec<Record<'_>> {
        let mut records = Vec::with_capacity(self.actions.len() + self.added.len());
        for &id in self.base.map_or(&[][..], Zip::in_file_order) {
            match &self.actions[id.0 as usize] {
                Action::Keep => records.push(Record::Kept(id)),
                Action::Replace(new) => records.push(Record::New(Some(id), new)),
                Action::Drop => {}
            }
        }
        records.extend(self.added.iter().map(|it| Record::New(None, it)));
        records
    }
}

/// One record of the output.
enum Record<'p> {
    Kept(EntryId),
    /// In the place of an entry, or added.
    New(Option<EntryId>, &'p New),
}

fn plan_error(name: &[u8], fault: PlanFault) -> ArchiveError {
    ArchiveError::Plan {
        name: super::zip::display(name),
        fault,
    }
}
