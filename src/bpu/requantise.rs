//! From one scale to another, in integers (`horizon.md` 3.2 and 3.3, `hbir.md` 0.3 and 1.1).
//!
//! The shortcuts for equal scales belong to the scripted function, not to this operator.

use super::channel::{self, Int, Layout};
use super::dtype::QType;
use super::fixed::Shift;
use super::march::March;
use super::op::{Args, Context, OpError, Output, Shape};
use super::rescale::{Rescale, Rounding, Steps};
use super::simd::{Isa, per_isa};
use crate::tensor::DType;

/// The post shift of the 7-argument form: it rounds (inferred, `hbir.md` 4 row 2.1 #3a).
const DEFAULT_POST: Shift = Shift::Round;

/// Requantisation by one scale per tensor or per channel (dimension 1).
///
/// A `qint32` input takes the accumulator branch, as the plugin's kernel is taken to do (`hbir.md` 0.3); narrower inputs need no
/// shift before the multiplication. From `qint32` to `qint32` there is no 16-bit step: 64-bit product, one shift.
///
/// Arguments: data, in_scale, out_scale, in type, out type, pre rounds, [post rounds,] march.
pub(super) fn run(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let (from, to) = (a.qtype(3)?, a.qtype(4)?);
    let post = if a.len() == 8 {
        Shift::rounding(a.bool(6)?)
    } else {
        DEFAULT_POST
    };
    let rounding = Rounding {
        pre: Shift::rounding(a.bool(5)?),
        post,
    };
    let march = a.march(a.len() - 1)?;
    if from == QType::Qint64 || to == QType::Qint64 {
        return Err(
            a.value_error("qint64 exists on march meta only, whose arithmetic is not public")
        );
    }
    let rescales = rescales(a, from, to, march)?;
    let (lo, hi) = to.limits32();
    let wide = from == QType::Qint32 && to == QType::Qint32;
    let job = Requantise {
        isa: cx.isa,
        rescales,
        rounding,
        lo,
        hi,
        wide,
    };
    match a.filled(0)?.dtype {
        DType::I8 => job.read::<i8>(a, to),
        DType::I16 => job.read::<i16>(a, to),
        DType::I32 => job.read::<i32>(a, to),
        _ => Err(a.wrong(0, "an int8, int16 or int32 tensor")),
    }
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(a.qtype(4)?.storage(), a.tensor(0)?.shape.to_vec())])
}

fn rescales(a: &Args, from: QType, to: QType, march: March) -> Result<Vec<Rescale>, OpError> {
    let (input, output) = (a.floats(1)?, a.floats(2)?);
    let n = input.len().max(output.len());
    let (input, output) = (
        channel::spread(a, "in_scale", &input, n)?,
        channel::spread(a, "out_scale", &output, n)?,
    );
    if n == 0 {
        return Err(a.shape_error("scale is empty"));
    }
    let one = |(input, output): (&f64, &f64)| match (from, to) {
        (QType::Qint32, QType::Qint32) => Rescale::of_value(*input, *output),
        (QType::Qint32, _) => Rescale::of_accumulator(*input, *output, to, march),
        _ => Rescale::of_value(*input, *output),
    };
    Ok(input.iter().zip(&output).map(one).collect())
}

struct Requantise {
    isa: Isa,
    rescales: Vec<Rescale>,
    rounding: Rounding,
    lo: i32,
    hi: i32,
    wide: bool,
}

impl Requantise {
    fn read<T: Int>(&self, a: &Args, to: QType) -> Result<Vec<Output>, OpError> {
        let tensor = a.filled(0)?;
        let axis = usize::from(tensor.shape.len() > 1);
        let dense = channel::dense::<T>(&tensor, axis, self.rescales.len())
            .ok_or_else(|| a.wrong(0, "a tensor of integers"))?;
        let layout = Layout::of(a, tensor.shape, dense.format, axis, self.rescales.len())?;
        let shape = tensor.shape.to_vec();
        Ok(vec![match to.storage() {
            DType::I8 => Output::new(
                self.write::<T, i8>(&dense.data, layout),
                shape,
                dense.format,
            ),
            DType::I16 => Output::new(
                self.write::<T, i16>(&dense.data, layout),
                shape,
                dense.format,
            ),
            _ => Output::new(
                self.write::<T, i32>(&dense.data, layout),
                shape,
                dense.format,
            ),
        }])
    }

    fn write<T: Int, U: Int>(&self, from: &[T], layout: Layout) -> Vec<U> {
        let mut to = vec![U::default(); from.len()];
        let Self {
            isa,
            rounding,
            lo,
            hi,
            ..
        } = *self;
        if self.wide {
            layout.for_runs(|channel, range| {
                let rescale = channel::pick(&self.rescales, channel);
                for (x, y) in from[range.clone()].iter().zip(&mut to[range]) {
                    let wide =
                        rescale.apply_wide(x.to_i32().into(), rounding.post, lo.into(), hi.into());
                    *y = U::from_i32(wide as i32);
                }
            });
            return to;
        }
        let steps: Vec<Steps> = self
            .rescales
            .iter()
            .map(|r| Steps::new(*r, rounding))
            .collect();
        if layout.is_planar() {
            layout.for_runs(|channel, range| {
                let steps = channel::pick(&steps, channel);
                requantise_run(isa, &from[range.clone()], &mut to[range], steps, lo, hi);
            });
        } else {
            let lanes: Vec<Steps> = steps
                .iter()
                .flat_map(|s| std::iter::repeat_n(*s, layout.inner))
                .collect();
            for (from, to) in from
                .chunks_exact(lanes.len())
                .zip(to.chunks_exact_mut(lanes.len()))
            {
                requantise_lanes(isa, from, to, &lanes, lo, hi);
            }
        }
        to
    }
}

per_isa! {
    fn requantise_run<T: Int, U: Int>(from: &[T], to: &mut [U], steps: Steps, lo: i32, hi: i32) {
        for (x, y) in from.iter().zip(to) {
            *y = U::from_i32(steps.apply(x.to_i32(), lo, hi));
        }
    }
}

per_isa! {
    fn requantise_lanes<T: Int, U: Int>(from: &[T], to: &mut [U], lanes: &[Steps], lo: i32, hi: i32) {
        for ((x, steps), y) in from.iter().zip(lanes).zip(to) {
            *y = U::from_i32(steps.apply(x.to_i32(), lo, hi));
        }
    }
}
