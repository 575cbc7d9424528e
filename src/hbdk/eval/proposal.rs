//! Boxes from detection heads (`horizon.md` 3.16, `hbir.md` 1.14). Inferred; see [`Detection`] for what is read.

use super::super::array::Array;
use super::super::graph::{Detection, Head};
use super::Task;

/// A box in quarters of a pixel.
struct Found {
    /// Left, top, right, bottom.
    ends: [i64; 4],
    score: i64,
    class: i64,
}

pub(super) fn detect(it: &Detection, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let mut found = Vec::new();
    for (branch, head) in it.heads.iter().enumerate() {
        let &[1, h, w, channels] = task.shape(branch)? else {
            return Err("only supports one image of 4 dimensions".into());
        };
        let values = task.ints(branch)?;
        let each = 4 + head.classes;
        for (anchor, row) in head.anchors.iter().enumerate() {
            for place in 0..h * w {
                let from = place * channels + anchor * each;
                let cell = [(place / w) as i64, (place % w) as i64];
                found.extend(decoded(it, head, row, &values[from..from + each], cell));
            }
        }
    }
    if found.len() > it.sorts {
        return Err(format!(
            "{} boxes pass the threshold, {} are sorted and others thrown out at random",
            found.len(),
            it.sorts
        ));
    }
    // Stable: equal scores stay in the order of branch, anchor, row and column.
    found.sort_by_key(|f| -f.score);
    let mut kept: Vec<Found> = Vec::new();
    for it_is in found {
        if !kept.iter().any(|k| suppresses(it.nms, k, &it_is)) {
            kept.push(it_is);
        }
    }
    kept.truncate(it.most);
    let ends: Vec<i64> = kept.iter().flat_map(|f| f.ends).collect();
    let columns = [
        (vec![kept.len(), 4], ends),
        (vec![kept.len()], kept.iter().map(|f| f.score).collect()),
        (vec![kept.len()], kept.iter().map(|f| f.class).collect()),
    ];
    let made = columns.into_iter().zip(&task.outputs);
    Ok(made
        .map(|((shape, data), (_, dtype))| Array::int(*dtype, &shape, data))
        .collect())
}

/// dx, dy, dw, dh and the scores of one anchor at one place, as a box if it passes.
fn decoded(
    it: &Detection,
    head: &Head,
    &[height, width, y, x]: &[i64; 4],
    values: &[i64],
    [row, column]: [i64; 2],
) -> Option<Found> {
    let (deltas, scores) = values.split_at(4);
    let score = *scores.iter().max()?;
    let class = scores.iter().position(|s| *s == score)? as i64 + head.offset;
    if score < it.threshold {
        return None;
    }
    let along = |side: i64, middle: i64, moved: i64, grown: i64| {
        // Twice the corner, in units of 2^-table_shift: one rounding, half up.
        let unit = 1i128 << it.table_shift;
        let middle =
            i128::from(middle) * unit + i128::from(moved) * i128::from(side) * (unit >> head.shift);
        let half = i128::from(it.table[(grown + 128) as usize]) * i128::from(side);
        [2 * middle - half, 2 * middle + half]
            .map(|twice| ((twice + unit).div_euclid(2 * unit)).clamp(-32768, 32767) as i64)
    };
    let [left, right] = along(width, x + 4 * head.stride[1] * column, deltas[0], deltas[2]);
    let [top, bottom] = along(height, y + 4 * head.stride[0] * row, deltas[1], deltas[3]);
    let within = |v: i64, axis: usize| it.last.map_or(v, |last| v.min(last[axis]).max(0));
    let ends = [
        within(left, 1),
        within(top, 0),
        within(right, 1),
        within(bottom, 0),
    ];
    let has_size = ends[0] < ends[2] && ends[1] < ends[3];
    has_size.then_some(Found { ends, score, class })
}

/// Whether a kept box takes out another of its class: by a lead above the margin, and an overlap above the threshold,
/// which has 8 fraction bits.
fn suppresses([threshold, margin]: [i64; 2], kept: &Found, other: &Found) -> bool {
    let shared = |low: usize, high: usize| {
        (kept.ends[high].min(other.ends[high]) - kept.ends[low].max(other.ends[low])).max(0)
    };
    let size = |f: &Found| (f.ends[2] - f.ends[0]) * (f.ends[3] - f.ends[1]);
    let both = shared(0, 2) * shared(1, 3);
    let either = size(kept) + size(other) - both;
    kept.class == other.class
        && kept.score - other.score > margin
        && i128::from(both) * 256 > i128::from(threshold) * i128::from(either)
}
