//! `(qscale, pre, post)`: how a ratio of two scales becomes integers, and the chain that applies them (`horizon.md` 3.2, 3.3; `hbir.md` 0.2).

use super::dtype::QType;
use super::fixed::{Shift, frexp, saturate, saturate16, shift_right, shift_right64};
use super::march::March;

/// A multiplier of 16 signed bits between two right shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescale {
    /// The multiplier; `2^14 <= |qscale| < 2^15`, or 0.
    pub qscale: i32,
    /// Right shift of the accumulator before the multiplication.
    pub pre: i32,
    /// Right shift of the product.
    pub post: i32,
}

/// How the two shifts of a [`Rescale`] treat dropped bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// Of the shift before the multiplication.
    pub pre: Shift,
    /// Of the shift after it.
    pub post: Shift,
}

impl Rounding {
    /// Convolution and its relatives: the accumulator shift floors, the output shift as the march says.
    pub const fn of_conv(march: March) -> Self {
        Self {
            pre: Shift::Floor,
            post: Shift::rounding(march.conv_rounds()),
        }
    }
}

/// The ratio of two scales, in float64 of the float32 scales (`np.float64` in the front end).
pub fn ratio(input: f64, output: f64) -> f64 {
    let ratio = (input / output).clamp(-32768.0, 32767.0);
    if ratio.is_nan() { 0.0 } else { ratio }
}

impl Rescale {
    /// Parameters for a 32-bit accumulator (`horizon.md` 3.2, step 4).
    pub fn of_accumulator(input: f64, output: f64, to: QType, march: March) -> Self {
        let (qscale, exponent) = multiplier(input, output);
        let right = 15 - exponent;
        let max_post = 29 - to.value_bits();
        let pre = (right - max_post).clamp(0, march.max_pre());
        Self {
            qscale,
            pre,
            post: (right - pre).clamp(0, 31),
        }
    }

    /// Parameters for an input of at most 16 bits, which needs no shift before the multiplication (step 6).
    pub fn of_value(input: f64, output: f64) -> Self {
        let (qscale, exponent) = multiplier(input, output);
        Self {
            qscale,
            pre: 0,
            post: (15 - exponent).clamp(0, 31),
        }
    }

    /// The chain on one value: shift, saturate to 16 bits, multiply, shift, saturate to `lo..=hi`.
    #[inline(always)]
    pub fn apply(self, value: i32, rounding: Rounding, lo: i32, hi: i32) -> i32 {
        let t = saturate16(shift_right(value, self.pre, rounding.pre));
        saturate(
            shift_right(t * self.qscale, self.post, rounding.post),
            lo,
            hi,
        )
    }

    /// The chain without the 16-bit step, for values that may need more than 16 bits and have no shift before.
    #[inline(always)]
    pub fn apply_wide(self, value: i64, post: Shift, lo: i64, hi: i64) -> i64 {
        shift_right64(value.saturating_mul(self.qscale.into()), self.post, post).clamp(lo, hi)
    }
}

/// A [`Rescale`] with its roundings as plain numbers, for loops without branches.
///
/// Before the product, the last bit shifted out is added (no sum can overflow there). After it, a rounding shift by `n > 0`
/// is `((u >> (n - 1)) + 1) >> 1`: the product has at most 31 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    qscale: i32,
    pre: i32,
    pre_bit: i32,
    pre_carry: i32,
    post: i32,
    post_carry: i32,
    post_last: i32,
}

impl Steps {
    /// Shifts are limited to `0..=31`. Ceiling is not among the roundings of this chain and counts as floor.
    pub fn new(rescale: Rescale, rounding: Rounding) -> Self {
        let (pre, post) = (rescale.pre.clamp(0, 31), rescale.post.clamp(0, 31));
        Self {
            qscale: rescale.qscale,
            pre,
            pre_bit: (pre - 1).max(0),
            pre_carry: i32::from(rounding.pre == Shift::Round && pre > 0),
            post: (post - 1).max(0),
            post_carry: i32::from(rounding.post == Shift::Round && post > 0),
            post_last: i32::from(post > 0),
        }
    }

    /// [`Rescale::apply`].
    #[inline(always)]
    pub fn apply(self, value: i32, lo: i32, hi: i32) -> i32 {
        let t = (value >> (self.pre & 31)) + ((value >> (self.pre_bit & 31)) & self.pre_carry);
        let u = (saturate16(t) * self.qscale) >> (self.post & 31);
        saturate((u + self.post_carry) >> (self.post_last & 31), lo, hi)
    }
}

