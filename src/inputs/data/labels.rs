//! The labels of rows: an array among the others, or a file of their own.

use super::column::{Column, Layout};
use super::files::{Opened, Source};
use super::{DataOptions, InputError};
use crate::exec::HostTensor;
use crate::ir::program::Param;
use std::path::Path;

/// Names under which a file carries labels.
pub(super) const LABELS: [&str; 4] = ["labels", "label", "y", "targets"];

/// Where the labels come from.
pub(super) enum Labels {
    /// The array of this name.
    Array(String),
    /// A file.
    File(Opened, Layout),
}

/// Whether no parameter has a name.
pub(super) fn is_free(params: &[Param], name: &str) -> bool {
    params.iter().all(|it| it.name != *name)
}

impl Labels {
    /// The labels that were asked for, or those that the files carry.
    pub(super) fn find(
        options: &DataOptions,
        params: &[Param],
        layouts: &[Layout],
        rows: u64,
    ) -> Result<Option<Labels>, InputError> {
        let has = |name: &str| layouts.iter().any(|it| it.name.as_deref() == Some(name));
        let Some(given) = &options.labels else {
            let found = LABELS.iter().find(|it| has(it) && is_free(params, it));
            let found = found.filter(|_| layouts.len() > 1);
            return Ok(found.map(|it| Labels::Array((*it).to_owned())));
        };
        if has(given) {
            return Ok(Some(Labels::Array(given.clone())));
        }
        let path = Path::new(given);
        if !path.is_file() {
            let names: Vec<String> = layouts
                .iter()
                .map(|it| format!("`{}`", it.label()))
                .collect();
            return Err(InputError::Labels {
                given: given.clone(),
                message: format!(
                    "is neither a file nor an array of the data, which has {}",
                    names.join(", ")
                ),
            });
        }
        let opened = Source::Arrays(path.to_owned()).open(options)?;
        let [layout] = opened.layouts.as_slice() else {
            return Err(InputError::Labels {
                given: given.clone(),
                message: format!("holds {} arrays, expected one", opened.layouts.len()),
            });
        };
        if layout.rows != rows {
            return Err(InputError::Labels {
                given: given.clone(),
                message: format!(
                    "has {} labels, expected one for each of {rows} rows",
                    layout.rows
                ),
            });
        }
        let layout = layout.clone();
        Ok(Some(Labels::File(opened, layout)))
    }

    /// The labels of the rows that were just read.
    pub(super) fn take(
        &mut self,
        columns: &mut Vec<Column>,
        rows: u64,
    ) -> Result<HostTensor, InputError> {
        match self {
            Labels::Array(name) => {
                let is_named = |it: &Column| it.layout.name.as_deref() == Some(name.as_str());
                let at = columns.iter().position(is_named);
                let at = at.ok_or_else(|| InputError::Labels {
                    given: name.clone(),
                    message: "is no array of the data".to_owned(),
                })?;
                columns.remove(at).into_tensor(name)
            }
            Labels::File(opened, layout) => {
                let mut column = [Column::new(layout)];
                let origin = opened.origin(rows);
                opened.read(rows, &mut column)?;
                let [column] = column;
                column.into_tensor(&origin)
            }
        }
    }
}
