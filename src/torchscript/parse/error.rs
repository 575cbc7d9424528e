//! What can be wrong with a source record.

use crate::diag::{Diagnostic, FileId, Span};
use crate::torchscript::ast::Range;
use crate::torchscript::lexer::LexError;
use crate::torchscript::literal::EscapeError;

/// One error and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    /// What is wrong.
    #[source]
    pub kind: ParseErrorKind,
    /// Where, in bytes.
    pub range: Range,
}

/// What is wrong with a source record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// No token starts here.
    #[error(transparent)]
    Lex(#[from] LexError),
    /// One token was needed, another was found.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// A description or a fixed spelling in backticks.
        expected: &'static str,
        /// The token found.
        found: String,
    },
    /// A string escape torch does not read.
    #[error(transparent)]
    Escape(#[from] EscapeError),
    /// Deeper than [`super::MAX_DEPTH`].
    #[error("expected at most {limit} levels of nesting, found more")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// Longer than offsets can say.
    #[error("expected at most {limit} bytes of source, found {found}")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// The length in bytes.
        found: usize,
    },
    /// Something else than a name, attribute, subscript or group on the left of `=` or in a `for`.
    #[error("expected a name, an attribute or a subscript to assign to, found {0}")]
    Target(&'static str),
    /// A statement that torch parses and never compiles.
    #[error("expected a statement TorchScript supports, found {0}")]
    Unsupported(&'static str),
    /// A statement that may not stand in a class body.
    #[error("expected an attribute or a method in the class, found {0}")]
    Member(&'static str),
    /// An attribute name in `__annotations__["…"]` that is not UTF-8.
    #[error("expected an attribute name in UTF-8, found other bytes")]
    AttributeName,
    /// `# type: (…) -> …` with another number of types than parameters.
    #[error("expected one type per parameter ({expected}) in the type comment, found {found}")]
    TypeComment {
        /// Parameters, without `self` of a method.
        expected: usize,
        /// Types in the comment.
        found: usize,
    },
    /// `[x for x in a, y]`
    #[error("expected a comprehension alone in its brackets, found {0} elements")]
    Comprehension(usize),
}

impl ParseError {
    /// The stable code of the kind of error.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ParseErrorKind::Lex(LexError::Byte(_)) => "E0301",
            ParseErrorKind::Lex(LexError::UnclosedString(_)) => "E0302",
            ParseErrorKind::Lex(LexError::Dedent(_)) => "E0303",
            ParseErrorKind::Expected { .. } => "E0304",
            ParseErrorKind::Escape(_) => "E0305",
            ParseErrorKind::TooDeep { .. } => "E0306",
            ParseErrorKind::TooLarge { .. } => "E0307",
            ParseErrorKind::Target(_) => "E0308",
            ParseErrorKind::Unsupported(_) => "E0309",
            ParseErrorKind::Member(_) => "E0310",
            ParseErrorKind::AttributeName => "E0311",
            ParseErrorKind::TypeComment { .. } => "E0312",
            ParseErrorKind::Comprehension(_) => "E0313",
        }
    }

    /// The error as a message about one file of a model.
    pub fn diagnostic(&self, file: FileId) -> Diagnostic {
        let span = Span {
            file,
            start: self.range.start,
            end: self.range.end,
        };
        let diagnostic = Diagnostic::error(self.code(), self.to_string(), Some(span));
        match &self.kind {
            ParseErrorKind::Escape(escape) if escape.is_torchs_own() => diagnostic.with_help(
                "torch writes this and cannot read it; in the source printed anew it is spelled so that torch can",
            ),
            _ => diagnostic,
        }
    }
}
