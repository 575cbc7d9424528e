//! Sum and average pooling (`horizon.md` 3.9, `hbir.md` 1.5 and 2).

use super::channel::Int;
use super::dtype::QType;
use super::fixed::{Shift, saturate, shift_right};
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use super::simd::{Isa, per_isa};
use crate::tensor::DType;

/// Fraction bits of the average's factor `⌊2^9 / (kh·kw)⌋`.
const AVERAGE_BITS: i32 = 9;

/// What is pooled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `Σ window`, int32, zero padding counted.
    Sum,
    /// `sat8(Σ · ⌊2^9/(kh·kw)⌋ >> 9)`, floor: march bernoulli.
    Average,
}

/// One spatial dimension.
#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    kernel: usize,
    stride: usize,
    pad: usize,
    output: usize,
}

impl Axis {
    /// The input positions under output position `at`.
    fn window(&self, at: usize) -> std::ops::Range<usize> {
        let start = at * self.stride;
        let end = (start + self.kernel)
            .saturating_sub(self.pad)
            .min(self.size);
        start.saturating_sub(self.pad).min(end)..end
    }
}

struct Pool {
    kind: Kind,
    rows: Axis,
    columns: Axis,
    shape: [usize; 4],
}

impl Pool {
    fn read(a: &Args) -> Result<Self, OpError> {
        let shape = a.tensor(0)?.shape;
        let [n, c, h, w] = *shape else {
            return Err(a.shape_error(format!("data {shape:?} is not [N, C, H, W]")));
        };
        let kind = match (a.str(1)?, a.qtype(6)?) {
            ("sum", QType::Qint32) => Kind::Sum,
            ("avg", QType::Qint8) => Kind::Average,
            (kind, out) => {
                return Err(a.value_error(format!(
                    "pooling `{kind}` to {out} does not exist: sum gives qint32, avg qint8"
                )));
            }
        };
        a.march(7)?;
        let (kernel, pad, ceil) = (a.ints_of(2, 2)?, a.ints_of(3, 2)?, a.bool(5)?);
        let stride = if a.ints(4)?.is_empty() {
            kernel.clone()
        } else {
            a.ints_of(4, 2)?
        };
        let axis = |size: usize, d: usize| axis(size as i64, kernel[d], stride[d], pad[d], ceil);
        match (axis(h, 0), axis(w, 1)) {
            (Some(rows), Some(columns)) => Ok(Self {
                kind,
                rows,
                columns,
                shape: [n, c, rows.output, columns.output],
            }),
            _ => Err(a.shape_error(format!(
                "a window {kernel:?} with pads {pad:?} does not fit data {shape:?}"
            ))),
        }
    }

    fn dtype(&self) -> DType {
        if self.kind == Kind::Sum {
            DType::I32
        } else {
            DType::I8
        }
    }
}

/// Sizes as torch computes them: with `ceil`, the last window must start inside the input or its first padding.
fn axis(size: i64, kernel: i64, stride: i64, pad: i64, ceil: bool) -> Option<Axis> {
    if kernel < 1 || stride < 1 || pad < 0 || pad > kernel / 2 {
        return None;
    }
    let span = size + 2 * pad - kernel;
    if span < 0 {
        return None;
    }
    let mut output = (span + if ceil { stride - 1 } else { 0 }) / stride + 1;
    if ceil && (output - 1) * stride >= size + pad {
        output -= 1;
    }
    let whole = |v: i64| usize::try_from(v).ok();
    Some(Axis {
        size: whole(size)?,
        kernel: whole(kernel)?,
        stride: whole(stride)?,
        pad: whole(pad)?,
        output: whole(output)?,
    })
}

/// Arguments: input, pool_type, pool_size, pads, strides, ceil_mode, out_quanti_type, march.
pub(super) fn run(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let pool = Pool::read(a)?;
    let tensor = a.filled(0)?;
    macro_rules! go {
        ($ty:ty) => {{
            let data = tensor
                .channels_last::<$ty>()
                .ok_or_else(|| a.wrong(0, "a tensor of integers"))?;
            Ok(vec![pool.run(cx.isa, &data)])
        }};
    }
    match tensor.dtype {
        DType::I8 => go!(i8),
        DType::I16 => go!(i16),
        DType::I32 => go!(i32),
        _ => Err(a.wrong(0, "an int8, int16 or int32 tensor")),
    }
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let pool = Pool::read(a)?;
    Ok(vec![(pool.dtype(), pool.shape.to_vec())])
}

impl Pool {
    fn run<T: Int>(&self, isa: Isa, data: &[T]) -> Output {
        let [images, channels, _, _] = self.shape;
        let mut sums = vec![0i32; self.shape.iter().product()];
        let mut to = sums.chunks_exact_mut(channels.max(1));
        for image in 0..images {
            for y in 0..self.rows.output {
                for x in 0..self.columns.output {
                    let Some(to) = to.next() else { break };
                    for row in self.rows.window(y) {
                        let columns = self.columns.window(x);
                        let at = ((image * self.rows.size + row) * self.columns.size
                            + columns.start)
                            * channels;
                        add_pixels(isa, to, &data[at..at + columns.len() * channels]);
                    }
                }
            }
        }
        if self.kind == Kind::Sum {
            return Output::new(sums, self.shape.to_vec(), MemoryFormat::ChannelsLast);
        }
        let factor = (1 << AVERAGE_BITS) / (self.rows.kernel * self.columns.kernel) as i32;
        let averages = sums.iter().map(|sum| {
            saturate(
                shift_right(sum.wrapping_mul(factor), AVERAGE_BITS, Shift::Floor),
                -128,
                127,
            ) as i8
        });
        Output::new(
            averages.collect(),
            self.shape.to_vec(),
            MemoryFormat::ChannelsLast,
        )
    }
}

per_isa! {
    fn add_pixels<T: Int>(to: &mut [i32], pixels: &[T]) {
        for pixel in pixels.chunks_exact(to.len().max(1)) {
            for (sum, x) in to.iter_mut().zip(pixel) {
                *sum = sum.wrapping_add(x.to_i32());
            }
        }
    }
}
