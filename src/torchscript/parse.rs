//! Text to syntax tree: torch's own grammar and operator precedence (`torchscript.md` sections 3.3 and 3.4).
//!
//! A broken statement is reported and left out, and parsing goes on with the next one; [`parse_strict`] stops instead.

mod error;
mod expr;
mod item;
mod stmt;

pub use error::{ParseError, ParseErrorKind};
pub(crate) use expr::{STAR, precedence, right_level, unary_precedence};

use super::ast::{File, Range};
use super::lexer::{Lexer, Token, TokenKind};
use smol_str::SmolStr;

/// Nesting and tree height that is accepted. torch recurses without a limit and dies somewhere above 10,000;
/// emitted code stays under 30. Every recursion over a tree may rely on this bound.
pub const MAX_DEPTH: u32 = 4_096;

/// Errors after which a file is given up: the rest would say nothing new.
const MAX_ERRORS: usize = 100;

/// Byte offsets are `u32`, with the last value reserved for [`Range::NONE`].
const MAX_SOURCE_BYTES: usize = u32::MAX as usize - 1;

/// Parses as much of a source record as can be understood, with every error found.
pub fn parse(src: &[u8]) -> (File, Vec<ParseError>) {
    run(src, MAX_ERRORS)
}

/// Parses a source record that must be free of errors.
pub fn parse_strict(src: &[u8]) -> Result<File, ParseError> {
    let (file, errors) = run(src, 1);
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(file),
    }
}

fn run(src: &[u8], max_errors: usize) -> (File, Vec<ParseError>) {
    if src.len() > MAX_SOURCE_BYTES {
        let kind = ParseErrorKind::TooLarge {
            limit: MAX_SOURCE_BYTES,
            found: src.len(),
        };
        return (
            File::default(),
            vec![ParseError {
                kind,
                range: Range { start: 0, end: 0 },
            }],
        );
    }
    let mut parser = Parser::new(src, max_errors);
    let file = parser.file();
    (file, parser.errors)
}

/// Boxed so that results stay small on the way up.
type PResult<T> = Result<T, Box<ParseError>>;

struct Parser<'a> {
    src: &'a [u8],
    lexer: Lexer<'a>,
    /// The token to be consumed next.
    cur: Token,
    /// Where the last consumed token ended.
    prev_end: u32,
    /// Levels of recursion now open.
    depth: u32,
    /// Height of the tree of the expression parsed last.
    height: u32,
    errors: Vec<ParseError>,
    max_errors: usize,
}

impl<'a> Parser<'a> {
    fn new(src: &'a [u8], max_errors: usize) -> Parser<'a> {
        let mut lexer = Lexer::new(src);
        let cur = lexer.next_token();
        Parser {
            src,
            lexer,
            cur,
            prev_end: 0,
            depth: 0,
            height: 0,
            errors: Vec::new(),
            max_errors,
        }
    }

    fn at(&self, kind: TokenKind) -> bool {
        self.cur.kind == kind
    }

    /// Consumes the current token.
    fn bump(&mut self) -> Token {
        let token = self.cur;
        if !matches!(
            token.kind,
            TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent
        ) {
            self.prev_end = token.end;
        }
        self.cur = self.lexer.next_token();
        if self.at(TokenKind::Error) {
            self.report_dedent();
        }
        token
    }

    /// A dedent to an unknown level ends the line all the same.
    #[cold]
    fn report_dedent(&mut self) {
        if let Some(error) = self.lexer.take_dedent_error() {
            let range = self.cur.range();
            self.cur.kind = TokenKind::Newline;
            self.report(ParseError {
                kind: ParseErrorKind::Lex(error),
                range,
            });
        }
    }

    /// Consumes the current token if it is of this kind.
    fn eat(&mut self, kind: TokenKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn expect(&mut self, kind: TokenKind) -> PResult<Token> {
        if self.at(kind) {
            Ok(self.bump())
        } else {
            Err(self.unexpected(kind.describe()))
        }
    }

    fn name(&mut self) -> PResult<(SmolStr, Range)> {
        let token = self.expect(TokenKind::Name)?;
        Ok((self.text(token), token.range()))
    }

    /// The text of a name or number, which are ASCII.
    fn text(&self, token: Token) -> SmolStr {
        SmolStr::new(std::str::from_utf8(self.lexer.text(token)).unwrap_or_default())
    }

    /// From `start` to the end of the last consumed token.
    fn range_from(&self, start: u32) -> Range {
        Range {
            start,
            end: self.prev_end.max(start),
        }
    }

    /// `expected` but the current token is something else.
    #[cold]
    fn unexpected(&mut self, expected: &'static str) -> Box<ParseError> {
        let range = self.cur.range();
        let kind = match self.lexer.take_error() {
            Some(error) if self.at(TokenKind::Error) => ParseErrorKind::Lex(error),
            _ => ParseErrorKind::Expected {
                expected,
                found: self.describe_current(),
            },
        };
        Box::new(ParseError { kind, range })
    }

    fn describe_current(&self) -> String {
        const SHOWN: usize = 40;
        match self.cur.kind {
            TokenKind::Name | TokenKind::Number => {
                let text = self.text(self.cur);
                if text.len() > SHOWN {
                    format!("`{}…`", &text[..SHOWN])
                } else {
                    format!("`{text}`")
                }
            }
            kind => kind.describe().to_owned(),
        }
    }

    /// Runs `f` one level deeper, with enough stack for it.
    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> PResult<T>) -> PResult<T> {
        self.check_height(self.depth + 1)?;
        self.depth += 1;
        let result = super::deep(|| f(self));
        self.depth -= 1;
        result
    }

    /// Refuses a tree higher than [`MAX_DEPTH`].
    fn check_height(&self, height: u32) -> PResult<()> {
        if height <= MAX_DEPTH {
            return Ok(());
        }
        Err(Box::new(ParseError {
            kind: ParseErrorKind::TooDeep { limit: MAX_DEPTH },
            range: self.cur.range(),
        }))
    }

    /// Notes an error; gives the file up after the last one allowed.
    fn report(&mut self, error: ParseError) {
        if self.errors.len() < self.max_errors {
            self.errors.push(error);
        }
        if self.errors.len() >= self.max_errors {
            self.lexer.finish();
            self.cur = self.lexer.next_token();
        }
    }

    /// Reports a statement's error and moves to the statement after it, past the suites that belong to it.
    fn recover(&mut self, error: ParseError) {
        self.report(error);
        loop {
            self.skip_statement_line();
            self.skip_suite();
            if !matches!(self.cur.kind, TokenKind::Else | TokenKind::Elif) {
                return;
            }
        }
    }

    fn skip_statement_line(&mut self) {
        match self.cur.kind {
            TokenKind::Indent | TokenKind::Dedent | TokenKind::Eof => {}
            TokenKind::Newline => {
                self.bump();
            }
            _ => {
                self.lexer.skip_line(self.cur);
                self.bump();
                self.eat(TokenKind::Newline);
            }
        }
    }

    fn skip_suite(&mut self) {
        if !self.at(TokenKind::Indent) {
            return;
        }
        let mut open = 0u32;
        loop {
            match self.bump().kind {
                TokenKind::Indent => open += 1,
                TokenKind::Dedent => open -= 1,
                TokenKind::Eof => return,
                _ => {}
            }
            if open == 0 {
                return;
            }
        }
    }
}
