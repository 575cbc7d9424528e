//! What `ptool compare` tells.

use super::similarity::{Distance, measure, ulp_text};
use super::{Paint, guide_table, table};
use crate::analysis::align::{Alone, Basis, Side};
use crate::analysis::compare::{Compared, Comparison, Leaf, Origin, Outcome};
use crate::model::origin::Origins;
use serde::Serialize;

/// Differing operators in the second table; JSON has all.
const MAX_DIFFERING: usize = 50;
/// Operators without partner that are listed for each model; JSON has all.
const MAX_ALONE: usize = 50;

/// Two models operator by operator.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether everything was compared and is equal within the tolerance.
    pub is_equal: bool,
    /// Relative tolerance.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: f64,
    /// What the models were run on.
    pub inputs: String,
    /// Compared results, in the order of the first model.
    pub ops: Vec<Row>,
    /// The first row that is not equal.
    pub first_divergence: Option<Divergence>,
    /// Results that were not compared.
    pub unmatched: Vec<Unmatched>,
}

/// One compared tensor.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Name in the first model.
    pub name: String,
    /// Name in the second model, where it is another.
    pub name_b: Option<String>,
    /// Whether it is equal within the tolerance.
    pub is_equal: bool,
    /// `scope`, `moved` or `sequence`: why the two are a pair.
    pub matched_by: &'static str,
    /// Dtype in the first model.
    pub dtype_a: Option<&'static str>,
    /// Dtype in the second model.
    pub dtype_b: Option<&'static str>,
    /// How far elements are apart.
    pub distance: Option<Distance>,
    /// Why elements were not compared.
    pub reason: Option<String>,
}

/// Where the models part.
#[derive(Clone, Debug, Serialize)]
pub struct Divergence {
    /// Name in the first model.
    pub name: String,
    /// In the first model.
    pub a: Site,
    /// In the second model.
    pub b: Site,
}

/// An operator in its model.
#[derive(Clone, Debug, Serialize)]
pub struct Site {
    /// Such as `aten::conv2d`.
    pub op: String,
    /// Path of the module; empty for the root.
    pub scope: String,
    /// The user's file and line.
    pub python: Option<String>,
    /// The text of that line.
    pub text: Option<String>,
}

/// A result that was not compared.
#[derive(Clone, Debug, Serialize)]
pub struct Unmatched {
    /// `a` or `b`.
    pub model: &'static str,
    /// Its name in that model.
    pub name: String,
    /// Why.
    pub reason: &'static str,
}

/// What the report needs besides the comparison.
pub struct Subject<'a> {
    /// The first model's lines.
    pub origins_a: &'a Origins<'a>,
    /// The second model's lines.
    pub origins_b: &'a Origins<'a>,
    /// Inputs of both: name and leaves.
    pub arguments: Vec<(String, Vec<Leaf>)>,
    /// What the models were run on.
    pub inputs: String,
    /// Relative and absolute tolerance.
    pub tolerance: crate::analysis::Tolerance,
}

/// The report of a comparison.
pub fn report(comparison: &Comparison, subject: &Subject<'_>) -> Report {
    let mut ops = Vec::new();
    for (name, leaves) in &subject.arguments {
        ops.extend(leaves.iter().map(|leaf| row(name, None, "sequence", leaf)));
    }
    for pair in &comparison.pairs {
        let other = (pair.a.name != pair.b.name).then(|| pair.b.name.clone());
        let leaves = pair.leaves.iter();
        ops.extend(leaves.map(|leaf| row(&pair.a.name, other.clone(), basis(pair.basis), leaf)));
    }
    let divergence = |pair: &Compared| Divergence {
        name: pair.a.name.clone(),
        a: site(&pair.a, subject.origins_a),
        b: site(&pair.b, subject.origins_b),
    };
    Report {
        is_equal: comparison.is_equal() && ops.iter().all(|row| row.is_equal),
        rtol: subject.tolerance.rtol,
        atol: subject.tolerance.atol,
        inputs: subject.inputs.clone(),
        first_divergence: comparison.first_divergence().map(divergence),
        unmatched: comparison.alone.iter().map(unmatched).collect(),
        ops,
    }
}

fn row(name: &str, name_b: Option<String>, matched_by: &'static str, leaf: &Leaf) -> Row {
    let (dtype_a, dtype_b, distance, reason) = match &leaf.outcome {
        Outcome::Elements {
            dtype_a,
            dtype_b,
            similarity,
        } => (
            Some(dtype_a.name()),
            Some(dtype_b.name()),
            Some(Distance::from(&**similarity)),
            None,
        ),
        Outcome::Unlike(reason) => (None, None, None, Some(reason.clone())),
    };
    Row {
        name: format!("{name}{}", leaf.suffix),
        name_b: name_b.map(|name| format!("{name}{}", leaf.suffix)),
        is_equal: leaf.outcome.is_equal(),
        matched_by,
        dtype_a,
        dtype_b,
        distance,
        reason,
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Scope => "scope",
        Basis::Moved => "moved",
        Basis::Sequence => "sequence",
    }
}

