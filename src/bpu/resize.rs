//! Resize of feature maps (`horizon.md` 3.10, `hbir.md` 1.6).
//!
//! ```text
//! step = ⌊in/out · 2^B⌋ (or ⌊1/ratio · 2^B⌋)     start = ⌊(step/2 - 1/2)⌋ in units of 2^-B
//! source i = start + i·step = k·2^B + f          y = Σ x[k, k+1] · weights >> 2B, indices clamped to the border
//! ```
//!
//! Guesses of the specification, taken as it gives them: the start floors; products keep all fraction bits. Both passes
//! share one rounding at the end, as in the emulation for training, which rounds once (see `mix`).

use super::channel::Int;
use super::fixed::{Shift, shift_right, shift_right64};
use super::march::March;
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use super::simd::{Isa, per_isa};
use crate::tensor::DType;

/// Fraction bits of coordinates.
pub(super) const fn fraction_bits(march: March) -> u32 {
    if march.legacy_resize() { 8 } else { 16 }
}

/// How the last shift treats dropped bits: floor on bernoulli, half up elsewhere (from the emulation for training).
pub(super) const fn rounding(march: March) -> Shift {
    match march {
        March::Bernoulli => Shift::Floor,
        _ => Shift::Round,
    }
}

/// One output position: the two input positions that it mixes, and the fraction of the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) low: usize,
    pub(super) high: usize,
    pub(super) fraction: i32,
}

impl Source {
    /// The coordinate `at`, in units of `2^-bits`, among the positions 0 to `last`; beyond them the border repeats.
    pub(super) fn at(at: i64, bits: u32, last: i64) -> Self {
        let k = at >> bits;
        Self {
            low: k.clamp(0, last) as usize,
            high: k.saturating_add(1).clamp(0, last) as usize,
            fraction: (at & ((1 << bits) - 1)) as i32,
        }
    }

    /// The pixel nearest to `at`: `⌊at + 1/2⌋` (guess).
    pub(super) fn nearest(at: i64, bits: u32, last: i64) -> usize {
        (at.saturating_add(1 << (bits - 1)) >> bits).clamp(0, last) as usize
    }

    /// Drops the fraction bits that are 0 in all positions, which changes nothing; without them most resizes fit 32
    /// bits. The number of bits that are left.
    pub(super) fn trim(rows: &mut [Self], columns: &mut [Self], bits: u32) -> u32 {
        let all = rows.iter().chain(columns.iter());
        let spare = all.map(|s| s.fraction.trailing_zeros()).min();
        let spare = spare.unwrap_or(0).min(bits);
        let all = rows.iter_mut().chain(columns);
        all.for_each(|s| s.fraction >>= spare);
        bits - spare
    }
}

/// One spatial dimension of a resize.
#[derive(Clone, Copy)]
struct Axis {
    input: usize,
    output: usize,
    start: i64,
    step: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bilinear,
    Nearest,
}

struct Resize {
    mode: Mode,
    bits: u32,
    rounding: Shift,
    rows: Axis,
    columns: Axis,
    shape: [usize; 4],
}

impl Axis {
    /// From an output size, or else from a ratio output/input.
    fn new(input: usize, output: i64, ratio: f64, corners: bool, bits: u32) -> Option<Self> {
        let given = usize::try_from(output).ok().filter(|n| *n > 0);
        let output = match given {
            Some(n) => n,
            None if ratio > 0.0 && ratio.is_finite() => (input as f64 * ratio).floor() as usize,
            None => return None,
        };
        let one = 2f64.powi(bits as i32);
        let (scale, start) = match (corners, given) {
            (true, _) => ((input as f64 - 1.0) / (output as f64 - 1.0).max(1.0), None),
            (false, Some(n)) => (input as f64 / n as f64, Some(())),
            (false, None) => (1.0 / ratio, Some(())),
        };
        let step = (scale * one).floor();
        if input == 0 || output == 0 || output > i32::MAX as usize || step >= 2f64.powi(40) {
            return None;
        }
        let start = start.map_or(0, |()| ((0.5 * scale - 0.5) * one).floor() as i64);
        Some(Self {
            input,
            output,
            start,
            step: step as i64,
        })
    }

