//! Resizing and warping (`hbir.md` 1.6, 1.12).

use super::super::graph::{Kind, Layout, PadMode, Resample};
use super::super::march::March;
use super::super::params::Chain;
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use super::limits;
use crate::tensor::DType;

/// `interpolate(input, size, scale_factor, mode, align_corners, recompute_scale_factor, input_scale,
/// input_zero_point, input_dtype, march)`
pub(super) fn interpolate(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let id = args.tensor(0)?;
    if builder.native_shape(id).len() != 4 {
        return Err(Fail::new("only supports 4d tensor"));
    }
    if args.flag(4)? {
        return Err(Fail::new("align_corners=True is not supported")
            .advise("train and convert with align_corners=False"));
    }
    let nearest = match args.text(3)? {
        "bilinear" => false,
        "nearest" => true,
        other => {
            return Err(Fail::new(format!("mode `{other}`")).advise("use bilinear or nearest"));
        }
    };
    let record = builder.in_layout(id, Layout::Hardware)?;
    let shape = builder.graph.record(record).shape.clone();
    let input = [shape[1], shape[2]];
    let march = builder.march();
    let it = resample(args, input, march, nearest)?;
    let out = vec![shape[0], it.size[0], it.size[1], shape[3]];
    let dtype = builder.dtype(id);
    let kind = match nearest && !march.is_bayes() {
        true => {
            let whole = |i: usize| {
                it.size[i]
                    .is_multiple_of(input[i])
                    .then(|| it.size[i] / input[i])
            };
            match (whole(0), whole(1)) {
                (Some(h), Some(w)) => Kind::NearestUpsample([h, w]),
                _ => {
                    return Err(Fail::new("unsupported nearest upsample")
                        .advise("use integer factors, or mode bilinear"));
                }
            }
        }
        false => {
            limits::resize(builder, dtype, it.step, it.bits);
            Kind::RoiResize(it)
        }
    };
    let made = builder.layer(kind, &[record], out, dtype);
    Ok(builder.manager(made))
}

/// Step and start of both axes (`hbir.md` 1.6).
fn resample(args: &Args, input: [usize; 2], march: March, nearest: bool) -> Result<Resample, Fail> {
    let bits = if march.is_bayes() { 16 } else { 8 };
    let one = f64::from(1u32 << bits);
    let mut it = Resample {
        size: [0; 2],
        bits,
        step: [0; 2],
        start: [0; 2],
        nearest,
        rounding: true,
    };
    let factors = match args.is_none(2) {
        true => None,
        false => Some(factors(args)?),
    };
    for i in 0..2 {
        let (size, step) = match factors {
            None => {
                let size = args.pair(1)?[i];
                (size, input[i] as f64 / size.max(1) as f64)
            }
            Some(factors) => (
                (input[i] as f64 * factors[i]).floor() as usize,
                1.0 / factors[i],
            ),
        };
        if size == 0 {
            return Err(Fail::new("a resize to nothing"));
        }
        it.size[i] = size;
        it.step[i] = match factors {
            // Exact: input and output are integers.
            None => ((input[i] as i64) << bits) / size as i64,
            Some(_) => (step * one).floor() as i64,
        };
        it.start[i] = ((0.5 * step - 0.5) * one).floor() as i64;
    }
    Ok(it)
}

fn factors(args: &Args) -> Result<[f64; 2], Fail> {
    let one = |v: &Val| match v {
        Val::Float(v) => Some(*v),
        Val::Int(v) => Some(*v as f64),
        _ => None,
    };
    let found: Option<Vec<f64>> = match args.at(2) {
        Val::Seq(items) => items.iter().map(one).collect(),
        other => one(other).map(|v| vec![v]),
    };
    match found.as_deref() {
        Some([both]) if *both > 0.0 => Ok([*both; 2]),
        Some([h, w]) if *h > 0.0 && *w > 0.0 => Ok([*h, *w]),
        _ => Err(Fail::new(
            "scale_factor must be one or two positive numbers",
        )),
    }
}

/// `grid_sample(input, grid, mode, padding_mode, align_corners, grid_scale, grid_zero_point, grid_dtype, march)`
pub(super) fn grid_sample(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let feature = builder.in_layout(args.tensor(0)?, Layout::Hardware)?;
    let shape = builder.graph.record(feature).shape.clone();
    let nearest = match args.text(2)? {
        "bilinear" => false,
        "nearest" => true,
        other => return Err(Fail::new(format!("mode `{other}`"))),
    };
    let pad = match args.text(3)? {
        "zeros" => PadMode::Constant(0),
        "border" => PadMode::Edge,
        other => return Err(Fail::new(format!("padding mode `{other}`"))),
    };
    let grid = builder.operand(args.at(1), Layout::Native, 4, args.qtype(7)?)?;
    let grid_shape = builder.graph.record(grid).shape.clone();
    let fits = grid_shape.len() == 4 && grid_shape[3] == 2 && grid_shape[0] == shape[0];
    if shape.len() != 4 || !fits {
        return Err(Fail::new(format!(
            "a grid of shape {grid_shape:?} for {shape:?}"
        )));
    }
    let dtype = builder.graph.record(feature).dtype;
    limits::warp(builder, dtype, nearest, [shape[1], shape[2]]);
    let longest = [shape[1], shape[2], grid_shape[1], grid_shape[2]]
        .into_iter()
        .max()
        .unwrap_or(1);
    // ⌈log2(L + 1)⌉
    let needed = (longest + 1).next_power_of_two().trailing_zeros() as i64;
    let bits = (15 - needed).clamp(0, 8) as u32;
    let iscale = args.one_scale(5)?;
    let oscale = 2f32.powi(-(bits as i32));
    let grid = match iscale == oscale && args.qtype(7)? == DType::I16 {
        true => grid,
        false => {
            let name = format!("{}_grid_rescale", builder.annotation);
            let kind = Kind::Rescale {
                chain: Chain::direct(&[iscale], &[oscale]),
                rounding: true,
            };
            builder.named_layer(&name, kind, &[grid], grid_shape.clone(), DType::I16)
        }
    };
    let out = vec![shape[0], grid_shape[1], grid_shape[2], shape[3]];
    let kind = Kind::Warping { bits, nearest, pad };
    let dtype = builder.graph.record(feature).dtype;
    let made = builder.layer(kind, &[feature, grid], out, dtype);
    Ok(builder.manager(made))
}
