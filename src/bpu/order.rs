//! Stable sort and float box suppression (`horizon.md` 2.1 #28 and 2.2).

use std::cmp::Ordering;

use super::op::{Args, Context, Element, MemoryFormat, OpError, Output, Shape};
use crate::tensor::DType;

/// Stable sort along one dimension: values and int64 indices. NaN counts as greatest, as in torch.
/// Arguments: input, dim, descending.
pub(super) fn sort(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let (tensor, descending) = (a.filled(0)?, a.bool(2)?);
    let dim = dim(a)?;
    macro_rules! go {
        ($ty:ty, $compare:expr) => {{
            let data = tensor
                .contiguous::<$ty>()
                .ok_or_else(|| a.wrong(0, "another tensor"))?;
            let (values, indices) = sorted(&data, tensor.shape, dim, descending, $compare);
            Ok(vec![
                Output::new(values, tensor.shape.to_vec(), MemoryFormat::Contiguous),
                Output::new(indices, tensor.shape.to_vec(), MemoryFormat::Contiguous),
            ])
        }};
    }
    match tensor.dtype {
        DType::I8 => go!(i8, Ord::cmp),
        DType::U8 => go!(u8, Ord::cmp),
        DType::I16 => go!(i16, Ord::cmp),
        DType::I32 => go!(i32, Ord::cmp),
        DType::I64 => go!(i64, Ord::cmp),
        DType::F32 => go!(f32, |x, y| compare(f64::from(*x), f64::from(*y))),
        DType::F64 => go!(f64, |x, y| compare(*x, *y)),
        _ => Err(a.wrong(0, "a tensor of integers, float32 or float64")),
    }
}

pub(super) fn sort_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    dim(a)?;
    let tensor = a.tensor(0)?;
    Ok(vec![
        (tensor.dtype, tensor.shape.to_vec()),
        (DType::I64, tensor.shape.to_vec()),
    ])
}

fn dim(a: &Args) -> Result<usize, OpError> {
    let (rank, dim) = (a.tensor(0)?.shape.len() as i64, a.int(1)?);
    let positive = if dim < 0 { dim + rank } else { dim };
    if (0..rank).contains(&positive) {
        Ok(positive as usize)
    } else {
        Err(a.value_error(format!("dimension {dim} of a tensor of rank {rank}")))
    }
}

/// Ascending, zeros of both signs equal, NaN last.
fn compare(x: f64, y: f64) -> Ordering {
    x.partial_cmp(&y)
        .unwrap_or_else(|| x.is_nan().cmp(&y.is_nan()))
}

fn sorted<T: Element>(
    data: &[T],
    shape: &[usize],
    dim: usize,
    descending: bool,
    compare: impl Fn(&T, &T) -> Ordering,
) -> (Vec<T>, Vec<i64>) {
    let (length, inner) = (shape[dim], shape[dim + 1..].iter().product::<usize>());
    let (mut values, mut indices) = (vec![T::default(); data.len()], vec![0i64; data.len()]);
    if data.is_empty() {
        return (values, indices);
    }
    for (block, data) in data.chunks_exact(length * inner).enumerate() {
        for lane in 0..inner {
            let mut order: Vec<usize> = (0..length).collect();
            let key = |i: &usize| &data[i * inner + lane];
            order.sort_by(|x, y| {
                if descending {
                    compare(key(y), key(x))
                } else {
                    compare(key(x), key(y))
                }
            });
            for (place, from) in order.into_iter().enumerate() {
                let at = block * length * inner + place * inner + lane;
                values[at] = data[from * inner + lane];
                indices[at] = from as i64;
            }
        }
    }
    (values, indices)
}

/// Greedy suppression as torchvision's: indices of kept boxes, best score first. A box goes when its overlap with a kept one
/// is above the threshold. Arguments: boxes float32 `[N, 4]` as x1, y1, x2, y2; scores float32 `[N]`; iou_threshold.
pub(super) fn nms(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let (boxes, scores, threshold) = (a.float_data(0)?, a.float_data(1)?, a.float(2)? as f32);
    if a.tensor(0)?.shape != [scores.len(), 4] {
        return Err(a.shape_error("boxes must be [N, 4] and scores [N]"));
    }
    let boxes: Vec<&[f32]> = boxes.chunks_exact(4).collect();
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|x, y| compare(scores[*y].into(), scores[*x].into()));
    let mut kept: Vec<usize> = Vec::new();
    for candidate in order {
        if kept
            .iter()
            .all(|k| overlap(boxes[*k], boxes[candidate]) <= threshold)
        {
            kept.push(candidate);
        }
    }
    let n = kept.len();
    Ok(vec![Output::new(
        kept.into_iter().map(|k| k as i64).collect(),
        vec![n],
        MemoryFormat::Contiguous,
    )])
}

pub(super) fn nms_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Err(a.value_error("how many boxes are kept depends on their values"))
}

fn overlap(a: &[f32], b: &[f32]) -> f32 {
    let area = |b: &[f32]| (b[2] - b[0]) * (b[3] - b[1]);
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let both = width * height;
    let ratio = both / (area(a) + area(b) - both);
    if ratio.is_nan() { 0.0 } else { ratio }
}
