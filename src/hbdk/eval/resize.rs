//! Resizing and warping (`hbir.md` 1.6, 1.12).

use super::super::array::Array;
use super::super::graph::{PadMode, Resample};
use super::super::march::saturate;
use super::Task;
use super::shift::right;

/// Two neighbours and the fraction between them.
struct Tap {
    low: usize,
    high: usize,
    fraction: i64,
}

fn taps(it: &Resample, axis: usize, input: usize) -> Vec<Tap> {
    let clamp = |k: i64| k.clamp(0, input.max(1) as i64 - 1) as usize;
    let tap = |i: usize| {
        let at = it.start[axis] + i as i64 * it.step[axis];
        if it.nearest {
            let k = clamp((at + (1 << (it.bits - 1))) >> it.bits);
            return Tap {
                low: k,
                high: k,
                fraction: 0,
            };
        }
        let k = at >> it.bits;
        Tap {
            low: clamp(k),
            high: clamp(k + 1),
            fraction: at & ((1 << it.bits) - 1),
        }
    };
    (0..it.size[axis]).map(tap).collect()
}

pub(super) fn resize(it: &Resample, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (x, shape, (_, dtype)) = (task.ints(0)?, task.shape(0)?, task.out());
    let &[batch, h, w, channels] = shape else {
        return Err("only supports 4d tensor".into());
    };
    let (rows, columns) = (taps(it, 0, h), taps(it, 1, w));
    let one = 1i64 << it.bits;
    let mut out = Vec::with_capacity(batch * rows.len() * columns.len() * channels);
    for n in 0..batch {
        for row in &rows {
            for column in &columns {
                let pixel = |r: usize, c: usize| ((n * h + r) * w + c) * channels;
                let corner = [
                    pixel(row.low, column.low),
                    pixel(row.low, column.high),
                    pixel(row.high, column.low),
                    pixel(row.high, column.high),
                ];
                for c in 0..channels {
                    let [a, b, d, e] = corner.map(|at| x[at + c]);
                    if it.nearest {
                        out.push(a);
                        continue;
                    }
                    let f = column.fraction;
                    let top = a * (one - f) + b * f;
                    let bottom = d * (one - f) + e * f;
                    let sum = top * (one - row.fraction) + bottom * row.fraction;
                    out.push(saturate(
                        dtype,
                        right(sum, 2 * i64::from(it.bits), it.rounding),
                    ));
                }
            }
        }
    }
    task.made(out)
}

pub(super) fn replicate(factors: [usize; 2], task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (x, shape, (out, _)) = (task.ints(0)?, task.shape(0)?, task.out());
    let (&[_, h, w, channels], &[batch, oh, ow, _]) = (shape, out) else {
        return Err("only supports 4d tensor".into());
    };
    let mut result = Vec::with_capacity(batch * oh * ow * channels);
    for n in 0..batch {
        for y in 0..oh {
            for v in 0..ow {
                let (row, column) = ((y / factors[0]).min(h - 1), (v / factors[1]).min(w - 1));
                let at = ((n * h + row) * w + column) * channels;
                result.extend_from_slice(&x[at..at + channels]);
            }
        }
    }
    task.made(result)
}

pub(super) fn warp(
    bits: u32,
    nearest: bool,
    pad: PadMode,
    task: &Task<'_>,
) -> Result<Vec<Array>, String> {
    let (x, grid) = (task.ints(0)?, task.ints(1)?);
    let (&[_, h, w, channels], &[batch, oh, ow, _]) = (task.shape(0)?, task.out().0) else {
        return Err("only supports 4d tensor".into());
    };
    let (_, dtype) = task.out();
    let one = 1i64 << bits;
    let inside = |r: i64, c: i64| (0..h as i64).contains(&r) && (0..w as i64).contains(&c);
    let value = |n: usize, r: i64, c: i64, channel: usize| {
        let (r, c) = match pad {
            PadMode::Constant(value) if !inside(r, c) => return value,
            _ => (
                r.clamp(0, h as i64 - 1) as usize,
                c.clamp(0, w as i64 - 1) as usize,
            ),
        };
        x[((n * h + r) * w + c) * channels + channel]
    };
    let mut out = Vec::with_capacity(batch * oh * ow * channels);
    for at in 0..batch * oh * ow {
        let (n, y, v) = (at / (oh * ow), at / ow % oh, at % ow);
        let c = ((v as i64) << bits) + grid[2 * at];
        let r = ((y as i64) << bits) + grid[2 * at + 1];
        let half = if bits == 0 { 0 } else { one >> 1 };
        for channel in 0..channels {
            if nearest {
                out.push(value(n, (r + half) >> bits, (c + half) >> bits, channel));
                continue;
            }
            let (i, j, fr, fc) = (r >> bits, c >> bits, r & (one - 1), c & (one - 1));
            let top = value(n, i, j, channel) * (one - fc) + value(n, i, j + 1, channel) * fc;
            let low =
                value(n, i + 1, j, channel) * (one - fc) + value(n, i + 1, j + 1, channel) * fc;
            let sum = top * (one - fr) + low * fr;
            out.push(saturate(dtype, right(sum, 2 * i64::from(bits), true)));
        }
    }
    task.made(out)
}
