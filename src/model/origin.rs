//! From serialised source back to the user's Python (`torchscript.md` section 5).

use super::Model;
use crate::archive::Document;
use crate::archive::pickle::{Pickle, Use, Value};
use crate::diag::{FileId, Span};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// Text lines of one source range that are looked at; a call stack is some dozen lines.
const MAX_LINES: usize = 4096;

/// A line of the user's Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// File as Python named it when the model was made.
    pub file: String,
    /// One-based line.
    pub line: u64,
    /// The line's text, where the file has it; traced models have only the call stack.
    pub text: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Looks lines up; each debug record is decoded once, when first needed.
pub struct Origins<'m> {
    model: &'m Model,
    tables: RefCell<FxHashMap<FileId, Option<Rc<Table>>>>,
}

/// One decoded debug record.
struct Table {
    document: Document,
    strings: Vec<Use>,
    /// Byte offset in the source record and the row's source range, ascending.
    rows: Vec<(i64, Use)>,
}

impl<'m> Origins<'m> {
    /// Nothing is read yet.
    pub fn new(model: &'m Model) -> Origins<'m> {
        Origins {
            model,
            tables: RefCell::default(),
        }
    }

    /// The user's line that a place in serialised source came from; `None` without a usable debug record.
    pub fn of(&self, span: Span) -> Option<Origin> {
        let known = self.tables.borrow().get(&span.file).cloned();
        let table = known.unwrap_or_else(|| {
            let table = self.read(span.file).map(Rc::new);
            self.tables.borrow_mut().insert(span.file, table.clone());
            table
        })?;
        table.origin(i64::from(span.start))
    }

    fn read(&self, file: FileId) -> Option<Table> {
        let name = &self.model.program.file(file)?.name;
        let archive = &self.model.archive;
        let entry = archive.find(&format!("{name}.debug_pkl"))?;
        Table::new(archive.pickle(entry).ok()?)
    }
}

impl Table {
    fn new(document: Document) -> Option<Table> {
        let root = document.sequence(document.at(document.root()))?;
        let &[format, strings, rows] = root else {
            return None;
        };
        if document.str_at(format)? != "FORMAT_WITH_STRING_TABLE" {
            return None;
        }
        let strings = document.sequence(document.at(strings))?.to_vec();
        let row = |row: &Use| match document.sequence(document.at(*row))? {
            [offset, range, ..] => Some((int(&document, *offset)?, *range)),
            _ => None,
        };
        let rows: Vec<_> = document
            .sequence(document.at(rows))?
            .iter()
            .filter_map(row)
            .collect();
        Some(Table {
            strings,
            rows,
            document,
        })
    }

    fn origin(&self, offset: i64) -> Option<Origin> {
        let row = self
            .rows
            .partition_point(|(start, _)| *start <= offset)
            .checked_sub(1)?;
        let range = self.sequence(self.rows[row].1)?;
        let &[source, start, ..] = range else {
            return None;
        };
        let &[lines, file, first] = self.sequence(source)? else {
            return None;
        };
        let text = self.source_text(lines)?;
        let file = self.string(int(&self.document, file)?)?;
        let first = u64::try_from(int(&self.document, first)?).ok()?;
        if file.is_empty() {
            return None;
        }
        Some(match user_frame(&text) {
            Some((file, line)) => Origin {
                file: file.to_owned(),
                line,
                text: None,
            },
            None => {
                let start = usize::try_from(int(&self.document, start)?).ok()?;
                let line = text.get(..start)?.matches('\n').count();
                Origin {
                    file: file.to_owned(),
                    line: first + line as u64,
                    text: text.lines().nth(line).map(|l| l.trim().to_owned()),
                }
            }
        })
    }

    /// The lines of a source, whose list is wrapped in a tuple of type tags by some writers.
    fn source_text(&self, lines: Use) -> Option<String> {
        let mut lines = self.sequence(lines)?;
        if let &[inner] = lines
            && let Some(inner) = self.sequence(inner)
        {
            lines = inner;
        }
        let line = |it: &Use| self.string(int(&self.document, *it)?);
        lines.iter().take(MAX_LINES).map(line).collect()
    }

    fn sequence(&self, it: Use) -> Option<&[Use]> {
        self.document.sequence(self.document.at(it))
    }

    fn string(&self, index: i64) -> Option<&str> {
        self.document
            .str_at(*self.strings.get(usize::try_from(index).ok()?)?)
    }
}

fn int(pickle: &Pickle, it: Use) -> Option<i64> {
    match pickle.at(it) {
        Value::Int(value) => Some(value),
        _ => None,
    }
}

/// The innermost frame of a call stack (`file.py(12): forward`) that is not torch's own; torch's innermost if all are.
fn user_frame(stack: &str) -> Option<(&str, u64)> {
    let frames: Vec<_> = stack.lines().map(frame).collect::<Option<_>>()?;
    let is_torch = |file: &str| file.contains("/torch/") || file.contains("\\torch\\");
    let user = frames.iter().find(|(file, _)| !is_torch(file));
    user.or(frames.first()).copied()
}

fn frame(line: &str) -> Option<(&str, u64)> {
    let (place, _) = line.rsplit_once("): ")?;
    let (file, line) = place.rsplit_once('(')?;
    Some((file, line.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_frame_is_preferred_over_torchs() {
        let stack = "/x/torch/nn/modules/linear.py(134): forward\n/home/me/net.py(7): forward\n";
        assert_eq!(user_frame(stack), Some(("/home/me/net.py", 7)));
        assert_eq!(
            user_frame("/x/torch/nn/a.py(1): f\n"),
            Some(("/x/torch/nn/a.py", 1))
        );
        assert_eq!(user_frame("  def forward(self, x):\n"), None);
    }
}
