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

/// What is wrong with a layer.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, is_fine: bool, text: String) {
        if !is_fine {
            self.0.push(text);
        }
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
    let mut wrong = Wrong::default();
    let channels = shape.last().copied().unwrap_or(1) / conv.groups.max(1);
    let (&images, sizes) = shape.split_first().unwrap_or((&1, &[]));
    wrong.unless(
        sizes.iter().all(|&n| n <= 65_536),
        format!("an input of {shape:?}: at most 65536 in each dimension"),
    );
    if conv.form != ConvForm::Linear {
        wrong.unless(
            images <= 4096,
            format!("a batch of {images} images: at most 4096"),
        );
    }
    match conv.form {
        ConvForm::Linear => {
            let (i, o) = (channels, conv.weight_shape[0]);
            let text = format!("linear {i} -> {o}: at most 8192 features each");
            wrong.unless(i <= 8192 && o <= 8192, text);
        }
        ConvForm::Convolution3d => volume(&mut wrong, conv, input, channels),
        ConvForm::Convolution | ConvForm::Deconvolution => plane(&mut wrong, conv, input, channels),
    }
    for text in wrong.0 {
        builder.limit(text, "change the layer's shape, or split it into several");
    }
}

/// The sizes of a convolution's window.
fn kernel(conv: &ConvLayer) -> &[usize] {
    &conv.weight_shape[1..conv.weight_shape.len() - 1]
}

/// Limits of `Conv3d`; `channels` are those of a group.
fn volume(wrong: &mut Wrong, conv: &ConvLayer, input: DType, channels: usize) {
    let kernel = kernel(conv);
    let area = kernel.iter().product::<usize>() * channels;
    wrong.unless(input == DType::I8, "conv3d takes int8 only".into());
    wrong.unless(
        kernel.iter().all(|&k| k <= 9),
        format!("conv3d kernel {kernel:?}: at most 9"),
    );
    wrong.unless(
        area <= 131_072,
        format!("conv3d window of {area} values: at most 131072"),
    );
    let first = conv.stride.first();
    let is_same = |s: &usize| Some(s) == first && (1..=2).contains(s);
    wrong.unless(
        conv.stride.iter().all(is_same),
        format!(
            "conv3d stride {:?}: 1 or 2, the same in all directions",
            conv.stride
        ),
    );
    wrong.unless(
        conv.padding.iter().zip(kernel).all(|(&p, &k)| p <= k / 2),
        format!("conv3d padding {:?}: at most half the kernel", conv.padding),
    );
}

/// Limits of `SConvolution` and `SDeconvolution`; `channels` are those of a group.
fn plane(wrong: &mut Wrong, conv: &ConvLayer, input: DType, channels: usize) {
    let kernel = kernel(conv);
    let area = kernel.iter().product::<usize>() * channels;
    wrong.unless(
        kernel.iter().all(|&k| k <= 31),
        format!("kernel {kernel:?}: at most 31"),
    );
    wrong.unless(
        channels <= 8192,
        format!("{channels} input channels per group: at most 8192"),
    );
    wrong.unless(
        area <= 65_535,
        format!("a window of {area} values: at most 65535"),
    );
    wrong.unless(
        conv.stride.iter().all(|&s| (1..=256).contains(&s)),
        format!("stride {:?}: at most 256", conv.stride),
    );
    wrong.unless(
        conv.dilation.iter().all(|&d| d <= 18),
        format!("dilation {:?}: at most 18", conv.dilation),
    );
    let mut pairs = conv.dilation.iter().zip(&conv.stride);
    wrong.unless(
        pairs.all(|(&d, &s)| d == 1 || s == 1),
        format!(
            "dilation {:?} with stride {:?}: stride must be 1",
            conv.dilation, conv.stride
        ),
    );
    wrong.unless(
        conv.padding.iter().all(|&p| p <= 256),
        format!("padding {:?}: at most 256", conv.padding),
    );
    let is_depthwise = conv.groups > 1 && channels == 1 && input == DType::I16;
    let is_odd = conv.stride.iter().all(|&s| s % 2 == 1 || s == 2);
    wrong.unless(
        !is_depthwise || is_odd,
        format!("int16 depthwise stride {:?}: odd or 2", conv.stride),
    );
}

/// Kernel and stride limits of pooling.
pub(super) fn pooling(builder: &mut Builder<'_>, window: &Pooling) {
    let ok = |v: &usize| (1..=256).contains(v);
    let sizes = window.kernel.iter().chain(&window.stride);
    let is_fine = sizes.clone().all(ok) && window.padding.iter().all(|&p| p <= 256);
    if builder.march().is_bayes() && !is_fine {
        builder.limit(
            format!(
                "pooling kernel {:?}, stride {:?}, padding {:?}: at most 256",
                window.kernel, window.stride, window.padding
            ),
            "pool in several steps",
        );
    }
}

/// How many values an extreme is searched in.
pub(super) fn extreme(builder: &mut Builder<'_>, length: usize) {
    if builder.march().is_bayes() && length > 65_535 {
        builder.limit(
            format!("an extreme of {length} values: at most 65535"),
            "reduce in several steps",
        );
    }
}

/// Type and size of what is sampled.
pub(super) fn warp(builder: &mut Builder<'_>, dtype: DType, nearest: bool, size: [usize; 2]) {
    if !nearest && dtype != DType::I8 {
        builder.limit(
            "bilinear grid_sample takes int8 only",
            "quantise its input to int8",
        );
    }
    if builder.march().is_bayes() && size.iter().all(|&n| n > 4096) {
        builder.limit(
            format!("grid_sample of {size:?} pixels: height or width must be at most 4096"),
            "sample a smaller map",
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
