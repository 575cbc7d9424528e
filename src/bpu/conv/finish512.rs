//! The int8 output stage on 512-bit vectors: sixteen channels at a time, all rows of a tile.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::output::{Lists, Tile};
use super::pack::LANES;
use crate::bpu::simd::{Isa, Level};

/// As `finish_scaled` for int8; `lo` is -128 or 0.
#[allow(clippy::too_many_arguments)]
pub(super) fn write(
    isa: Isa,
    acc: &[i32],
    to: &mut [i8],
    bias: &[i32],
    lists: Lists,
    tile: Tile,
    channels: usize,
    lo: i32,
) {
    assert!(isa.level() >= Level::Avx512 && tile.rows > 0);
    let n = tile.used;
    assert!(bias.len() == n && lists.iter().all(|list| list.len() == n) && n <= tile.width);
    assert!(acc.len() >= (tile.rows - 1) * tile.width + n);
    assert!(to.len() >= (tile.rows - 1) * channels + n);
    for first in (0..n).step_by(LANES) {
        // SAFETY: the instructions exist by the first assertion; lanes beyond `n` are masked off every access, and the other
        // assertions bound the rest.
        unsafe { block(acc, to, bias, lists, tile, channels, lo, first) };
    }
}

/// # Safety
/// The assertions of [`write`]; `first < tile.used`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
#[allow(clippy::too_many_arguments)]
unsafe fn block(
    acc: &[i32],
    to: &mut [i8],
    bias: &[i32],
    lists: Lists,
    tile: Tile,
    channels: usize,
    lo: i32,
    first: usize,
) {
    let used = (tile.used - first).min(LANES);
    let mask: __mmask16 = if used == LANES { !0 } else { (1 << used) - 1 };
    // SAFETY: masked loads read `used` elements, which the lists have from `first` on.
    let load = |list: &[i32]| unsafe { _mm512_maskz_loadu_epi32(mask, list.as_ptr().add(first)) };
    let (bias, [pre, qscale, shift, carry, last]) = (load(bias), lists.map(load));
    let (low, high) = (
        _mm512_set1_epi32(i16::MIN.into()),
        _mm512_set1_epi32(i16::MAX.into()),
    );
    let lo = _mm512_set1_epi32(lo);
    for row in 0..tile.rows {
        // SAFETY: row `row` of both lies inside, see `write`.
        unsafe {
            let a = _mm512_maskz_loadu_epi32(mask, acc.as_ptr().add(row * tile.width + first));
            let t = _mm512_srav_epi32(_mm512_add_epi32(a, bias), pre);
            let t = _mm512_max_epi32(_mm512_min_epi32(t, high), low);
            let u = _mm512_srav_epi32(_mm512_mullo_epi32(t, qscale), shift);
            let y = _mm512_max_epi32(_mm512_srav_epi32(_mm512_add_epi32(u, carry), last), lo);
            let y = _mm512_cvtsepi32_epi8(y);
            _mm_mask_storeu_epi8(to.as_mut_ptr().add(row * channels + first), mask, y);
        }
    }
}
