//! Bytes of an opened file: a memory map or a buffer, shared by everything that views into it.

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::{Arc, Mutex};

use memmap2::Mmap;

use super::ArchiveError;

/// A range of a file's bytes; cloning shares the owner, nothing is copied.
#[derive(Clone)]
pub struct Blob {
    owner: Arc<Owner>,
    start: usize,
    len: usize,
}

enum Owner {
    /// The file's position is shared by all who copy from it, hence the lock.
    Map {
        map: Mmap,
        file: Mutex<File>,
    },
    Buffer(Vec<u8>),
}

impl Blob {
    /// Maps a regular file.
    pub fn open(path: &Path) -> Result<Blob, ArchiveError> {
        let io = |source| ArchiveError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(ArchiveError::NotAFile {
                path: path.to_owned(),
            });
        }
        if metadata.len() == 0 {
            return Ok(Blob::from(Vec::new()));
        }
        let map = map(&file).map_err(io)?;
        let len = map.len();
        Ok(Blob {
            owner: Arc::new(Owner::Map {
                map,
                file: Mutex::new(file),
            }),
            start: 0,
            len,
        })
    }

    /// The part of this blob at `range`, or `None` when it reaches past the end.
    pub fn slice(&self, range: Range<usize>) -> Option<Blob> {
        let len = range.end.checked_sub(range.start)?;
        (range.end <= self.len).then(|| Blob {
            owner: Arc::clone(&self.owner),
            start: self.start + range.start,
            len,
        })
    }

    /// The file behind a mapped blob and the blob's offset in it.
    pub fn file(&self) -> Option<(&Mutex<File>, u64)> {
        match &*self.owner {
            Owner::Map { file, .. } => Some((file, self.start as u64)),
            Owner::Buffer(_) => None,
        }
    }

    /// This blob and `next` as one, when `next` follows it in the same file or buffer.
    pub(super) fn join(&self, next: &Blob) -> Option<Blob> {
        let follows = Arc::ptr_eq(&self.owner, &next.owner) && self.start + self.len == next.start;
        follows.then(|| Blob {
            owner: Arc::clone(&self.owner),
            start: self.start,
            len: self.len + next.len,
        })
    }
}

#[allow(unsafe_code)]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this process's view. As for every program that maps files,
    // another process that truncates the file in place can end this one with SIGBUS; ptool itself never writes
    // in place, it renames a new file over the old name, which leaves the mapped one intact.
    unsafe { Mmap::map(file) }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Blob {
        let len = bytes.len();
        Blob {
            owner: Arc::new(Owner::Buffer(bytes)),
            start: 0,
            len,
        }
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let all: &[u8] = match &*self.owner {
            Owner::Map { map, .. } => map,
            Owner::Buffer(bytes) => bytes,
        };
        &all[self.start..self.start + self.len]
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.len)
    }
}
