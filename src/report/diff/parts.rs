//! One function for each kind of thing that is compared.

use super::{Changed, TensorChange, TextChange, unified};
use crate::analysis::attributes::{self as listing, Attributes, Leaf};
use crate::analysis::similarity::shape_text;
use crate::analysis::stored::{StoredDifference, difference};
use crate::archive::pickle::TensorId;
use crate::archive::zip::EntryId;
use crate::archive::{Archive, ArchiveError, Document};
use crate::ir::text::{Options, print_graph};
use crate::ir::{Function, Program};
use crate::model::Model;
use crate::report::similarity::Distance;
use rustc_hash::FxHashMap;

type Row<'a, T> = (&'a str, Option<&'a T>, Option<&'a T>);

/// Names of the first in order, then those only the second has; with what each side has.
fn joined<'a, T>(a: &'a [(String, T)], b: &'a [(String, T)]) -> Vec<Row<'a, T>> {
    let mut rows: Vec<Row<T>> = Vec::new();
    let mut row_of: FxHashMap<&str, usize> = FxHashMap::default();
    for (name, it) in a {
        row_of.entry(name).or_insert(rows.len());
        rows.push((name, Some(it), None));
    }
    for (name, it) in b {
        match row_of.get(name.as_str()) {
            Some(&row) => rows[row].2 = Some(it),
            None => rows.push((name, None, Some(it))),
        }
    }
    rows
}

/// The unified diffs of named texts.
fn text_changes(a: &[(String, String)], b: &[(String, String)], context: usize) -> Vec<TextChange> {
    let text = |side: Option<&String>| side.cloned().unwrap_or_default();
    let rows = joined(a, b).into_iter();
    rows.filter_map(|(name, x, y)| unified(name, &text(x), &text(y), context))
        .collect()
}

pub(super) fn entries(a: &Model, b: &Model) -> Result<Vec<Changed>, ArchiveError> {
    let (a, b) = (&a.archive, &b.archive);
    let list = |archive: &Archive| -> Vec<(String, EntryId)> {
        archive
            .entries()
            .map(|(id, name)| (name.to_owned(), id))
            .collect()
    };
    let (left, right) = (list(a), list(b));
    let size = |archive: &Archive, id| format!("{} bytes", archive.zip().entry(id).size);
    let mut changes = Vec::new();
    for (name, x, y) in joined(&left, &right) {
        if let (Some(&x), Some(&y)) = (x, y)
            && a.read(x)? == b.read(y)?
        {
            continue;
        }
        let (x, y) = (x.map(|&x| size(a, x)), y.map(|&y| size(b, y)));
        let y = match x.is_some() && x == y {
            true => Some("same size, other bytes".to_owned()),
            false => y,
        };
        changes.push(Changed {
            name: name.to_owned(),
            a: x,
            b: y,
        });
    }
    Ok(changes)
}

pub(super) fn code(a: &Model, b: &Model, context: usize) -> Result<Vec<TextChange>, ArchiveError> {
    let (left, right) = (sources(&a.archive)?, sources(&b.archive)?);
    Ok(text_changes(&left, &right, context))
}

fn sources(archive: &Archive) -> Result<Vec<(String, String)>, ArchiveError> {
    let is_source = |name: &str| name.starts_with("code/") && name.ends_with(".py");
    let entries = archive.entries().filter(|(_, name)| is_source(name));
    let text = |(id, name): (EntryId, &str)| {
        let text = String::from_utf8_lossy(&archive.text(id)?).into_owned();
        Ok((name.to_owned(), text))
    };
    entries.map(text).collect()
}

pub(super) fn graphs(a: &Model, b: &Model, context: usize) -> Vec<TextChange> {
    let functions = |program: &Program| -> Vec<(String, String)> {
        let text = |f: &Function| {
            (
                f.name.to_string(),
                print_graph(&f.graph, &Options::default()),
            )
        };
        program.functions.values().map(text).collect()
    };
    let (left, right) = (functions(&a.program), functions(&b.program));
    text_changes(&left, &right, context)
}

pub(super) fn attributes(a: &Model, b: &Model) -> Result<Vec<Changed>, ArchiveError> {
    let (left, right) = (listing::attributes(a)?, listing::attributes(b)?);
    let texts = |data: &Document, all: &Attributes| -> Vec<(String, String)> {
        let objects = all
            .objects
            .iter()
            .map(|(path, class)| (object_name(path), class.clone()));
        let leaves = all
            .leaves
            .iter()
            .filter(|l| data.as_tensor(l.value).is_none());
        let leaves = leaves.map(|l| (l.path.clone(), leaf_text(data, l)));
        objects.chain(leaves).collect()
    };
    let (left, right) = (
        texts(a.archive.data()?, &left),
        texts(b.archive.data()?, &right),
    );
    let rows = joined(&left, &right).into_iter();
    let change = |(name, x, y): Row<String>| Changed {
        name: name.to_owned(),
        a: x.cloned(),
        b: y.cloned(),
    };
    Ok(rows.filter(|(_, x, y)| x != y).map(change).collect())
}

fn object_name(path: &str) -> String {
    match path {
        "" => "(root)".to_owned(),
        path => path.to_owned(),
    }
}

fn leaf_text(data: &Document, leaf: &Leaf) -> String {
    match &leaf.same_as {
        Some(path) => format!("same object as {}", object_name(path)),
        None => listing::text(data, leaf.value),
    }
}

pub(super) fn tensors(a: &Model, b: &Model) -> Result<Vec<TensorChange>, ArchiveError> {
    let mut changes = Vec::new();
    let (left, right) = (listing::attributes(a)?, listing::attributes(b)?);
    let (x, y) = (a.archive.data()?, b.archive.data()?);
    changes.extend(between((x, &left), (y, &right))?);
    let (left, right) = (listing::constants(a)?, listing::constants(b)?);
    let (x, y) = (a.archive.constants()?, b.archive.constants()?);
    changes.extend(between((x, &left), (y, &right))?);
    Ok(changes)
}

fn between(
    (a, left): (&Document, &Attributes),
    (b, right): (&Document, &Attributes),
) -> Result<Vec<TensorChange>, ArchiveError> {
    let named = |data: &Document, all: &Attributes| -> Vec<(String, TensorId)> {
        let tensors = all
            .leaves
            .iter()
            .filter_map(|l| Some((l.path.clone(), data.as_tensor(l.value)?)));
        tensors.collect()
    };
    let (left, right) = (named(a, left), named(b, right));
    let mut changes = Vec::new();
    for (name, x, y) in joined(&left, &right) {
        let found = match (x, y) {
            (Some(&x), Some(&y)) => match difference((a, x), (b, y))? {
                None => continue,
                found => found,
            },
            _ => None,
        };
        let (distance, reason) = match found {
            Some(StoredDifference::Elements(result)) => (Some(Distance::from(&*result)), None),
            Some(StoredDifference::Other(reason)) => (None, Some(reason)),
            None => (None, None),
        };
        changes.push(TensorChange {
            name: name.to_owned(),
            a: x.map(|&id| tensor_text(a, id)),
            b: y.map(|&id| tensor_text(b, id)),
            distance,
            reason,
        });
    }
    Ok(changes)
}

/// `float32 64x3x7x7`.
fn tensor_text(data: &Document, id: TensorId) -> String {
    let tensor = data.tensor(id);
    let shape: Vec<usize> = tensor.sizes.iter().map(|&n| n.max(0) as usize).collect();
    format!("{} {}", tensor.dtype, shape_text(&shape))
}
