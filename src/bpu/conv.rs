//! Convolution in two and three dimensions, plain and transposed (`horizon.md` 3.5 and 3.6, `hbir.md` 1.2, 1.3 and 2).
//!
//! ```text
//! A = Σ x·w + (bias << bias_left_shift) + trunc16(sumin << sumin_left_shift) · sumin_scale
//! y = sat((sat16(A >> accu_right_shift) · output_scale) >> output_right_shift), then relu
//! ```
//!
//! Everything runs over `[N, spatial…, C]` memory and returns it, so that a chain of convolutions never transposes.

#[cfg(target_arch = "x86_64")]
mod amx;
mod arguments;
mod depthwise;
#[cfg(target_arch = "x86_64")]
mod depthwise512;
#[cfg(target_arch = "x86_64")]
mod finish512;
mod gemm;
mod output;
mod pack;
mod stage;
mod tile;
mod window;

use std::borrow::Cow;

use self::arguments::Call;
use self::depthwise::Depthwise;
use self::gemm::Dense;
use self::output::Finish;
use self::pack::{Key, PackedWeight, WeightShape, cached};
use self::stage::{Images, StageAs, Staged};
use self::tile::Multiply;
use super::channel::Int;
use super::dtype::QType;
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use super::simd::Level;
use crate::tensor::DType;

/// `bpu_scale_quanti_convolution` and `…_convolution3d`: 22 arguments, see [`Call::scale_form`].
pub(super) fn convolution(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    run(cx, a, &Call::scale_form(a, false)?)
}

pub(super) fn convolution_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Call::scale_form(a, false)?.shapes(a)
}

/// `bpu_scale_quanti_deconvolution`: 23 arguments.
pub(super) fn deconvolution(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    run(cx, a, &Call::scale_form(a, true)?)
}

pub(super) fn deconvolution_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Call::scale_form(a, true)?.shapes(a)
}

/// `bpu_scale_quanti_convolution_with_shift` (march bernoulli): 21 arguments.
pub(super) fn convolution_with_shift(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    run(cx, a, &Call::shift_form(a, false)?)
}

pub(super) fn convolution_with_shift_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Call::shift_form(a, false)?.shapes(a)
}

/// `bpu_scale_quanti_deconvolution_with_shift` (march bernoulli): 22 arguments.
pub(super) fn deconvolution_with_shift(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    run(cx, a, &Call::shift_form(a, true)?)
}

pub(super) fn deconvolution_with_shift_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Call::shift_form(a, true)?.shapes(a)
}

fn run(cx: &Context, a: &Args, call: &Call) -> Result<Vec<Output>, OpError> {
    let data = a.filled(0)?;
    match data.dtype {
        DType::I8 => {
            let images = Images::<i8>::of(&data).ok_or_else(|| a.wrong(0, "an int8 tensor"))?;
            if call.is_depthwise() {
                depthwise(cx, a, call, &images)
            } else if cx.isa.level() >= Level::Vnni {
                dense::<i8, i8>(cx, a, call, &images)
            } else {
                dense::<i8, i16>(cx, a, call, &images)
            }
        }
        DType::I16 => {
            let images = Images::<i16>::of(&data).ok_or_else(|| a.wrong(0, "an int16 tensor"))?;
            if call.is_depthwise() {
                depthwise(cx, a, call, &images)
            } else {
                dense::<i16, i16>(cx, a, call, &images)
            }
        }
        _ => Err(a.wrong(0, "an int8 or int16 tensor")),
    }
}

