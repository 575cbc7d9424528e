//! Tables (`hbir.md` 1.10, 1.11).

use super::super::array::Array;
use super::super::graph::LutSegments;
use super::super::march::saturate;
use super::Task;
use super::shift::right;
use crate::tensor::DType;

/// Fraction bits of an index into a table.
const INDEX_BITS: i64 = 8;

pub(super) fn lut(table: &[i64], task: &Task<'_>) -> Result<Vec<Array>, String> {
    let entry = |&x: &i64| {
        usize::try_from(x + 128)
            .ok()
            .and_then(|i| table.get(i))
            .copied()
    };
    let values: Option<Vec<i64>> = task.ints(0)?.iter().map(entry).collect();
    task.made(values.ok_or("a value outside of the table")?)
}

pub(super) fn segments(it: &LutSegments, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (_, out) = task.out();
    let table = it.table.ints().ok_or("a table of floats")?;
    let entries = it.table.shape.get(1).copied().unwrap_or(0);
    if table.len() != 6 * entries || entries < 2 {
        return Err("a table of another shape".into());
    }
    let value = |&x: &i64| match it.symmetric && x < 0 {
        true => saturate(out, -segment(it, table, entries, -x, out)),
        false => segment(it, table, entries, x, out),
    };
    task.made(task.ints(0)?.iter().map(value).collect())
}

fn segment(it: &LutSegments, table: &[i64], entries: usize, x: i64, out: DType) -> i64 {
    let last = it.max.len() - 1;
    let i = it.max.iter().position(|&max| x <= max).unwrap_or(last);
    let sum = x * it.k[i] + (it.b[i] << it.add_lsh[i]);
    let v = right(sum, it.sum_rsh[i], true);
    if i == 0 || i == last {
        return saturate(out, v);
    }
    let row = &table[(i - 1) * entries..][..entries];
    // An index outside of the table reads its nearest entry, so that the curve has no jump there.
    let entry = |at: i64| row[at.clamp(0, entries as i64 - 1) as usize];
    let (at, fraction) = (v >> INDEX_BITS, v & ((1 << INDEX_BITS) - 1));
    let between = entry(at) * ((1 << INDEX_BITS) - fraction) + entry(at + 1) * fraction;
    saturate(out, right(between, INDEX_BITS, true))
}

/// `t = table[x - max + 255]`, `t / Σt` in float32 (`horizon.md` 3.15).
pub(super) fn softmax(
    table: &[i64],
    dim: usize,
    max_only: bool,
    task: &Task<'_>,
) -> Result<Vec<Array>, String> {
    let (x, shape, (out, _)) = (task.ints(0)?, task.shape(0)?, task.out());
    if dim + 1 != shape.len() {
        return Err("softmax along channels only".into());
    }
    let mut result = Vec::with_capacity(out.iter().product());
    for row in x.chunks_exact(shape[dim].max(1)) {
        let max = row.iter().copied().max().unwrap_or(0);
        let entry = |&x: &i64| {
            table
                .get((x - max + 255).clamp(0, 255) as usize)
                .copied()
                .unwrap_or(0)
        };
        let entries: Vec<i64> = row.iter().map(entry).collect();
        let sum = entries.iter().sum::<i64>() as f32;
        let real = |t: i64| f64::from(t as f32 / sum);
        match max_only {
            true => result.push(real(entries.iter().copied().max().unwrap_or(0))),
            false => result.extend(entries.into_iter().map(real)),
        }
    }
    Ok(vec![Array::real(DType::F32, out, result)])
}
