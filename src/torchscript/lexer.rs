//! Bytes to tokens, with torch's own indentation and line-joining rules (`torchscript.md` section 3.2).
//!
//! Indentation counts whitespace characters (a tab is one), so this is not Python's tokenizer.

pub(crate) mod scan;
pub(crate) mod token;

use super::ast::Range;
use scan::{Class, class};
pub(crate) use token::{Token, TokenKind};

/// A byte or layout that starts no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LexError {
    /// A byte outside the language: `;`, `$`, NUL, a byte order mark, a non-ASCII identifier.
    #[error("expected a token, found {0}")]
    Byte(String),
    /// A quote without its partner.
    #[error("expected a closing quote before the end of the {0}, found none")]
    UnclosedString(&'static str),
    /// A dedent to a level that was never opened.
    #[error("expected an indentation level that is open, found {0} columns")]
    Dedent(u32),
}

/// Produces tokens one at a time without allocating.
pub(crate) struct Lexer<'a> {
    src: &'a [u8],
    pos: usize,
    /// Open brackets; negative after a stray closing one, as in torch.
    nesting: i32,
    /// Columns of the open suites; the first line's own indentation is the base.
    indents: Vec<u32>,
    /// Dedents still owed after a `Newline`.
    dedents: u32,
    dedent_at: Range,
    /// What the last `Error` token means.
    error: Option<LexError>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(src: &'a [u8]) -> Lexer<'a> {
        let mut lexer = Lexer {
            src,
            pos: 0,
            nesting: 0,
            indents: Vec::with_capacity(8),
            dedents: 0,
            dedent_at: Range::NONE,
            error: None,
        };
        let line = lexer.skip_trivia(true).unwrap_or(0);
        lexer.indents.push((lexer.pos - line) as u32);
        lexer
    }

    /// The bytes of a token.
    pub(crate) fn text(&self, token: Token) -> &'a [u8] {
        &self.src[token.start as usize..token.end as usize]
    }

    /// Why the last token was an `Error`.
    pub(crate) fn take_error(&mut self) -> Option<LexError> {
        self.error.take()
    }

    /// The same if it was about the indentation.
    pub(crate) fn take_dedent_error(&mut self) -> Option<LexError> {
        self.error
            .take_if(|error| matches!(error, LexError::Dedent(_)))
    }

    /// The next token; `Eof` for ever at the end.
    pub(crate) fn next_token(&mut self) -> Token {
        if self.dedents > 0 {
            self.dedents -= 1;
            return Token::new(
                TokenKind::Dedent,
                self.dedent_at.start as usize,
                self.dedent_at.end as usize,
            );
        }
        let after = self.pos;
        match self.skip_trivia(false) {
            Some(line) => self.line_start(line, after),
            None => self.word(),
        }
    }

    /// Whether `=` comes next; looks ahead without moving.
    pub(crate) fn assign_follows(&mut self) -> bool {
        let pos = self.pos;
        self.skip_trivia(false);
        let rest = &self.src[self.pos..];
        self.pos = pos;
        rest.first() == Some(&b'=') && rest.get(1) != Some(&b'=')
    }

    /// Skips the rest of the line of `token`, forgetting open brackets; the next token is about the line after it.
    pub(crate) fn skip_line(&mut self, token: Token) {
        self.nesting = 0;
        self.pos = token.start as usize;
        while self.pos < self.src.len() && self.src[self.pos] != b'\n' {
            self.pos += 1;
        }
    }

    /// Skips everything.
    pub(crate) fn finish(&mut self) {
        self.pos = self.src.len();
        self.dedents = 0;
        self.nesting = 1;
    }

    /// Skips blanks, comments and joined lines; the start of the current line if a line break that counts was crossed.
    fn skip_trivia(&mut self, at_line_start: bool) -> Option<usize> {
        let mut line = at_line_start.then_some(self.pos);
        loop {
            match self.src.get(self.pos).copied() {
                Some(b' ' | b'\t' | b'\r' | 0x0b | 0x0c) => self.pos += 1,
                Some(b'\n') => {
                    self.pos += 1;
                    line = (self.nesting <= 0).then_some(self.pos);
                }
                Some(b'#') if !self.src[self.pos..].starts_with(b"# type:") => {
                    self.pos += 1;
                    while self.src.get(self.pos).is_some_and(|&b| b != b'\n') {
                        self.pos += 1;
                    }
                    // The line's indentation no longer matters: a comment is followed by a line break or the end.
                    line = line.map(|_| self.pos);
                }
                Some(b'\\') if line.is_none() && self.src.get(self.pos + 1) == Some(&b'\n') => {
                    self.pos += 2
                }
                _ => return line,
            }
        }
    }

    /// `Newline`, `Indent` or `Newline` and dedents, by the indentation of the line that starts at `line`.
    /// `after` is where the line before ended: there a `Newline` stands in messages.
    fn line_start(&mut self, line: usize, after: usize) -> Token {
        let base = self.indents.first().copied().unwrap_or(0);
        // Whitespace before the end of the file closes every suite, whatever its width.
        let depth = if self.pos == self.src.len() {
            base
        } else {
            (self.pos - line) as u32
        };
        let top = self.indents.last().copied().unwrap_or(0);
        if depth > top {
            self.indents.push(depth);
            return Token::new(TokenKind::Indent, line, self.pos);
        }
        while self.indents.len() > 1 && self.indents.last().is_some_and(|&d| d > depth) {
            self.indents.pop();
            self.dedents += 1;
        }
        self.dedent_at = Token::new(TokenKind::Dedent, line, self.pos).range();
        if self.indents.last() != Some(&depth) {
            self.error = Some(LexError::Dedent(depth));
            return Token::new(TokenKind::Error, line, self.pos);
        }
        Token::new(TokenKind::Newline, after, after)
    }

    fn word(&mut self) -> Token {
        let start = self.pos;
        let Some(&first) = self.src.get(start) else {
            return Token::new(TokenKind::Eof, start, start);
        };
        let kind = match class(first) {
            Class::Letter => self.name(),
            Class::Digit => self.number(),
            Class::Quote => self.string(),
            Class::Dot if self.src.get(start + 1).is_some_and(u8::is_ascii_digit) => self.number(),
            Class::Dot | Class::Punct => self.punct(first),
            Class::Other => self.bad_byte(),
        };
        Token::new(kind, start, self.pos)
    }

    fn name(&mut self) -> TokenKind {
        let rest = &self.src[self.pos..];
        let len = rest
            .iter()
            .position(|&b| !matches!(class(b), Class::Letter | Class::Digit))
            .unwrap_or(rest.len());
        let (kind, len) = token::keyword(rest, len);
        self.pos += len;
        kind
    }

    fn number(&mut self) -> TokenKind {
        self.pos += scan::number_len(&self.src[self.pos..]);
        TokenKind::Number
    }

    fn string(&mut self) -> TokenKind {
        let rest = &self.src[self.pos..];
        if let Some(len) = scan::string_len(rest) {
            self.pos += len;
            return TokenKind::Str;
        }
        self.error = Some(LexError::UnclosedString(if scan::quote_len(rest) == 3 {
            "file"
        } else {
            "line"
        }));
        self.pos += 1;
        TokenKind::Error
    }

    fn punct(&mut self, first: u8) -> TokenKind {
        let (kind, len) = token::punct(&self.src[self.pos..]);
        match first {
            b'(' | b'[' | b'{' => self.nesting = self.nesting.saturating_add(1),
            b')' | b']' | b'}' => self.nesting = self.nesting.saturating_sub(1),
            _ => {}
        }
        if kind == TokenKind::Error {
            return self.bad_byte();
        }
        self.pos += len;
        kind
    }

    #[cold]
    fn bad_byte(&mut self) -> TokenKind {
        let rest = &self.src[self.pos..];
        let (len, what) = scan::describe_byte(rest);
        self.error = Some(LexError::Byte(what));
        self.pos += len;
        TokenKind::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TokenKind::*;

    fn kinds(src: &str) -> Vec<TokenKind> {
        let mut lexer = Lexer::new(src.as_bytes());
        let mut kinds = vec![];
        loop {
            match lexer.next_token().kind {
                Eof => return kinds,
                kind => kinds.push(kind),
            }
        }
    }

    #[test]
    fn tabs_count_one_column() {
        assert_eq!(
            kinds("def\n\ta\n b\n"),
            [Def, Indent, Name, Newline, Name, Newline, Dedent]
        );
    }

    #[test]
    fn dedents_follow_one_newline() {
        assert_eq!(
            kinds("a\n  b\n    c\nd\n"),
            [
                Name, Indent, Name, Indent, Name, Newline, Dedent, Dedent, Name, Newline
            ]
        );
    }

    #[test]
    fn the_first_line_sets_the_base() {
        assert_eq!(
            kinds("\n  # c\n  a\n    b\n  c\n"),
            [Name, Indent, Name, Newline, Dedent, Name, Newline]
        );
    }

    #[test]
    fn brackets_backslashes_and_comments_join_lines() {
        assert_eq!(
            kinds("(a,\n    b)\n"),
            [LParen, Name, Comma, Name, RParen, Newline]
        );
        assert_eq!(kinds("a \\\n  b\r\n"), [Name, Name, Newline]);
        assert_eq!(kinds("a # x\n\n   # y\nb # z"), [Name, Newline, Name]);
    }

    #[test]
    fn type_comment_is_a_token() {
        assert_eq!(kinds("# type: int\n"), [TypeComment, Name, Newline]);
        assert_eq!(kinds("#type: int\n"), []);
    }

    #[test]
    fn two_word_operators_need_one_space() {
        assert_eq!(kinds("is not in not in"), [IsNot, In, NotIn]);
        assert_eq!(kinds("is  not"), [Is, Not]);
        assert_eq!(kinds("not inner"), [Not, Name]);
    }

    #[test]
    fn punctuation_takes_the_longest_match() {
        assert_eq!(
            kinds("**= ** *= * -> -= - ... . <<= << <= <"),
            [
                PowEq, Pow, StarEq, Star, Arrow, MinusEq, Minus, Ellipsis, Dot, ShlEq, Shl, Le, Lt
            ]
        );
        assert_eq!(kinds("//="), [FloorDiv, Assign]);
    }

    #[test]
    fn refused_bytes_are_error_tokens() {
        for src in [";", "\u{feff}", "\0", "é", "!", "?", "\"a\n", "'''a''"] {
            assert_eq!(kinds(src)[0], Error, "{src:?}");
        }
    }

    #[test]
    fn dedent_to_an_unknown_level_is_an_error() {
        assert_eq!(
            kinds("a\n    b\n  c\n"),
            [Name, Indent, Name, Error, Dedent, Name, Newline,]
        );
    }
}