/// Steps 1 to 3: the ratio as a 16-bit mantissa and a binary exponent.
fn multiplier(input: f64, output: f64) -> (i32, i32) {
    let (mantissa, exponent) = frexp(ratio(input, output));
    let qscale = (mantissa * 32768.0 + 0.5).floor() as i32;
    (qscale.clamp(-32768, 32767), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR_ROUND: Rounding = Rounding {
        pre: Shift::Floor,
        post: Shift::Round,
    };
    const FLOOR_FLOOR: Rounding = Rounding {
        pre: Shift::Floor,
        post: Shift::Floor,
    };

    #[test]
    fn steps_equal_the_chain() {
        let values = [
            0,
            1,
            -1,
            5,
            -5,
            32767,
            -32768,
            40_000,
            i32::MAX,
            i32::MIN,
            i32::MAX - 1,
            123_456_789,
            -987_654_321,
        ];
        let modes = [Shift::Floor, Shift::Round];
        for (pre, post) in (0..32).flat_map(|pre| (0..32).map(move |post| (pre, post))) {
            for qscale in [0, 1, -1, 16384, 32767, -32768, -16777] {
                let rescale = Rescale { qscale, pre, post };
                for rounding in modes
                    .into_iter()
                    .flat_map(|pre| modes.map(|post| Rounding { pre, post }))
                {
                    let steps = Steps::new(rescale, rounding);
                    for value in values {
                        let chain = rescale.apply(value, rounding, -128, 127);
                        assert_eq!(
                            steps.apply(value, -128, 127),
                            chain,
                            "{value} {rescale:?} {rounding:?}"
                        );
                    }
                }
            }
        }
    }

    /// hbir.md 3.1.
    #[test]
    fn worked_example_requantise() {
        let r = Rescale::of_accumulator(0.0005, 1.0, QType::Qint8, March::Bayes);
        assert_eq!(
            r,
            Rescale {
                qscale: 16777,
                pre: 3,
                post: 22
            }
        );
        assert_eq!(r.apply(123_456, FLOOR_ROUND, -128, 127), 62);
        assert_eq!(r.apply(123_456, FLOOR_FLOOR, -128, 127), 61);
        assert_eq!(r.apply(-123_456, FLOOR_ROUND, -128, 127), -62);
        assert_eq!(r.apply(-123_456, FLOOR_FLOOR, -128, 127), -62);
        let front_end = Rescale::of_value(0.0005, 1.0);
        assert_eq!(
            front_end,
            Rescale {
                qscale: 16777,
                pre: 0,
                post: 25
            }
        );
        assert_eq!(front_end.apply_wide(123_456, Shift::Round, -128, 127), 62);
        assert_eq!(r.apply(1001, FLOOR_ROUND, -128, 127), 0);
        assert_eq!(front_end.apply_wide(1001, Shift::Round, -128, 127), 1);
        let r = Rescale::of_accumulator(0.0005, 0.01, QType::Qint16, March::Bayes);
        assert_eq!(
            r,
            Rescale {
                qscale: 26214,
                pre: 5,
                post: 14
            }
        );
        assert_eq!(r.apply(123_456, FLOOR_ROUND, -32768, 32767), 6173);
    }

    /// hbir.md 3.2, the output stage.
    #[test]
    fn worked_example_convolution_output() {
        let r = Rescale::of_accumulator(0.01 * 0.001, 0.5, QType::Qint8, March::Bayes);
        assert_eq!(
            r,
            Rescale {
                qscale: 21475,
                pre: 8,
                post: 22
            }
        );
        assert_eq!(
            r.apply(-1_673_753, Rounding::of_conv(March::Bayes), -128, 127),
            -33
        );
        assert_eq!(
            r.apply(-1_673_753, Rounding::of_conv(March::Bernoulli2), -128, 127),
            -34
        );
        let r = Rescale::of_accumulator(0.01 * 0.001, 0.001, QType::Qint16, March::Bayes);
        assert_eq!(
            r,
            Rescale {
                qscale: 20972,
                pre: 7,
                post: 14
            }
        );
        assert_eq!(r.apply(-1_673_753, FLOOR_ROUND, -32768, 32767), -16739);
    }

    /// hbir.md 3.3 and 3.4: the output stage of add and of average pooling.
    #[test]
    fn worked_examples_add_and_pool() {
        let add = Rescale::of_accumulator(0.05 / 65536.0, 0.06, QType::Qint8, March::Bayes);
        assert_eq!(
            add,
            Rescale {
                qscale: 27307,
                pre: 9,
                post: 22
            }
        );
        assert_eq!(add.apply(5_583_682, FLOOR_ROUND, -128, 127), 71);
        let x2a = Rescale::of_accumulator(0.02 / 127.0, 0.06, QType::Qint8, March::Bernoulli2);
        assert_eq!(
            x2a,
            Rescale {
                qscale: 22017,
                pre: 1,
                post: 22
            }
        );
        assert_eq!(x2a.apply(27_101, FLOOR_ROUND, -128, 127), 71);
        let pool = Rescale::of_accumulator(0.1 / 4.0, 0.1, QType::Qint8, March::Bayes);
        assert_eq!(
            pool,
            Rescale {
                qscale: 16384,
                pre: 0,
                post: 16
            }
        );
        let round = Rounding {
            pre: Shift::Round,
            post: Shift::Round,
        };
        assert_eq!(pool.apply(126, round, -128, 127), 32);
        assert_eq!(pool.apply(126, FLOOR_FLOOR, -128, 127), 31);
    }
}
