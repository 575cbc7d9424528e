//! Depthwise products on 512-bit vectors: two kernel positions at a time by `vpmaddwd`, 32 channels per step.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::depthwise::{ROWS, WIDTH};
use crate::bpu::simd::{Isa, Level};

/// Channels of one step.
pub(super) const STEP: usize = 32;

/// `[tap][channel]` to `[32 channels][pair of taps][low, high][32]`, in the order in which `vpunpck` interleaves two taps.
pub(super) fn pack(weight: &[i16], channels: usize) -> Vec<i16> {
    let taps = weight.len() / channels.max(1);
    let at = |tap: usize, channel: usize| {
        if tap < taps && channel < channels {
            weight[tap * channels + channel]
        } else {
            0
        }
    };
    let mut packed = Vec::new();
    for first in (0..channels).step_by(STEP) {
        for tap in (0..taps).step_by(2) {
            for half in [0, 4] {
                for lane in 0..4 {
                    for i in 0..4 {
                        let channel = first + lane * 8 + half + i;
                        packed.extend([at(tap, channel), at(tap + 1, channel)]);
                    }
                }
            }
        }
    }
    packed
}

/// Accumulators of `used` channels from `channel` on, for one pixel per base.
#[allow(clippy::too_many_arguments)]
pub(super) fn multiply(
    isa: Isa,
    acc: &mut [i32; ROWS * WIDTH],
    staged: &[i16],
    bases: &[usize],
    offsets: &[usize],
    packed: &[i16],
    channel: usize,
    used: usize,
) {
    assert!(
        isa.level() >= Level::Avx512
            && bases.len() <= ROWS
            && used <= WIDTH
            && channel.is_multiple_of(STEP)
    );
    let reach = offsets
        .iter()
        .max()
        .map_or(0, |offset| offset + channel + used);
    assert!(bases.iter().max().map_or(0, |base| base + reach) <= staged.len());
    let size = offsets.len().div_ceil(2) * 2 * STEP;
    for first in (0..used).step_by(STEP) {
        let weights = &packed[(channel + first) / STEP * size..][..size];
        // SAFETY: the instructions exist by the first assertion; the second bounds all reads of `staged`, masked to `used`;
        // `weights` holds one step.
        unsafe {
            step(
                acc,
                staged,
                bases,
                offsets,
                weights,
                channel + first,
                first,
                (used - first).min(STEP),
            )
        };
    }
}

/// # Safety
/// The assertions of [`multiply`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
#[allow(clippy::too_many_arguments)]
unsafe fn step(
    acc: &mut [i32; ROWS * WIDTH],
    staged: &[i16],
    bases: &[usize],
    offsets: &[usize],
    weights: &[i16],
    channel: usize,
    lane: usize,
    used: usize,
) {
    let mask: __mmask32 = if used == STEP { !0 } else { (1 << used) - 1 };
    let order = [
        _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
        _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31),
    ];
    for (row, base) in bases.iter().enumerate() {
        let mut sums = [_mm512_setzero_si512(); 2];
        for (pair, weights) in offsets.chunks(2).zip(weights.chunks_exact(2 * STEP)) {
            // SAFETY: masked reads end at `base + offset + channel + used`; `weights` has 64 elements.
            let (x, y, w) = unsafe {
                let at = |offset: usize| {
                    _mm512_maskz_loadu_epi16(mask, staged.as_ptr().add(base + offset + channel))
                };
                let w: [__m512i; 2] = std::array::from_fn(|h| {
                    _mm512_loadu_si512(weights.as_ptr().add(h * STEP).cast())
                });
                (at(pair[0]), at(pair[pair.len() - 1]), w)
            };
            let low = _mm512_madd_epi16(_mm512_unpacklo_epi16(x, y), w[0]);
            let high = _mm512_madd_epi16(_mm512_unpackhi_epi16(x, y), w[1]);
            sums = [
                _mm512_add_epi32(sums[0], low),
                _mm512_add_epi32(sums[1], high),
            ];
        }
        for (half, order) in order.into_iter().enumerate() {
            let to = &mut acc[row * WIDTH + lane + half * 16..][..16];
            let sum = _mm512_permutex2var_epi32(sums[0], order, sums[1]);
            // SAFETY: `to` has 16 elements of 4 bytes.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), sum) };
        }
    }
}
