//! Histograms of magnitudes, as `torch.histc` makes them in float32.

/// Tables that are filled in turn: the same bin twice in a row then waits for nothing.
const TABLES: usize = 4;

/// Counts of `|x|` in bins of equal width over `[0, edge]`; the last bin is closed, what lies beyond is left out.
pub(super) fn magnitudes(x: &[f32], edge: f32, n_bins: usize) -> Vec<u64> {
    let mut tables = vec![0_u32; (n_bins + 1) * TABLES];
    let mut counts = vec![0_u64; n_bins];
    // A table's counts are emptied before they can overflow.
    for part in x.chunks(u32::MAX as usize) {
        fill(part, edge, n_bins, &mut tables);
        for (bin, count) in counts.iter_mut().enumerate() {
            let parts = (0..TABLES).map(|table| u64::from(tables[table * (n_bins + 1) + bin]));
            *count += parts.sum::<u64>();
        }
        tables.fill(0);
    }
    counts
}

fn fill(x: &[f32], edge: f32, n_bins: usize, tables: &mut [u32]) {
    let bins = n_bins as f32;
    let mut at = [0_u32; 64];
    for chunk in x.chunks(at.len()) {
        for (at, &x) in at.iter_mut().zip(chunk) {
            // HistogramKernel.cpp: (x - 0) * bins / (edge - 0), truncated.
            let place = x.abs() * bins / edge;
            // The last bin is closed; the bin after it takes what is beyond.
            let place = if x.abs() > edge {
                bins
            } else if place < bins {
                place
            } else {
                bins - 1.0
            };
            *at = place as i32 as u32;
        }
        for (i, &at) in at[..chunk.len()].iter().enumerate() {
            tables[(i % TABLES) * (n_bins + 1) + at as usize] += 1;
        }
    }
}
