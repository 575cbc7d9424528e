//! From serialised source back to the user's Python: the `*.debug_pkl` records (`torchscript.md` section 5).
//!
//! Nothing is decoded before it is asked for, and a record that is garbage only has no answers: torch runs such files.

use crate::archive::pickle::{Dialect, ListKind, Pickle, PickleError, Use, Value};
use crate::archive::{Archive, ArchiveError, Blob};
use rustc_hash::FxHashMap;
use std::sync::OnceLock;

/// First item of a record whose texts are in a table of strings; older records carry them in place.
const STRING_TABLE: &[u8] = b"FORMAT_WITH_STRING_TABLE";

/// Longest source text that is put together: a record may name one string of the table any number of times.
const MAX_SOURCE_BYTES: usize = 16 << 20;

/// Why a record has no answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DebugError {
    /// Not a pickle.
    #[error("expected a pickle, found at byte {}: {}", .0.at, .0.fault)]
    Pickle(PickleError),
    /// A pickle of something else.
    #[error("expected a tuple of source ranges, found {0}")]
    Shape(&'static str),
}

/// Where in the user's Python something comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The Python file, as an absolute path on the machine that made the model; empty when torch did not know it.
    pub filename: String,
    /// One-based line in that file.
    pub line: u64,
    /// That line of source; for traced models the innermost line of the call stack.
    pub excerpt: String,
    /// The Python call stack of a traced model, innermost call first; empty for scripted ones.
    pub frames: Vec<Frame>,
}

/// One call of a traced model's Python stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The Python file.
    pub filename: String,
    /// One-based line.
    pub line: u64,
    /// The function.
    pub function: String,
}

/// One decoded record.
#[derive(Debug)]
pub struct DebugRecord {
    pickle: Pickle,
    /// The table of strings of the newer form.
    table: Option<Vec<Use>>,
    rows: Vec<Use>,
}

impl DebugRecord {
    /// Decodes one record of either form.
    pub fn decode(blob: Blob) -> Result<DebugRecord, DebugError> {
        let pickle = Pickle::decode(blob, Dialect::Jit).map_err(DebugError::Pickle)?;
        let root = pickle.at(pickle.root());
        let items = tuple(&pickle, pickle.root()).ok_or(DebugError::Shape(root.describe()))?;
        let marked = |it: &Use| matches!(pickle.at(*it), Value::Str(text) if pickle.text(text) == STRING_TABLE);
        let (table, rows) = match items {
            [mark, table, rows, ..] if marked(mark) => {
                let of =
                    |it: Use| tuple(&pickle, it).ok_or(DebugError::Shape(pickle.at(it).describe()));
                (Some(of(*table)?.to_vec()), of(*rows)?.to_vec())
            }
            rows => (None, rows.to_vec()),
        };
        Ok(DebugRecord {
            pickle,
            table,
            rows,
        })
    }

    /// Number of ranges.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when no range is recorded.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the source at a byte offset of the `.py` record was made from.
    pub fn lookup(&self, offset: u32) -> Option<Origin> {
        // Rows are sorted; the last one at or before the offset counts. Rows that are no rows count as before it.
        let after = self
            .rows
            .partition_point(|it| self.offset(*it).is_none_or(|at| at <= i64::from(offset)));
        let row = *self.rows.get(after.checked_sub(1)?)?;
        let [_, range, ..] = self.tuple(row)? else {
            return None;
        };
        self.origin(*range)
    }

    fn offset(&self, row: Use) -> Option<i64> {
        self.int(*self.tuple(row)?.first()?)
    }

    /// `((text, filename, first line), start, end)`
    fn origin(&self, range: Use) -> Option<Origin> {
        let [source, start, ..] = self.tuple(range)? else {
            return None;
        };
        let [text, filename, first_line] = self.tuple(*source)? else {
            return None;
        };
        let text = self.source_text(*text)?;
        let filename = self.filename(*filename)?;
        let start = usize::try_from(self.int(*start)?).ok()?;
        let before = text.get(..start)?;
        let line_start = before
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let line_end = text[line_start..]
            .iter()
            .position(|&b| b == b'\n')
            .map_or(text.len(), |len| line_start + len);
        let lines_before = before.iter().filter(|&&b| b == b'\n').count() as u64;
        let line = u64::try_from(self.int(*first_line)?)
            .ok()?
            .checked_add(lines_before)?;
        if filename.is_empty() && text.is_empty() {
            return None;
        }
        let excerpt = String::from_utf8_lossy(&text[line_start..line_end])
            .trim()
            .to_owned();
        Some(Origin {
            filename,
            line,
            excerpt,
            frames: frames(&text),
        })
    }

    fn source_text(&self, it: Use) -> Option<Vec<u8>> {
        let Some(table) = &self.table else {
            return self.str(it).map(<[u8]>::to_vec);
        };
        let Value::List(list) = self.pickle.at(it) else {
            return None;
        };
        let list = self.pickle.list(list);
        if !matches!(list.kind, ListKind::Int | ListKind::Plain) {
            return None;
        }
        let mut text = vec![];
        for index in &list.items {
            let index = usize::try_from(self.int(*index)?).ok()?;
            let piece = self.str(*table.get(index)?)?;
            if text.len() + piece.len() > MAX_SOURCE_BYTES {
                return None;
            }
            text.extend_from_slice(piece);
        }
        Some(text)
    }

