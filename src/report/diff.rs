//! What `ptool diff` tells about two files.

mod parts;

use super::Paint;
use super::similarity::{Distance, measure, ulp_text};
use crate::archive::ArchiveError;
use crate::model::Model;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// Lines of one diff that are computed; a larger one is named but not shown.
const MAX_LINES: usize = 200_000;

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Records of the zip.
    pub entries: bool,
    /// Serialised sources.
    pub code: bool,
    /// Graphs of all functions.
    pub graph: bool,
    /// Classes and values other than tensors.
    pub attributes: bool,
    /// Tensors and constants.
    pub tensors: bool,
}

/// Differences, each list in the order of the first file, then what only the second has.
#[derive(Debug, Default, Serialize)]
pub struct Diff {
    /// Whether nothing differs.
    pub is_equal: bool,
    /// Records.
    pub entries: Vec<Changed>,
    /// Sources, as unified diffs.
    pub code: Vec<TextChange>,
    /// Graphs, as unified diffs.
    pub graph: Vec<TextChange>,
    /// Attributes and their classes.
    pub attributes: Vec<Changed>,
    /// Tensors.
    pub tensors: Vec<TensorChange>,
}

/// Something that is not the same in both; none where a file does not have it.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// Record or path.
    pub name: String,
    /// In the first file.
    pub a: Option<String>,
    /// In the second file.
    pub b: Option<String>,
}

/// A text that differs.
#[derive(Debug, Serialize)]
pub struct TextChange {
    /// Record or function.
    pub name: String,
    /// Unified diff.
    pub diff: String,
}

/// A tensor that differs.
#[derive(Debug, Serialize)]
pub struct TensorChange {
    /// Path.
    pub name: String,
    /// Dtype and shape in the first file.
    pub a: Option<String>,
    /// Dtype and shape in the second file.
    pub b: Option<String>,
    /// How far elements are apart.
    pub distance: Option<Distance>,
    /// Why elements were not compared.
    pub reason: Option<String>,
}

/// Compares two files.
pub fn diff(a: &Model, b: &Model, parts: Parts, context: usize) -> Result<Diff, ArchiveError> {
    let mut diff = Diff::default();
    if parts.entries {
        diff.entries = parts::entries(a, b)?;
    }
    if parts.code {
        diff.code = parts::code(a, b, context)?;
    }
    if parts.graph {
        diff.graph = parts::graphs(a, b, context);
    }
    if parts.attributes {
        diff.attributes = parts::attributes(a, b)?;
    }
    if parts.tensors {
        diff.tensors = parts::tensors(a, b)?;
    }
    diff.is_equal = diff.entries.is_empty()
        && diff.code.is_empty()
        && diff.graph.is_empty()
        && diff.attributes.is_empty()
        && diff.tensors.is_empty();
    Ok(diff)
}

/// A unified diff, none when the texts are equal.
fn unified(name: &str, a: &str, b: &str, context: usize) -> Option<TextChange> {
    if a == b {
        return None;
    }
    let too_long = a.lines().count().max(b.lines().count()) > MAX_LINES;
    let diff = if too_long {
        format!("more than {MAX_LINES} lines, not shown\n")
    } else {
        let diff = TextDiff::from_lines(a, b);
        let mut unified = diff.unified_diff();
        let (old, new) = (format!("a/{name}"), format!("b/{name}"));
        unified.context_radius(context).header(&old, &new);
        unified.to_string()
    };
    Some(TextChange {
        name: name.to_owned(),
        diff,
    })
}

/// A unified diff in colours.
pub fn colored(diff: &str, paint: Paint) -> String {
    if !paint.is_on() {
        return diff.to_owned();
    }
    let line = |line: &str| {
        let text = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => paint.heading(line),
            [b'@', b'@', ..] => paint.place(line),
            [b'+', ..] => paint.added(line),
            [b'-', ..] => paint.removed(line),
            _ => line.into(),
        };
        format!("{text}\n")
    };
    diff.lines().map(line).collect()
}

impl Diff {
    /// Sections, empty ones left out; `Files are equal.` when there is none.
    pub fn text(&self, paint: Paint) -> String {
        let mut sections = Vec::new();
        let mut section = |name: &str, body: String| {
            if !body.is_empty() {
                sections.push(format!("{}\n{body}", paint.heading(name)));
            }
        };
        section(
            "entries",
            self.entries.iter().map(|c| changed(c, paint)).collect(),
        );
        let texts =
            |changes: &[TextChange]| changes.iter().map(|c| colored(&c.diff, paint)).collect();
        section("code", texts(&self.code));
        section("graph", texts(&self.graph));
        section(
            "attributes",
            self.attributes.iter().map(|c| changed(c, paint)).collect(),
        );
        section(
            "tensors",
            self.tensors.iter().map(|t| tensor(t, paint)).collect(),
        );
        match sections.is_empty() {
            true => "Files are equal.\n".to_owned(),
            false => sections.join("\n"),
        }
    }
}

fn changed(change: &Changed, paint: Paint) -> String {
    let name = &change.name;
    match (&change.a, &change.b) {
        (Some(a), None) => format!("{}\n", paint.removed(&format!("- {name}: {a}"))),
        (None, Some(b)) => format!("{}\n", paint.added(&format!("+ {name}: {b}"))),
        (a, b) => {
            let text = |side: &Option<String>| side.clone().unwrap_or_default();
            let (a, b) = inline(&text(a), &text(b), paint);
            format!("  {name}: {a} -> {b}\n")
        }
    }
}

/// Both texts with what differs in colour.
fn inline(a: &str, b: &str, paint: Paint) -> (String, String) {
    if !paint.is_on() {
        return (a.to_owned(), b.to_owned());
    }
    let diff = TextDiff::from_words(a, b);
    let (mut old, mut new) = (String::new(), String::new());
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                old += change.value();
                new += change.value();
            }
            ChangeTag::Delete => old += &paint.removed(change.value()),
            ChangeTag::Insert => new += &paint.added(change.value()),
        }
    }
    (old, new)
}

fn tensor(change: &TensorChange, paint: Paint) -> String {
    let head = changed(
        &Changed {
            name: change.name.clone(),
            a: change.a.clone(),
            b: change.b.clone().filter(|b| change.a.as_ref() != Some(b)),
        },
        paint,
    );
    let same_kind = change.a.is_some() && change.a == change.b;
    let head = match same_kind {
        true => format!(
            "  {}: {}\n",
            change.name,
            change.a.as_deref().unwrap_or_default()
        ),
        false => head,
    };
    let detail = match (&change.distance, &change.reason) {
        (Some(distance), _) => distance_text(distance),
        (None, Some(reason)) => reason.clone(),
        (None, None) => return head,
    };
    format!("{}, {detail}\n", head.trim_end_matches('\n'))
}

/// `3 of 64 differ, max abs 0.5, max rel 0.1, max ulp 7`.
pub fn distance_text(distance: &Distance) -> String {
    if distance.differing == 0 {
        return "equal numbers, other bits".to_owned();
    }
    let ulp = match distance.max_ulp {
        None => String::new(),
        ulp => format!(", max ulp {}", ulp_text(ulp)),
    };
    format!(
        "{} of {} differ, max abs {}, max rel {}{ulp}",
        distance.differing,
        distance.count,
        measure(distance.max_abs),
        measure(distance.max_rel)
    )
}
