//! Regions of feature maps (`horizon.md` 3.16, `hbir.md` 1.6 and 1.14). Inferred; see [`RoiGrid`] for what is read.

use super::super::array::{Array, Data};
use super::super::graph::{RoiAlign, RoiGrid};
use super::Task;
use super::shift::right;

/// A region in pixels of the image, float32 as the functions compute.
struct Region {
    x: [f32; 2],
    y: [f32; 2],
}

pub(super) fn align(it: &RoiAlign, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (scales, mut out) = (&it.scales, Vec::new());
    for region in regions(it, task.input(scales.len())?) {
        let level = level(it, &region);
        let (map, shape) = (task.ints(level)?, task.shape(level)?);
        let &[_, h, w, channels] = shape else {
            return Err("only supports 4d tensor".into());
        };
        let scale = scales[level];
        let beside = |low: f32, size: usize| low * scale as f32 > size as f32;
        let gone = region.x[1] < 0.0 || region.y[1] < 0.0;
        let gone = gone || beside(region.x[0], w) || beside(region.y[0], h);
        let empty = region.x[1] <= region.x[0] || region.y[1] <= region.y[0];
        if gone || empty {
            out.extend(vec![0; it.size[0] * it.size[1] * channels]);
            continue;
        }
        let columns = points(it.grid, region.x, scale, it.size[1]);
        for y in points(it.grid, region.y, scale, it.size[0]) {
            for x in &columns {
                for c in 0..channels {
                    let pixel = |row: i64, column: i64| {
                        let row = row.clamp(0, h as i64 - 1) as usize;
                        let column = column.clamp(0, w as i64 - 1) as usize;
                        map[(row * w + column) * channels + c]
                    };
                    out.push(bilinear(it.grid, [y, *x], pixel));
                }
            }
        }
    }
    task.made(out)
}

/// One sample, at a row and column in units of `2^-bits`.
fn bilinear(grid: RoiGrid, [y, x]: [i64; 2], pixel: impl Fn(i64, i64) -> i64) -> i64 {
    let bits = grid.bits();
    let part = |at: i64| (at >> bits, at & ((1 << bits) - 1));
    let ((row, down), (column, across)) = (part(y), part(x));
    let along = |row: i64| {
        let first = pixel(row, column) << bits;
        first + (pixel(row, column.saturating_add(1)) - pixel(row, column)) * across
    };
    let (upper, lower) = (along(row), along(row.saturating_add(1)));
    right(
        (upper << bits) + (lower - upper) * down,
        2 * i64::from(bits),
        true,
    )
}

/// Sampling coordinates along one axis, in units of `2^-bits`.
fn points(grid: RoiGrid, ends: [f32; 2], scale: f64, count: usize) -> Vec<i64> {
    let [low, high] = ends.map(|v| f64::from(v) * scale);
    let length = match grid {
        RoiGrid::Origin => high - low + 1.0,
        RoiGrid::Legacy => f64::max(high - low, 1.0),
        RoiGrid::HalfPixel => high - low,
    };
    let distance = length / count as f64;
    let first = match grid {
        RoiGrid::Origin => low,
        RoiGrid::Legacy => low + 0.5 * distance,
        RoiGrid::HalfPixel => low + 0.5 * distance - 0.5,
    };
    let whole = |v: f64| (v * f64::from(1u32 << grid.bits())).floor() as i64;
    let (first, distance) = (whole(first), whole(distance));
    let point = |i: usize| first.saturating_add(distance.saturating_mul(i as i64));
    (0..count).map(point).collect()
}

/// The map that a region is taken from, by its size with both borders.
fn level(it: &RoiAlign, region: &Region) -> usize {
    let scales = &it.scales;
    if scales.len() == 1 {
        return 0;
    }
    let [size, level] = it.canonical;
    let side = |[low, high]: [f32; 2]| high - low + 1.0;
    let area = side(region.x) * side(region.y);
    let wanted = (level as f32 + (area.sqrt() / size as f32).log2() + 1e-8).floor();
    let of = |scale: f64| -(scale.log2().round()) as f32;
    let (first, last) = (of(scales[0]), of(scales[scales.len() - 1]));
    let chosen = wanted.max(first).min(last) - first;
    (chosen as usize).min(scales.len() - 1)
}

fn regions(it: &RoiAlign, boxes: &Array) -> Vec<Region> {
    let width = boxes.shape.last().copied().unwrap_or(1).max(1);
    // Integers are quarters of a pixel; clipping keeps them whole.
    let rows: Vec<[f32; 4]> = match &boxes.data {
        Data::Real(v) => rows(v, width, |v| *v as f32)
            .map(|row| clipped(it, row))
            .collect(),
        Data::Int(v) => rows(v, width, |v| *v as f32)
            .map(|row| match it.clip {
                Some(_) => clipped(it, row).map(|v| (v + 0.5).floor()),
                None => row,
            })
            .map(|row| row.map(|v| v * 0.25))
            .collect(),
    };
    rows.into_iter()
        .map(|[x1, y1, x2, y2]| Region {
            x: [x1, x2],
            y: [y1, y2],
        })
        .collect()
}

fn rows<T>(
    values: &[T],
    width: usize,
    float: impl Fn(&T) -> f32,
) -> impl Iterator<Item = [f32; 4]> {
    values
        .chunks_exact(width)
        .filter(|row| row.len() >= 4)
        .map(move |row| {
            [
                float(&row[0]),
                float(&row[1]),
                float(&row[2]),
                float(&row[3]),
            ]
        })
}

fn clipped(it: &RoiAlign, [x1, y1, x2, y2]: [f32; 4]) -> [f32; 4] {
    let Some([left, top, right, bottom]) = it.clip else {
        return [x1, y1, x2, y2];
    };
    let (w, h) = (x2 - x1, y2 - y1);
    [x1 + w * left, y1 + h * top, x2 - w * right, y2 - h * bottom]
}
