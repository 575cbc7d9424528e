//! From a range to a scale (horizon.md 6.1).

use super::rounding::Grid;

/// The least scale.
const EPS: f32 = f32::EPSILON;

impl Grid {
    /// `max(max(max(-min, max), 0) / ((qmax - qmin)/2), eps)`, in float32 as torch computes it; on march bernoulli
    /// `1 / 2^clip(⌊-log2 s⌋, 1, 14)` of that.
    pub fn scale(&self, min: f32, max: f32) -> f32 {
        let amplitude = (-min.min(0.0)).max(max.max(0.0));
        let half = (f64::from(self.quant_max) - f64::from(self.quant_min)) / 2.0;
        let scale = (amplitude / half as f32).max(EPS);
        match self.is_power_of_two {
            true => power_of_two(scale),
            false => scale,
        }
    }
}

fn power_of_two(scale: f32) -> f32 {
    // torch.log2 works in float32; its rounding decides next to a power of two.
    let log2 = f64::from(scale).log2() as f32;
    let shift = (-log2).floor().clamp(1.0, 14.0);
    1.0 / shift.exp2()
}
