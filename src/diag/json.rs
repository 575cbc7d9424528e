//! Diagnostics as programs read them.

use super::render::Place;
use super::{Diagnostic, Sources};
use serde::Serialize;

/// One diagnostic; the fields are a contract of the JSON output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JsonDiagnostic {
    /// `note`, `warning` or `error`.
    pub severity: &'static str,
    /// Stable code, such as `E0412`.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// Where, when it is about source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<JsonPlace>,
    /// An action the user can take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Where in a source record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JsonPlace {
    /// Name of the record, such as `code/__torch__.py`.
    pub file: String,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// One-based line of the first byte.
    pub line: usize,
    /// One-based column of the first byte, in characters.
    pub column: usize,
}

impl JsonDiagnostic {
    /// The serialisable form, with line and column looked up.
    pub fn new(diagnostic: &Diagnostic, sources: &(impl Sources + ?Sized)) -> JsonDiagnostic {
        let place = diagnostic.span.and_then(|span| {
            let place = Place::new(span, sources)?;
            let (line, column) = place.line_column();
            Some(JsonPlace {
                file: place.name.to_owned(),
                start: span.start,
                end: span.end,
                line,
                column,
            })
        });
        JsonDiagnostic {
            severity: diagnostic.severity.name(),
            code: diagnostic.code,
            message: diagnostic.message.clone(),
            place,
            help: diagnostic.help.clone(),
        }
    }
}
