//! What each observer does with a batch (horizon.md 6.1 to 6.4).

use super::channels::Channels;
use super::kl;
use super::moments::mean_and_std;
use super::percentile::{self, MIX_BINS, SHARES};
use super::range::Range;
use super::search::{Ties, best};
use super::spec::ObserverKind;
use super::{Observer, ObserverError};

/// Candidates of `mse`: factors of the range in steps of a hundredth.
const MSE_CANDIDATES: usize = 95;

impl Observer {
    /// `ranges` are the extremes of the batch, one for each channel.
    pub(super) fn update(
        &mut self,
        x: &[f32],
        channels: &Channels,
        ranges: Vec<Range>,
    ) -> Result<(), ObserverError> {
        match self.spec.kind {
            ObserverKind::MinMax => self.average(ranges),
            ObserverKind::RunningMinMax => self.widen(ranges),
            ObserverKind::Percentile { percentile, bins } => {
                let inside = percentile::ranges(x, ranges[0], &[percentile / 100.0], bins);
                self.average(inside);
            }
            ObserverKind::Mse { stride } => {
                let shrunk = ranges.iter().enumerate().map(|(channel, range)| {
                    let x = channels.gather(x, channel);
                    self.mse(&x, *range, stride as usize)
                });
                let shrunk = shrunk.collect();
                self.average(shrunk);
            }
            ObserverKind::Mix => {
                let ranges = percentile::ranges(x, ranges[0], &SHARES, MIX_BINS);
                let chosen = self.mix(x, &ranges);
                self.average(vec![chosen]);
            }
            ObserverKind::ClipStd { std_scale } => {
                let (mean, std) = mean_and_std(x);
                // A single value has no sample deviation: nothing is clipped.
                let reach = if std.is_nan() {
                    f32::INFINITY
                } else {
                    std_scale as f32 * std
                };
                self.average(vec![Range {
                    min: ranges[0].min.max(mean - reach),
                    max: ranges[0].max.min(mean + reach),
                }]);
            }
            ObserverKind::Clip { xmin, xmax } => {
                self.average(ranges);
                self.min_val.iter_mut().for_each(|min| *min = min.max(xmin));
                self.max_val.iter_mut().for_each(|max| *max = max.min(xmax));
            }
            ObserverKind::Kl {
                bins,
                update_interval,
            } => {
                let magnitude = ranges[0].amplitude();
                let nbins = -i64::from(self.grid.quant_min);
                let threshold = kl::step(
                    &mut self.kl,
                    x,
                    magnitude,
                    bins as usize,
                    update_interval,
                    nbins.unsigned_abs() as usize,
                )?;
                if let Some(t) = threshold {
                    self.average(vec![Range { min: -t, max: t }]);
                }
            }
            ObserverKind::FixedScale { .. } => {}
        }
        Ok(())
    }

    /// The moving average; the first batch initialises it.
    fn average(&mut self, ranges: Vec<Range>) {
        if self.keeps_widest {
            return self.widen(ranges);
        }
        let c = self.spec.averaging_constant as f32;
        if self.min_val.is_empty() || c == 1.0 {
            self.min_val = ranges.iter().map(|range| range.min).collect();
            self.max_val = ranges.iter().map(|range| range.max).collect();
            return;
        }
        for (at, Range { min, max }) in ranges.into_iter().enumerate() {
            self.min_val[at] += c * (min - self.min_val[at]);
            self.max_val[at] += c * (max - self.max_val[at]);
        }
    }

    /// The extremes of everything seen.
    pub(super) fn widen(&mut self, ranges: Vec<Range>) {
        if self.min_val.is_empty() {
            self.min_val = vec![f32::INFINITY; ranges.len()];
            self.max_val = vec![f32::NEG_INFINITY; ranges.len()];
        }
        for (at, range) in ranges.into_iter().enumerate() {
            self.min_val[at] = self.min_val[at].min(range.min);
            self.max_val[at] = self.max_val[at].max(range.max);
        }
    }

    fn mse(&self, x: &[f32], range: Range, stride: usize) -> Range {
        let shrink = |factor: f64| Range {
            min: range.min * factor as f32,
            max: range.max * factor as f32,
        };
        let factors = (0..MSE_CANDIDATES).step_by(stride);
        let scales: Vec<f32> = factors
            .map(|i| {
                let range = shrink(1.0 - 0.01 * i as f64);
                self.grid.scale(range.min, range.max)
            })
            .collect();
        let index = best(x, range, &scales, self.grid, Ties::Last);
        // The plugin counts candidates here, whatever the stride.
        shrink(1.0 - 0.01 * index as f64)
    }

    /// Equally good ranges do not happen, but for those of equal scale: the first is taken.
    fn mix(&self, x: &[f32], ranges: &[Range]) -> Range {
        let scale = |range: &Range| self.grid.scale(range.min, range.max);
        let scales: Vec<f32> = ranges.iter().map(scale).collect();
        let whole = ranges.iter().fold(Range::NONE, |a, b| a.or(*b));
        let amplitude = x
            .iter()
            .fold(whole, |a, x| a.or(Range { min: *x, max: *x }));
        ranges[best(x, amplitude, &scales, self.grid, Ties::First)]
    }
}
