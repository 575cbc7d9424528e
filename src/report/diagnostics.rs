//! Diagnostics with the source they are about.

use super::Paint;
use crate::diag::{self, FileId};
use crate::ir::{Program, SourceFile};
use codespan_reporting::diagnostic::{Diagnostic, Label, Severity};
use codespan_reporting::files::{Error, Files, line_starts};
use codespan_reporting::term::termcolor::{Ansi, NoColor, WriteColor};
use codespan_reporting::term::{Chars, Config, Styles, StylesWriter, emit_to_write_style};
use serde::Serialize;
use std::ops::Range;

/// One diagnostic for machines.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// `note`, `warning` or `error`.
    pub severity: &'static str,
    /// Stable code, such as `E0412`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The source record.
    pub record: Option<String>,
    /// One-based line in the record.
    pub line: Option<usize>,
    /// One-based column in the record.
    pub column: Option<usize>,
    /// What to do.
    pub help: Option<String>,
}

/// Diagnostics for machines.
pub fn findings(diagnostics: &[diag::Diagnostic], program: &Program) -> Vec<Finding> {
    let finding = |d: &diag::Diagnostic| {
        let file = d
            .span
            .and_then(|span| Some((span, program.file(span.file)?)));
        let before = file.and_then(|(span, file)| file.text.get(..span.start as usize));
        Finding {
            severity: severity_name(d.severity),
            code: d.code,
            message: d.message.clone(),
            record: file.map(|(_, file)| file.name.to_string()),
            line: before.map(|text| text.matches('\n').count() + 1),
            column: before.map(|text| text.len() - text.rfind('\n').map_or(0, |at| at + 1) + 1),
            help: d.help.clone(),
        }
    };
    diagnostics.iter().map(finding).collect()
}

fn severity_name(severity: diag::Severity) -> &'static str {
    match severity {
        diag::Severity::Note => "note",
        diag::Severity::Warning => "warning",
        diag::Severity::Error => "error",
    }
}

/// Diagnostics for people, each with an excerpt of its source.
pub fn diagnostics(diagnostics: &[diag::Diagnostic], program: &Program, paint: Paint) -> String {
    let sources = Sources::new(program);
    let mut out = Vec::new();
    for diagnostic in diagnostics {
        let shown = if paint.is_on() {
            render(Ansi::new(&mut out), &sources, diagnostic)
        } else {
            render(NoColor::new(&mut out), &sources, diagnostic)
        };
        if shown.is_err() {
            // The span lies outside its file: the message is still true.
            out.extend(format!("{diagnostic}\n").into_bytes());
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn render(writer: impl WriteColor, sources: &Sources, it: &diag::Diagnostic) -> Result<(), Error> {
    let severity = match it.severity {
        diag::Severity::Note => Severity::Note,
        diag::Severity::Warning => Severity::Warning,
        diag::Severity::Error => Severity::Error,
    };
    let label = it
        .span
        .map(|span| Label::primary(span.file, span.start as usize..span.end as usize));
    let help = it.help.iter().map(|help| format!("help: {help}"));
    let diagnostic = Diagnostic::new(severity)
        .with_code(it.code)
        .with_message(&it.message)
        .with_labels(label.into_iter().collect())
        .with_notes(help.collect());
    let config = Config {
        chars: Chars::ascii(),
        ..Config::default()
    };
    let styles = Styles::default();
    emit_to_write_style(
        &mut StylesWriter::new(writer, &styles),
        &config,
        sources,
        &diagnostic,
    )
}

/// Source records with the first bytes of their lines.
struct Sources<'p> {
    files: Vec<(&'p SourceFile, Vec<usize>)>,
}

impl<'p> Sources<'p> {
    fn new(program: &'p Program) -> Sources<'p> {
        let file = |file: &'p SourceFile| (file, line_starts(&file.text).collect());
        Sources {
            files: program.files.iter().map(file).collect(),
        }
    }

    fn get(&self, id: FileId) -> Result<&(&'p SourceFile, Vec<usize>), Error> {
        self.files.get(id.0 as usize).ok_or(Error::FileMissing)
    }
}

impl<'a> Files<'a> for Sources<'a> {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, Error> {
        Ok(&self.get(id)?.0.name)
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, Error> {
        Ok(&self.get(id)?.0.text)
    }

    fn line_index(&'a self, id: FileId, byte_index: usize) -> Result<usize, Error> {
        Ok(self
            .get(id)?
            .1
            .partition_point(|&start| start <= byte_index)
            - 1)
    }

    fn line_range(&'a self, id: FileId, line: usize) -> Result<Range<usize>, Error> {
        let (file, starts) = self.get(id)?;
        let start = *starts.get(line).ok_or(Error::LineTooLarge {
            given: line,
            max: starts.len(),
        })?;
        Ok(start..starts.get(line + 1).copied().unwrap_or(file.text.len()))
    }
}
