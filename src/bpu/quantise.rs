//! Float to integer and back (`horizon.md` 3.1).

use super::channel::{self, Int, Layout};
use super::dtype::QType;
use super::fixed::RoundMode;
use super::march::March;
use super::op::{Args, Context, OpError, Output, Shape};
use super::simd::{Isa, per_isa};
use crate::tensor::DType;

/// The round mode of the 8-argument form, which names none: the plugins that wrote it rounded half up (`horizon.md` 1.4),
/// except on bernoulli, whose per-tensor quantisers floored (`hbir.md` 2).
const fn old_round_mode(march: March, per_tensor: bool) -> RoundMode {
    match march {
        March::Bernoulli if per_tensor => RoundMode::Floor,
        _ => RoundMode::BpuRound,
    }
}

/// `q = clip(round(x / s), quant_min, quant_max)`; zero points are 0.
///
/// Whether the plugin's kernel divides or multiplies by a reciprocal is not public; this divides, in float32. NaN gives 0.
///
/// Arguments: data (float32), scale, zero_point, vector_dim, quant_min, quant_max, qtype, \[round_mode,\] march.
pub(super) fn quantise(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let qtype = a.qtype(6)?;
    let march = a.march(a.len() - 1)?;
    let (lo, hi) = limits(a, qtype)?;
    let tensor = a.filled(0)?;
    let scale: Vec<f32> = a.floats(1)?.iter().map(|s| *s as f32).collect();
    if scale.is_empty() {
        return Err(a.shape_error("scale is empty"));
    }
    let mode = match a.len() {
        9 => a.parsed(7)?,
        _ => old_round_mode(march, scale.len() == 1),
    };
    let axis = channel::axis_of(a.int(3)?, tensor.shape.len());
    let dense = channel::dense::<f32>(&tensor, axis, scale.len())
        .ok_or_else(|| a.wrong(0, "a float32 tensor"))?;
    let layout = Layout::of(a, tensor.shape, dense.format, axis, scale.len())?;
    let shape = tensor.shape.to_vec();
    let job = Quantise {
        isa: cx.isa,
        mode,
        lo: lo as f32,
        hi: hi as f32,
    };
    Ok(vec![match qtype.storage() {
        DType::I8 => Output::new(
            job.run::<i8>(&dense.data, layout, &scale),
            shape,
            dense.format,
        ),
        DType::I16 => Output::new(
            job.run::<i16>(&dense.data, layout, &scale),
            shape,
            dense.format,
        ),
        DType::I32 => Output::new(
            job.run::<i32>(&dense.data, layout, &scale),
            shape,
            dense.format,
        ),
        _ => Output::new(
            job.run::<i64>(&dense.data, layout, &scale),
            shape,
            dense.format,
        ),
    }])
}

pub(super) fn quantise_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(a.qtype(6)?.storage(), a.tensor(0)?.shape.to_vec())])
}

fn limits(a: &Args, qtype: QType) -> Result<(i64, i64), OpError> {
    let (lo, hi) = (a.int(4)?, a.int(5)?);
    let (min, max) = qtype.limits();
    if lo > hi || lo < min || hi > max {
        return Err(a.value_error(format!("limits {lo}…{hi} do not fit {qtype}")));
    }
    Ok((lo, hi))
}

/// Rounds and clips floats of one scale per channel.
#[derive(Clone, Copy)]
pub(super) struct Quantise {
    pub(super) isa: Isa,
    pub(super) mode: RoundMode,
    pub(super) lo: f32,
    pub(super) hi: f32,
}

impl Quantise {
    pub(super) fn run<T: Int>(self, from: &[f32], layout: Layout, scale: &[f32]) -> Vec<T> {
        let mut to = vec![T::default(); from.len()];
        if layout.is_planar() {
            layout.for_runs(|channel, range| {
                let scale = channel::pick(scale, channel);
                quantise_run(
                    self.isa,
                    &from[range.clone()],
                    &mut to[range],
                    scale,
                    self.mode,
                    self.lo,
                    self.hi,
                );
            });
        } else {
            let scales: Vec<f32> = scale
                .iter()
                .flat_map(|s| std::iter::repeat_n(*s, layout.inner))
                .collect();
            for (from, to) in from
                .chunks_exact(scales.len())
                .zip(to.chunks_exact_mut(scales.len()))
            {
                quantise_lanes(self.isa, from, to, &scales, self.mode, self.lo, self.hi);
            }
        }
        to
    }
}

