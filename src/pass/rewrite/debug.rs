//! Source-range records `*.py.debug_pkl`: the user's Python line of a byte, and offsets that follow an edit
//! (`torchscript.md` section 5).

use super::edit::{EditError, Edited, Edits};
use crate::archive::pickle::{Pickle, Use, Value};
use crate::torchscript::ast::Range;

/// First element of the format with a string table.
const WITH_STRING_TABLE: &str = "FORMAT_WITH_STRING_TABLE";

/// How many rows before a byte may tell its line.
const MAX_BACK: usize = 8;

/// One row: code from this byte on comes from there.
#[derive(Clone, Copy, Debug)]
struct Row {
    offset: u64,
    offset_use: Use,
    /// `(source, start, end)`, or in older files the row itself.
    origin: Use,
}

/// A decoded record.
#[derive(Debug)]
pub struct DebugRecord<'a> {
    pickle: &'a Pickle,
    strings: Vec<Use>,
    rows: Vec<Row>,
}

impl<'a> DebugRecord<'a> {
    /// Reads the rows; `None` when the pickle is not a source-range record.
    pub fn new(pickle: &'a Pickle) -> Option<DebugRecord<'a>> {
        let root = tuple(pickle, pickle.root())?;
        let with_table =
            root.first().and_then(|first| pickle.str_at(*first)) == Some(WITH_STRING_TABLE);
        let (strings, rows) = match (with_table, root) {
            (true, [_, strings, rows]) => (tuple(pickle, *strings)?, tuple(pickle, *rows)?),
            (true, _) => return None,
            (false, rows) => (&[][..], rows),
        };
        let rows = rows.iter().map(|row| Row::new(pickle, *row));
        Some(DebugRecord {
            pickle,
            strings: strings.to_vec(),
            rows: rows.collect::<Option<_>>()?,
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// First byte of each row in the source record.
    pub fn offsets(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().map(|row| row.offset)
    }

    /// The user's file and line of a byte of the source record, `net.py:12`.
    ///
    /// Rows of values that torch made itself have no origin; then a row shortly before belongs to the same line.
    pub fn python_line(&self, byte: u32) -> Option<String> {
        let after = self
            .rows
            .partition_point(|row| row.offset <= u64::from(byte));
        let before = self.rows[..after].iter().rev().take(MAX_BACK);
        before.filter_map(|row| self.origin(row)).next()
    }

    fn origin(&self, row: &Row) -> Option<String> {
        let (source, start) = match tuple(self.pickle, row.origin)? {
            [source, start, _end] => (*source, *start),
            [_offset, source, start, ..] => (*source, *start),
            _ => return None,
        };
        let [text, file, first_line] = tuple(self.pickle, source)? else {
            return None;
        };
        let file = match self.pickle.at(*file) {
            Value::Int(index) => self.string(index)?,
            _ => self.pickle.str_at(*file)?,
        };
        // A traced model keeps a call stack in place of source text.
        if file.is_empty() {
            return self.stack_line(*text);
        }
        let line = int(self.pickle, *first_line)?
            .checked_add(self.lines_before(*text, int(self.pickle, start)?)?)?;
        Some(format!("{}:{line}", base_name(file)))
    }

    fn string(&self, index: i64) -> Option<&'a str> {
        let entry = self.strings.get(usize::try_from(index).ok()?)?;
        self.pickle.str_at(*entry)
    }

    /// The pieces of a source text.
    fn pieces(&self, text: Use) -> Option<Vec<&'a str>> {
        if let Some(whole) = self.pickle.str_at(text) {
            return Some(vec![whole]);
        }
        let indices = self.pickle.sequence(self.pickle.at(text))?;
        let piece = |it: &Use| self.string(int(self.pickle, *it)?);
        indices.iter().map(piece).collect()
    }

    /// Line breaks before a byte of a source text.
    fn lines_before(&self, text: Use, byte: i64) -> Option<i64> {
        let mut left = usize::try_from(byte).ok()?;
        let mut lines = 0;
        for piece in self.pieces(text)? {
            let part = &piece.as_bytes()[..left.min(piece.len())];
            lines += part.iter().filter(|b| **b == b'\n').count() as i64;
            left -= part.len();
        }
        Some(lines)
    }

    /// `/home/me/net.py(12): forward`: file and line of the innermost frame outside of torch.
    fn stack_line(&self, text: Use) -> Option<String> {
        let text = self.pieces(text)?.concat();
        let frames = || text.lines().filter_map(frame);
        let own = frames().find(|(file, _)| !file.contains("/torch/"));
        let (file, line) = own.or_else(|| frames().next())?;
        Some(format!("{}:{line}", base_name(file)))
    }

    /// The record's bytes with every offset moved as the source was edited.
    pub fn shifted(&self, edited: &Edited) -> Result<Vec<u8>, EditError> {
        let mut edits = Edits::default();
        for row in &self.rows {
            let moved = edited.shift(row.offset);
            if moved != row.offset {
                let bytes = self.pickle.op(row.offset_use.op).bytes;
                let range = Range {
                    start: bytes.start,
                    end: bytes.end,
                };
                edits.replace(range, encode_int(moved));
            }
        }
        Ok(edits.apply(self.pickle.blob())?.text)
    }
}

impl Row {
    fn new(pickle: &Pickle, row: Use) -> Option<Row> {
        let items = tuple(pickle, row)?;
        let [offset, origin, ..] = items else {
            return None;
        };
        let is_nested = matches!(pickle.at(*origin), Value::Tuple(it) if pickle.items(it).len() == 3 && items.len() == 3);
        // An older row holds source, start and end itself; there the second element is the source.
        let is_nested = is_nested
            && tuple(pickle, *origin).is_some_and(|o| matches!(pickle.at(o[0]), Value::Tuple(_)));
        Some(Row {
            offset: u64::try_from(int(pickle, *offset)?).ok()?,
            offset_use: *offset,
            origin: if is_nested { *origin } else { row },
        })
    }
}

fn tuple(pickle: &Pickle, it: Use) -> Option<&[Use]> {
    match pickle.at(it) {
        Value::Tuple(items) => Some(pickle.items(items)),
        _ => None,
    }
}

fn int(pickle: &Pickle, it: Use) -> Option<i64> {
    match pickle.at(it) {
        Value::Int(value) => Some(value),
        _ => None,
    }
}

/// The shortest form, as torch writes it (`torchscript.md` 2.1).
fn encode_int(value: u64) -> Vec<u8> {
    match value {
        0..=0xff => vec![b'K', value as u8],
        0x100..=0xffff => [&b"M"[..], &(value as u16).to_le_bytes()].concat(),
        0x1_0000..=0x7fff_ffff => [&b"J"[..], &(value as u32).to_le_bytes()].concat(),
        _ => [&[0x8a, 8][..], &value.to_le_bytes()].concat(),
    }
}

/// `net.py(12): forward`
fn frame(line: &str) -> Option<(&str, u32)> {
    let (place, _) = line.split_once("): ")?;
    let (file, line) = place.rsplit_once('(')?;
    Some((file, line.parse().ok()?))
}

/// Reports must not show where the author's files lay.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
