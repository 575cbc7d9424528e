//! Integer parameters of layers from float scales (`horizon.md` 3.2, 3.5, 3.7; `hbir.md` 0.2).
//!
//! Scales are float32; their ratios are float64, as in the front end's numpy. Everything after `frexp` is exact.

use super::march::{March, limits};
use crate::tensor::DType;

/// `y = sat((sat16(x >> pre) · qscale) >> post)`, one entry for each channel of the last dimension or one for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    /// Multiplier, 16 bits signed.
    pub qscale: Vec<i64>,
    /// Shift before the multiplication.
    pub pre: Vec<i64>,
    /// Shift after it.
    pub post: Vec<i64>,
}

/// `⌊x + 0.5⌋`
pub fn half_up(x: f64) -> f64 {
    (x + 0.5).floor()
}

/// `⌊x + 0.5⌋` with the sum in float32, as both sides have it for scales.
fn half_up32(x: f32) -> f32 {
    (x + 0.5).floor()
}

/// `x = m·2^e` with `0.5 ≤ |m| < 1`; `(0, 0)` for 0 and what is not finite.
pub fn frexp(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (0.0, 0);
    }
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64;
    if exponent == 0 {
        // Subnormal: scale into the normal range first.
        let (m, e) = frexp(x * 2f64.powi(64));
        return (m, e - 64);
    }
    let mantissa = (bits & !(0x7ff << 52)) | (1022 << 52);
    (f64::from_bits(mantissa), exponent - 1022)
}

/// The multiplier and `15 - e` of the ratio of two scales (3.2, steps 1 to 3).
fn split(iscale: f64, oscale: f64) -> (i64, i64) {
    let ratio = (iscale / oscale).clamp(-32768.0, 32767.0);
    let (m, e) = frexp(ratio);
    let qscale = half_up(m * 32768.0).clamp(-32768.0, 32767.0) as i64;
    (qscale, 15 - e)
}

impl Chain {
    /// From a 32-bit accumulator (3.2, step 4).
    pub fn accumulator<S: Into<f64> + Copy>(
        iscale: &[S],
        oscale: &[f32],
        out: DType,
        march: March,
    ) -> Chain {
        let value_bits = match out {
            DType::I8 => 7,
            DType::I16 => 15,
            _ => 31,
        };
        let max_post = 29 - value_bits;
        Chain::of(iscale, oscale, |shift| {
            let pre = (shift - max_post).clamp(0, march.max_pre_shift());
            (pre, (shift - pre).clamp(0, 31))
        })
    }

    /// From an int8 or int16 value (3.2, step 6), and what the front end does for every `requantize`.
    pub fn direct(iscale: &[f32], oscale: &[f32]) -> Chain {
        Chain::of(iscale, oscale, |shift| (0, shift.clamp(0, 31)))
    }

    fn of<S: Into<f64> + Copy>(
        iscale: &[S],
        oscale: &[f32],
        shifts: impl Fn(i64) -> (i64, i64),
    ) -> Chain {
        let mut chain = Chain::default();
        let count = iscale.len().max(oscale.len());
        for i in 0..count {
            let (qscale, shift) = split(pick(iscale, i), pick(oscale, i));
            let (pre, post) = shifts(shift);
            chain.qscale.push(qscale);
            chain.pre.push(pre);
            chain.post.push(post);
        }
        chain
    }

    /// How many channels it tells apart.
    pub fn channels(&self) -> usize {
        self.qscale.len()
    }
}

/// The scale of a channel, where there may be one for all.
fn pick<S: Into<f64> + Copy>(scales: &[S], channel: usize) -> f64 {
    match scales {
        [one] => (*one).into(),
        many => many.get(channel).map_or(1.0, |&s| s.into()),
    }
}

