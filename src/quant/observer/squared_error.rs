//! The squared L2 distance between values and their fake-quantised selves.

use super::rounding::Grid;

/// Lanes of the sums.
const LANES: usize = 32;
/// Rounds of float32 sums before they go into float64: the sum's error stays below that of its terms.
const ROUNDS: usize = 8;
/// Magnitudes whose square may leave float32.
const LARGE: f32 = 1e15;

/// `Σ (fq(x) - x)²`.
pub(super) fn squared_error(x: &[f32], scale: f32, grid: Grid, amplitude: f32) -> f64 {
    match (amplitude > LARGE, grid.is_bpu_round) {
        (false, false) => sum::<false>(x, scale, grid),
        (false, true) => sum::<true>(x, scale, grid),
        (true, _) => x.iter().map(|x| exact(*x, scale, grid)).sum(),
    }
}

fn exact(x: f32, scale: f32, grid: Grid) -> f64 {
    let difference = f64::from(grid.fake_quant(x, scale) - x);
    difference * difference
}

fn sum<const BPU_ROUND: bool>(x: &[f32], scale: f32, grid: Grid) -> f64 {
    let mut total = [0.0_f64; LANES];
    let blocks = x.chunks_exact(LANES * ROUNDS);
    let rest = blocks.remainder();
    for block in blocks {
        let mut part = [0.0_f32; LANES];
        for chunk in block.chunks_exact(LANES) {
            for lane in 0..LANES {
                let d = grid.fake_quant_as::<BPU_ROUND>(chunk[lane], scale) - chunk[lane];
                part[lane] += d * d;
            }
        }
        for lane in 0..LANES {
            total[lane] += f64::from(part[lane]);
        }
    }
    let rest: f64 = rest.iter().map(|x| exact(*x, scale, grid)).sum();
    total.iter().sum::<f64>() + rest
}
