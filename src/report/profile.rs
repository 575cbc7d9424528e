//! What `ptool profile` tells: the guide's table, what differs and where, what is known.

use super::similarity::measure;
use super::{Paint, guide_table, json, table};
use crate::analysis::profile::{Outcome, Profile, Row as Compared};
use crate::model::origin::Origins;
use serde::Serialize;

/// libtorch against the front end.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether every operator is equal.
    pub is_equal: bool,
    /// The march the model is for.
    pub march: &'static str,
    /// What the model was run on.
    pub inputs: String,
    /// Operators in the order of execution.
    pub ops: Vec<Row>,
}

/// One operator.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The front end's name.
    pub name: String,
    /// Whether every element is equal.
    pub is_equal: bool,
    /// Largest absolute difference; none for other shapes.
    #[serde(serialize_with = "json::optional")]
    pub atol: Option<f64>,
    /// Where it is, in the framework's layout.
    pub place: Option<Vec<usize>>,
    /// libtorch's value there.
    #[serde(serialize_with = "json::optional")]
    pub torch: Option<f64>,
    /// The front end's value there.
    #[serde(serialize_with = "json::optional")]
    pub hbdk: Option<f64>,
    /// How many elements differ.
    pub differing: usize,
    /// How many there are.
    pub count: usize,
    /// Whether it differs on equal inputs too.
    pub by_itself: bool,
    /// A disagreement of the tool chain, not a fault.
    pub known: Option<&'static str>,
    /// What to change in the model.
    pub advice: Option<&'static str>,
    /// Path of the module.
    pub scope: Option<String>,
    /// Node kind or function.
    pub call: Option<String>,
    /// The user's file and line.
    pub python: Option<String>,
}

/// The report of a profile.
pub fn report(
    profile: &Profile,
    march: &'static str,
    inputs: String,
    origins: &Origins<'_>,
) -> Report {
    Report {
        is_equal: profile.is_equal(),
        march,
        inputs,
        ops: profile
            .rows
            .iter()
            .map(|it| row(it, Some(origins)))
            .collect(),
    }
}

/// One row; lines of Python where a model's are given.
pub fn row(it: &Compared, origins: Option<&Origins<'_>>) -> Row {
    let difference = match &it.outcome {
        Outcome::Differs(difference) => Some(difference),
        _ => None,
    };
    let span = it.site.as_ref().and_then(|site| site.span);
    let line = origins
        .zip(span)
        .and_then(|(origins, span)| origins.of(span));
    let is_equal = it.is_equal();
    Row {
        name: it.name.clone(),
        is_equal,
        atol: match is_equal {
            true => Some(0.0),
            false => difference.map(|d| d.largest),
        },
        place: difference.map(|d| d.place.clone()),
        torch: difference.map(|d| d.torch),
        hbdk: difference.map(|d| d.hbdk),
        differing: difference.map_or(0, |d| d.differing),
        count: difference.map_or(0, |d| d.count),
        by_itself: it.by_itself,
        known: it.known.map(|known| known.reason()),
        advice: it.known.map(|known| known.advice()),
        scope: it.site.as_ref().map(|site| site.scope.to_string()),
        call: it.site.as_ref().map(|site| site.call.to_string()),
        python: line.map(|line| line.to_string()),
    }
}

impl Report {
    /// The guide's table and sentence, then what differs and what to do about it.
    pub fn text(&self, paint: Paint) -> String {
        let mut out = rows(&self.ops, paint);
        if self.ops.last().is_none_or(|row| row.is_equal) {
            out += &paint.added("Torch run pt output is same with hbdk parser.");
        } else {
            out += &paint.removed("Torch run pt output is different with hbdk parser!");
        }
        out.push('\n');
        if self.is_equal {
            return out;
        }
        out += &format!(
            "{}\n",
            paint.removed("The following ops results are different...")
        );
        out += &differing(&self.ops, ["torch", "hbdk"]);
        for row in self.ops.iter().filter(|row| row.by_itself) {
            out += &place(row, paint);
        }
        out
    }
}

/// The guide's table `name / if equal`.
pub fn rows(ops: &[Row], paint: Paint) -> String {
    let equal = |row: &Row| match row.is_equal {
        true => paint.added("True").into_owned(),
        false => paint.removed("False").into_owned(),
    };
    let rows: Vec<_> = ops
        .iter()
        .map(|row| (row.name.clone(), equal(row)))
        .collect();
    guide_table(["name", "if equal"], &rows)
}

/// How far differing operators are apart, and where.
pub fn differing(ops: &[Row], sides: [&str; 2]) -> String {
    let cells = |row: &Row| {
        let values = row.torch.zip(row.hbdk);
        let note = match (row.known, row.by_itself, &row.place) {
            (Some(_), _, _) => "known",
            (None, true, _) => "differs by itself",
            (None, false, Some(_)) if row.call.is_some() => "inherited",
            (None, false, Some(_)) => "",
            (None, false, None) => "other shape or type",
        };
        vec![
            row.name.clone(),
            row.atol.map_or("-".to_owned(), measure),
            row.place
                .as_ref()
                .map_or("-".to_owned(), |p| format!("{p:?}")),
            values.map_or("-".to_owned(), |(a, _)| measure(a)),
            values.map_or("-".to_owned(), |(_, b)| measure(b)),
            format!("{} of {}", row.differing, row.count),
            note.to_owned(),
        ]
    };
    let rows: Vec<_> = ops.iter().filter(|row| !row.is_equal).map(cells).collect();
    let headings = ["name", "atol", "at", sides[0], sides[1], "differing", ""];
    table(&headings, &rows, &[1, 3, 4, 5])
}

/// Where an operator that differs by itself was written, and what to do.
fn place(row: &Row, paint: Paint) -> String {
    let scope = match row.scope.as_deref() {
        None => "an input".to_owned(),
        Some("") => "the root module".to_owned(),
        Some(scope) => format!("module `{scope}`"),
    };
    let mut out = format!("\n{}: {scope}", paint.heading(&row.name));
    if let Some(python) = &row.python {
        out += &format!(" at {python}");
    }
    out.push('\n');
    if let (Some(known), Some(advice)) = (row.known, row.advice) {
        out += &format!(
            "  known disagreement of the tool chain: {known}\n  what to change: {advice}\n"
        );
    }
    out
}
