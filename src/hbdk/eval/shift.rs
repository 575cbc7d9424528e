//! Shifts and saturation (`hbir.md` 0.1, 0.2).

use super::super::march::saturate;
use super::super::params::Chain;
use crate::tensor::DType;

/// An arithmetic right shift, towards minus infinity or rounded half up. Shifts beyond the width give its limit.
pub fn right(value: i64, by: i64, rounding: bool) -> i64 {
    let by = by.clamp(0, 62);
    match (by, rounding) {
        (0, _) => value,
        (_, false) => value >> by,
        (_, true) => (value >> by) + ((value >> (by - 1)) & 1),
    }
}

/// The parameters of a channel.
fn of(list: &[i64], channel: usize) -> i64 {
    match list {
        [one] => *one,
        many => many.get(channel).copied().unwrap_or(0),
    }
}

/// `sat((sat16(acc >> pre) · qscale) >> post)`
pub fn chain(it: &Chain, channel: usize, acc: i64, rounding: [bool; 2], out: DType) -> i64 {
    let t = right(acc, of(&it.pre, channel), rounding[0]);
    let t = saturate(DType::I16, t);
    let u = t * of(&it.qscale, channel);
    saturate(out, right(u, of(&it.post, channel), rounding[1]))
}

/// `sat((x · qscale) >> post)`, without the 16-bit step: `x` may need 31 bits.
pub fn direct(it: &Chain, channel: usize, x: i64, rounding: bool, out: DType) -> i64 {
    let u = x * of(&it.qscale, channel);
    saturate(out, right(u, of(&it.post, channel), rounding))
}

#[cfg(test)]
mod tests {
    use super::super::super::march::March;
    use super::*;

    #[test]
    fn rounding_shift_is_half_up_for_both_signs() {
        for value in -70i64..70 {
            for by in 0..6 {
                let exact = (value as f64 / f64::from(1 << by) + 0.5).floor() as i64;
                assert_eq!(right(value, by, true), exact, "{value} >> {by}");
                assert_eq!(right(value, by, false), value.div_euclid(1 << by));
            }
        }
    }

    /// `hbir.md` 3.1.
    #[test]
    fn worked_example_of_a_requantisation() {
        let bayes = Chain::accumulator(&[0.0005f32], &[1.0], DType::I8, March::Bayes);
        let apply = |x, post| chain(&bayes, 0, x, [false, post], DType::I8);
        assert_eq!((apply(123_456, true), apply(123_456, false)), (62, 61));
        assert_eq!((apply(-123_456, true), apply(-123_456, false)), (-62, -62));
        let front_end = Chain::direct(&[0.0005], &[1.0]);
        assert_eq!(direct(&front_end, 0, 123_456, true, DType::I8), 62);
        assert_eq!(
            (
                apply(1001, true),
                direct(&front_end, 0, 1001, true, DType::I8)
            ),
            (0, 1)
        );
        let wide = Chain::accumulator(&[0.0005f32], &[0.01], DType::I16, March::Bayes);
        assert_eq!(chain(&wide, 0, 123_456, [false, true], DType::I16), 6173);
        let tiny = 2f32.powi(-20);
        let acc = Chain::accumulator(&[tiny], &[1.0], DType::I8, March::Bayes);
        assert_eq!(chain(&acc, 0, 50 << 20, [false, true], DType::I8), 50);
        let clipped = Chain::direct(&[tiny], &[1.0]);
        assert_eq!(direct(&clipped, 0, 50 << 20, true, DType::I16), 400);
    }
}
