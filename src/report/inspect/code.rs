//! `--code`: the serialised source, and the user's Python lines where debug records exist.

use crate::archive::ArchiveError;
use crate::diag::{FileId, Span};
use crate::ir::FuncId;
use crate::model::Model;
use crate::model::origin::Origins;
use crate::report::Paint;
use serde::Serialize;

/// Columns after which the origin of a line is written.
const ORIGIN_COLUMN: usize = 72;

/// Source records, or one method.
#[derive(Debug, Serialize)]
pub struct Code {
    /// One for each record.
    pub files: Vec<Listing>,
}

/// Lines of one source record.
#[derive(Debug, Serialize)]
pub struct Listing {
    /// The record.
    pub record: String,
    /// Number of the first line, from 1.
    pub first_line: usize,
    /// The text.
    pub text: String,
    /// For each line the user's file and line, where known.
    pub origins: Vec<Option<String>>,
}

/// Every source record of the file, or only the text of one function.
pub fn code(model: &Model, only: Option<FuncId>) -> Result<Code, ArchiveError> {
    let origins = Origins::new(model);
    if let Some(func) = only {
        let span = model.program.functions[func].span;
        let listing = span.and_then(|span| of_span(model, &origins, span));
        return Ok(Code {
            files: listing.into_iter().collect(),
        });
    }
    let mut files = Vec::new();
    for (id, record) in model.archive.entries() {
        if !record.starts_with("code/") || !record.ends_with(".py") {
            continue;
        }
        let known = model
            .program
            .files
            .iter()
            .position(|file| file.name == record);
        match known {
            Some(file) => files.push(whole(model, &origins, FileId(file as u32))),
            // Nothing reaches it, so that it was not lowered.
            None => files.push(Listing {
                record: record.to_owned(),
                first_line: 1,
                text: String::from_utf8_lossy(&model.archive.text(id)?).into_owned(),
                origins: Vec::new(),
            }),
        }
    }
    Ok(Code { files })
}

fn whole(model: &Model, origins: &Origins, file: FileId) -> Listing {
    let source = &model.program.files[file.0 as usize];
    listing(origins, file, &source.name, &source.text, 0, 1)
}

fn of_span(model: &Model, origins: &Origins, span: Span) -> Option<Listing> {
    let source = model.program.file(span.file)?;
    // From the start of the line, so that the indentation stays.
    let start = source
        .text
        .get(..span.start as usize)?
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let text = source.text.get(start..span.end as usize)?;
    let first = source.text[..start].matches('\n').count() + 1;
    Some(listing(
        origins,
        span.file,
        &source.name,
        text,
        start,
        first,
    ))
}

fn listing(
    origins: &Origins,
    file: FileId,
    record: &str,
    text: &str,
    start: usize,
    first_line: usize,
) -> Listing {
    let mut at = start;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        // The last place of a line is within its expression; its start may belong to the line before.
        let code = line.trim_end();
        let place = at + code.len().saturating_sub(1);
        let span = Span {
            file,
            start: place as u32,
            end: place as u32,
        };
        let origin = (!code.is_empty()).then(|| origins.of(span)).flatten();
        found.push(origin.map(|origin| origin.to_string()));
        at += line.len();
    }
    Listing {
        record: record.to_owned(),
        first_line,
        text: text.to_owned(),
        origins: found,
    }
}

impl Code {
    /// The sources with their record names, origins to the right.
    pub fn text(&self, paint: Paint) -> String {
        let mut out = String::new();
        for (i, file) in self.files.iter().enumerate() {
            if i > 0 {
                out.push('\n');
            }
            out += &paint.place(&format!("# {}:{}", file.record, file.first_line));
            out.push('\n');
            let mut last = None;
            for (i, line) in file.text.lines().enumerate() {
                out += line;
                let origin = file.origins.get(i).and_then(Option::as_ref);
                if let Some(origin) = origin.filter(|origin| last != Some(*origin)) {
                    let gap = ORIGIN_COLUMN.saturating_sub(line.chars().count()).max(2);
                    out += &" ".repeat(gap);
                    out += &paint.dim(&format!("# {origin}"));
                }
                last = origin;
                out.push('\n');
            }
        }
        out
    }
}