fn dense<T: StageAs<P::Act>, P: Multiply>(
    cx: &Context,
    a: &Args,
    call: &Call,
    images: &Images<T>,
) -> Result<Vec<Output>, OpError> {
    let weight = a.filled(1)?;
    let bytes = weight
        .contiguous::<i8>()
        .ok_or_else(|| a.wrong(1, "an int8 tensor"))?;
    let kind = if call.transposed {
        "transposed"
    } else {
        "plain"
    };
    let blocks = pack::blocks_for(cx.isa);
    let key = Key::of(&weight, &bytes, call.weight, kind, P::DTYPE, blocks);
    let size = bytes.len() * size_of::<P>();
    let packed = cached(key, size, || {
        PackedWeight::<P>::new(&arranged(&bytes, call), call.weight, blocks)
    });
    let (mut window, mut count) = (call.window, call.images);
    // Images as planes do not lie end to end: each channel of one lies between them.
    if window.is_pointwise() && matches!(images, Images::Pixels(_)) {
        (window, count) = (window.flattened(count), 1);
    }
    let mut finish = call.finish(cx, a)?;
    if P::Act::ZERO != P::Act::default() {
        // Staged bytes are moved up by 128: every accumulator holds 128 · Σ w too much.
        for (bias, sum) in finish.bias.iter_mut().zip(&packed.sums) {
            *bias = bias.wrapping_sub(sum.wrapping_mul(128));
        }
    }
    let job = Dense {
        window,
        images: count,
        weight: call.weight,
        packed: &packed,
        finish,
    };
    Ok(vec![match call.out.storage() {
        DType::I8 => call.output(job.run::<T, i8>(cx, images)),
        DType::I16 => call.output(job.run::<T, i16>(cx, images)),
        _ => call.output(job.run::<T, i32>(cx, images)),
    }])
}

fn depthwise<T: StageAs<i16>>(
    cx: &Context,
    a: &Args,
    call: &Call,
    images: &Images<T>,
) -> Result<Vec<Output>, OpError> {
    let weight = a.filled(1)?;
    let bytes = weight
        .contiguous::<i8>()
        .ok_or_else(|| a.wrong(1, "an int8 tensor"))?;
    let packed = depthwise::pack(&arranged(&bytes, call), call.weight.taps);
    let pairs = depthwise::pairs(cx.isa, &packed, call.weight.groups);
    let finish: Finish = call.finish(cx, a)?;
    let job = Depthwise {
        window: call.window,
        images: call.images,
        channels: call.weight.groups,
        weight: &packed,
        pairs,
        finish,
    };
    Ok(vec![match call.out.storage() {
        DType::I8 => call.output(job.run::<T, i8>(cx, images)),
        DType::I16 => call.output(job.run::<T, i16>(cx, images)),
        _ => call.output(job.run::<T, i32>(cx, images)),
    }])
}

/// The weight as `[groups · outputs][inputs][taps]`. A transposed one is `[groups · inputs][outputs][taps]` and runs mirrored.
fn arranged<'a>(weight: &'a [i8], call: &Call) -> Cow<'a, [i8]> {
    if !call.transposed {
        return Cow::Borrowed(weight);
    }
    let WeightShape {
        groups,
        outputs,
        inputs,
        taps,
        ..
    } = call.weight;
    let mut to = Vec::with_capacity(weight.len());
    for group in 0..groups {
        for output in 0..outputs {
            for input in 0..inputs {
                let at = ((group * inputs + input) * outputs + output) * taps;
                to.extend(weight[at..at + taps].iter().rev());
            }
        }
    }
    Cow::Owned(to)
}

impl Call {
    fn is_depthwise(&self) -> bool {
        self.weight.inputs == 1 && self.weight.outputs == 1 && self.weight.groups > 1
    }

    fn output<U: Int>(&self, elements: Vec<U>) -> Output {
        Output::new(elements, self.shape.clone(), MemoryFormat::ChannelsLast)
    }

    fn shapes(&self, _: &Args) -> Result<Vec<Shape>, OpError> {
        Ok(vec![(self.out.storage(), self.shape.clone())])
    }
}

/// Types that a convolution may give.
fn check_out(a: &Args, out: QType) -> Result<(), OpError> {
    match out {
        QType::Qint8 | QType::Qint16 | QType::Qint32 => Ok(()),
        _ => Err(a.value_error(format!("a convolution cannot give {out}"))),
    }
}
