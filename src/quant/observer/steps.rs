//! Values that lie on a grid of their own, such as images of a few grey levels.
//!
//! When every value is a multiple of one step, a scale of the step over a whole number represents them all without
//! error: images of sixteen levels, say, or channels of -128 to 127 over 128. The scale of the extremes
//! (horizon.md 6.1) misses such a grid by its half step, 127.5 to 127, which no other scale loses.

use super::QParams;
use super::range::Range;
use super::rounding::Grid;
use serde::{Deserialize, Serialize};

/// How far from a multiple a value may be, in steps: float32 rounds a value of 256 steps by less.
const TOLERANCE: f64 = 1e-4;

/// Steps to the greatest magnitude at most; 256 integers hold no more.
const MAX_STEPS: f64 = 256.0;

/// Of the scale of the extremes at most: other data of the same source may be off the grid.
const MAX_WIDER: f32 = 1.25;

/// The step of all values seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Steps {
    /// 0 while every value was 0.
    step: f64,
    min: f32,
    max: f32,
    /// Values had no common step.
    is_lost: bool,
}

impl Steps {
    pub(super) fn new() -> Steps {
        Steps {
            step: 0.0,
            min: 0.0,
            max: 0.0,
            is_lost: false,
        }
    }

    /// Takes values of a range in; those without a common step cost a few of them.
    pub(super) fn see(&mut self, x: &[f32], range: Range) {
        self.widen(range.min, range.max);
        for &x in x {
            if self.is_lost {
                return;
            }
            self.take(f64::from(x.abs()));
        }
    }

    /// Takes in what others saw.
    pub(super) fn merge(&mut self, other: &Steps) {
        self.is_lost |= other.is_lost;
        self.widen(other.min, other.max);
        self.take(other.step);
    }

    fn widen(&mut self, min: f32, max: f32) {
        self.min = self.min.min(min);
        self.max = self.max.max(max);
        self.check();
    }

    fn take(&mut self, magnitude: f64) {
        if magnitude == 0.0 || self.is_lost {
            return;
        }
        let steps = magnitude / self.step;
        if self.step == 0.0 {
            self.step = magnitude;
        } else if steps < 0.5 || (steps - steps.round()).abs() > TOLERANCE {
            match common(self.step, magnitude) {
                Some(step) => self.step = step,
                None => self.is_lost = true,
            }
        }
        self.check();
    }

    fn check(&mut self) {
        let greatest = f64::from(self.max.max(-self.min));
        self.is_lost |= self.step > 0.0 && greatest > self.step * MAX_STEPS;
    }

    /// The scale that represents everything seen, and its range; `None` without one near that of the extremes.
    pub(super) fn qparams(&self, grid: &Grid) -> Option<QParams> {
        if self.is_lost || self.step == 0.0 || grid.is_power_of_two {
            return None;
        }
        let steps = |value: f32| (f64::from(value) / self.step).round().abs();
        let (least, greatest) = (f64::from(grid.quant_min), f64::from(grid.quant_max));
        // As many integers to a step as the fuller side has room for; an empty side has no end of it.
        let room = (-least / steps(self.min)).min(greatest / steps(self.max));
        let room = room.floor();
        if room < 1.0 {
            return None;
        }
        let max = (self.step / room * (greatest - least) / 2.0) as f32;
        let min = self.min.max(-max);
        let scale = grid.scale(min, max);
        (scale <= MAX_WIDER * grid.scale(self.min, self.max)).then(|| QParams {
            scale: vec![scale],
            min_val: vec![min],
            max_val: vec![max],
        })
    }
}

/// Euclid's algorithm; what is within the tolerance of a multiple has no rest.
fn common(a: f64, b: f64) -> Option<f64> {
    let (mut large, mut small) = (a.max(b), a.min(b));
    // Below that there are more steps than any grid has.
    let least = large / (2.0 * MAX_STEPS);
    while small > least {
        let rest = large - (large / small).round() * small;
        large = small;
        small = rest.abs();
        if small <= TOLERANCE * large {
            // The rests carry the rounding of the values they came from.
            let whole = a.max(b);
            return Some(whole / (whole / large).round());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::observer::range::range;

    const GRID: Grid = Grid {
        quant_min: -128,
        quant_max: 127,
        is_bpu_round: false,
        is_power_of_two: false,
    };

    fn seen(x: &[f32]) -> Steps {
        let mut steps = Steps::new();
        steps.see(x, range(x).unwrap());
        steps
    }

    fn scale(x: &[f32]) -> Option<f32> {
        Some(seen(x).qparams(&GRID)?.scale[0])
    }

    fn levels(levels: std::ops::RangeInclusive<i16>, over: f32) -> Vec<f32> {
        levels.rev().map(|level| f32::from(level) / over).collect()
    }

    #[test]
    fn images_of_a_few_levels_are_exact() {
        for (x, expected) in [
            (levels(0..=16, 16.0), 1.0 / 112.0),
            (levels(-128..=127, 128.0), 1.0 / 128.0),
            (levels(-40..=39, 3.0), 1.0 / 9.0),
            (vec![0.7; 5], 0.7 / 127.0),
            (vec![0.0, -1.0], 1.0 / 128.0),
        ] {
            let scale = scale(&x).unwrap();
            assert!((scale / expected - 1.0).abs() < 2e-7, "{scale} {expected}");
            for x in x {
                let error = GRID.fake_quant(x, scale) - x;
                assert!(error.abs() <= 2e-7 * x.abs(), "{x}");
            }
        }
    }

    #[test]
    fn the_scale_is_that_of_the_range() {
        let found = seen(&levels(-128..=127, 128.0)).qparams(&GRID).unwrap();
        assert_eq!(found.min_val, [-127.5 / 128.0]);
        assert_eq!(
            found.scale,
            [GRID.scale(found.min_val[0], found.max_val[0])]
        );
    }

    #[test]
    fn other_values_have_no_step() {
        let irregular: Vec<f32> = (0..50).map(|i| (i as f32).sin()).collect();
        assert_eq!(scale(&irregular), None);
        // 255 levels above zero do not fit 127 integers.
        assert_eq!(scale(&levels(0..=255, 1.0)), None);
        // Exact, but with more than 1.25 times the scale.
        assert_eq!(scale(&levels(0..=80, 1.0)), None);
        assert_eq!(scale(&[0.0, 0.0]), None);
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let whole = [6.0_f32, -9.0, 0.0, 15.0, 30.0, 21.0];
        for at in 0..whole.len() {
            let (a, b) = whole.split_at(at);
            let mut left = seen(a);
            left.merge(&seen(b));
            assert_eq!(left, seen(&whole));
            assert_eq!(left.step, 3.0);
        }
    }
}
