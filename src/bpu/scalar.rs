//! Small element-wise operators: ceil, round, frexp, toqint, clamp.

use super::channel;
use super::fixed::{self, RoundMode};
use super::op::{Args, Context, Data, MemoryFormat, OpError, Output, Shape};
use crate::tensor::DType;

/// `⌈x·s⌉`, saturated to the output type.
///
/// The kernel is not public; the true ceiling is taken, not the front end's power-of-two form (`hbir.md` 1.15).
/// Arguments: input, input_scale, input_dtype, output_dtype, march.
pub(super) fn ceil(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let (scale, to) = (a.floats(1)?, a.qtype(3)?);
    a.march(4)?;
    let [scale] = scale[..] else {
        return Err(a.shape_error("input_scale must have one entry"));
    };
    let (lo, hi) = to.limits32();
    let shape = a.filled(0)?.shape.to_vec();
    let up = |x: &i32| ((f64::from(*x) * scale).ceil() as i32).clamp(lo, hi);
    let values = a.ints32(0)?;
    Ok(vec![match to.storage() {
        DType::I8 => Output::new(
            values.iter().map(|x| up(x) as i8).collect(),
            shape,
            MemoryFormat::Contiguous,
        ),
        DType::I16 => Output::new(
            values.iter().map(|x| up(x) as i16).collect(),
            shape,
            MemoryFormat::Contiguous,
        ),
        DType::I32 => Output::new(
            values.iter().map(up).collect(),
            shape,
            MemoryFormat::Contiguous,
        ),
        _ => return Err(a.value_error("qint64 exists on march meta only")),
    }])
}

pub(super) fn ceil_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(a.qtype(3)?.storage(), a.tensor(0)?.shape.to_vec())])
}

/// `⌊x + 0.5⌋` of floats (inferred, strong: `hbir.md` 4 row 2.1 #22); integers stay.
pub(super) fn round(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let tensor = a.filled(0)?;
    let shape = tensor.shape.to_vec();
    let out = match tensor.to_data() {
        Some(Data::F32(v)) => Output::new(
            v.iter().map(|x| RoundMode::BpuRound.round(*x)).collect(),
            shape,
            MemoryFormat::Contiguous,
        ),
        Some(Data::F64(v)) => Output::new(
            v.iter().map(|x| RoundMode::BpuRound.round64(*x)).collect(),
            shape,
            MemoryFormat::Contiguous,
        ),
        _ => return Err(a.wrong(0, "a float tensor")),
    };
    Ok(vec![out])
}

/// Same type and shape as argument 0.
pub(super) fn round_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let tensor = a.tensor(0)?;
    Ok(vec![(tensor.dtype, tensor.shape.to_vec())])
}

/// Mantissa (of the input's float type) in `[0.5, 1)` and exponent (int32), as C's `frexp`.
pub(super) fn frexp(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let tensor = a.filled(0)?;
    let shape = tensor.shape.to_vec();
    let parts: Vec<(f64, i32)> = a.floats(0)?.iter().map(|x| fixed::frexp(*x)).collect();
    let exponents = Output::new(
        parts.iter().map(|p| p.1).collect(),
        shape.clone(),
        MemoryFormat::Contiguous,
    );
    let mantissas = match tensor.dtype {
        DType::F64 => Output::new(
            parts.iter().map(|p| p.0).collect(),
            shape,
            MemoryFormat::Contiguous,
        ),
        _ => Output::new(
            parts.iter().map(|p| p.0 as f32).collect(),
            shape,
            MemoryFormat::Contiguous,
        ),
    };
    Ok(vec![mantissas, exponents])
}

pub(super) fn frexp_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let tensor = a.tensor(0)?;
    let mantissa = if tensor.dtype == DType::F64 {
        DType::F64
    } else {
        DType::F32
    };
    Ok(vec![
        (mantissa, tensor.shape.to_vec()),
        (DType::I32, tensor.shape.to_vec()),
    ])
}

/// Integers and signed shifts, both int32 (see [`fixed::to_qint`]).
/// Arguments: x, qbits, max_bits, allow_left_shift, allow_right_shift.
pub(super) fn toqint(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let (bits, max_bits) = (a.int32(1)?, a.int32(2)?);
    let (left, right) = (a.bool(3)?, a.bool(4)?);
    let shape = a.filled(0)?.shape.to_vec();
    let (q, shift): (Vec<i32>, Vec<i32>) = a
        .floats(0)?
        .iter()
        .map(|x| fixed::to_qint(*x, bits, max_bits, left, right))
        .unzip();
    Ok(vec![
        Output::new(q, shape.clone(), MemoryFormat::Contiguous),
        Output::new(shift, shape, MemoryFormat::Contiguous),
    ])
}

pub(super) fn toqint_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let shape = a.tensor(0)?.shape.to_vec();
    Ok(vec![(DType::I32, shape.clone()), (DType::I32, shape)])
}

/// Float clamp, NaN kept. Arguments: input, min_value, max_value.
pub(super) fn clamp(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let (lo, hi) = (a.float(1)? as f32, a.float(2)? as f32);
    let tensor = a.filled(0)?;
    let dense =
        channel::dense::<f32>(&tensor, 0, 1).ok_or_else(|| a.wrong(0, "a float32 tensor"))?;
    let values = dense
        .data
        .iter()
        .map(|x| if x.is_nan() { *x } else { x.max(lo).min(hi) })
        .collect();
    Ok(vec![Output::new(
        values,
        tensor.shape.to_vec(),
        dense.format,
    )])
}