    fn bilinear(&self, bits: u32) -> Vec<Source> {
        let last = self.input as i64 - 1;
        (0..self.output as i64)
            .map(|i| Source::at(self.start + i * self.step, bits, last))
            .collect()
    }

    /// Whole factors replicate exactly.
    fn nearest(&self, bits: u32) -> Vec<usize> {
        let last = self.input as i64 - 1;
        let factor = self
            .output
            .is_multiple_of(self.input)
            .then_some(self.output / self.input);
        (0..self.output)
            .map(|i| match factor {
                Some(factor) if self.start != 0 || factor == 1 => i / factor,
                _ => Source::nearest(self.start + i as i64 * self.step, bits, last),
            })
            .collect()
    }
}

impl Resize {
    fn read(a: &Args) -> Result<Self, OpError> {
        let shape = a.tensor(0)?.shape;
        let [n, c, h, w] = *shape else {
            return Err(a.shape_error(format!("data {shape:?} is not [N, C, H, W]")));
        };
        let mode = match a.str(1)? {
            "bilinear" => Mode::Bilinear,
            "nearest" => Mode::Nearest,
            other => {
                return Err(
                    a.value_error(format!("mode `{other}` is neither bilinear nor nearest"))
                );
            }
        };
        let (corners, march) = (a.bool(2)?, a.march(7)?);
        if corners && march.legacy_resize() {
            return Err(a.value_error(format!("align_corners=True does not exist on {march}")));
        }
        let bits = fraction_bits(march);
        let axes = (
            Axis::new(h, a.int(3)?, a.float(5)?, corners, bits),
            Axis::new(w, a.int(4)?, a.float(6)?, corners, bits),
        );
        let (Some(rows), Some(columns)) = axes else {
            return Err(a.value_error(format!(
                "neither an output size nor a ratio is usable for data {shape:?}"
            )));
        };
        Ok(Self {
            mode,
            bits,
            rounding: rounding(march),
            rows,
            columns,
            shape: [n, c, rows.output, columns.output],
        })
    }
}

/// Arguments: data, mode, align_corners, out_height, out_width, ratio_height, ratio_width, march.
pub(super) fn run(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let resize = Resize::read(a)?;
    let tensor = a.filled(0)?;
    macro_rules! go {
        ($ty:ty) => {{
            let data = tensor
                .channels_last::<$ty>()
                .ok_or_else(|| a.wrong(0, "a tensor of integers"))?;
            Ok(vec![Output::new(
                resize.run(cx.isa, &data),
                resize.shape.to_vec(),
                MemoryFormat::ChannelsLast,
            )])
        }};
    }
    match tensor.dtype {
        DType::I8 => go!(i8),
        DType::I16 => go!(i16),
        _ => Err(a.wrong(0, "an int8 or int16 tensor")),
    }
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(a.tensor(0)?.dtype, Resize::read(a)?.shape.to_vec())])
}

impl Resize {
    fn run<T: Int>(&self, isa: Isa, data: &[T]) -> Vec<T> {
        match self.mode {
            Mode::Bilinear => self.bilinear(isa, data),
            Mode::Nearest => self.nearest(data),
        }
    }

