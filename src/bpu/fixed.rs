//! The one owner of rounding, shifting and saturation (`hbir.md` 0.1, `horizon.md` 1.4 and 3.12).

use std::str::FromStr;

/// How a right shift treats the bits it drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// Towards minus infinity.
    Floor,
    /// Half up, also for negative values.
    Round,
    /// Towards plus infinity.
    Ceil,
}

impl Shift {
    /// [`Shift::Round`] if `round`, else [`Shift::Floor`].
    pub const fn rounding(round: bool) -> Self {
        if round { Shift::Round } else { Shift::Floor }
    }
}

/// `value >> by`, dropped bits as `mode` says. `by` is limited to `0..=31`, the range of a 32-bit datapath.
#[inline(always)]
pub const fn shift_right(value: i32, by: i32, mode: Shift) -> i32 {
    let by = if by < 0 {
        0
    } else if by > 31 {
        31
    } else {
        by
    };
    let floor = value >> by;
    match mode {
        Shift::Floor => floor,
        Shift::Round => floor + round_bit(value, by),
        Shift::Ceil => floor + (value != floor << by) as i32,
    }
}

/// What a rounding shift adds to a floor shift: the last bit that it drops. Never overflows, unlike adding a half.
#[inline(always)]
const fn round_bit(value: i32, by: i32) -> i32 {
    if by == 0 { 0 } else { (value >> (by - 1)) & 1 }
}

/// [`shift_right`] on 64 bits; `by` is limited to `0..=63`.
#[inline(always)]
pub const fn shift_right64(value: i64, by: i32, mode: Shift) -> i64 {
    let by = if by < 0 {
        0
    } else if by > 63 {
        63
    } else {
        by
    };
    let floor = value >> by;
    match mode {
        Shift::Floor => floor,
        Shift::Round if by == 0 => floor,
        Shift::Round => floor + ((value >> (by - 1)) & 1),
        Shift::Ceil => floor + (value != floor << by) as i64,
    }
}

/// `value << by` on 32 bits; bits beyond are lost, as in the hardware's adder. `by` outside `0..=31` gives 0.
#[inline(always)]
pub const fn shift_left(value: i32, by: i32) -> i32 {
    if by < 0 || by > 31 { 0 } else { value << by }
}

/// Saturates to 16 signed bits.
#[inline(always)]
pub const fn saturate16(value: i32) -> i32 {
    saturate(value, i16::MIN as i32, i16::MAX as i32)
}

/// Saturates to `lo..=hi`.
#[inline(always)]
pub const fn saturate(value: i32, lo: i32, hi: i32) -> i32 {
    if value < lo {
        lo
    } else if value > hi {
        hi
    } else {
        value
    }
}

/// Keeps the low 16 bits, as a signed value.
#[inline(always)]
pub const fn truncate16(value: i32) -> i32 {
    value as i16 as i32
}

/// `value = mantissa * 2^exponent` with `0.5 <= |mantissa| < 1`; `(value, 0)` for zero, infinity and NaN.
pub fn frexp(value: f64) -> (f64, i32) {
    if value == 0.0 || !value.is_finite() {
        return (value, 0);
    }
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    if exponent == 0 {
        let (mantissa, exponent) = frexp(value * 2f64.powi(64));
        return (mantissa, exponent - 64);
    }
    let mantissa = f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52));
    (mantissa, exponent - 1022)
}

/// How a float becomes an integer (`horizon.md` 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundMode {
    /// `bpu_round`: `⌊x + 0.5⌋`.
    BpuRound,
    /// `half_to_even`.
    HalfToEven,
    /// `floor`, which per-tensor quantisers on bernoulli use.
    Floor,
}

/// The string names no round mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported round mode `{0}`: expected bpu_round, half_to_even or floor")]
pub struct UnknownRoundMode(pub String);

impl FromStr for RoundMode {
    type Err = UnknownRoundMode;

    fn from_str(text: &str) -> Result<Self, UnknownRoundMode> {
        Ok(match text {
            "bpu_round" => RoundMode::BpuRound,
            "half_to_even" => RoundMode::HalfToEven,
            "floor" => RoundMode::Floor,
            _ => return Err(UnknownRoundMode(text.to_owned())),
        })
    }
}

impl RoundMode {
    /// Rounds in float32: `bpu_round` is `floor(x + 0.5)` with a float32 sum, as the fake-quantised form computes it.
    #[inline(always)]
    pub fn round(self, value: f32) -> f32 {
        match self {
            RoundMode::BpuRound => (value + 0.5).floor(),
            RoundMode::HalfToEven => value.round_ties_even(),
            RoundMode::Floor => value.floor(),
        }
    }

