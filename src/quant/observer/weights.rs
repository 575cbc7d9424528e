//! A range of each channel of a weight that keeps the sum over its inputs.
//!
//! What a layer's output loses to a rounded weight is `Σ d·x`, with `d` the rounding error of each element. Inputs
//! behind a ReLU have a mean, so errors that share a sign add up: for independent inputs of mean `μ` and variance
//! `σ²` the expected square is `σ²·Σd² + μ²·(Σd)²`. The extremes of a channel (horizon.md 6.1) round its greatest
//! element to 127 of 127.5 steps, which is such an error; a range a little wider often has none. The scale is made of the
//! range by the same formula as ever.

use super::channels;
use super::range::Range;
use super::{Grid, Observer, ObserverError, ObserverKind};

/// `μ²/σ²` of inputs: that of a normal distribution of mean 0 behind a ReLU, `1/(π - 1)`.
const MEAN_SQUARE: f64 = 1.0 / (std::f64::consts::PI - 1.0);

/// Factors of the range, in five-hundredths: 1 to 1.04. A narrower range cuts the greatest weights off, all to one
/// side; a wider one costs resolution, and the sum of a channel's errors has changed its sign before. On seven models
/// (six of torchvision's with random weights, and digits on its calibration images) the error from weights falls by
/// 19 to 39 % against the plain range, with steps of a hundredth less, and with factors below 1 not on all of them.
const FACTORS: std::ops::RangeInclusive<u32> = 500..=520;

/// Elements of a sum in float32, which float64 then adds up.
const RUN: usize = 256;

impl Observer {
    /// Changes the range of each channel of `x`, row-major of `shape`, which `min_max` has observed, to the one of
    /// the least expected error. Other observers, and power-of-two scales, stay as they are.
    pub fn fit_weight(&mut self, x: &[f32], shape: &[i64]) -> Result<(), ObserverError> {
        let channels = channels::split(shape, self.ch_axis, x.len())?;
        let is_plain = self.spec.kind == ObserverKind::MinMax && !self.grid.is_power_of_two;
        if !is_plain || self.min_val.len() != channels.count {
            return Ok(());
        }
        for at in 0..channels.count {
            let x = channels.gather(x, at);
            let range = Range {
                min: self.min_val[at],
                max: self.max_val[at],
            };
            let factor = factor(&x, range, &self.grid);
            self.min_val[at] *= factor;
            self.max_val[at] *= factor;
        }
        Ok(())
    }
}

/// The best factor; 1 where none is better.
fn factor(x: &[f32], range: Range, grid: &Grid) -> f32 {
    let of = |factor: f32| {
        let scale = grid.scale(range.min * factor, range.max * factor);
        match grid.is_bpu_round {
            true => expected_error::<true>(x, scale, grid),
            false => expected_error::<false>(x, scale, grid),
        }
    };
    let mut best = (of(1.0), 1.0);
    for fraction in FACTORS {
        let factor = fraction as f32 / 500.0;
        let error = of(factor);
        if error < best.0 {
            best = (error, factor);
        }
    }
    best.1
}

fn expected_error<const BPU_ROUND: bool>(x: &[f32], scale: f32, grid: &Grid) -> f64 {
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    for run in x.chunks(RUN) {
        let mut lanes = [(0.0_f32, 0.0_f32); 8];
        let mut take = |lane: usize, x: f32| {
            let d = grid.fake_quant_as::<BPU_ROUND>(x, scale) - x;
            lanes[lane].0 += d;
            lanes[lane].1 += d * d;
        };
        let (eights, rest) = run.as_chunks::<8>();
        for eight in eights {
            for (lane, &x) in eight.iter().enumerate() {
                take(lane, x);
            }
        }
        rest.iter().for_each(|&x| take(0, x));
        for (d, dd) in lanes {
            sum += f64::from(d);
            squares += f64::from(dd);
        }
    }
    squares + MEAN_SQUARE * sum * sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::observer::ObserverSpec;
    use crate::quant::qconfig::{March, QDType, RoundMode};

    fn observer() -> Observer {
        let grid = Grid::new(QDType::Qint8, RoundMode::HalfToEven, March::Bayes);
        Observer::new(ObserverSpec::default(), grid, 0).unwrap()
    }

    #[test]
    fn expected_errors_are_less_than_those_of_the_extremes() {
        let x: Vec<f32> = (0..4 * 90)
            .map(|i| ((i * 7919 % 1009) as f32 / 1009.0 - 0.4) * (1.0 + (i / 90) as f32))
            .collect();
        let (mut plain, mut fitted) = (observer(), observer());
        for observer in [&mut plain, &mut fitted] {
            observer.observe(&x, &[4, 10, 3, 3]).unwrap();
        }
        fitted.fit_weight(&x, &[4, 10, 3, 3]).unwrap();
        let lost = |observer: &Observer| -> Vec<f64> {
            let scales = observer.qparams().scale;
            let channels = x.chunks(90).zip(scales);
            channels
                .map(|(x, scale)| {
                    let d = |x: &f32| f64::from(observer.grid.fake_quant(*x, scale) - *x);
                    let (sum, squares): (f64, f64) =
                        (x.iter().map(d).sum(), x.iter().map(|x| d(x) * d(x)).sum());
                    squares + MEAN_SQUARE * sum * sum
                })
                .collect()
        };
        let (before, after) = (lost(&plain), lost(&fitted));
        for (before, after) in before.iter().zip(&after) {
            assert!(after <= &(before * 1.000_001), "{after} {before}");
        }
        assert!(after.iter().sum::<f64>() < before.iter().sum::<f64>());
    }

    #[test]
    fn the_scale_follows_from_the_range() {
        let x = [0.5_f32, -1.0, 0.25, 0.0, 0.0, 0.0];
        let mut observer = observer();
        observer.observe(&x, &[2, 3]).unwrap();
        observer.fit_weight(&x, &[2, 3]).unwrap();
        let found = observer.qparams();
        assert_eq!(found.scale[0], -found.min_val[0] / 127.5);
        assert_eq!(found.scale[1], f32::EPSILON);
    }
}