/// An integer of at most 16 signed bits and a left shift, `x ≈ q << l` (3.5, `hbir.md` 4).
pub fn integer_with_shift(x: f64) -> (i64, i64) {
    let (_, e) = frexp(x);
    // Beyond 31 the hardware has no shift; the value saturates.
    let shift = (e - 15).clamp(0, 31);
    let value = half_up(x / 2f64.powi(shift as i32));
    let (low, high) = limits(DType::I16);
    (value.clamp(low as f64, high as f64) as i64, shift)
}

/// What a convolution does with its accumulator, per output channel (`hbir.md` 1.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConvParams {
    /// int8 weight in the order it was given.
    pub weight: Vec<i64>,
    /// 16-bit bias.
    pub bias: Vec<i64>,
    /// Left shift of the bias.
    pub bias_lshift: Vec<i64>,
    /// Multiplier of the sum input; empty without one.
    pub escale: Vec<i64>,
    /// Left shift of the sum input.
    pub escale_lshift: Vec<i64>,
    /// Output rescale; empty for an unquantised output.
    pub output: Chain,
    /// Real value of one step of the output.
    pub out_scale: Vec<f32>,
}

/// What [`conv`] needs.
pub struct ConvScales<'a> {
    /// Input scale.
    pub input: f32,
    /// Float weight.
    pub weight: &'a [f32],
    /// One for all output channels or one each.
    pub weight_scale: &'a [f32],
    /// The output channel of each weight element.
    pub channel: &'a dyn Fn(usize) -> usize,
    /// Output channels.
    pub channels: usize,
    /// Float bias; one for each output channel, or empty.
    pub bias: &'a [f32],
    /// Scale of the sum input.
    pub sum: Option<f32>,
    /// Output scale.
    pub out_scale: &'a [f32],
    /// Output type.
    pub out: DType,
    /// The march.
    pub march: March,
}

/// Integer parameters of a convolution (3.5).
pub fn conv(it: &ConvScales<'_>) -> ConvParams {
    let acc: Vec<f64> = (0..it.channels)
        .map(|c| f64::from(it.input) * pick(it.weight_scale, c))
        .collect();
    let quantise = |(i, &w): (usize, &f32)| {
        // float32 divided by float32.
        let ratio = w / pick(it.weight_scale, (it.channel)(i)) as f32;
        f64::from(ratio).round_ties_even().clamp(-128.0, 127.0) as i64
    };
    let bias = |c: usize| it.bias.get(c).map_or(0.0, |&b| f64::from(b));
    let (bias, bias_lshift) = (0..it.channels)
        .map(|c| integer_with_shift(bias(c) / acc[c]))
        .unzip();
    let (escale, escale_lshift) = match it.sum {
        Some(sum) => acc
            .iter()
            .map(|acc| integer_with_shift(f64::from(sum) / acc))
            .unzip(),
        None => (vec![], vec![]),
    };
    let is_raw = it.out == DType::I32;
    ConvParams {
        weight: it.weight.iter().enumerate().map(quantise).collect(),
        bias,
        bias_lshift,
        escale,
        escale_lshift,
        output: match is_raw {
            true => Chain::default(),
            false => Chain::accumulator(&acc, it.out_scale, it.out, it.march),
        },
        out_scale: match is_raw {
            true => acc.iter().map(|&s| s as f32).collect(),
            false => it.out_scale.to_vec(),
        },
    }
}

/// `⌊log2(32767·s_a/s_b)⌋`, the left shift of the operand with the larger scale, at most `cap` (3.7).
pub fn add_shift(larger: f32, smaller: f32, cap: i64) -> i64 {
    let quotient = (32767.0 * larger) / smaller;
    (f64::from(quotient).log2().floor() as i64).clamp(-31, cap)
}

/// `clip(⌊s_b·2^shift/s_a + 0.5⌋, ±32767)`
pub fn add_multiplier(smaller: f32, larger: f32, shift: i64) -> i64 {
    let value = smaller * 2f32.powi(shift as i32) / larger;
    f64::from(half_up32(value)).clamp(-32767.0, 32767.0) as i64
}

