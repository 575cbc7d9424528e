//! What the hardware of a march cannot do (`hbir.md` 1.2 to 1.6; the numbers are those of the bayes chip).

use super::super::graph::{ConvForm, ConvLayer, Pooling};
use super::super::march::March;
use super::super::params::X2aAdd;
use super::super::value::Val;
use super::super::walk::{Args, Builder};
use crate::tensor::DType;

/// int16 data needs the bayes family.
pub(super) fn dtypes(builder: &mut Builder<'_>, args: &Args) {
    let is_wide = |v: &Val| matches!(v, Val::Str(text) if text == "qint16");
    let in_list = |v: &Val| is_wide(v) || matches!(v, Val::Seq(items) if items.iter().any(is_wide));
    if builder.march() == March::Bernoulli2 && args.values().iter().any(in_list) {
        builder.limit(
            "int16 values are not supported on bernoulli2",
            "quantise this operator to int8 (qconfig dtype qint8), or deploy to bayes",
        );
    }
}

/// Whether the sum of two int8 operands fits the 32 bits of bernoulli2's adder, which is not said to saturate.
pub(super) fn sum(builder: &mut Builder<'_>, it: &X2aAdd, [smaller, larger]: [f32; 2]) {
    let most = 128 * it.smaller.abs() + (128 << it.larger_lshift) * it.larger;
    if most > i64::from(i32::MAX) {
        builder.limit(
            format!("operands with scales {smaller} and {larger} are too far apart: their sum needs more than 32 bits"),
            "bring the ranges of the operands closer, or leave the addition out: the smaller one is far below one step",
        );
    }
}

/// Kernel, stride, dilation and channel limits of a convolution.
pub(super) fn convolution(
    builder: &mut Builder<'_>,
    conv: &ConvLayer,
    input: DType,
    shape: &[usize],
) {
    if !builder.march().is_bayes() {
        return;
    }
    let mut wrong = Vec::new();
    let channels = shape.last().copied().unwrap_or(1) / conv.groups.max(1);
    let kernel = &conv.weight_shape[1..conv.weight_shape.len() - 1];
    let area = kernel.iter().product::<usize>() * channels;
    let mut check = |is_ok: bool, text: String| {
        if !is_ok {
            wrong.push(text);
        }
    };
    match conv.form {
        ConvForm::Linear => {
            let (i, o) = (channels, conv.weight_shape[0]);
            check(
                i <= 8192 && o <= 8192,
                format!("linear {i} -> {o}: at most 8192 features each"),
            );
        }
        ConvForm::Convolution3d => {
            check(input == DType::I8, "conv3d takes int8 only".into());
            check(
                kernel.iter().all(|&k| k <= 9),
                format!("conv3d kernel {kernel:?}: at most 9"),
            );
            check(
                area <= 131_072,
                format!("conv3d window of {area} values: at most 131072"),
            );
            let first = conv.stride.first();
            let same = conv
                .stride
                .iter()
                .all(|s| Some(s) == first && (1..=2).contains(s));
            check(
                same,
                format!(
                    "conv3d stride {:?}: 1 or 2, the same in all directions",
                    conv.stride
                ),
            );
            let pads = conv.padding.iter().zip(kernel).all(|(&p, &k)| p <= k / 2);
            check(
                pads,
                format!("conv3d padding {:?}: at most half the kernel", conv.padding),
            );
        }
        ConvForm::Convolution | ConvForm::Deconvolution => {
            check(
                kernel.iter().all(|&k| k <= 31),
                format!("kernel {kernel:?}: at most 31"),
            );
            check(
                channels <= 8192,
                format!("{channels} input channels per group: at most 8192"),
            );
            check(
                area <= 65_535,
                format!("a window of {area} values: at most 65535"),
            );
            let strides = conv.stride.iter().all(|&s| (1..=256).contains(&s));
            check(strides, format!("stride {:?}: at most 256", conv.stride));
            check(
                conv.dilation.iter().all(|&d| d <= 18),
                format!("dilation {:?}: at most 18", conv.dilation),
            );
            let both = conv
                .dilation
                .iter()
                .zip(&conv.stride)
                .all(|(&d, &s)| d == 1 || s == 1);
            check(
                both,
                format!(
                    "dilation {:?} with stride {:?}: stride must be 1",
                    conv.dilation, conv.stride
                ),
            );
            check(
                conv.padding.iter().all(|&p| p <= 256),
                format!("padding {:?}: at most 256", conv.padding),
            );
            let depthwise = conv.groups > 1 && channels == 1 && input == DType::I16;
            let odd = conv.stride.iter().all(|&s| s % 2 == 1 || s == 2);
            check(
                !depthwise || odd,
                format!("int16 depthwise stride {:?}: odd or 2", conv.stride),
            );
        }
    }
    for text in wrong {
        builder.limit(text, "change the layer's shape, or split it into several");
    }
}

/// Kernel and stride limits of pooling.
pub(super) fn pooling(builder: &mut Builder<'_>, window: &Pooling) {
    let ok = |v: &usize| (1..=256).contains(v);
    if builder.march().is_bayes() && !(window.kernel.iter().all(ok) && window.stride.iter().all(ok))
    {
        builder.limit(
            format!(
                "pooling kernel {:?}, stride {:?}: 1 to 256",
                window.kernel, window.stride
            ),
            "pool in several steps",
        );
    }
}

/// Type and step limits of a resize.
pub(super) fn resize(builder: &mut Builder<'_>, dtype: DType, step: [i64; 2], bits: u32) {
    if dtype != DType::I8 {
        builder.limit(
            format!("interpolate takes int8 only, found {dtype}"),
            "quantise its input to int8 (qconfig dtype qint8)",
        );
    }
    if step.iter().any(|s| !(-256..256).contains(&(s >> bits))) {
        builder.limit(
            "interpolate by a factor below 1/255",
            "shrink in several steps",
        );
    }
}
