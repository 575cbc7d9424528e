//! Pooling (`hbir.md` 1.4, 1.5).

use super::super::graph::{Kind, Layout, Pooling};
use super::super::march::March;
use super::super::params::Chain;
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use super::{limits, scales};
use crate::tensor::DType;

/// `max_pool2d(input, kernel_size, stride, padding, dilation, return_indices, ceil_mode, march)`
pub(super) fn max_pool2d(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    if args.pair(4)? != [1, 1] {
        return Err(Fail::new("max pooling with dilation").advise("use dilation 1"));
    }
    if args.flag(5)? {
        return Err(Fail::new("return_indices must be False"));
    }
    let window = window(args, args.flag(6)?)?;
    let (record, shape) = pooled(builder, args, &window)?;
    let dtype = builder.dtype(args.tensor(0)?);
    let made = builder.layer(Kind::MaxPooling(window), &[record], shape, dtype);
    Ok(builder.manager(made))
}

/// `avg_pool2d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, input_scale,
/// input_zero_point, input_dtype, scale, zero_point, dtype, march)`
pub(super) fn avg_pool2d(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let window = window(args, args.flag(4)?)?;
    if !args.flag(5)? || !args.is_none(6) {
        return Err(Fail::new(
            "avg_pool2d needs count_include_pad=True and divisor_override=None",
        ));
    }
    let otype = args.qtype(12)?;
    args.zero_point(8)?;
    let [kh, kw] = window.kernel;
    let iscale: Vec<f32> = args
        .scale(7)?
        .iter()
        .map(|s| s / kh as f32 / kw as f32)
        .collect();
    let march = builder.march();
    let (chain, out_scale) = match otype {
        DType::I32 => (Chain::default(), iscale),
        _ => {
            let oscale = args.scale(10)?;
            (Chain::accumulator(&iscale, &oscale, otype, march), oscale)
        }
    };
    let (record, shape) = pooled(builder, args, &window)?;
    let kind = Kind::AvgPooling {
        window,
        chain,
        // The tools hand `bayes` to the plugin for every chip of that family (hbir.md 0.4, 1.5).
        pre_rounding: march != March::Bernoulli2,
        post_rounding: true,
    };
    let made = builder.layer(kind, &[record], shape, otype);
    Ok(Val::seq([builder.manager(made), scales(&out_scale)]))
}

fn window(args: &Args, ceil_mode: bool) -> Result<Pooling, Fail> {
    let kernel = args.pair(1)?;
    let is_default = args.is_none(2) || args.ints(2).is_ok_and(|v| v.is_empty());
    let window = Pooling {
        kernel,
        stride: if is_default { kernel } else { args.pair(2)? },
        padding: args.pair(3)?,
        ceil_mode,
    };
    match window.kernel.contains(&0) || window.stride.contains(&0) {
        true => Err(Fail::new("a kernel or stride of 0")),
        false => Ok(window),
    }
}

/// The input in the hardware's layout and the output's shape.
fn pooled(
    builder: &mut Builder<'_>,
    args: &Args,
    window: &Pooling,
) -> Result<(super::super::graph::RecordId, Vec<usize>), Fail> {
    let id = args.tensor(0)?;
    if builder.native_shape(id).len() != 4 {
        return Err(Fail::new("only supports 4d tensor"));
    }
    limits::pooling(builder, window);
    let record = builder.in_layout(id, Layout::Hardware)?;
    let mut shape = builder.graph.record(record).shape.clone();
    for i in 0..2 {
        let (size, k, s, p) = (
            shape[i + 1],
            window.kernel[i],
            window.stride[i],
            window.padding[i],
        );
        let room = (size + 2 * p)
            .checked_sub(k)
            .ok_or_else(|| Fail::new(format!("a window of {k} on {size} values")))?;
        let mut out = room / s + 1;
        if window.ceil_mode && !room.is_multiple_of(s) && out * s < size + p {
            // A window that hangs over must still begin inside the input or its left padding.
            out += 1;
        }
        shape[i + 1] = out;
    }
    Ok((record, shape))
}
