//! Channel argmax of post-processing (`horizon.md` 2.1 #20).

use super::op::{Args, Context, Element, MemoryFormat, OpError, Output, Shape};
use crate::tensor::DType;

/// The greatest channel of each group of channels: index inside the group (int64, the first of equals) and value.
///
/// The result's types and the tie are not public; torch's are taken. Arguments: input `[N, C, …]`, group, march.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let shape = shape(a)?;
    let tensor = a.filled(0)?;
    let depth = tensor.shape[1] / shape[1];
    a.march(2)?;
    macro_rules! go {
        ($ty:ty) => {{
            let data = tensor
                .contiguous::<$ty>()
                .ok_or_else(|| a.wrong(0, "a tensor of integers"))?;
            let (index, value) = greatest(&data, depth, shape[2..].iter().product());
            Ok(vec![
                Output::new(index, shape.clone(), MemoryFormat::Contiguous),
                Output::new(value, shape, MemoryFormat::Contiguous),
            ])
        }};
    }
    match tensor.dtype {
        DType::I8 => go!(i8),
        DType::I16 => go!(i16),
        DType::I32 => go!(i32),
        _ => Err(a.wrong(0, "an int8, int16 or int32 tensor")),
    }
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let shape = shape(a)?;
    Ok(vec![
        (DType::I64, shape.clone()),
        (a.tensor(0)?.dtype, shape),
    ])
}

fn shape(a: &Args) -> Result<Vec<usize>, OpError> {
    let (shape, groups) = (a.tensor(0)?.shape, a.size(1)?);
    if shape.len() < 2 || groups == 0 || shape[1] == 0 || shape[1] % groups != 0 {
        return Err(a.shape_error(format!(
            "the channels of {shape:?} do not split into {groups} groups"
        )));
    }
    let mut shape = shape.to_vec();
    shape[1] = groups;
    Ok(shape)
}

fn greatest<T: Element + Ord>(data: &[T], depth: usize, plane: usize) -> (Vec<i64>, Vec<T>) {
    let (mut indices, mut values) = (Vec::new(), Vec::new());
    if plane == 0 {
        return (indices, values);
    }
    for group in data.chunks_exact(depth * plane) {
        for pixel in 0..plane {
            let mut best = 0;
            for channel in 1..depth {
                if group[channel * plane + pixel] > group[best * plane + pixel] {
                    best = channel;
                }
            }
            indices.push(best as i64);
            values.push(group[best * plane + pixel]);
        }
    }
    (indices, values)
}
