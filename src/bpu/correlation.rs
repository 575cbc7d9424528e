//! Correlation of two feature maps (`hbir.md` 1.9, `horizon.md` 3.16).

use super::channel::Int;
use super::dtype::QType;
use super::fixed::{Shift, saturate16, shift_right};
use super::lut::saturated;
use super::march::March;
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use super::rescale::{Rescale, Rounding};
use crate::tensor::DType;

/// The chain's rounding: no flag is stated (guess: round after, floor before).
const ROUNDING: Rounding = Rounding {
    pre: Shift::Floor,
    post: Shift::Round,
};

/// Largest shift of an intermediate sum; hardware shifts right only.
const MAX_INTER_SHIFT: i32 = 24;

struct Correlation {
    kernel: usize,
    displacement: usize,
    stride1: usize,
    stride2: usize,
    pad: usize,
    /// Of the inputs.
    input: [usize; 4],
    /// Of the result.
    shape: [usize; 4],
    to: QType,
    march: March,
}

impl Correlation {
    fn read(a: &Args) -> Result<Self, OpError> {
        let (x, y) = (a.tensor(0)?.shape, a.tensor(1)?.shape);
        let &[n, c, h, w] = x else {
            return Err(a.shape_error(format!("data {x:?} is not [N, C, H, W]")));
        };
        if x != y || c == 0 {
            return Err(a.shape_error(format!("data1 {x:?} and data2 {y:?} have not one shape")));
        }
        if !a.bool(11)? {
            return Err(
                a.value_error("is_multiply=False is not supported: its scales are not public")
            );
        }
        let (kernel, displacement, stride1, stride2, pad) =
            (a.size(6)?, a.size(7)?, a.size(8)?, a.size(9)?, a.size(10)?);
        if kernel % 2 == 0 || stride1 == 0 || stride2 == 0 {
            return Err(a.value_error("kernel_size must be odd and the strides positive"));
        }
        let border = displacement + (kernel - 1) / 2;
        let size = |size: usize| {
            (size + 2 * pad)
                .checked_sub(2 * border)
                .map(|n| n / stride1)
                .filter(|n| *n > 0)
        };
        let (Some(rows), Some(columns)) = (size(h), size(w)) else {
            return Err(a.shape_error(format!(
                "data {x:?} is smaller than the displacement and kernel"
            )));
        };
        let side = 2 * (displacement / stride2) + 1;
        let shape = [n, side * side, rows, columns];
        Ok(Self {
            kernel,
            displacement,
            stride1,
            stride2,
            pad,
            input: [n, c, h, w],
            shape,
            to: a.qtype(12)?,
            march: a.march(13)?,
        })
    }
}

/// For each kernel position: products summed over the channels, shifted right (floor, 16 bits; not for kernel 1); then summed
/// over the kernel and rescaled. Channel `(dy, dx)` of the result compares with data2 moved by `stride2·(dy, dx)`.
///
/// Arguments: data1, data2, scale1, scale2, inter_scale, out_scale, kernel_size, max_displacement, stride1, stride2, pad_size,
/// is_multiply, out_dtype, march.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let job = Correlation::read(a)?;
    // In float32, as the front end's own parameters are.
    let scale = |index: usize| -> Result<f32, OpError> {
        let list = a.floats(index)?;
        if list.len() == 1 {
            Ok(list[0] as f32)
        } else {
            Err(a.wrong(index, "a scale of one entry"))
        }
    };
    let (product, inter, out) = (scale(2)? * scale(3)?, scale(4)?, scale(5)?);
    let (inter, shift) = match job.kernel {
        1 => (product, None),
        _ => (inter, Some(inter_shift(a, f64::from(inter / product))?)),
    };
    let count = (job.input[1] * job.kernel * job.kernel) as f32;
    let rescale =
        Rescale::of_accumulator(f64::from(inter / count), f64::from(out), job.to, job.march);
    let (x, y) = (a.filled(0)?, a.filled(1)?);
    macro_rules! go {
        ($ty:ty) => {{
            let wrong = || a.wrong(1, "a tensor of the type of data1");
            let (x, y) = (
                x.channels_last::<$ty>().ok_or_else(wrong)?,
                y.channels_last::<$ty>().ok_or_else(wrong)?,
            );
            Ok(vec![job.run(&x, &y, shift, rescale)])
        }};
    }
    match x.dtype {
        DType::I8 => go!(i8),
        DType::I16 => go!(i16),
        _ => Err(a.wrong(0, "an int8 or int16 tensor")),
    }
}

fn inter_shift(a: &Args, ratio: f64) -> Result<i32, OpError> {
    let shift = ratio.log2().floor();
    if (0.0..=f64::from(MAX_INTER_SHIFT)).contains(&shift) {
        Ok(shift as i32)
    } else {
        Err(a.value_error(format!(
            "inter_scale asks for a right shift of {shift}; 0 to {MAX_INTER_SHIFT} exist"
        )))
    }
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let job = Correlation::read(a)?;
    Ok(vec![(job.to.storage(), job.shape.to_vec())])
}

impl Correlation {
    fn run<T: Int>(&self, x: &[T], y: &[T], shift: Option<i32>, rescale: Rescale) -> Output {
        let [images, _, rows, columns] = self.shape;
        let reach = (self.displacement / self.stride2) as i64;
        let (lo, hi) = self.to.limits32();
        let mut all = Vec::with_capacity(self.shape.iter().product());
        for image in 0..images {
            for dy in -reach..=reach {
                for dx in -reach..=reach {
                    let moved = [dy, dx].map(|d| d * self.stride2 as i64);
                    for row in 0..rows {
                        for column in 0..columns {
                            let sum = self.window(x, y, image, [row, column], moved, shift);
                            all.push(rescale.apply(sum, ROUNDING, lo, hi).into());
                        }
                    }
                }
            }
        }
        saturated(
            all.into_iter(),
            self.to,
            self.shape.to_vec(),
            MemoryFormat::Contiguous,
        )
    }

    fn window<T: Int>(
        &self,
        x: &[T],
        y: &[T],
        image: usize,
        at: [usize; 2],
        moved: [i64; 2],
        shift: Option<i32>,
    ) -> i32 {
        let first = at.map(|at| (at * self.stride1 + self.displacement) as i64 - self.pad as i64);
        let mut sum = 0i32;
        for ky in 0..self.kernel as i64 {
            for kx in 0..self.kernel as i64 {
                let (at_y, at_x) = (first[0] + ky, first[1] + kx);
                let pair = (
                    self.pixel(x, image, at_y, at_x),
                    self.pixel(y, image, at_y + moved[0], at_x + moved[1]),
                );
                let (Some(x), Some(y)) = pair else { continue };
                let dot = x.iter().zip(y).fold(0i32, |dot, (x, y)| {
                    dot.wrapping_add(x.to_i32() * y.to_i32())
                });
                let dot = shift.map_or(dot, |shift| {
                    saturate16(shift_right(dot, shift, Shift::Floor))
                });
                sum = sum.wrapping_add(dot);
            }
        }
        sum
    }

    /// The channels of one pixel; `None` in the zero padding.
    fn pixel<'d, T>(&self, data: &'d [T], image: usize, y: i64, x: i64) -> Option<&'d [T]> {
        let [_, channels, height, width] = self.input;
        let (y, x) = (usize::try_from(y).ok()?, usize::try_from(x).ok()?);
        if y >= height || x >= width {
            return None;
        }
        let at = ((image * height + y) * width + x) * channels;
        data.get(at..at + channels)
    }
}
