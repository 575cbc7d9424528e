//! The range with the least Kullback-Leibler divergence (horizon.md 6.3).

use super::error::ObserverError;
use super::histogram::magnitudes;
use serde::{Deserialize, Serialize};

/// Bins of the least range that is tried.
const FIRST: usize = 128;
/// Bins at most, when later batches are wider than the first: the search takes quadratic time.
const MAX_BINS: usize = 1 << 14;
/// Divergences that are summed.
const WINDOW: usize = 9;
/// Added to every share of the quantised distribution.
const TINY: f64 = 1e-10;

/// The histogram since the last search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct KlState {
    counts: Vec<u64>,
    /// Of a bin. The bins' edges are `linspace(0, last, n + 1)` at first, then multiples of the width.
    width: f32,
    /// The last edge.
    last: f32,
    is_grown: bool,
    batches: u32,
}

/// Takes a batch in; after every `interval` batches the threshold, and an empty histogram.
pub(super) fn step(
    state: &mut KlState,
    x: &[f32],
    magnitude: f32,
    bins: usize,
    interval: u32,
    quantization_nbins: usize,
) -> Result<Option<f32>, ObserverError> {
    state.add(x, magnitude, bins)?;
    state.batches += 1;
    if state.batches < interval {
        return Ok(None);
    }
    let threshold = state.threshold(quantization_nbins)?;
    *state = KlState::default();
    Ok(Some(threshold))
}

impl KlState {
    fn add(&mut self, x: &[f32], magnitude: f32, bins: usize) -> Result<(), ObserverError> {
        if self.counts.is_empty() || self.last == 0.0 {
            let zeros = self.counts.first().copied().unwrap_or_default();
            self.last = magnitude;
            self.width = edge(magnitude, bins, 1);
            self.counts = match magnitude > 0.0 {
                true => magnitudes(x, magnitude, bins),
                false => [x.len() as u64]
                    .into_iter()
                    .chain(vec![0; bins - 1])
                    .collect(),
            };
            self.counts[0] += zeros;
            return Ok(());
        }
        if magnitude > self.last {
            let bins = (magnitude / self.width).ceil() as usize;
            if bins > MAX_BINS {
                return Err(ObserverError::KlGrows {
                    first: self.width * self.counts.len() as f32,
                    found: magnitude,
                });
            }
            self.last = (bins as f64 * f64::from(self.width)) as f32;
            self.counts.resize(bins, 0);
            self.is_grown = true;
        }
        let counts = magnitudes(x, self.last, self.counts.len());
        for (sum, count) in self.counts.iter_mut().zip(counts) {
            *sum += count;
        }
        Ok(())
    }

    /// The edge under the least smoothed divergence.
    fn threshold(&self, quantization_nbins: usize) -> Result<f32, ObserverError> {
        if self.last == 0.0 {
            return Ok(0.0);
        }
        let mut counts: Vec<f64> = self.counts.iter().map(|n| *n as f64).collect();
        counts[0] = counts[1];
        let divergences = divergences(&counts, quantization_nbins);
        if divergences.iter().any(|it| it.is_nan()) {
            return Err(ObserverError::KlIsNan);
        }
        let windows = divergences.len() - 10;
        let smooth = divergences.windows(WINDOW).take(windows);
        let (mut index, mut least) = (0, f64::INFINITY);
        for (at, window) in smooth.enumerate() {
            let sum: f64 = window.iter().sum();
            if sum <= least {
                (index, least) = (at, sum);
            }
        }
        let at = index + FIRST + WINDOW / 2;
        Ok(match self.is_grown {
            true => (at as f64 * f64::from(self.width)) as f32,
            false => edge(self.last, self.counts.len(), at),
        })
    }
}

/// `torch.linspace(0, last, bins + 1)[at]` in float32, which counts from the nearer end.
fn edge(last: f32, bins: usize, at: usize) -> f32 {
    let step = last / bins as f32;
    match at < bins.div_ceil(2) {
        true => step * at as f32,
        false => last - step * (bins - at) as f32,
    }
}

/// For every range of the first `i` bins, from [`FIRST`] on, how far its quantised distribution is from the true one.
fn divergences(counts: &[f64], quantization_nbins: usize) -> Vec<f64> {
    let mut search = Search {
        counts,
        nbins: quantization_nbins,
        entropy: prefix_sums(counts, |n| if n > 0.0 { n * n.ln() } else { 0.0 }),
        sums: prefix_sums(counts, |n| n),
        filled: prefix_sums(counts, |n| if n > 0.0 { 1.0 } else { 0.0 }),
        groups: Vec::new(),
    };
    (FIRST..=counts.len())
        .map(|i| search.divergence(i))
        .collect()
}

/// Sums of the first 0, 1, … terms.
fn prefix_sums(counts: &[f64], term: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut sum = 0.0;
    let sums = counts.iter().map(|n| {
        sum += term(*n);
        sum
    });
    [0.0].into_iter().chain(sums).collect()
}

/// Bins that the quantised distribution cannot tell apart.
#[derive(Clone, Copy)]
struct Group {
    /// Of the true distribution.
    sum: f64,
    /// Bins that are not empty.
    filled: f64,
}

struct Search<'c> {
    counts: &'c [f64],
    nbins: usize,
    entropy: Vec<f64>,
    sums: Vec<f64>,
    filled: Vec<f64>,
    groups: Vec<Group>,
}

impl Search<'_> {
    /// `Σ P ln(P/Q)` with `P` the first `i` bins, all beyond in the last of them, and `Q` each group's sum spread
    /// evenly over the group's bins that are not empty. Logarithms are taken once for each group, not for each bin.
    fn divergence(&mut self, i: usize) -> f64 {
        let total = self.sums[self.counts.len()];
        let inside = self.sums[i];
        if total == 0.0 {
            return 0.0;
        }
        self.group(i);
        let last = self.counts[i - 1];
        let tail = total - inside;
        // Σ P ln P, in counts: the last bin holds the tail too.
        let ln = |n: f64| if n > 0.0 { n.ln() } else { 0.0 };
        let counts_ln = self.entropy[i] - last * ln(last) + (last + tail) * ln(last + tail);
        let p_ln_p = counts_ln / total - total.ln();
        let share = |group: &Group| match inside > 0.0 && group.filled > 0.0 {
            true => group.sum / group.filled / inside,
            false => 0.0,
        };
        let mut p_ln_q: f64 = 0.0;
        for group in &self.groups {
            if group.sum > 0.0 {
                p_ln_q += group.sum / total * (share(group) + TINY).ln();
            }
        }
        if tail > 0.0 {
            // The tail lies in the last bin, whose share is 0 when the bin itself is empty.
            let q = match (last > 0.0, self.groups.last()) {
                (true, Some(group)) => share(group),
                _ => 0.0,
            };
            p_ln_q += tail / total * (q + TINY).ln();
        }
        p_ln_p - p_ln_q
    }

    /// The groups of the first `i` bins: bin `j` is in group `⌊j·nbins/i⌋`. Counts are integers, so that differences of
    /// their sums are exact.
    fn group(&mut self, i: usize) {
        self.groups.clear();
        let mut start = 0;
        while start < i {
            let at = start * self.nbins / i;
            let end = ((at + 1) * i).div_ceil(self.nbins).clamp(start + 1, i);
            self.groups.push(Group {
                sum: self.sums[end] - self.sums[start],
                filled: self.filled[end] - self.filled[start],
            });
            start = end;
        }
    }
}
