//! The scale with the least squared error.

use super::candidates::Bins;
use super::range::Range;
use super::rounding::Grid;
use super::squared_error::squared_error;

/// Which of equally good candidates is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ties {
    First,
    Last,
}

/// Scales to choose from, without those that occur again.
struct Candidate {
    index: usize,
    scale: f32,
}

/// The index of the candidate with the least squared error over `x`, whose extremes are `range`.
///
/// The result is that of evaluating every candidate; bounds only spare those that cannot win.
pub(super) fn best(x: &[f32], range: Range, scales: &[f32], grid: Grid, ties: Ties) -> usize {
    let mut candidates = distinct(scales, ties);
    if candidates.len() > 1 {
        candidates = survivors(x, range, candidates, grid);
    }
    if let [only] = candidates.as_slice() {
        return only.index;
    }
    let (mut found, mut least) = (0, f64::INFINITY);
    for Candidate { index, scale } in candidates {
        let error = squared_error(x, scale, grid, range.amplitude());
        if error < least || (error == least && ties == Ties::Last) {
            (found, least) = (index, error);
        }
    }
    found
}

fn distinct(scales: &[f32], ties: Ties) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for (index, &scale) in scales.iter().enumerate() {
        match candidates.iter_mut().find(|it| it.scale == scale) {
            Some(known) if ties == Ties::Last => known.index = index,
            Some(_) => {}
            None => candidates.push(Candidate { index, scale }),
        }
    }
    // Equal scales are equally good, so the order of the survivors is that of the index a tie would give.
    candidates.sort_by_key(|it| it.index);
    candidates
}

fn survivors(x: &[f32], range: Range, candidates: Vec<Candidate>, grid: Grid) -> Vec<Candidate> {
    let bins = Bins::new(x, range.amplitude(), grid);
    let mut least_upper = f64::INFINITY;
    let mut lower = Vec::with_capacity(candidates.len());
    for candidate in &candidates {
        let clipped = bins.clipped(candidate.scale);
        if clipped > least_upper {
            lower.push(clipped);
            continue;
        }
        let bounds = bins.bounds(candidate.scale);
        least_upper = least_upper.min(bounds.upper);
        lower.push(bounds.lower);
    }
    let alive = candidates.into_iter().zip(lower);
    let alive = alive.filter(|(_, lower)| *lower <= least_upper);
    alive.map(|(candidate, _)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::observer::range::range;

    /// Values of several shapes, from a small generator of the test's own.
    fn values(kind: u64, n: usize) -> Vec<f32> {
        let mut state = kind.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        (0..n)
            .map(|_| {
                let u = uniform();
                let normal = (0..12).map(|_| uniform()).sum::<f32>() - 6.0;
                match kind % 6 {
                    0 => normal,
                    1 => normal.max(0.0),
                    2 => u,
                    3 => normal / (u + 0.01),
                    4 => normal * 0.05 + if u < 0.5 { -1.0 } else { 3.0 },
                    _ => normal * normal * normal * 1e-3,
                }
            })
            .collect()
    }

    #[test]
    fn bounds_hold_and_the_search_is_that_over_all_candidates() {
        for kind in 0..24 {
            let n = [30, 700, 5_000, 70_000][kind as usize / 6];
            let x = values(kind, n);
            let range = range(&x).unwrap();
            for (quant_min, quant_max) in [(-128, 127), (-32768, 32767), (-8, 7)] {
                for is_bpu_round in [false, true] {
                    let grid = Grid {
                        quant_min,
                        quant_max,
                        is_bpu_round,
                        is_power_of_two: false,
                    };
                    let factor = |i: i32| 1.0 - 0.01 * i as f32;
                    let scale = |i: i32| grid.scale(range.min * factor(i), range.max * factor(i));
                    let scales: Vec<f32> = (0..95).map(scale).collect();
                    let bins = Bins::new(&x, range.amplitude(), grid);
                    let (mut found, mut least) = (0, f64::INFINITY);
                    for (index, &scale) in scales.iter().enumerate() {
                        let error = squared_error(&x, scale, grid, range.amplitude());
                        let bounds = bins.bounds(scale);
                        assert!(
                            bounds.lower <= error && error <= bounds.upper,
                            "{bounds:?} {error}"
                        );
                        assert!(bins.clipped(scale) <= error);
                        if error <= least {
                            (found, least) = (index, error);
                        }
                    }
                    assert_eq!(
                        best(&x, range, &scales, grid, Ties::Last),
                        found,
                        "{kind} {grid:?}"
                    );
                }
            }
        }
    }
}
