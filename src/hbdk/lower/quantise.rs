//! Between floats and integers, and between scales.

use super::super::array::{Array, is_integer};
use super::super::graph::{Dequantise, Kind, Known, Layout, Quantise, Record, Round};
use super::super::layout::has_hardware_layout;
use super::super::march::limits;
use super::super::params::{Chain, frexp};
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use crate::tensor::DType;

/// The result is the argument.
pub(super) fn pass(_: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    Ok(args.at(0).clone())
}

/// `quantize(input, scale, zero_point, ch_axis, dtype, march)`
pub(super) fn quantize(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    // Plugins without round mode round half up (`horizon.md`, Appendix A).
    place(builder, args, Round::HalfUp)
}

/// `_quantize(input, scale, zero_point, ch_axis, dtype, round_mode, march)`
pub(super) fn quantize_round(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let round = round_mode(args)?;
    place(builder, args, round)
}

fn round_mode(args: &Args) -> Result<Round, Fail> {
    if args.len() < 7 {
        return Ok(Round::HalfUp);
    }
    match args.text(5)? {
        "half_to_even" => Ok(Round::HalfEven),
        "bpu_round" => Ok(Round::HalfUp),
        "floor" => Ok(Round::Floor),
        other => Err(Fail::new(format!("unknown round mode `{other}`"))),
    }
}

/// Makes an argument of the model an integer one: no layer is made (5.6).
fn place(builder: &mut Builder<'_>, args: &Args, round: Round) -> Result<Val, Fail> {
    let (id, scale, dtype) = (args.tensor(0)?, args.one_scale(1)?, args.qtype(4)?);
    args.zero_point(2)?;
    let record = builder.tensor(id).first;
    let own = Quantise { scale, round };
    let is_own = |layer: &&mut super::super::graph::Layer| layer.outputs == [record];
    let layer = builder.graph.layers.iter_mut().find(is_own);
    let known = match layer.map(|layer| &mut layer.kind) {
        Some(Kind::Input(known)) => known,
        _ => {
            return Err(Fail::new("quantize of a tensor that is no input of the model")
                .advise("let QuantStub take the model's inputs as they are, and keep float operators out of the BPU part"));
        }
    };
    match known {
        None => *known = Some(own),
        Some(other) if *other == own => {}
        Some(other) => {
            return Err(Fail::new(format!(
                "the input is quantised twice, with scales {} and {scale}",
                other.scale
            ))
            .advise("use one QuantStub for each input"));
        }
    }
    builder.graph.records[record.0 as usize].dtype = dtype;
    Ok(Val::Tensor(id))
}

/// A constant quantised (`horizon.md` 3.1): float32 quotient, rounding, saturation.
pub(super) fn constant(args: &Args, has_round: bool) -> Result<Val, Fail> {
    let round = match has_round {
        true => round_mode(args)?,
        false => Round::HalfUp,
    };
    let (data, scale, dtype) = (args.constant(0)?, args.scale(1)?, args.qtype(4)?);
    let channel = channels(&data, scale.len(), args.int(3)?)?;
    let (low, high) = limits(dtype);
    let quantised = data.to_f32().into_iter().enumerate().map(|(i, x)| {
        let q = rounded(x / scale[channel(i)], round);
        q.clamp(low as f64, high as f64) as i64
    });
    Ok(Val::array(Array::int(
        dtype,
        &data.shape,
        quantised.collect(),
    )))
}

/// A constant dequantised.
pub(super) fn constant_dequantize(args: &Args) -> Result<Val, Fail> {
    let (data, scale) = (args.constant(0)?, args.scale(1)?);
    let channel = channels(&data, scale.len(), args.int(3)?)?;
    let reals = data.to_f32().into_iter().enumerate();
    let reals = reals
        .map(|(i, q)| f64::from(q * scale[channel(i)]))
        .collect();
    Ok(Val::array(Array::real(DType::F32, &data.shape, reals)))
}

/// Which scale each element has.
fn channels(data: &Array, scales: usize, axis: i64) -> Result<impl Fn(usize) -> usize, Fail> {
    let rank = data.shape.len() as i64;
    let (inner, size) = match scales {
        1 => (1, 1),
        _ => {
            let axis = if axis < 0 { axis + rank } else { axis };
            let axis = usize::try_from(axis)
                .ok()
                .filter(|&a| data.shape.get(a) == Some(&scales));
            let axis = axis
                .ok_or_else(|| Fail::new(format!("{scales} scales do not fit {:?}", data.shape)))?;
            (data.shape[axis + 1..].iter().product(), scales)
        }
    };
    Ok(move |i: usize| i / inner % size)
}

/// A float rounded in a mode; not a number becomes 0, as a saturating cast does.
pub(crate) fn rounded(x: f32, round: Round) -> f64 {
    let x = f64::from(x);
    let q = match round {
        Round::Floor => x.floor(),
        // In float32, as the formula is written.
        Round::HalfUp => f64::from((x as f32 + 0.5).floor()),
        Round::HalfEven => x.round_ties_even(),
    };
    if q.is_nan() { 0.0 } else { q }
}

