//! The int8 output stage on 512-bit vectors: up to 64 channels at a time, all rows of a tile.
//!
//! Saturating packs do the 16-bit step and the final saturation; `vpmaddwd` multiplies and adds the half in one.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::output::{Pairs, Tile};
use super::pack::LANES;
use crate::bpu::simd::{Isa, Level};

/// Channels of one step.
const STEP: usize = 4 * LANES;

/// The scaled output stage for int8; `lo` is -128 or 0.
#[allow(clippy::too_many_arguments)]
pub(super) fn write(
    isa: Isa,
    acc: &[i32],
    to: &mut [i8],
    bias: &[i32],
    pairs: &Pairs,
    tile: Tile,
    channels: usize,
    lo: i32,
) {
    let until = tile.channel + tile.used;
    assert!(isa.level() >= Level::Avx512 && tile.rows > 0 && tile.used <= tile.width);
    assert!(
        [
            bias,
            &pairs.pre,
            &pairs.multiplier,
            &pairs.half,
            &pairs.post
        ]
        .iter()
        .all(|list| list.len() >= until)
    );
    assert!(acc.len() >= (tile.rows - 1) * tile.width + tile.used);
    assert!(to.len() >= (tile.rows - 1) * channels + tile.used);
    for first in (0..tile.used).step_by(STEP) {
        // SAFETY: the instructions exist by the first assertion; lanes beyond `used` are masked off every access, and the
        // other assertions bound the rest.
        unsafe {
            match tile.used - first {
                STEP.. => block::<4, true>(acc, to, bias, pairs, tile, channels, lo, first),
                33.. => block::<4, false>(acc, to, bias, pairs, tile, channels, lo, first),
                32 => block::<2, true>(acc, to, bias, pairs, tile, channels, lo, first),
                _ => block::<2, false>(acc, to, bias, pairs, tile, channels, lo, first),
            }
        }
    }
}

/// # Safety
/// The assertions of [`write()`]; `first < tile.used`; at most `VECTORS · 16` channels are left, exactly as many if `FULL`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
#[allow(clippy::too_many_arguments)]
unsafe fn block<const VECTORS: usize, const FULL: bool>(
    acc: &[i32],
    to: &mut [i8],
    bias: &[i32],
    pairs: &Pairs,
    tile: Tile,
    channels: usize,
    lo: i32,
    first: usize,
) {
    let left = (tile.used - first).min(STEP);
    let mask = if FULL { VECTORS * LANES } else { left };
    let mask = u64::MAX >> (64 - mask);
    // SAFETY: masked loads read at most `used - first` elements of each list.
    let load = |from: *const i32| -> [__m512i; 4] {
        std::array::from_fn(|b| unsafe {
            _mm512_maskz_loadu_epi32((mask >> (b * LANES)) as u16, from.wrapping_add(b * LANES))
        })
    };
    let list = |list: &[i32]| load(list.as_ptr().wrapping_add(tile.channel + first));
    let (bias, pre, post, multiplier) = (
        list(bias),
        list(&pairs.pre),
        list(&pairs.post),
        list(&pairs.multiplier),
    );
    let half = list(&pairs.half);
    let half = [
        _mm512_packs_epi32(half[0], half[1]),
        _mm512_packs_epi32(half[2], half[3]),
    ];
    let lo = _mm512_set1_epi8(lo as i8);
    let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for row in 0..tile.rows {
        let a = load(acc.as_ptr().wrapping_add(row * tile.width + first));
        let t: [__m512i; 4] =
            std::array::from_fn(|b| _mm512_srav_epi32(_mm512_add_epi32(a[b], bias[b]), pre[b]));
        let mut y = [_mm512_setzero_si512(); 4];
        for (pair, half) in half.iter().enumerate().take(VECTORS / 2) {
            let (even, odd) = (2 * pair, 2 * pair + 1);
            let both = _mm512_packs_epi32(t[even], t[odd]);
            let u = _mm512_madd_epi16(_mm512_unpacklo_epi16(both, *half), multiplier[even]);
            let v = _mm512_madd_epi16(_mm512_unpackhi_epi16(both, *half), multiplier[odd]);
            (y[even], y[odd]) = (
                _mm512_srav_epi32(u, post[even]),
                _mm512_srav_epi32(v, post[odd]),
            );
        }
        let bytes = _mm512_packs_epi16(
            _mm512_packs_epi32(y[0], y[1]),
            _mm512_packs_epi32(y[2], y[3]),
        );
        let bytes = _mm512_max_epi8(_mm512_permutexvar_epi32(order, bytes), lo);
        // SAFETY: row `row` lies inside, see `write`; lanes that do not exist are masked off.
        unsafe {
            let to = to.as_mut_ptr().add(row * channels + first);
            match (FULL, VECTORS) {
                (true, 4) => _mm512_storeu_si512(to.cast(), bytes),
                (true, _) => _mm256_storeu_si256(to.cast(), _mm512_castsi512_si256(bytes)),
                _ => _mm512_mask_storeu_epi8(to, mask, bytes),
            }
        }
    }
}
