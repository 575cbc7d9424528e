//! Convolutions (`hbir.md` 1.2, 1.3).

use super::super::array::Array;
use super::super::graph::{ConvForm, ConvLayer};
use super::super::march::saturate;
use super::Task;
use super::shift::chain;
use crate::tensor::DType;

/// Products summed in 32 bits before they go to the accumulator: 256 of int16 by int8 fit.
const CHUNK: usize = 256;

pub(super) fn conv(conv: &ConvLayer, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let sums = match conv.form {
        ConvForm::Deconvolution => deconvolve(conv, task)?,
        _ => convolve(conv, task)?,
    };
    finish(conv, sums, task)
}

/// `Σ x·w` with three spatial dimensions, of which leading ones may be 1.
struct Space {
    batch: usize,
    size: [usize; 3],
    channels: usize,
    out: [usize; 3],
    filters: usize,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    dilation: [usize; 3],
}

fn three(list: &[usize], fill: usize) -> [usize; 3] {
    let mut out = [fill; 3];
    let n = list.len().min(3);
    out[3 - n..].copy_from_slice(&list[list.len() - n..]);
    out
}

fn space(conv: &ConvLayer, task: &Task<'_>) -> Result<Space, String> {
    let (input, (out, _)) = (task.shape(0)?, task.out());
    let (Some(&channels), Some(&filters)) = (input.last(), out.last()) else {
        return Err("a convolution of a scalar".into());
    };
    if conv.form == ConvForm::Linear {
        let rows = input[..input.len() - 1].iter().product();
        return Ok(Space {
            batch: rows,
            size: [1; 3],
            channels,
            out: [1; 3],
            filters,
            kernel: [1; 3],
            stride: [1; 3],
            padding: [0; 3],
            dilation: [1; 3],
        });
    }
    let inner = |s: &[usize]| three(s.get(1..s.len().max(2) - 1).unwrap_or(&[]), 1);
    Ok(Space {
        batch: input[0],
        size: inner(input),
        channels,
        out: inner(out),
        filters,
        kernel: inner(&conv.weight_shape),
        stride: three(&conv.stride, 1),
        padding: three(&conv.padding, 0),
        dilation: three(&conv.dilation, 1),
    })
}

fn narrow(values: &[i64]) -> Result<Vec<i16>, String> {
    let values: Result<Vec<i16>, _> = values.iter().map(|&v| i16::try_from(v)).collect();
    values.map_err(|_| "values of more than 16 bits".to_owned())
}

fn convolve(conv: &ConvLayer, task: &Task<'_>) -> Result<Vec<i64>, String> {
    let s = space(conv, task)?;
    let (x, w) = (narrow(task.ints(0)?)?, narrow(&conv.params.weight)?);
    let groups = conv.groups.max(1);
    let (width, filters) = (s.channels / groups, s.filters / groups);
    let length = s.kernel.iter().product::<usize>() * width;
    if w.len() != s.filters * length {
        return Err(format!(
            "{} weights, expected {}",
            w.len(),
            s.filters * length
        ));
    }
    let mut sums = Vec::with_capacity(s.batch * s.out.iter().product::<usize>() * s.filters);
    let mut patch = vec![0i16; length];
    for n in 0..s.batch {
        for d in 0..s.out[0] {
            for h in 0..s.out[1] {
                for v in 0..s.out[2] {
                    for g in 0..groups {
                        gather(&s, &x, n, [d, h, v], g * width, width, &mut patch);
                        let rows = w[g * filters * length..].chunks_exact(length.max(1));
                        sums.extend(rows.take(filters).map(|row| dot(&patch, row)));
                    }
                }
            }
        }
    }
    Ok(sums)
}

