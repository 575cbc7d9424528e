//! Test values: reproducible, and extreme more often than not.

/// splitmix64.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `lo` to `hi`, both included.
    pub(crate) fn within(&mut self, lo: i64, hi: i64) -> i64 {
        let span = (hi as i128 - lo as i128 + 1) as u128;
        (lo as i128 + (u128::from(self.next()) % span) as i128) as i64
    }

    pub(crate) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next() as usize % from.len()]
    }

    /// `n` values of `lo..=hi`: all least, all greatest, only the two ends, or a mixture with small and random ones.
    pub(crate) fn extreme(&mut self, n: usize, lo: i64, hi: i64) -> Vec<i64> {
        let style = self.next() % 6;
        (0..n)
            .map(|_| match style {
                0 => lo,
                1 => hi,
                2 => self.choose(&[lo, hi]),
                3 => self.within(lo, hi),
                4 => self.within(-3, 3).clamp(lo, hi),
                _ => {
                    let random = self.within(lo, hi);
                    self.choose(&[lo, hi, 0i64.clamp(lo, hi), random, lo + 1, hi - 1])
                }
            })
            .collect()
    }

    /// A positive float32 between `10^-12` and `10^12`, uniform in its exponent.
    pub(crate) fn scale(&mut self) -> f32 {
        let exponent = self.within(-12_000, 12_000) as f64 / 1000.0;
        10f64.powf(exponent) as f32
    }
}
