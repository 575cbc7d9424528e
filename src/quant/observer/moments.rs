//! Mean and standard deviation in one pass.

/// Values of a block, whose two passes stay in the nearest cache.
const BLOCK: usize = 1024;
/// Lanes of the sums.
const LANES: usize = 8;

/// Mean and sample standard deviation; one value has no deviation.
pub(super) fn mean_and_std(x: &[f32]) -> (f32, f32) {
    let (mut n, mut mean, mut squares) = (0.0_f64, 0.0_f64, 0.0_f64);
    for block in x.chunks(BLOCK) {
        let size = block.len() as f64;
        let center = sum(block, |x| x) / size;
        let spread = sum(block, |x| (x - center) * (x - center));
        // Chan's formula for two parts.
        let delta = center - mean;
        let total = n + size;
        mean += delta * size / total;
        squares += spread + delta * delta * n * size / total;
        n = total;
    }
    let std = (squares / (n - 1.0)).sqrt();
    (mean as f32, std as f32)
}

fn sum(x: &[f32], term: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|x| term(f64::from(*x))).sum();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += term(f64::from(chunk[lane]));
        }
    }
    sums.iter().sum::<f64>() + rest
}