/// Clips; NaN stays. Unlike `f32::clamp` it cannot panic, which would keep loops from using vectors.
#[inline(always)]
fn limited(value: f32, lo: f32, hi: f32) -> f32 {
    let value = if value < lo { lo } else { value };
    if value > hi { hi } else { value }
}

per_isa! {
    fn quantise_run<T: Int>(from: &[f32], to: &mut [T], scale: f32, mode: RoundMode, lo: f32, hi: f32) {
        match mode {
            RoundMode::HalfToEven => for (x, q) in from.iter().zip(to) {
                *q = T::from_f32(limited((x / scale).round_ties_even(), lo, hi));
            },
            _ => for (x, q) in from.iter().zip(to) {
                *q = T::from_f32(limited(mode.round(x / scale), lo, hi));
            },
        }
    }
}

per_isa! {
    fn quantise_lanes<T: Int>(from: &[f32], to: &mut [T], scale: &[f32], mode: RoundMode, lo: f32, hi: f32) {
        for ((x, s), q) in from.iter().zip(scale).zip(to) {
            *q = T::from_f32(limited(mode.round(x / s), lo, hi));
        }
    }
}

/// `x = q · s` in float32. Arguments: data (integers), scale, ch_axis.
pub(super) fn dequantise(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let tensor = a.filled(0)?;
    let scale: Vec<f32> = a.floats(1)?.iter().map(|s| *s as f32).collect();
    if scale.is_empty() {
        return Err(a.shape_error("scale is empty"));
    }
    let axis = channel::axis_of(a.int(2)?, tensor.shape.len());
    macro_rules! go {
        ($ty:ty) => {{
            let dense = channel::dense::<$ty>(&tensor, axis, scale.len())
                .ok_or_else(|| a.wrong(0, "a tensor of integers"))?;
            let layout = Layout::of(a, tensor.shape, dense.format, axis, scale.len())?;
            let floats = dequantise_all(cx.isa, &dense.data, layout, &scale);
            Ok(vec![Output::new(
                floats,
                tensor.shape.to_vec(),
                dense.format,
            )])
        }};
    }
    match tensor.dtype {
        DType::I8 => go!(i8),
        DType::I16 => go!(i16),
        DType::I32 => go!(i32),
        DType::I64 => go!(i64),
        DType::U8 => go!(u8),
        _ => Err(a.wrong(0, "a tensor of integers")),
    }
}

pub(super) fn dequantise_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(DType::F32, a.tensor(0)?.shape.to_vec())])
}

/// Conversion to float32, rounded to nearest.
trait ToFloat: Int {
    fn to_float(self) -> f32;
}

macro_rules! to_float {
    ($($ty:ty),*) => {$(
        impl ToFloat for $ty {
            #[inline(always)]
            fn to_float(self) -> f32 {
                self as f32
            }
        }
    )*};
}

to_float!(i8, i16, i32, i64, u8);

fn dequantise_all<T: ToFloat>(isa: Isa, from: &[T], layout: Layout, scale: &[f32]) -> Vec<f32> {
    let mut to = vec![0.0; from.len()];
    if layout.is_planar() {
        layout.for_runs(|channel, range| {
            dequantise_run(
                isa,
                &from[range.clone()],
                &mut to[range],
                channel::pick(scale, channel),
            );
        });
    } else {
        let scales: Vec<f32> = scale
            .iter()
            .flat_map(|s| std::iter::repeat_n(*s, layout.inner))
            .collect();
        for (from, to) in from
            .chunks_exact(scales.len())
            .zip(to.chunks_exact_mut(scales.len()))
        {
            dequantise_lanes(isa, from, to, &scales);
        }
    }
    to
}

per_isa! {
    fn dequantise_run<T: ToFloat>(from: &[T], to: &mut [f32], scale: f32) {
        for (q, x) in from.iter().zip(to) {
            *x = q.to_float() * scale;
        }
    }
}

per_isa! {
    fn dequantise_lanes<T: ToFloat>(from: &[T], to: &mut [f32], scale: &[f32]) {
        for ((q, s), x) in from.iter().zip(scale).zip(to) {
            *x = q.to_float() * s;
        }
    }
}