/// `dequantize(input, scale, zero_point, ch_axis, march)`: no layer, the result knows its scale.
pub(super) fn dequantize(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let (id, scale) = (args.tensor(0)?, args.constant(1)?);
    let rank = builder.native_shape(id).len() as i64;
    let axis = match (scale.numel(), args.int(3)?) {
        (1, _) => None,
        (_, axis) if axis < 0 && axis + rank < 0 => None,
        // A convolution's channels are dimension 1 whatever the argument says.
        (_, -1) => Some(1.min(rank - 1).max(0) as usize),
        (_, axis) if axis < 0 => Some((axis + rank) as usize),
        (_, axis) => Some(axis as usize),
    };
    let mut tensor = builder.tensor(id).clone();
    tensor.dequantise = Some(Dequantise { scale, axis });
    builder.tensors.push(tensor);
    Ok(Val::Tensor(super::super::value::TensorId(
        builder.tensors.len() - 1,
    )))
}

/// `requantize(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march)`
pub(super) fn requantize(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let (iscale, oscale) = (args.scale(1)?, args.scale(4)?);
    let (itype, otype) = (args.qtype(3)?, args.qtype(6)?);
    args.zero_point(2)?;
    args.zero_point(5)?;
    if same(&iscale, &oscale) && itype == otype {
        let name = builder.annotation.clone();
        builder.warnings.push(format!(
            "WARNING: {name} is useless. iscale vs. oscale: {} vs. {}",
            iscale[0], oscale[0]
        ));
        return Ok(args.at(0).clone());
    }
    let record = channel_record(builder, args, iscale.len().max(oscale.len()))?;
    let chain = Chain::direct(&iscale, &oscale);
    if itype == DType::I32 && otype != DType::I32 {
        let twice = Chain::accumulator(&iscale, &oscale, otype, builder.march());
        if twice != chain {
            builder.mark_known(Known::RequantizeAccumulator);
        }
    }
    let shape = builder.graph.record(record).shape.clone();
    let kind = Kind::Rescale {
        chain,
        rounding: true,
    };
    let made = builder.layer(kind, &[record], shape, otype);
    debug_assert!(builder.tensor(id).first.0 < made.0);
    Ok(builder.manager(made))
}

/// Argument 0 in a layout whose last dimension is the channels, if parameters differ by channel.
fn channel_record(
    builder: &mut Builder<'_>,
    args: &Args,
    channels: usize,
) -> Result<super::super::graph::RecordId, Fail> {
    let id = args.tensor(0)?;
    let rank = builder.native_shape(id).len();
    match channels > 1 && has_hardware_layout(rank) {
        true => builder.in_layout(id, Layout::Hardware),
        false => Ok(builder.primary(id)),
    }
}

pub(super) fn same(a: &[f32], b: &[f32]) -> bool {
    let count = a.len().max(b.len());
    let at = |s: &[f32], i: usize| {
        if s.len() == 1 {
            s[0]
        } else {
            s.get(i).copied().unwrap_or(f32::NAN)
        }
    };
    (0..count).all(|i| at(a, i) == at(b, i))
}

/// `abs(input, overflow_mode)`
pub(super) fn abs(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let saturate = match args.text(1)? {
        "saturate" => true,
        "trunc" => false,
        other => return Err(Fail::new(format!("unknown overflow mode `{other}`"))),
    };
    let id = args.tensor(0)?;
    let (record, dtype) = (builder.primary(id), builder.dtype(id));
    let shape = builder.graph.record(record).shape.clone();
    let made = builder.layer(Kind::Abs { saturate }, &[record], shape, dtype);
    Ok(builder.manager(made))
}

/// `floor(input, input_scale, input_zero_point, input_dtype, scale, zero_point, dtype, march)`: one rescale
/// without rounding, straight to the output scale.
pub(super) fn floor(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let (iscale, oscale, otype) = (args.one_scale(1)?, args.one_scale(4)?, args.qtype(6)?);
    if oscale != 1.0 {
        builder.mark_known(Known::Floor);
    }
    let record = builder.primary(id);
    let shape = builder.graph.record(record).shape.clone();
    let kind = Kind::Rescale {
        chain: Chain::direct(&[iscale], &[oscale]),
        rounding: false,
    };
    let made = builder.layer(kind, &[record], shape, otype);
    Ok(builder.manager(made))
}

/// `ceil(…)` with the arguments of [`floor`] (`hbir.md` 1.15).
pub(super) fn ceil(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    let (iscale, oscale, otype) = (args.one_scale(1)?, args.one_scale(4)?, args.qtype(6)?);
    let (m, e) = frexp(f64::from(iscale));
    let kind = Kind::Ceil {
        multiplier: (m * 2.0) as i64,
        shift: (1 - e).clamp(0, 30),
    };
    if m != 0.5 {
        builder.mark_known(Known::Ceil);
    }
    let record = builder.primary(id);
    let (shape, layout) = {
        let it: &Record = builder.graph.record(record);
        (it.shape.clone(), it.layout)
    };
    debug_assert!(is_integer(builder.dtype(id)));
    let whole = builder.named_record(
        &format!("requantize_ceil_{}", builder.annotation),
        layout,
        shape.clone(),
        DType::I32,
    );
    let known = m != 0.5;
    builder.add_layer(kind, vec![record], vec![whole]);
    if known {
        builder.mark_known(Known::Ceil);
    }
    let rescale = Kind::Rescale {
        chain: Chain::direct(&[1.0], &[oscale]),
        rounding: true,
    };
    let made = builder.layer(rescale, &[whole], shape, otype);
    Ok(builder.manager(made))
}