fn site(origin: &Origin, origins: &Origins<'_>) -> Site {
    let line = origin.span.and_then(|span| origins.of(span));
    Site {
        op: origin.kind.to_string(),
        scope: origin.scope.to_string(),
        python: line.as_ref().map(ToString::to_string),
        text: line.and_then(|line| line.text),
    }
}

fn unmatched((side, origin, why): &(Side, Origin, Alone)) -> Unmatched {
    Unmatched {
        model: match side {
            Side::A => "a",
            Side::B => "b",
        },
        name: origin.name.clone(),
        reason: match why {
            Alone::NoPartner => "the other model has no such operator",
            Alone::NotExecuted => "the other model did not execute it as often",
            Alone::TooLate => "its partner came too late, too many results waited",
        },
    }
}

impl Report {
    /// The guide's table, then what differs, where first, and what was not compared.
    pub fn text(&self, paint: Paint) -> String {
        let equal = |row: &Row| match row.is_equal {
            true => paint.added("True").into_owned(),
            false => paint.removed("False").into_owned(),
        };
        let rows: Vec<_> = self
            .ops
            .iter()
            .map(|row| (row.name.clone(), equal(row)))
            .collect();
        let mut out = guide_table(["name", "if equal"], &rows);
        if self.is_equal {
            return out + "All ops in two ScriptModules are same.\n";
        }
        out += &self.differing();
        if let Some(first) = &self.first_divergence {
            out += &format!("\nfirst divergence: {}\n", paint.heading(&first.name));
            out += &site_text("a", &first.a);
            out += &site_text("b", &first.b);
        }
        for model in ["a", "b"] {
            out += &self.unmatched_text(model);
        }
        out
    }

    fn differing(&self) -> String {
        let differing: Vec<&Row> = self.ops.iter().filter(|row| !row.is_equal).collect();
        if differing.is_empty() {
            return String::new();
        }
        let cells = |row: &&Row| {
            let number =
                |f: fn(&Distance) -> String| row.distance.as_ref().map_or("-".to_owned(), f);
            let dtypes = row.dtype_a.zip(row.dtype_b).filter(|(a, b)| a != b);
            let dtypes = dtypes.map(|(a, b)| format!("{a} and {b}"));
            let notes = [
                row.reason.clone(),
                dtypes,
                row.name_b.as_ref().map(|b| format!("b: {b}")),
            ];
            vec![
                row.name.clone(),
                number(|d| measure(d.max_abs)),
                number(|d| measure(d.max_rel)),
                number(|d| ulp_text(d.max_ulp)),
                number(|d| format!("{} of {}", d.differing, d.count)),
                notes.into_iter().flatten().collect::<Vec<_>>().join("; "),
            ]
        };
        let rows: Vec<_> = differing.iter().take(MAX_DIFFERING).map(cells).collect();
        let headings = ["name", "max abs", "max rel", "max ulp", "differing", ""];
        let mut out = format!("\n{}", table(&headings, &rows, &[1, 2, 3, 4]));
        if differing.len() > MAX_DIFFERING {
            out += &format!("… {} more differ\n", differing.len() - MAX_DIFFERING);
        }
        out
    }

    fn unmatched_text(&self, model: &str) -> String {
        let alone: Vec<_> = self.unmatched.iter().filter(|u| u.model == model).collect();
        if alone.is_empty() {
            return String::new();
        }
        let mut out = format!("\nnot compared, only in {model}: {}\n", alone.len());
        for it in alone.iter().take(MAX_ALONE) {
            out += &format!("  {} ({})\n", it.name, it.reason);
        }
        if alone.len() > MAX_ALONE {
            out += &format!("  … {} more\n", alone.len() - MAX_ALONE);
        }
        out
    }
}

fn site_text(model: &str, site: &Site) -> String {
    let module = match site.scope.as_str() {
        "" => "the root module".to_owned(),
        scope => format!("module `{scope}`"),
    };
    let mut out = format!("  {model}: `{}` in {module}", site.op);
    if let Some(python) = &site.python {
        out += &format!(" at {python}");
    }
    if let Some(text) = &site.text {
        out += &format!("\n     {text}");
    }
    out + "\n"
}
