//! Pooling (`hbir.md` 1.4, 1.5).

use super::super::array::Array;
use super::super::graph::Pooling;
use super::super::march::limits;
use super::super::params::Chain;
use super::Task;
use super::shift::chain;
use crate::tensor::DType;

/// Folds the values of every window that lie inside the input.
fn windows(
    window: &Pooling,
    task: &Task<'_>,
    start: i64,
    fold: impl Fn(i64, i64) -> i64,
) -> Result<Vec<i64>, String> {
    let (x, shape, (out, _)) = (task.ints(0)?, task.shape(0)?, task.out());
    let (&[_, h, w, channels], &[batch, oh, ow, _]) = (shape, out) else {
        return Err("only supports 4d tensor".into());
    };
    let mut result = vec![start; batch * oh * ow * channels];
    for (at, to) in result.chunks_exact_mut(channels.max(1)).enumerate() {
        let (n, y, v) = (at / (oh * ow), at / ow % oh, at % ow);
        for a in 0..window.kernel[0] {
            for b in 0..window.kernel[1] {
                let row = (y * window.stride[0] + a).checked_sub(window.padding[0]);
                let column = (v * window.stride[1] + b).checked_sub(window.padding[1]);
                let (Some(row), Some(column)) = (row, column) else {
                    continue;
                };
                if row < h && column < w {
                    let pixel = &x[((n * h + row) * w + column) * channels..][..channels];
                    to.iter_mut()
                        .zip(pixel)
                        .for_each(|(t, &p)| *t = fold(*t, p));
                }
            }
        }
    }
    Ok(result)
}

pub(super) fn max(window: &Pooling, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (_, dtype) = task.out();
    task.made(windows(window, task, limits(dtype).0, i64::max)?)
}

pub(super) fn average(
    window: &Pooling,
    it: &Chain,
    rounding: [bool; 2],
    task: &Task<'_>,
) -> Result<Vec<Array>, String> {
    let (shape, out) = task.out();
    let channels = shape.last().copied().unwrap_or(1).max(1);
    let mut sums = windows(window, task, 0, |a, b| a + b)?;
    if out != DType::I32 {
        let rescale = |(i, v): (usize, &mut i64)| *v = chain(it, i % channels, *v, rounding, out);
        sums.iter_mut().enumerate().for_each(rescale);
    }
    task.made(sums)
}
