//! What `ptool convert` prints.

use super::table::table;
use crate::quant::convert::{Place, Report, Step};
use serde::Serialize;
use std::fmt::Write;

/// The report for people: every operation, then what stays in float.
pub fn text(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report.steps.iter().map(row).collect();
    let mut out = table(
        &["name", "operation", "runs in", "type", "scale"],
        &rows,
        &[4],
    );
    out += &float_text(report);
    out
}

/// One line on the share in float, and the operators by name.
pub fn float_text(report: &Report) -> String {
    let mut out = String::new();
    let total = report.steps.len();
    let count = report.float_ops().count();
    // Writing to a string cannot fail.
    let _ = match report.float_share() {
        None => writeln!(out, "\nno operations"),
        Some(share) => writeln!(
            out,
            "\n{count} of {total} operations stay in float ({:.1} %)",
            share * 100.0
        ),
    };
    for (op, count) in counted(report) {
        let _ = match count {
            1 => writeln!(out, "  {op}"),
            count => writeln!(out, "  {op} ({count} times)"),
        };
    }
    out
}

/// Float operators in order of first appearance, with how often each stands.
fn counted(report: &Report) -> Vec<(&str, usize)> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for step in report.float_ops() {
        match counts.iter_mut().find(|(op, _)| *op == step.op) {
            Some((_, count)) => *count += 1,
            None => counts.push((&step.op, 1)),
        }
    }
    counts
}

fn row(step: &Step) -> Vec<String> {
    let scale = match (step.scale, &step.dtype) {
        (Some(scale), _) => format!("{scale:.7}"),
        (None, Some(_)) => "per channel".to_owned(),
        (None, None) => String::new(),
    };
    vec![
        step.name.clone(),
        step.op.clone(),
        place(step.place).to_owned(),
        step.dtype.clone().unwrap_or_default(),
        scale,
    ]
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Bpu => "integers",
        Place::Float => "float",
    }
}

/// The report for machines; frozen.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    operations: Vec<Operation<'a>>,
    float_operations: usize,
    float_share: Option<f64>,
    written: Option<String>,
}

#[derive(Debug, Serialize)]
struct Operation<'a> {
    name: &'a str,
    operation: &'a str,
    runs_in: &'static str,
    dtype: Option<&'a str>,
    scale: Option<f32>,
}

/// The report for machines, and the file written.
pub fn json(report: &Report, written: Option<String>) -> Json<'_> {
    Json {
        operations: report.steps.iter().map(operation).collect(),
        float_operations: report.float_ops().count(),
        float_share: report.float_share(),
        written,
    }
}

fn operation(step: &Step) -> Operation<'_> {
    Operation {
        name: &step.name,
        operation: &step.op,
        runs_in: place(step.place),
        dtype: step.dtype.as_deref(),
        scale: step.scale,
    }
}
