//! Files of arrays, read from front to back.

mod stream;

use super::column::{Column, Layout, not_finite};
use super::images::{self, Images};
use super::{DataOptions, InputError};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Endings of files of arrays.
const ARRAYS: [&str; 5] = ["npz", "npy", "safetensors", "pt", "pth"];
/// Files of one folder at most.
const MAX_FILES: usize = 1 << 22;

/// Something with rows: a file of arrays, or a folder of images.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Arrays(PathBuf),
    Images(PathBuf, Vec<PathBuf>),
}

/// The sources of all paths that were given.
pub(super) fn sources(options: &DataOptions) -> Result<Vec<Source>, InputError> {
    let mut found = Vec::new();
    for path in &options.paths {
        if path.is_dir() {
            found.extend(of_folder(path)?);
        } else if images::is_image(path) {
            found.push(Source::Images(path.clone(), vec![path.clone()]));
        } else {
            found.push(Source::Arrays(path.clone()));
        }
    }
    match found.is_empty() {
        true => Err(InputError::NoData),
        false => Ok(found),
    }
}

fn of_folder(folder: &Path) -> Result<Vec<Source>, InputError> {
    let read = |source| InputError::Read {
        path: folder.to_owned(),
        source,
    };
    let (mut arrays, mut images) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let ending = path.extension().and_then(|it| it.to_str());
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        if !path.is_file() {
            continue;
        } else if images::is_image(&path) {
            images.push(path);
        } else if ARRAYS.contains(&ending.as_str()) {
            arrays.push(path);
        }
        if arrays.len() + images.len() > MAX_FILES {
            return Err(folder_error(
                folder,
                format!("holds more than {MAX_FILES} files"),
            ));
        }
    }
    arrays.sort();
    images.sort();
    match (arrays.is_empty(), images.is_empty()) {
        (true, true) => Err(folder_error(
            folder,
            format!(
                "holds no data; expected files that end in .{} or images",
                ARRAYS.join(", .")
            ),
        )),
        (false, false) => Err(folder_error(
            folder,
            format!(
                "holds {} files of arrays and {} images; keep them in folders of their own",
                arrays.len(),
                images.len()
            ),
        )),
        (false, true) => Ok(arrays.into_iter().map(Source::Arrays).collect()),
        (true, false) => Ok(vec![Source::Images(folder.to_owned(), images)]),
    }
}

fn folder_error(folder: &Path, message: String) -> InputError {
    InputError::File {
        file: folder.display().to_string(),
        message,
    }
}

/// A source with a position.
pub(super) struct Opened {
    file: String,
    pub(super) layouts: Vec<Layout>,
    rows: u64,
    read: u64,
    content: Content,
}

enum Content {
    Streams(Vec<Stream>),
    Images(Images),
}

/// The rest of an array.
pub(super) struct Stream {
    pub(super) bytes: Box<dyn Read>,
    /// Bytes of a number that the file has in the other order.
    pub(super) swap: Option<usize>,
}

impl Source {
    /// The file or folder.
    pub(super) fn path(&self) -> &Path {
        match self {
            Source::Arrays(path) | Source::Images(path, _) => path,
        }
    }

    /// Reads what the source says about itself; every array has the same number of rows.
    pub(super) fn open(&self, options: &DataOptions) -> Result<Opened, InputError> {
        let file = self.path().display().to_string();
        let (layouts, content) = match self {
            Source::Arrays(path) => {
                let (layouts, streams) = stream::open(path)?.into_iter().unzip();
                (layouts, Content::Streams(streams))
            }
            Source::Images(_, paths) => {
                let images = Images::new(paths.clone(), options.images.clone())?;
                (vec![images.layout()], Content::Images(images))
            }
        };
        let rows = layouts.first().map_or(0, |it: &Layout| it.rows);
        Ok(Opened {
            file,
            layouts,
            rows,
            read: 0,
            content,
        })
    }
}

impl Opened {
    /// Rows not read yet.
    pub(super) fn left(&self) -> u64 {
        self.rows - self.read
    }

    /// Names the next rows for messages.
    pub(super) fn origin(&self, rows: u64) -> String {
        match rows {
            1 => format!("`{}` row {}", self.file, self.read),
            _ => format!(
                "`{}` rows {} to {}",
                self.file,
                self.read,
                self.read + rows - 1
            ),
        }
    }

    /// Appends rows to the columns, which are those of the first file.
    pub(super) fn read(&mut self, rows: u64, columns: &mut [Column]) -> Result<(), InputError> {
        for (at, column) in columns.iter_mut().enumerate() {
            let label = column.layout.label();
            let error = |message: String| InputError::Array {
                file: self.file.clone(),
                array: label.clone(),
                message,
            };
            // Files name their arrays in any order.
            let own = self
                .layouts
                .iter()
                .position(|it| match &column.layout.name {
                    Some(_) => it.name == column.layout.name,
                    None => it.index == at,
                });
            let layout = column.layout.clone();
            let place = column.grow(rows).map_err(error)?;
            match (&mut self.content, own) {
                (Content::Streams(streams), Some(own)) => {
                    streams[own].fill(place).map_err(error)?;
                }
                (Content::Images(images), _) => images.fill(place)?,
                (Content::Streams(_), None) => return Err(error("is missing".to_owned())),
            }
            if let Some((mut index, what)) = not_finite(&layout, place) {
                index[0] += self.read as i64;
                return Err(error(format!(
                    "has a value that is {what} at {index:?}; expected finite float32 of shape {}",
                    layout.shape()
                )));
            }
        }
        self.read += rows;
        Ok(())
    }

    /// Reads to the end, so that checksums are looked at.
    pub(super) fn finish(self) -> Result<(), InputError> {
        let Content::Streams(streams) = self.content else {
            return Ok(());
        };
        for (mut stream, layout) in streams.into_iter().zip(&self.layouts) {
            let rest = std::io::copy(&mut stream.bytes, &mut std::io::sink());
            rest.map_err(|e| InputError::Array {
                file: self.file.clone(),
                array: layout.label(),
                message: e.to_string(),
            })?;
        }
        Ok(())
    }
}

impl Stream {
    fn fill(&mut self, place: &mut [u8]) -> Result<(), String> {
        self.bytes.read_exact(place).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => "is cut off".to_owned(),
            _ => e.to_string(),
        })?;
        if let Some(size) = self.swap {
            place.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(())
    }
}
