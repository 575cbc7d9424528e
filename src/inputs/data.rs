//! Data as a stream of batches: files of arrays, or folders of them or of images. No more than a batch is held.
//!
//! Rows lie along the first axis of every array. Batches go across files, in the order the files were given; those of
//! a folder are taken by name.

mod check;
mod column;
mod example;
mod files;
pub mod images;
mod labels;

pub use example::Examples;
pub use images::{Color, ImageOptions};

use super::bind::bind;
use super::error::InputError;
use super::{Array, Arrays};
use crate::exec::{HostTensor, Value};
use crate::ir::program::Param;
use column::{Column, Layout};
use files::{Opened, Source};
use std::path::PathBuf;

/// Rows of a batch when nothing says.
pub const DEFAULT_BATCH: usize = 32;
/// Bytes of a batch at most.
const MAX_BATCH_BYTES: usize = 1 << 36;

/// What data to read, and how.
#[derive(Clone, Debug)]
pub struct DataOptions {
    /// Files or folders.
    pub paths: Vec<PathBuf>,
    /// Rows of a batch; the last one may have fewer.
    pub batch: usize,
    /// Rows at most.
    pub limit: Option<u64>,
    /// A file of labels, or the name of the array of labels.
    pub labels: Option<String>,
    /// How images become arrays.
    pub images: ImageOptions,
    /// What the rows must be like, besides that of the first file.
    pub examples: Examples,
}

impl DataOptions {
    /// All rows of some files, in batches of [`DEFAULT_BATCH`].
    pub fn new(paths: Vec<PathBuf>) -> DataOptions {
        DataOptions {
            paths,
            batch: DEFAULT_BATCH,
            limit: None,
            labels: None,
            images: ImageOptions::default(),
            examples: Examples::default(),
        }
    }
}

/// A stream of batches for the parameters of one method.
pub struct Data<'m> {
    method: String,
    params: &'m [Param],
    options: DataOptions,
    sources: Vec<Source>,
    labels: Option<labels::Labels>,
    /// The arrays of every file, as the first one has them.
    layout: Vec<Layout>,
    rows: u64,
    next_source: usize,
    open: Option<Opened>,
    read: u64,
}

/// Some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// One for each parameter, without `self`; trailing defaults are left out.
    pub values: Vec<Value>,
    /// The labels of these rows.
    pub labels: Option<HostTensor>,
    /// How many rows.
    pub rows: u64,
    /// The first row's number among all.
    pub first: u64,
    /// Where they come from, for messages.
    pub origin: String,
}

impl<'m> Data<'m> {
    /// Looks at every file: types and shapes must be those of the examples, and with names those of the first file.
    /// `params` are those of `method` without `self`.
    pub fn open(
        options: DataOptions,
        method: &str,
        params: &'m [Param],
    ) -> Result<Data<'m>, InputError> {
        let sources = files::sources(&options)?;
        let (layout, rows) = check::layouts(&sources, &options, params)?;
        let labels = labels::Labels::find(&options, params, &layout, rows)?;
        Ok(Data {
            method: method.to_owned(),
            params,
            rows: options.limit.map_or(rows, |limit| limit.min(rows)),
            options,
            sources,
            labels,
            layout,
            next_source: 0,
            open: None,
            read: 0,
        })
    }

    /// Rows of all batches together.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Batches of the stream.
    pub fn batches(&self) -> u64 {
        self.rows.div_ceil(self.options.batch.max(1) as u64)
    }

    /// Whether batches carry labels.
    pub fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// A sentence for the user.
    pub fn describe(&self) -> String {
        let files = match self.options.paths.as_slice() {
            [path] => format!("`{}`", path.display()),
            paths => format!("{} files or folders", paths.len()),
        };
        let shapes: Vec<String> = self.layout.iter().map(ToString::to_string).collect();
        format!(
            "{} rows of {files} in {} batches; {}",
            self.rows,
            self.batches(),
            shapes.join(", ")
        )
    }

    /// The next batch; `None` at the end.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, InputError> {
        let wanted = (self.rows - self.read).min(self.options.batch.max(1) as u64);
        if wanted == 0 {
            return Ok(None);
        }
        let mut columns: Vec<Column> = self.layout.iter().map(Column::new).collect();
        let mut origins: Vec<String> = Vec::new();
        let mut left = wanted;
        while left > 0 {
            let Some(open) = self.current()? else { break };
            let rows = left.min(open.left());
            origins.push(open.origin(rows));
            open.read(rows, &mut columns)?;
            left -= rows;
            // A file's checksums are looked at before its last rows are used.
            if open.left() == 0
                && let Some(done) = self.open.take()
            {
                done.finish()?;
            }
        }
        let origin = origins.join(", ");
        let first = self.read;
        self.read += wanted - left;
        let labels = match &mut self.labels {
            Some(labels) => Some(labels.take(&mut columns, wanted - left)?),
            None => None,
        };
        let items = columns.into_iter().map(|column| column.into_array(&origin));
        let arrays = Arrays {
            origin: origin.clone(),
            items: items.collect::<Result<Vec<Array>, _>>()?,
        };
        Ok(Some(Batch {
            values: bind(&self.method, self.params, &arrays)?,
            labels,
            rows: wanted - left,
            first,
            origin,
        }))
    }

    /// The open file with rows left, opening the next one when the last is read.
    fn current(&mut self) -> Result<Option<&mut Opened>, InputError> {
        while self.open.as_ref().is_none_or(|it| it.left() == 0) {
            let Some(source) = self.sources.get(self.next_source) else {
                return Ok(None);
            };
            self.next_source += 1;
            self.open = Some(source.open(&self.options)?);
        }
        Ok(self.open.as_mut())
    }
}
