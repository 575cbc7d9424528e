//! Text edits on byte ranges, and where every old offset went.

use crate::torchscript::ast;
use thiserror::Error;

/// Why edits could not be applied.
#[derive(Debug, Error, PartialEq)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum EditError {
    #[error("edits overlap at byte {at}")]
    Overlap { at: usize },
    #[error("edit at bytes {start}..{end} does not fit a text of {len} bytes")]
    OutOfBounds {
        start: usize,
        end: usize,
        len: usize,
    },
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edit {
    start: usize,
    end: usize,
    text: Vec<u8>,
}

/// Replacements of one text; everything outside their ranges keeps its bytes.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    items: Vec<Edit>,
}

impl Edits {
    /// Replaces a range; an empty range inserts.
    pub fn replace(&mut self, range: ast::Range, text: impl Into<Vec<u8>>) {
        self.items.push(Edit {
            start: range.start as usize,
            end: range.end as usize,
            text: text.into(),
        });
    }

    /// Inserts before a byte.
    pub fn insert(&mut self, at: u32, text: impl Into<Vec<u8>>) {
        self.replace(ast::Range { start: at, end: at }, text);
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Applies all edits to the text they were made for.
    pub fn apply(mut self, text: &[u8]) -> Result<Edited, EditError> {
        self.items.sort();
        self.items.dedup();
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        for edit in &self.items {
            if edit.start < at {
                return Err(EditError::Overlap { at: edit.start });
            }
            let kept = text.get(at..edit.start).zip(text.get(edit.start..edit.end));
            let (kept, _) = kept.ok_or(EditError::OutOfBounds {
                start: edit.start,
                end: edit.end,
                len: text.len(),
            })?;
            out.extend_from_slice(kept);
            out.extend_from_slice(&edit.text);
            at = edit.end;
        }
        out.extend_from_slice(&text[at..]);
        Ok(Edited::new(out, self.items))
    }
}

/// An edited text.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The new text.
    pub text: Vec<u8>,
    edits: Vec<Edit>,
    /// Growth of the text by the edits before each one, and by all of them at the end.
    growth: Vec<i64>,
}

impl Edited {
    fn new(text: Vec<u8>, edits: Vec<Edit>) -> Edited {
        let mut total = 0;
        let mut growth = vec![0];
        for edit in &edits {
            total += edit.text.len() as i64 - (edit.end - edit.start) as i64;
            growth.push(total);
        }
        Edited {
            text,
            edits,
            growth,
        }
    }

    /// Where an offset of the old text lies in the new one; inside a replaced range it stays inside the replacement.
    pub fn shift(&self, offset: u64) -> u64 {
        let before = self.edits.partition_point(|e| e.end as u64 <= offset);
        let growth = self.growth[before];
        let inside = match self.edits.get(before) {
            Some(e) if (e.start as u64) < offset => {
                let depth = offset - e.start as u64;
                depth - depth.min(e.text.len() as u64)
            }
            _ => 0,
        };
        (offset - inside).saturating_add_signed(growth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(items: &[(u32, u32, &str)]) -> Edits {
        let mut edits = Edits::default();
        for &(start, end, text) in items {
            edits.replace(ast::Range { start, end }, text);
        }
        edits
    }

    #[test]
    fn replaces_and_shifts() {
        let edited = edits(&[(6, 9, "cuda:0"), (2, 3, "")])
            .apply(b"ab(cd cpu) z")
            .unwrap();
        assert_eq!(edited.text, b"abcd cuda:0) z");
        let moved: Vec<u64> = (0..12).map(|o| edited.shift(o)).collect();
        assert_eq!(moved, [0, 1, 2, 2, 3, 4, 5, 6, 7, 11, 12, 13]);
    }

    #[test]
    fn refuses_overlap_and_out_of_bounds() {
        assert_eq!(
            edits(&[(0, 3, "x"), (2, 4, "y")])
                .apply(b"abcdef")
                .unwrap_err(),
            EditError::Overlap { at: 2 }
        );
        assert!(matches!(
            edits(&[(5, 9, "x")]).apply(b"abcdef").unwrap_err(),
            EditError::OutOfBounds { .. }
        ));
    }
}
