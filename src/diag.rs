//! Positions in serialised source and the one kind of message every layer reports.

pub mod json;
pub mod render;

/// Index of a source record (`code/**.py`) within one opened model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A byte range in one serialised source record. Line and column are computed only when rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The record.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that covers both; both must lie in the same file.
    pub fn to(self, other: Span) -> Span {
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// The source records that spans are about.
pub trait Sources {
    /// Name and text of a record.
    fn source(&self, file: FileId) -> Option<(&str, &str)>;
}

impl<N: AsRef<str>, T: AsRef<str>> Sources for [(N, T)] {
    fn source(&self, file: FileId) -> Option<(&str, &str)> {
        let (name, text) = self.get(file.0 as usize)?;
        Some((name.as_ref(), text.as_ref()))
    }
}

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not what the user wants, but the file is usable.
    Warning,
    /// The file, or the part named, is not usable.
    Error,
}

/// One message about a model: what, where, and what to do next.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `E0412`.
    pub code: &'static str,
    /// Lower case, no final dot, expected then found.
    pub message: String,
    /// Where in the serialised source, when the message is about source.
    pub span: Option<Span>,
    /// An action the user can take.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without help text.
    pub fn error(code: &'static str, message: impl Into<String>, span: Option<Span>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            span,
            help: None,
        }
    }

    /// A warning without help text.
    pub fn warning(
        code: &'static str,
        message: impl Into<String>,
        span: Option<Span>,
    ) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, message, span)
        }
    }

    /// Adds what to do next.
    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

impl Severity {
    /// `note`, `warning`, `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}[{}]: {}",
            self.severity.name(),
            self.code,
            self.message
        )
    }
}