    /// An index into the table, or in the older form a string or `None`.
    fn filename(&self, it: Use) -> Option<String> {
        let text = match (&self.table, self.pickle.at(it)) {
            (Some(table), Value::Int(index)) => {
                self.str(*table.get(usize::try_from(index).ok()?)?)?
            }
            (None, Value::Str(text)) => self.pickle.text(text),
            (None, Value::None) => b"",
            _ => return None,
        };
        Some(String::from_utf8_lossy(text).into_owned())
    }

    fn tuple(&self, it: Use) -> Option<&[Use]> {
        tuple(&self.pickle, it)
    }

    fn int(&self, it: Use) -> Option<i64> {
        match self.pickle.at(it) {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }

    fn str(&self, it: Use) -> Option<&[u8]> {
        match self.pickle.at(it) {
            Value::Str(text) => Some(self.pickle.text(text)),
            _ => None,
        }
    }
}

fn tuple(pickle: &Pickle, it: Use) -> Option<&[Use]> {
    match pickle.at(it) {
        Value::Tuple(items) => Some(pickle.items(items)),
        _ => None,
    }
}

/// The calls of a text all of whose lines read `file(line): function`.
fn frames(text: &[u8]) -> Vec<Frame> {
    let text = String::from_utf8_lossy(text);
    text.lines()
        .filter(|line| !line.is_empty())
        .map(frame)
        .collect::<Option<_>>()
        .unwrap_or_default()
}

fn frame(line: &str) -> Option<Frame> {
    let (place, function) = line.rsplit_once("): ")?;
    let (filename, line) = place.rsplit_once('(')?;
    Some(Frame {
        filename: filename.to_owned(),
        line: line.parse().ok()?,
        function: function.to_owned(),
    })
}

/// The debug records of a model, each read and decoded when first asked.
#[derive(Debug)]
pub struct DebugIndex {
    /// By the name of the source record, such as `code/__torch__.py`.
    records: FxHashMap<String, OnceLock<Option<DebugRecord>>>,
}

impl DebugIndex {
    /// Lists the debug records; reads none.
    pub fn new(archive: &Archive) -> DebugIndex {
        let records = archive
            .entries()
            .filter_map(|(_, name)| name.strip_suffix(".debug_pkl"))
            .map(|source| (source.to_owned(), OnceLock::new()))
            .collect();
        DebugIndex { records }
    }

    /// What the source at a byte offset of a source record was made from; nothing when there is no usable record.
    pub fn lookup(&self, archive: &Archive, source_record: &str, offset: u32) -> Option<Origin> {
        let cell = self.records.get(source_record)?;
        cell.get_or_init(|| read(archive, source_record).ok())
            .as_ref()?
            .lookup(offset)
    }
}

/// Why a source record's debug record cannot be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Debug(#[from] DebugError),
    #[error("expected a debug record for `{0}`, found none")]
    Missing(String),
}

fn read(archive: &Archive, source_record: &str) -> Result<DebugRecord, ReadError> {
    let name = format!("{source_record}.debug_pkl");
    let id = archive.find(&name).ok_or(ReadError::Missing(name))?;
    Ok(DebugRecord::decode(archive.text(id)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pickle of the older form: `((5, (("a\nb\n", "f.py", 7), 2, 3)), (9, (("a\nb\n", None, 7), 0, 1), 4))`.
    fn older() -> Vec<u8> {
        let source = |filename: &[u8]| [b"X\x04\0\0\0a\nb\n", filename, b"K\x07\x87"].concat();
        let row = |offset: &[u8], filename: &[u8], range: &[u8]| {
            [b"K", offset, &source(filename), range].concat()
        };
        [
            b"\x80\x02".as_slice(),
            &row(b"\x05", b"X\x04\0\0\0f.py", b"K\x02K\x03\x87\x86"),
            &row(b"\x09", b"N", b"K\0K\x01\x87K\x04\x87"),
            b"\x86.",
        ]
        .concat()
    }

    #[test]
    fn older_form_with_the_text_in_place() {
        let record = DebugRecord::decode(older().into()).unwrap();
        assert_eq!(record.len(), 2);
        assert_eq!(record.lookup(4), None);
        let first = record.lookup(8).unwrap();
        assert_eq!(
            (first.filename.as_str(), first.line, first.excerpt.as_str()),
            ("f.py", 8, "b")
        );
        let second = record.lookup(u32::MAX).unwrap();
        assert_eq!(
            (
                second.filename.as_str(),
                second.line,
                second.excerpt.as_str()
            ),
            ("", 7, "a")
        );
        assert_eq!(second.frames, []);
    }

    #[test]
    fn garbage_has_no_answers() {
        let whole = older();
        for len in 0..whole.len() {
            assert!(
                DebugRecord::decode(whole[..len].to_vec().into()).is_err(),
                "{len}"
            );
        }
        for at in 2..whole.len() {
            for byte in [0, b'.', b'K', b'N', b'q', 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                if let Ok(record) = DebugRecord::decode(changed.into()) {
                    (0..12).for_each(|offset| drop(record.lookup(offset)));
                }
            }
        }
        let empty = DebugRecord::decode(b"\x80\x02).".to_vec().into()).unwrap();
        assert!(empty.is_empty() && empty.lookup(3).is_none());
    }

    #[test]
    fn call_stacks_are_split() {
        let stack = frames(b"/a (b)/c.py(12): forward\n/d.py(3): <lambda>\n");
        assert_eq!(stack.len(), 2);
        assert_eq!(
            (
                stack[0].filename.as_str(),
                stack[0].line,
                stack[0].function.as_str()
            ),
            ("/a (b)/c.py", 12, "forward")
        );
        assert_eq!(frames(b"/c.py(12): forward\nx = 1\n"), []);
    }
}