/// The window of one output: kernel positions in order, the channels of one group each; zeros outside.
fn gather(
    s: &Space,
    x: &[i16],
    n: usize,
    at: [usize; 3],
    first: usize,
    width: usize,
    patch: &mut [i16],
) {
    let mut place = 0;
    for a in 0..s.kernel[0] {
        for b in 0..s.kernel[1] {
            for c in 0..s.kernel[2] {
                let to = &mut patch[place..place + width];
                place += width;
                let k = [a, b, c];
                let source = |i: usize| {
                    (at[i] * s.stride[i] + k[i] * s.dilation[i])
                        .checked_sub(s.padding[i])
                        .filter(|&p| p < s.size[i])
                };
                match (source(0), source(1), source(2)) {
                    (Some(p), Some(q), Some(r)) => {
                        let pixel = ((n * s.size[0] + p) * s.size[1] + q) * s.size[2] + r;
                        let from = pixel * s.channels + first;
                        to.copy_from_slice(&x[from..from + width]);
                    }
                    _ => to.fill(0),
                }
            }
        }
    }
}

fn dot(a: &[i16], b: &[i16]) -> i64 {
    let chunk = |(a, b): (&[i16], &[i16])| {
        let products = a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b));
        i64::from(products.sum::<i32>())
    };
    a.chunks(CHUNK).zip(b.chunks(CHUNK)).map(chunk).sum()
}

fn deconvolve(conv: &ConvLayer, task: &Task<'_>) -> Result<Vec<i64>, String> {
    let s = space(conv, task)?;
    let (x, w) = (task.ints(0)?, &conv.params.weight);
    let groups = conv.groups.max(1);
    let (width, filters) = (s.channels / groups, s.filters / groups);
    let [_, kh, kw] = s.kernel;
    if w.len() != s.channels * kh * kw * filters {
        return Err(format!("{} weights", w.len()));
    }
    let mut sums = vec![0i64; s.batch * s.out[1] * s.out[2] * s.filters];
    for (at, out) in sums.chunks_exact_mut(s.filters.max(1)).enumerate() {
        let (n, h, v) = (
            at / (s.out[1] * s.out[2]),
            at / s.out[2] % s.out[1],
            at % s.out[2],
        );
        // The input pixel whose kernel element (a, b) falls on this output, if there is one.
        let source = |out: usize, k: usize, i: usize| {
            let distance = (out + s.padding[i]).checked_sub(k)?;
            let at = distance / s.stride[i];
            (distance % s.stride[i] == 0 && at < s.size[i]).then_some(at)
        };
        for a in 0..kh {
            for b in 0..kw {
                let (Some(p), Some(q)) = (source(h, a, 1), source(v, b, 2)) else {
                    continue;
                };
                let pixel = &x[((n * s.size[1] + p) * s.size[2] + q) * s.channels..];
                for (i, &value) in pixel[..s.channels].iter().enumerate() {
                    let row = &w[((i * kh + a) * kw + b) * filters..][..filters];
                    let to = &mut out[i / width * filters..][..filters];
                    to.iter_mut().zip(row).for_each(|(to, w)| *to += value * w);
                }
            }
        }
    }
    Ok(sums)
}

/// Bias, sum input, rescale, relu.
fn finish(conv: &ConvLayer, mut sums: Vec<i64>, task: &Task<'_>) -> Result<Vec<Array>, String> {
    let (shape, out) = task.out();
    let filters = shape.last().copied().unwrap_or(1).max(1);
    let params = &conv.params;
    let extra = match task.inputs.len() {
        2 => Some(task.ints(1)?),
        _ => None,
    };
    let fits = |len: usize| len == filters;
    if !fits(params.bias.len()) || extra.is_some() && !fits(params.escale.len()) {
        return Err("parameters do not fit the channels".into());
    }
    if extra.is_some_and(|e| e.len() != sums.len()) {
        return Err("the sum input does not fit the output".into());
    }
    for (i, value) in sums.iter_mut().enumerate() {
        let c = i % filters;
        let mut acc = *value + (params.bias[c] << params.bias_lshift[c]);
        if let Some(extra) = extra {
            let shifted = (extra[i] << params.escale_lshift[c]) as i16;
            acc += i64::from(shifted) * params.escale[c];
        }
        let y = match out {
            DType::I32 => saturate(DType::I32, acc),
            _ => chain(&params.output, c, acc, [false, conv.rounding], out),
        };
        *value = if conv.relu { y.max(0) } else { y };
    }
    task.made(sums)
}