/// The multipliers and shift of bernoulli2's add, and the scale of the sum (5.6).
pub struct X2aAdd {
    /// Multiplier of the operand with the smaller scale, -128 to 127.
    pub smaller: i64,
    /// Multiplier of the other, 0 to 32767.
    pub larger: i64,
    /// Left shift of the other before the multiplication.
    pub larger_lshift: i64,
    /// Scale of the sum.
    pub scale: f32,
}

/// bernoulli2's add from the smaller and the larger scale.
pub fn x2a_add(smaller: f32, larger: f32) -> X2aAdd {
    let scale = (smaller / 127.0).max(larger / 33_554_432.0);
    let first = half_up32(smaller / scale).clamp(-128.0, 127.0);
    let second = f64::from(half_up32(larger / scale));
    let (m, e) = frexp(second);
    let multiplier = (m * 2f64.powi(e.min(15) as i32)).clamp(0.0, 32767.0);
    X2aAdd {
        smaller: first as i64,
        larger: multiplier as i64,
        larger_lshift: (e - 15).clamp(0, 31),
        scale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frexp_splits_every_kind_of_number() {
        for x in [1.0, 0.5, -3.25, 1e-310, f64::MIN_POSITIVE, 1e300, -7e-5] {
            let (m, e) = frexp(x);
            assert!((0.5..1.0).contains(&m.abs()), "{x}: {m}");
            assert_eq!(
                m * 2f64.powi(e as i32 / 2) * 2f64.powi(e as i32 - e as i32 / 2),
                x
            );
        }
        assert_eq!(frexp(0.0), (0.0, 0));
        assert_eq!(frexp(f64::INFINITY), (0.0, 0));
    }

    #[test]
    fn worked_example_of_a_requantisation() {
        let acc = Chain::accumulator(&[0.0005f32], &[1.0], DType::I8, March::Bayes);
        assert_eq!((acc.qscale[0], acc.pre[0], acc.post[0]), (16777, 3, 22));
        let direct = Chain::direct(&[0.0005], &[1.0]);
        assert_eq!(
            (direct.qscale[0], direct.pre[0], direct.post[0]),
            (16777, 0, 25)
        );
        let wide = Chain::accumulator(&[0.0005f32], &[0.01], DType::I16, March::Bayes);
        assert_eq!((wide.qscale[0], wide.pre[0], wide.post[0]), (26214, 5, 14));
        let tiny = Chain::direct(&[2f32.powi(-20)], &[1.0]);
        assert_eq!(tiny.post, [31]);
    }

    #[test]
    fn worked_example_of_a_convolution() {
        let scales = ConvScales {
            input: 0.01,
            weight: &[0.005, -0.009, 0.033, 0.017],
            weight_scale: &[0.001],
            channel: &|_| 0,
            channels: 1,
            bias: &[1.25],
            sum: Some(0.4),
            out_scale: &[0.5],
            out: DType::I8,
            march: March::Bayes,
        };
        let params = conv(&scales);
        assert_eq!(params.weight, [5, -9, 33, 17]);
        assert_eq!((params.bias[0], params.bias_lshift[0]), (31250, 2));
        assert_eq!((params.escale[0], params.escale_lshift[0]), (20000, 1));
        let output = &params.output;
        assert_eq!(
            (output.qscale[0], output.pre[0], output.post[0]),
            (21475, 8, 22)
        );
        let raw = conv(&ConvScales {
            out: DType::I32,
            ..scales
        });
        assert_eq!(raw.output, Chain::default());
        assert_eq!(raw.out_scale, [0.01f32 * 0.001f32]);
    }

    #[test]
    fn worked_example_of_an_addition() {
        let shift = add_shift(0.05, 0.02, 23);
        assert_eq!(shift, 16);
        assert_eq!(add_multiplier(0.02, 0.05, shift), 26214);
        let x2a = x2a_add(0.02, 0.05);
        assert_eq!((x2a.smaller, x2a.larger, x2a.larger_lshift), (127, 318, 0));
    }
}
