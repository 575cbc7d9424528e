//! What `ptool to-device` prints.

use super::table::table;
use crate::pass::to_device::{Change, Left, Place, Report, Warning};
use serde::Serialize;
use std::fmt::Write;

/// Rows of changes that people read; JSON has them all.
const MAX_ROWS: usize = 200;

/// The report for people: changes, what stays, what to look at.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let rows: Vec<Vec<String>> = report
        .changes
        .iter()
        .take(MAX_ROWS)
        .map(change_row)
        .collect();
    if rows.is_empty() {
        out += "nothing to change\n";
    } else {
        out += &table(&["place", "what", "before", "after", "python"], &rows, &[]);
    }
    let hidden = report.changes.len().saturating_sub(MAX_ROWS);
    if hidden > 0 {
        let _ = writeln!(out, "… and {hidden} more (--format json lists all)");
    }
    if !report.left.is_empty() {
        let rows: Vec<Vec<String>> = report.left.iter().map(left_row).collect();
        let _ = write!(
            out,
            "\nleft as they are\n{}",
            table(&["place", "text", "why"], &rows, &[])
        );
    }
    for Warning {
        place,
        message,
        help,
    } in &report.warnings
    {
        let python = place
            .python
            .as_ref()
            .map(|p| format!(", {p}"))
            .unwrap_or_default();
        let _ = write!(
            out,
            "\nwarning: {message}\n  at {place}{python}\n  help: {help}\n"
        );
    }
    out
}

fn change_row(change: &Change) -> Vec<String> {
    let what = match change.count {
        1 => change.kind.name().to_owned(),
        count => format!("{count} {}", change.kind.name()),
    };
    vec![
        change.place.to_string(),
        what,
        change.before.clone(),
        change.after.clone(),
        change.place.python.clone().unwrap_or_default(),
    ]
}

fn left_row(left: &Left) -> Vec<String> {
    vec![
        left.place.to_string(),
        left.text.clone(),
        left.reason.clone(),
    ]
}

/// The report for machines; frozen.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    target: &'a str,
    output: Option<String>,
    changes: Vec<JsonChange<'a>>,
    left: Vec<JsonLeft<'a>>,
    warnings: Vec<JsonWarning<'a>>,
}

#[derive(Debug, Serialize)]
struct JsonPlace<'a> {
    record: &'a str,
    line: Option<u32>,
    name: &'a str,
    python: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct JsonChange<'a> {
    #[serde(flatten)]
    place: JsonPlace<'a>,
    kind: &'static str,
    count: usize,
    before: &'a str,
    after: &'a str,
}

#[derive(Debug, Serialize)]
struct JsonLeft<'a> {
    #[serde(flatten)]
    place: JsonPlace<'a>,
    text: &'a str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct JsonWarning<'a> {
    #[serde(flatten)]
    place: JsonPlace<'a>,
    message: &'a str,
    help: &'a str,
}

/// The report as a document; `output` is the file written.
pub fn json(report: &Report, output: Option<String>) -> Json<'_> {
    Json {
        target: &report.target,
        output,
        changes: report.changes.iter().map(json_change).collect(),
        left: report.left.iter().map(json_left).collect(),
        warnings: report.warnings.iter().map(json_warning).collect(),
    }
}

fn json_place(place: &Place) -> JsonPlace<'_> {
    JsonPlace {
        record: &place.record,
        line: place.line,
        name: &place.name,
        python: place.python.as_deref(),
    }
}

fn json_change(change: &Change) -> JsonChange<'_> {
    JsonChange {
        place: json_place(&change.place),
        kind: change.kind.name(),
        count: change.count,
        before: &change.before,
        after: &change.after,
    }
}

fn json_left(left: &Left) -> JsonLeft<'_> {
    JsonLeft {
        place: json_place(&left.place),
        text: &left.text,
        reason: &left.reason,
    }
}

fn json_warning(warning: &Warning) -> JsonWarning<'_> {
    JsonWarning {
        place: json_place(&warning.place),
        message: &warning.message,
        help: &warning.help,
    }
}
