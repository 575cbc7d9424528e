//! Diagnostics as people read them: message, place, the line of source with the part underlined, help.

use super::{Diagnostic, Severity, Sources, Span};
use codespan_reporting::diagnostic as report;
use codespan_reporting::files::{Error, Files, line_starts};
use codespan_reporting::term::{self, Chars, Config, termcolor};
use std::ops::Range;

/// Longest line that is shown: beyond it an underlined excerpt helps nobody, and only hostile files get there.
const MAX_LINE_BYTES: usize = 2_000;

/// The text of a diagnostic, ending in a line break; `color` adds terminal colours.
pub fn render(diagnostic: &Diagnostic, sources: &(impl Sources + ?Sized), color: bool) -> String {
    let place = diagnostic.span.and_then(|span| Place::new(span, sources));
    let message = report::Diagnostic::new(match diagnostic.severity {
        Severity::Note => report::Severity::Note,
        Severity::Warning => report::Severity::Warning,
        Severity::Error => report::Severity::Error,
    })
    .with_code(diagnostic.code)
    .with_message(&diagnostic.message);
    let mut notes = vec![];
    let message = match &place {
        Some(place) if place.is_short() => {
            message.with_labels(vec![report::Label::primary((), place.range.clone())])
        }
        Some(place) => {
            notes.push(format!("at {place}"));
            message
        }
        None => message,
    };
    notes.extend(diagnostic.help.as_ref().map(|help| format!("help: {help}")));
    emit(&message.with_notes(notes), place.as_ref(), color).unwrap_or_else(|| plain(diagnostic))
}

/// Without excerpt, for the case that the renderer fails.
fn plain(diagnostic: &Diagnostic) -> String {
    format!("{diagnostic}\n")
}

fn emit(message: &report::Diagnostic<()>, place: Option<&Place>, color: bool) -> Option<String> {
    const NOWHERE: &Place = &Place {
        name: "",
        text: "",
        range: 0..0,
        starts: Vec::new(),
    };
    let config = Config {
        chars: Chars::ascii(),
        tab_width: 1,
        ..Config::default()
    };
    let place = place.unwrap_or(NOWHERE);
    let text = if color {
        let mut out = termcolor::Ansi::new(Vec::new());
        term::emit_to_write_style(&mut out, &config, place, message).ok()?;
        String::from_utf8(out.into_inner()).ok()?
    } else {
        term::emit_into_string(&config, place, message).ok()?
    };
    // The renderer separates diagnostics by an empty line.
    Some(format!("{}\n", text.trim_end_matches('\n')))
}

/// A span with the record it lies in.
pub(super) struct Place<'a> {
    /// Name of the record.
    pub(super) name: &'a str,
    text: &'a str,
    /// Inside the text, on character boundaries.
    range: Range<usize>,
    starts: Vec<usize>,
}

impl<'a> Place<'a> {
    /// Nothing if there is no such record.
    pub(super) fn new(span: Span, sources: &'a (impl Sources + ?Sized)) -> Option<Place<'a>> {
        let (name, text) = sources.source(span.file)?;
        let start = floor(text, span.start as usize);
        let end = floor(text, span.end as usize).max(start);
        Some(Place {
            name,
            text,
            range: start..end,
            starts: line_starts(text).collect(),
        })
    }

    fn line(&self) -> usize {
        self.starts
            .partition_point(|&start| start <= self.range.start)
            .saturating_sub(1)
    }

    /// One-based line and column, in characters.
    pub(super) fn line_column(&self) -> (usize, usize) {
        let line = self.line();
        let start = self.starts.get(line).copied().unwrap_or(0);
        (
            line + 1,
            self.text[start..self.range.start].chars().count() + 1,
        )
    }

    /// Whether the lines that would be shown are.
    fn is_short(&self) -> bool {
        let shown = self
            .text
            .get(self.starts.get(self.line()).copied().unwrap_or(0)..self.range.end);
        let mut lines = shown.unwrap_or_default().split('\n');
        let last = self.text[self.range.end..]
            .split('\n')
            .next()
            .unwrap_or_default();
        last.len() <= MAX_LINE_BYTES && lines.all(|line| line.len() <= MAX_LINE_BYTES)
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.name)
    }
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl<'a> Files<'a> for Place<'a> {
    type FileId = ();
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, (): ()) -> Result<&'a str, Error> {
        Ok(self.name)
    }

    fn source(&'a self, (): ()) -> Result<&'a str, Error> {
        Ok(self.text)
    }

    fn line_index(&'a self, (): (), byte: usize) -> Result<usize, Error> {
        Ok(self
            .starts
            .partition_point(|&start| start <= byte)
            .saturating_sub(1))
    }

    fn line_range(&'a self, (): (), line: usize) -> Result<Range<usize>, Error> {
        let max = self.starts.len().saturating_sub(1);
        let start = *self
            .starts
            .get(line)
            .ok_or(Error::LineTooLarge { given: line, max })?;
        Ok(start
            ..self
                .starts
                .get(line + 1)
                .copied()
                .unwrap_or(self.text.len()))
    }
}

/// Every diagnostic, one after the other, separated by an empty line.
pub fn render_all(
    diagnostics: &[Diagnostic],
    sources: &(impl Sources + ?Sized),
    color: bool,
) -> String {
    let texts: Vec<_> = diagnostics
        .iter()
        .map(|it| render(it, sources, color))
        .collect();
    texts.join("\n")
}

/// Where a span starts, as `name:line:column`.
pub fn place(span: Span, sources: &(impl Sources + ?Sized)) -> Option<String> {
    Place::new(span, sources).map(|place| place.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::FileId;
    use super::*;

    fn at(start: u32, end: u32) -> Option<Span> {
        Some(Span {
            file: FileId(0),
            start,
            end,
        })
    }

    #[test]
    fn any_span_renders() {
        let sources = [("a.py", "é = 1\n\tx")];
        for start in 0..12 {
            for end in 0..12 {
                let text = render(
                    &Diagnostic::error("E0001", "m", at(start, end)),
                    &sources[..],
                    false,
                );
                assert!(text.contains("a.py:") && text.ends_with('\n'), "{text}");
            }
        }
        let missing = Some(Span {
            file: FileId(1),
            start: 0,
            end: 1,
        });
        assert_eq!(
            render(
                &Diagnostic::error("E0001", "m", missing),
                &sources[..],
                false
            ),
            "error[E0001]: m\n"
        );
    }

    #[test]
    fn long_lines_are_named_and_not_shown() {
        let sources = [("a.py", format!("x = 1\n{}", "y".repeat(5_000)))];
        let text = render(
            &Diagnostic::warning("E0001", "m", at(4_000, 4_001)),
            &sources[..],
            false,
        );
        assert_eq!(text, "warning[E0001]: m\n = at a.py:2:3995\n");
    }

    #[test]
    fn colours_are_optional() {
        let sources = [("a.py", "x = 1\n")];
        let error = Diagnostic::error("E0001", "m", at(0, 1));
        assert!(render(&error, &sources[..], true).contains("\x1b["));
        assert!(!render(&error, &sources[..], false).contains('\x1b'));
    }
}