    /// Rounds in float64.
    #[inline(always)]
    pub fn round64(self, value: f64) -> f64 {
        match self {
            RoundMode::BpuRound => (value + 0.5).floor(),
            RoundMode::HalfToEven => value.round_ties_even(),
            RoundMode::Floor => value.floor(),
        }
    }
}

/// An integer of at most `bits` signed bits and a left shift, `value ≈ q << shift`, with the smallest shift that fits.
///
/// The width (16) and this choice of shift for biases and sum-input scales are inferred (`hbir.md` 4, rows 3.5).
pub fn int_with_left_shift(value: f64, bits: i32) -> (i32, i32) {
    let (_, exponent) = frexp(value);
    let shift = (exponent - (bits - 1)).clamp(0, 31);
    let limit = 1i64 << (bits - 1);
    let q = (value / 2f64.powi(shift) + 0.5).floor() as i64;
    (q.clamp(-limit, limit - 1) as i32, shift)
}

/// `toqint`: `value ≈ q · 2^shift` with `q` of at most `bits` signed bits and the shifted value of at most `max_bits`.
/// The shift is positive to the left, negative to the right; a direction that is not allowed gives 0.
///
/// The argument names and the 31-bit limit are read; shift `e - (bits - 1)` and half up are inferred (`hbir.md` 4, row 3.12).
pub fn to_qint(value: f64, bits: i32, max_bits: i32, left: bool, right: bool) -> (i32, i32) {
    let limit = 2f64.powi(max_bits.clamp(1, 63) - 1);
    let value = if value.is_nan() {
        0.0
    } else {
        value.clamp(-limit, limit - 1.0)
    };
    let (_, exponent) = frexp(value);
    let bits = bits.clamp(2, 32);
    let mut shift = exponent - (bits - 1);
    if value == 0.0 || (shift > 0 && !left) || (shift < 0 && !right) {
        shift = 0;
    }
    let top = 1i64 << (bits - 1);
    let q = (value / 2f64.powi(shift) + 0.5).floor() as i64;
    (q.clamp(-top, top - 1) as i32, shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rounding_shift_is_half_up_and_never_overflows() {
        for value in (-300..300).chain([i32::MIN, i32::MAX, i32::MIN + 1, 1 << 30, -(1 << 30)]) {
            for by in 0..32 {
                let exact = i64::from(value);
                let half = (1i64 << by) >> 1;
                assert_eq!(i64::from(shift_right(value, by, Shift::Floor)), exact >> by);
                assert_eq!(
                    i64::from(shift_right(value, by, Shift::Round)),
                    (exact + half) >> by
                );
                assert_eq!(
                    i64::from(shift_right(value, by, Shift::Ceil)),
                    -((-exact) >> by)
                );
                assert_eq!(shift_right64(exact, by, Shift::Round), (exact + half) >> by);
                assert_eq!(shift_right64(exact, by, Shift::Ceil), -((-exact) >> by));
            }
        }
        assert_eq!(shift_right(-3, 1, Shift::Round), -1);
        assert_eq!(shift_right(-3, 1, Shift::Floor), -2);
    }

    #[test]
    fn truncation_wraps_and_saturation_does_not() {
        assert_eq!(truncate16(0x8000), -32768);
        assert_eq!(truncate16(-90), -90);
        assert_eq!(saturate16(0x8000), 32767);
    }

    #[test]
    fn frexp_splits_every_finite_float() {
        for value in [
            0.0005,
            1.0,
            -0.75,
            5e-324,
            f64::MIN_POSITIVE,
            f64::MAX,
            1e-12,
            -1e12,
        ] {
            let (mantissa, exponent) = frexp(value);
            assert!((0.5..1.0).contains(&mantissa.abs()), "{value}: {mantissa}");
            let half = exponent / 2;
            assert_eq!(
                mantissa * 2f64.powi(half) * 2f64.powi(exponent - half),
                value
            );
        }
        assert_eq!(frexp(0.0), (0.0, 0));
    }

    /// hbir.md 3.2: a bias and a sum-input scale.
    #[test]
    fn integers_with_a_left_shift() {
        let s_acc = 0.01 * 0.001;
        assert_eq!(int_with_left_shift(1.25 / s_acc, 16), (31250, 2));
        assert_eq!(int_with_left_shift(0.4 / s_acc, 16), (20000, 1));
    }
}
