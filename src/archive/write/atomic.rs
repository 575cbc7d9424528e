//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::{ArchiveError, Segment};

/// Creates or replaces `path` with what `fill` writes. A killed process leaves at most a temporary file,
/// `.NAME.XXXXXX.tmp`, beside it.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), ArchiveError> {
    replace(path, fill).map_err(|source| ArchiveError::Io {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (path, existing) = target(path)?;
    if existing.as_ref().is_some_and(|it| !it.is_file()) {
        // A pipe or device cannot be replaced, only written to.
        return fill(&mut fs::OpenOptions::new().write(true).open(&path)?);
    }
    let folder = path
        .parent()
        .filter(|it| !it.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder)?;
    if let Some(existing) = existing {
        temporary
            .as_file()
            .set_permissions(existing.permissions())?;
    }
    fill(temporary.as_file_mut())?;
    temporary.persist(&path)?;
    Ok(())
}

/// The file behind links, and what is there now.
fn target(path: &Path) -> io::Result<(PathBuf, Option<fs::Metadata>)> {
    match fs::canonicalize(path) {
        Ok(real) => {
            let metadata = fs::metadata(&real)?;
            Ok((real, Some(metadata)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path.to_owned(), None)),
        Err(error) => Err(error),
    }
}

/// Appends a piece. Ranges of files are copied by the kernel (`copy_file_range`), without passing through memory.
pub(super) fn put(segment: &Segment, out: &mut File) -> io::Result<()> {
    let Segment::Copied(blob) = segment else {
        return out.write_all(segment.bytes());
    };
    let Some((file, start)) = blob.file() else {
        return out.write_all(blob);
    };
    let file = file.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file: &File = &file;
    file.seek(SeekFrom::Start(start))?;
    let copied = io::copy(&mut file.take(blob.len() as u64), out)?;
    match copied == blob.len() as u64 {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the input became shorter while it was read",
        )),
    }
}