    /// The pixel `[image, y, x]` of the input.
    fn pixel<'d, T>(&self, data: &'d [T], image: usize, y: usize, x: usize) -> &'d [T] {
        let channels = self.shape[1];
        let at = ((image * self.rows.input + y) * self.columns.input + x) * channels;
        &data[at..at + channels]
    }

    fn nearest<T: Int>(&self, data: &[T]) -> Vec<T> {
        let (rows, columns) = (
            self.rows.nearest(self.bits),
            self.columns.nearest(self.bits),
        );
        let mut to = Vec::with_capacity(self.shape.iter().product());
        for image in 0..self.shape[0] {
            for y in &rows {
                for x in &columns {
                    to.extend_from_slice(self.pixel(data, image, *y, *x));
                }
            }
        }
        to
    }

    fn bilinear<T: Int>(&self, isa: Isa, data: &[T]) -> Vec<T> {
        let (mut rows, mut columns) = (
            self.rows.bilinear(self.bits),
            self.columns.bilinear(self.bits),
        );
        let bits = Source::trim(&mut rows, &mut columns, self.bits);
        let narrow = 8 * size_of::<T>() as u32 + 2 * bits < 31;
        let mut to = vec![T::default(); self.shape.iter().product()];
        let mut pixels = to.chunks_exact_mut(self.shape[1].max(1));
        for image in 0..self.shape[0] {
            for y in &rows {
                for x in &columns {
                    let Some(to) = pixels.next() else { break };
                    let corners = [
                        (y.low, x.low),
                        (y.low, x.high),
                        (y.high, x.low),
                        (y.high, x.high),
                    ]
                    .map(|(y, x)| self.pixel(data, image, y, x));
                    mix(
                        isa,
                        to,
                        corners,
                        [y.fraction, x.fraction],
                        bits,
                        self.rounding,
                        narrow,
                    );
                }
            }
        }
        to
    }
}

per_isa! {
    /// `(x00·(1-fy)(1-fx) + x01·(1-fy)fx + x10·fy(1-fx) + x11·fy·fx) >> 2·bits`; a mean of values, so nothing saturates.
    pub(super) fn mix<T: Int>(to: &mut [T], corners: [&[T]; 4], fractions: [i32; 2], bits: u32, rounding: Shift, narrow: bool) {
        let [a, b, c, d] = corners.map(|corner| &corner[..to.len()]);
        let ([fy, fx], one) = (fractions, 1i32 << bits);
        if narrow {
            let w = [(one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx];
            for (i, y) in to.iter_mut().enumerate() {
                let sum = a[i].to_i32() * w[0] + b[i].to_i32() * w[1] + c[i].to_i32() * w[2] + d[i].to_i32() * w[3];
                *y = T::from_i32(shift_right(sum, 2 * bits as i32, rounding));
            }
        } else {
            let (fy, fx, one) = (i64::from(fy), i64::from(fx), i64::from(one));
            let w = [(one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx];
            for (i, y) in to.iter_mut().enumerate() {
                let sum = i64::from(a[i].to_i32()) * w[0] + i64::from(b[i].to_i32()) * w[1] + i64::from(c[i].to_i32()) * w[2] + i64::from(d[i].to_i32()) * w[3];
                *y = T::from_i32(shift_right64(sum, 2 * bits as i32, rounding) as i32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// hbir.md 3.5.
    #[test]
    fn worked_examples_of_one_row() {
        let row = [10i8, 20, -30, 40];
        let cases = [
            (March::Bayes, 8, vec![10, 13, 18, 8, -17, -12, 23, 40]),
            (March::Bernoulli2, 8, vec![10, 13, 18, 8, -17, -12, 23, 40]),
            (March::Bernoulli, 8, vec![10, 12, 17, 7, -18, -13, 22, 40]),
            (March::Bayes, 6, vec![10, 15, 12, -22, 5, 40]),
            (March::Bernoulli2, 6, vec![10, 15, 12, -21, 4, 40]),
        ];
        for (march, output, expected) in cases {
            let bits = fraction_bits(march);
            let axis = |input, output: usize| {
                Axis::new(input, output as i64, -1.0, false, bits).expect("a usable size")
            };
            let (rows, columns) = (axis(1, 1), axis(4, output));
            let resize = Resize {
                mode: Mode::Bilinear,
                bits,
                rounding: rounding(march),
                rows,
                columns,
                shape: [1, 1, 1, output],
            };
            assert_eq!(
                resize.run(Isa::PORTABLE, &row),
                expected,
                "{march} 4 to {output}"
            );
        }
    }

    #[test]
    fn worked_example_coordinates() {
        let axis =
            |output, bits| Axis::new(4, output, -1.0, false, bits).map(|a| (a.step, a.start));
        assert_eq!(axis(8, 16), Some((32768, -16384)));
        assert_eq!(axis(6, 16), Some((43690, -10923)));
        assert_eq!(axis(6, 8), Some((170, -43)));
    }
}
