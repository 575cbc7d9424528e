//! The integers of a tensor, and how values are rounded to them.

use crate::quant::qconfig::{March, QDType, RoundMode};
use serde::{Deserialize, Serialize};

/// The integers that a tensor is rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// The least integer.
    pub quant_min: i32,
    /// The greatest integer.
    pub quant_max: i32,
    /// Ties go up instead of to the even neighbour (horizon.md 1.4).
    pub is_bpu_round: bool,
    /// Scales are powers of two (march bernoulli).
    pub is_power_of_two: bool,
}

/// Adding and subtracting it rounds a float32 below 2^22 in magnitude to the nearest integer, ties to even.
const TO_INTEGER: f32 = 12_582_912.0;

impl Grid {
    /// The grid of a data type on a march.
    pub fn new(dtype: QDType, round_mode: RoundMode, march: March) -> Grid {
        Grid {
            quant_min: dtype.quant_min() as i32,
            quant_max: dtype.quant_max() as i32,
            is_bpu_round: round_mode == RoundMode::BpuRound,
            is_power_of_two: march.has_power_of_two_scales(),
        }
    }

    /// `clip(round(x/s), qmin, qmax)·s` (horizon.md 6.5), in float32.
    pub fn fake_quant(&self, x: f32, scale: f32) -> f32 {
        match self.is_bpu_round {
            true => self.fake_quant_as::<true>(x, scale),
            false => self.fake_quant_as::<false>(x, scale),
        }
    }

    /// The same with the mode known, for loops.
    #[inline(always)]
    pub(super) fn fake_quant_as<const BPU_ROUND: bool>(&self, x: f32, scale: f32) -> f32 {
        // Clipping to integers before rounding gives what clipping after it gives.
        let (min, max) = (self.quant_min as f32, self.quant_max as f32);
        let q = x / scale;
        let q = if q < min { min } else { q };
        let q = if q > max { max } else { q };
        round::<BPU_ROUND>(q) * scale
    }
}

/// Rounds a float32 below 2^22 in magnitude.
#[inline(always)]
fn round<const BPU_ROUND: bool>(x: f32) -> f32 {
    let nearest = |x: f32| (x + TO_INTEGER) - TO_INTEGER;
    if !BPU_ROUND {
        return nearest(x);
    }
    let x = x + 0.5;
    let r = nearest(x);
    r - if r > x { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_the_formulas() {
        let mut x = -40_000.0_f32;
        while x < 40_000.0 {
            assert_eq!(round::<false>(x), x.round_ties_even(), "{x}");
            assert_eq!(round::<true>(x), (x + 0.5).floor(), "{x}");
            x += 0.125;
        }
    }
}
