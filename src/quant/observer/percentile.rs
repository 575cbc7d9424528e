//! Ranges that hold a share of the values (horizon.md 6.2).

use super::histogram::magnitudes;
use super::range::Range;

/// The shares that `mix` tries.
pub(super) const SHARES: [f64; 9] = [
    0.999, 0.9995, 0.9999, 0.99993, 0.99995, 0.99997, 0.99999, 0.999_995, 0.999_999,
];
/// The bins of `mix`.
pub(super) const MIX_BINS: u32 = 2048;

/// For each share the range inside of the bin that reaches it, without the bins that occur again.
pub(super) fn ranges(x: &[f32], range: Range, shares: &[f64], n_bins: u32) -> Vec<Range> {
    let amplitude = range.amplitude();
    if amplitude == 0.0 {
        return vec![range];
    }
    let counts = magnitudes(x, amplitude, n_bins as usize);
    let mut found: Vec<usize> = Vec::new();
    for share in shares {
        let bin = reach(&counts, share * x.len() as f64);
        if !found.contains(&bin) {
            found.push(bin);
        }
    }
    let inside = |bin: usize| {
        let value = (bin as f32 + 0.5) * amplitude / n_bins as f32;
        Range {
            min: range.min.max(-value),
            max: range.max.min(value),
        }
    };
    found.into_iter().map(inside).collect()
}

/// The first bin up to which there are at least so many values.
fn reach(counts: &[u64], wanted: f64) -> usize {
    let mut sum = 0;
    let first = counts.iter().position(|count| {
        sum += count;
        sum as f64 >= wanted
    });
    first.unwrap_or(counts.len() - 1)
}
