//! Bounds on the squared error of a scale, without looking at the values again.
//!
//! One pass sorts the values into bins and keeps each bin's count and sum. A cell of the grid, all values that round to
//! the same integer, then has the error `Σx² - 2ks·Σx + n·k²s²`, which is exact for bins that lie inside of the cell.
//! Only for the bin that holds a rounding boundary is it not known who rounds up and who down; that is what lower and
//! upper bound differ by. The bin of a value is a monotonic function of it, in float32 as in theory, so a value in a
//! bin below a boundary's bin is below the boundary.

use super::rounding::Grid;

/// Bins at most: their sums stay in the cache of one core.
const MAX_BINS: usize = 1 << 14;
/// Bins at least.
const MIN_BINS: usize = 1 << 11;
/// Values taken at once, so that zeros can be left out cheaply.
const BLOCK: usize = 512;
/// A bin's width in float32 may be a little more than in theory.
const WIDER: f64 = 1.01;

/// Sums over the values in all bins from one on.
#[derive(Clone, Copy, Debug, Default)]
struct Above {
    count: f64,
    sum: f64,
}

/// The binned values of one tensor.
pub(super) struct Bins {
    amplitude: f32,
    per_unit: f32,
    width: f64,
    /// `above[i]` are the values in the bins `i..`; the last item is nothing.
    above: Vec<Above>,
    squares: f64,
    grid: Grid,
}

/// What is known about a squared error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

impl Bins {
    /// Sorts values in `[-amplitude, amplitude]`. Zeros, which have no error whatever the scale, are left out.
    pub(super) fn new(x: &[f32], amplitude: f32, grid: Grid) -> Bins {
        let n_bins = x.len().next_power_of_two().clamp(MIN_BINS, MAX_BINS);
        let mut bins = Bins {
            amplitude,
            per_unit: (n_bins / 2) as f32 / amplitude,
            width: 2.0 * f64::from(amplitude) / n_bins as f64 * WIDER,
            above: vec![Above::default(); n_bins + 1],
            squares: 0.0,
            grid,
        };
        for block in x.chunks(BLOCK) {
            bins.add(block);
        }
        let mut sums = Above::default();
        for above in bins.above.iter_mut().rev() {
            sums.count += above.count;
            sums.sum += above.sum;
            *above = sums;
        }
        bins
    }

    fn add(&mut self, block: &[f32]) {
        let mut kept = [0.0_f32; BLOCK];
        let mut n = 0;
        for &x in block {
            kept[n] = x;
            n += usize::from(x != 0.0);
        }
        let mut squares = [0.0_f64; 8];
        for chunk in kept[..n.next_multiple_of(8).min(BLOCK)].chunks_exact(8) {
            for lane in 0..8 {
                squares[lane] += f64::from(chunk[lane]) * f64::from(chunk[lane]);
            }
        }
        self.squares += squares.iter().sum::<f64>();
        for &x in &kept[..n] {
            let at = self.bin(x);
            let bin = &mut self.above[at];
            bin.count += 1.0;
            bin.sum += f64::from(x);
        }
    }

    /// The bin of a value; never falls as the value grows.
    fn bin(&self, x: f32) -> usize {
        let at = ((x + self.amplitude) * self.per_unit) as usize;
        at.min(self.above.len() - 2)
    }

    fn count(&self) -> f64 {
        self.above[0].count
    }

    /// A lower bound that only looks at what the scale clips.
    pub(super) fn clipped(&self, scale: f32) -> f64 {
        let top = f64::from(self.grid.quant_max) * f64::from(scale);
        let bottom = f64::from(self.grid.quant_min) * f64::from(scale);
        let from = (self.bin(top as f32) + 1).min(self.above.len() - 1);
        let to = self.bin(bottom as f32);
        let [all, high, low] = [self.above[0], self.above[from], self.above[to]];
        let below = Above {
            count: all.count - low.count,
            sum: all.sum - low.sum,
        };
        let lower = beyond(high, top) + beyond(below, bottom);
        (lower - self.margin(lower)).max(0.0)
    }

    /// Bounds on the error of a scale.
    pub(super) fn bounds(&self, scale: f32) -> Bounds {
        let s = f64::from(scale);
        if s < 2.0 * self.width {
            return self.coarse(scale);
        }
        let qmin = f64::from(self.grid.quant_min);
        let all = self.above[0];
        // As if everything were rounded to the least integer …
        let mut upper = self.squares + all.count * qmin * qmin * s * s - 2.0 * qmin * s * all.sum;
        let mut slack = 0.0;
        for k in self.grid.quant_min..self.grid.quant_max {
            // … and what lies above a boundary were moved up by one.
            let boundary = (f64::from(k) + 0.5) * s;
            let odd = 2.0 * f64::from(k) + 1.0;
            let at = self.bin(boundary as f32);
            let [here, above] = [self.above[at], self.above[at + 1]];
            let (count, sum) = (here.count - above.count, here.sum - above.sum);
            let moved = odd * s * s * count - 2.0 * s * sum;
            upper += odd * s * s * above.count - 2.0 * s * above.sum + moved.min(0.0);
            // Rounding all of the bin to one side costs 2s|x - boundary| too much for each value of the other side.
            slack += (s * self.width * count - moved.abs() / 2.0).max(0.0);
        }
        let upper = upper.max(0.0);
        let margin = self.margin(upper);
        Bounds {
            lower: (upper - slack - margin).max(0.0),
            upper: upper + margin,
        }
    }

    /// Bounds when a cell is not wider than a few bins.
    fn coarse(&self, scale: f32) -> Bounds {
        let s = f64::from(scale);
        let clips = f64::from(self.grid.quant_max) * s + s / 2.0 < f64::from(self.amplitude);
        let upper = self.count() * s * s / 4.0;
        Bounds {
            lower: self.clipped(scale),
            upper: match clips {
                true => f64::INFINITY,
                false => upper + self.margin(upper),
            },
        }
    }

    /// How far the sum over float32 arithmetic may be from the one in theory: two roundings for each value.
    fn margin(&self, error: f64) -> f64 {
        let eta = f64::from(self.amplitude) * f64::from(f32::EPSILON) * 2.0;
        2.0 * eta * (self.count() * error).sqrt() + self.count() * eta * eta
    }
}

/// At least this is `Σ(x - to)²` (Jensen).
fn beyond(part: Above, to: f64) -> f64 {
    if part.count == 0.0 {
        return 0.0;
    }
    let distance = part.sum - to * part.count;
    distance * distance / part.count
}
