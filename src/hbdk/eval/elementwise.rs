//! Layers that treat every element alike (`hbir.md` 1.1, 1.7 to 1.9, 1.13).

use super::super::array::{Array, Walk, broadcast_steps, keep_int};
use super::super::graph::{AddForm, Compare};
use super::super::params::Chain;
use super::Task;
use super::shift::{chain, direct, right};

pub(super) fn unary(task: &Task<'_>, f: impl Fn(i64) -> i64) -> Result<Vec<Array>, String> {
    task.made(task.ints(0)?.iter().map(|&x| f(x)).collect())
}

/// Applies a function to the broadcast elements of two inputs; `c` counts the last dimension.
fn binary(task: &Task<'_>, f: impl Fn(i64, i64, usize) -> i64) -> Result<Vec<Array>, String> {
    let (x, y, (shape, _)) = (task.ints(0)?, task.ints(1)?, task.out());
    let steps = |at: usize| {
        broadcast_steps(task.shape(at)?, shape).ok_or_else(|| "shapes do not broadcast".to_owned())
    };
    let (a, b) = (steps(0)?, steps(1)?);
    let channels = shape.last().copied().unwrap_or(1).max(1);
    let pairs = Walk::new(shape, &a).zip(Walk::new(shape, &b)).enumerate();
    task.made(
        pairs
            .map(|(i, (p, q))| f(x[p], y[q], i % channels))
            .collect(),
    )
}

pub(super) fn pairwise(task: &Task<'_>, f: impl Fn(i64, i64) -> i64) -> Result<Vec<Array>, String> {
    binary(task, |x, y, _| f(x, y))
}

pub(super) fn compare(order: Compare, task: &Task<'_>) -> Result<Vec<Array>, String> {
    binary(task, |x, y, _| {
        i64::from(match order {
            Compare::Equal => x == y,
            Compare::NotEqual => x != y,
            Compare::Less => x < y,
            Compare::LessOrEqual => x <= y,
            Compare::Greater => x > y,
            Compare::GreaterOrEqual => x >= y,
        })
    })
}

pub(super) fn rescale(it: &Chain, rounding: bool, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (shape, out) = task.out();
    let channels = shape.last().copied().unwrap_or(1).max(1);
    let each = task.ints(0)?.iter().enumerate();
    task.made(
        each.map(|(i, &x)| direct(it, i % channels, x, rounding, out))
            .collect(),
    )
}

pub(super) fn add(form: &AddForm, it: &Chain, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (_, out) = task.out();
    binary(task, |a, b, c| {
        let sum = match *form {
            AddForm::Scale { shift, scale } if shift < 0 => right(a, -shift, false) + b * scale,
            AddForm::Scale { shift, scale } => (a << shift) + b * scale,
            AddForm::X2a {
                first,
                second,
                shift,
            } => a * first + (b << shift) * second,
        };
        chain(it, c, sum, [false, true], out)
    })
}

pub(super) fn mul(it: &Chain, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (_, out) = task.out();
    binary(task, |a, b, c| match it.qscale.is_empty() {
        true => a * b,
        false => chain(it, c, a * b, [false, true], out),
    })
}

pub(super) fn prelu(
    positive: &Chain,
    negative: &Chain,
    task: &Task<'_>,
) -> Result<Vec<Array>, String> {
    let (_, out) = task.out();
    binary(task, |x, w, _| {
        direct(positive, 0, x.max(0), true, out)
            + chain(negative, 0, w * x.min(0), [false, true], out)
    })
}

pub(super) fn abs(saturate: bool, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (_, out) = task.out();
    let (low, high) = super::super::march::limits(out);
    unary(task, |x| match (saturate, x == low) {
        (true, true) => high,
        _ => keep_int(out, x.abs()),
    })
}
