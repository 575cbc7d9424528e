//! A position in graph text: whitespace and `#` comments are skipped between tokens.

use super::TextError;
use std::cell::Cell;

pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// A position and its line, from which later lines are counted.
    known: Cell<(usize, usize)>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        let mut cursor = Cursor {
            text,
            at: 0,
            known: Cell::new((0, 1)),
        };
        cursor.skip();
        cursor
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == self.text.len()
    }

    /// The one-based line of the next token.
    pub(super) fn line(&self) -> usize {
        let (from, line) = self.known.get();
        let between = &self.text.as_bytes()[from..self.at];
        let line = line + between.iter().filter(|b| **b == b'\n').count();
        self.known.set((self.at, line));
        line
    }

    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    /// Takes `bytes` bytes and the space after them; the caller has looked at them.
    pub(super) fn advance(&mut self, bytes: usize) -> &'a str {
        let taken = &self.rest()[..bytes];
        self.at += bytes;
        self.skip();
        taken
    }

    pub(super) fn peek(&self, token: &str) -> bool {
        self.rest().starts_with(token)
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.peek(token);
        if found {
            self.advance(token.len());
        }
        found
    }

    pub(super) fn expect(&mut self, token: &'static str) -> Result<(), TextError> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(self.expected(token))
        }
    }

    /// A syntax error at the next token.
    pub(super) fn expected(&self, expected: &'static str) -> TextError {
        let rest = self.rest();
        let line = rest.lines().next().unwrap_or("");
        let found = match line.char_indices().nth(24) {
            Some((end, _)) => format!("`{}…`", &line[..end]),
            None if rest.is_empty() => "the end of the text".to_owned(),
            None => format!("`{line}`"),
        };
        TextError::Syntax {
            line: self.line(),
            expected,
            found,
        }
    }

    /// The longest run of bytes that satisfy `keep`; may be empty.
    pub(super) fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.bytes().position(|b| !keep(b)).unwrap_or(rest.len());
        self.advance(end)
    }

    /// A dotted or `::`-separated name.
    pub(super) fn path(&mut self) -> Result<&'a str, TextError> {
        let rest = self.rest().as_bytes();
        let mut end = 0;
        while let Some(&byte) = rest.get(end) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' => end += 1,
                b':' if rest.get(end + 1) == Some(&b':') => end += 2,
                _ => break,
            }
        }
        if end == 0 {
            return Err(self.expected("a name"));
        }
        Ok(self.advance(end))
    }

    /// Text up to the end of the line or a comment, trimmed.
    pub(super) fn line_rest(&mut self) -> &'a str {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let end = line.find(" # ").unwrap_or(line.len());
        let taken = line[..end].trim_end();
        self.advance(end);
        taken
    }

    /// A quoted string with torch's escapes, and `\r` and `\xNN` besides.
    pub(super) fn string(&mut self) -> Result<Vec<u8>, TextError> {
        if !self.peek("\"") {
            return Err(self.expected("a string"));
        }
        let bytes = self.rest().as_bytes();
        let mut value = Vec::new();
        let mut at = 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    at += escape(&bytes[at + 1..], &mut value)
                        .ok_or_else(|| self.expected("a string with known escapes"))?
                }
                Some(&byte) => {
                    value.push(byte);
                    at += 1;
                }
                None => return Err(self.expected("a closed string")),
            }
        }
        self.advance(at + 1);
        Ok(value)
    }
}

/// Reads what follows a backslash; returns the length of the whole escape.
fn escape(after: &[u8], value: &mut Vec<u8>) -> Option<usize> {
    let byte = match after.first()? {
        b'\\' => b'\\',
        b'\'' => b'\'',
        b'"' => b'"',
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'0'..=b'7' => {
            let digits = after.get(..3)?;
            let text = std::str::from_utf8(digits).ok()?;
            value.push(u8::from_str_radix(text, 8).ok()?);
            return Some(4);
        }
        _ => return None,
    };
    value.push(byte);
    Some(2)
}
