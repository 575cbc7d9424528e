//! Sums of products, and extremes (`hbir.md` 1.9, 1.13).

use super::super::array::{Array, Walk, broadcast_steps, strides};
use super::super::graph::{Kind, Part};
use super::super::params::Chain;
use super::Task;
use super::shift::{chain, right};
use crate::tensor::DType;

/// Outer size, length and inner size around a dimension.
fn around(shape: &[usize], dim: usize) -> Result<(usize, usize, usize), String> {
    let &length = shape.get(dim).ok_or("no such dimension")?;
    let outer = shape[..dim].iter().product();
    Ok((outer, length, shape[dim + 1..].iter().product()))
}

/// Calls `f` with the elements along a dimension, for each place outside of it in order.
fn lines(
    task: &Task<'_>,
    dim: usize,
    mut f: impl FnMut(usize, usize, &[i64]),
) -> Result<(), String> {
    let x = task.ints(0)?;
    let (outer, length, inner) = around(task.shape(0)?, dim)?;
    let mut line = vec![0; length];
    for o in 0..outer {
        for i in 0..inner {
            for (k, to) in line.iter_mut().enumerate() {
                *to = x[(o * length + k) * inner + i];
            }
            f(o, i, &line);
        }
    }
    Ok(())
}

pub(super) fn sum(dim: usize, it: &Chain, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (_, out) = task.out();
    let mut sums = Vec::new();
    lines(task, dim, |_, _, line| {
        sums.push(chain(it, 0, line.iter().sum(), [false, true], out));
    })?;
    task.made(sums)
}

pub(super) fn extreme(
    dim: usize,
    part: Part,
    is_max: bool,
    task: &Task<'_>,
) -> Result<Vec<Array>, String> {
    let mut found = Vec::new();
    lines(task, dim, |_, _, line| {
        let mut best = 0;
        for (i, &v) in line.iter().enumerate() {
            // The first of equals.
            if is_max && v > line[best] || !is_max && v < line[best] {
                best = i;
            }
        }
        found.push(match part {
            Part::Value => line.get(best).copied().unwrap_or(0),
            Part::Index => best as i64,
        });
    })?;
    task.made(found)
}

pub(super) fn top(
    k: usize,
    dim: usize,
    largest: bool,
    task: &Task<'_>,
) -> Result<Vec<Array>, String> {
    let (shape, dtype) = task.out();
    let count = shape.iter().product();
    let (mut values, mut indices) = (vec![0i64; count], vec![0i64; count]);
    let (_, _, inner) = around(shape, dim)?;
    lines(task, dim, |o, i, line| {
        let mut order: Vec<usize> = (0..line.len()).collect();
        match largest {
            true => order.sort_by_key(|&at| std::cmp::Reverse(line[at])),
            false => order.sort_by_key(|&at| line[at]),
        }
        for (place, &at) in order.iter().take(k).enumerate() {
            let to = (o * k + place) * inner + i;
            values[to] = line[at];
            indices[to] = at as i64;
        }
    })?;
    Ok(vec![
        Array::int(dtype, shape, values),
        Array::int(DType::I32, shape, indices),
    ])
}

pub(super) fn gemm(
    trans: [bool; 2],
    it: &Chain,
    rounding: bool,
    task: &Task<'_>,
) -> Result<Vec<Array>, String> {
    let (x, y, (shape, out)) = (task.ints(0)?, task.ints(1)?, task.out());
    let rank = shape.len();
    if rank < 2 {
        return Err("a product of vectors".into());
    }
    let (rows, columns) = (shape[rank - 2], shape[rank - 1]);
    let matrix = |at: usize| -> Result<(Vec<usize>, usize, usize, usize), String> {
        let s = task.shape(at)?;
        let batch = broadcast_steps(&s[..s.len() - 2], &shape[..rank - 2]);
        let area = s[s.len() - 2] * s[s.len() - 1];
        let batch = batch.ok_or("batches do not broadcast")?;
        let batch = batch.into_iter().map(|step| step * area).collect();
        let width = s[s.len() - 1];
        let (row, column) = if trans[at] { (1, width) } else { (width, 1) };
        let depth = if trans[at] == (at == 0) {
            s[s.len() - 2]
        } else {
            width
        };
        Ok((batch, row, column, depth))
    };
    let (xb, xr, xc, depth) = matrix(0)?;
    let (yb, yr, yc, _) = matrix(1)?;
    let batch = &shape[..rank - 2];
    let mut result = Vec::with_capacity(shape.iter().product());
    for (a, b) in Walk::new(batch, &xb).zip(Walk::new(batch, &yb)) {
        for r in 0..rows {
            for c in 0..columns {
                let products = (0..depth).map(|k| x[a + r * xr + k * xc] * y[b + k * yr + c * yc]);
                result.push(chain(it, c, products.sum(), [false, rounding], out));
            }
        }
    }
    task.made(result)
}

/// Dot products of two feature maps at displacements (`hbir.md` 1.9).
pub(super) fn correlation(kind: &Kind, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let Kind::Correlation {
        kernel,
        max_displacement,
        stride1,
        stride2,
        pad,
        inter_rshift,
        chain: it,
    } = kind
    else {
        return Err("not a correlation".into());
    };
    let (a, b, (out_shape, out)) = (task.ints(0)?, task.ints(1)?, task.out());
    let (&[_, h, w, channels], &[batch, oh, ow, planes]) = (task.shape(0)?, out_shape) else {
        return Err("only supports 4d tensor".into());
    };
    let steps = strides(&[batch, h, w, channels]);
    let pixel = |data: &[i64], n: usize, y: i64, x: i64, c: usize| -> i64 {
        let inside = (0..h as i64).contains(&y) && (0..w as i64).contains(&x);
        match inside {
            true => data[n * steps[0] + y as usize * steps[1] + x as usize * steps[2] + c],
            false => 0,
        }
    };
    let radius = (kernel - 1) / 2;
    let reach = (max_displacement / stride2) as i64;
    let side = 2 * reach + 1;
    let mut result = Vec::with_capacity(out_shape.iter().product());
    for at in 0..batch * oh * ow {
        let (n, y, x) = (at / (oh * ow), at / ow % oh, at % ow);
        let origin = |i: usize| (i * stride1 + max_displacement + radius) as i64 - *pad as i64;
        let (cy, cx) = (origin(y), origin(x));
        for plane in 0..planes as i64 {
            let dy = (plane / side - reach) * *stride2 as i64;
            let dx = (plane % side - reach) * *stride2 as i64;
            let mut total = 0;
            for ky in -(radius as i64)..=(radius as i64) {
                for kx in -(radius as i64)..=(radius as i64) {
                    let products = (0..channels).map(|c| {
                        pixel(a, n, cy + ky, cx + kx, c)
                            * pixel(b, n, cy + ky + dy, cx + kx + dx, c)
                    });
                    let sum: i64 = products.sum();
                    total += match kernel {
                        1 => sum,
                        _ => right(sum, *inter_rshift, false).clamp(-32768, 32767),
                    };
                }
            }
            result.push(chain(it, plane as usize, total, [false, true], out));
        }
    }
    task.made(result)
}
