//! What `ptool prepare` made of a model.

use super::table;
use crate::quant::prepare::PrepareReport;
use serde::Serialize;

/// The report with where it was written.
#[derive(Debug, Serialize)]
pub struct Json<'r> {
    #[serde(flatten)]
    report: &'r PrepareReport,
    operators: usize,
    float_share: f64,
    written: Option<String>,
}

/// For machines.
pub fn json(report: &PrepareReport, written: Option<String>) -> Json<'_> {
    Json {
        operators: report.operators(),
        float_share: report.float_share(),
        report,
        written,
    }
}

/// For people: modules, what stays in float, and its share.
pub fn text(report: &PrepareReport) -> String {
    let mut out = modules(report);
    if !report.float.is_empty() {
        out.push_str("\nIn float:\n");
        out.push_str(&floats(report));
    }
    out.push_str(&format!(
        "\n{} for {}: {} operators, {} in float ({:.1} %)\n",
        report.model.rsplit('.').next().unwrap_or_default(),
        report.march,
        report.operators(),
        report.float.len(),
        report.float_share() * 100.0,
    ));
    for key in &report.unused {
        out.push_str(&format!("warning: {key}\n"));
    }
    out
}

fn modules(report: &PrepareReport) -> String {
    let or_dash = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".into());
    let rows: Vec<Vec<String>> = report
        .modules
        .iter()
        .map(|row| {
            vec![
                row.name.clone(),
                row.class.clone(),
                or_dash(&row.activation_dtype),
                or_dash(&row.activation_observer),
                or_dash(&row.weight_dtype),
            ]
        })
        .collect();
    table(
        &["module", "type", "activation", "observer", "weight"],
        &rows,
        &[],
    )
}

fn floats(report: &PrepareReport) -> String {
    let rows: Vec<Vec<String>> = report
        .float
        .iter()
        .map(|row| {
            vec![
                row.op.clone(),
                row.scope.clone(),
                row.place.clone().unwrap_or_default(),
                row.why.clone(),
            ]
        })
        .collect();
    table(&["operator", "scope", "line", "why"], &rows, &[])
}
