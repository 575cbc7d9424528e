//! Depthwise convolution: one input channel per output channel, vectors along the channels.

use rayon::prelude::*;

use super::gemm::chunk_of;
use super::output::{Finish, Tile};
use super::stage::{self, Images, StageAs};
use super::window::Window;
use crate::bpu::channel::Int;
use crate::bpu::op::Context;
use crate::bpu::simd::{Isa, Level, per_isa};

/// Channels and pixels of one tile.
pub(super) const WIDTH: usize = 64;
pub(super) const ROWS: usize = 6;

/// One depthwise convolution, ready to run.
pub(super) struct Depthwise<'a> {
    pub(super) window: Window,
    pub(super) images: usize,
    pub(super) channels: usize,
    /// `[tap][channel]`.
    pub(super) weight: &'a [i16],
    /// The same for 512-bit vectors; empty where there are none.
    pub(super) pairs: Vec<i16>,
    pub(super) finish: Finish<'a>,
}

/// `[channel][tap]` to `[tap][channel]`.
pub(super) fn pack(weight: &[i8], taps: usize) -> Vec<i16> {
    let channels = weight.len() / taps.max(1);
    (0..taps)
        .flat_map(|tap| (0..channels).map(move |c| i16::from(weight[c * taps + tap])))
        .collect()
}

impl Depthwise<'_> {
    /// All images, in `[N, spatial…, C]` order.
    pub(super) fn run<T: StageAs<i16>, U: Int>(&self, cx: &Context, images: &Images<T>) -> Vec<U> {
        let (pixels, channels) = (self.window.pixels(), self.channels);
        let mut to = vec![U::default(); self.images * pixels * channels];
        if to.is_empty() {
            return to;
        }
        let mut staged = stage::blank::<i16>(&self.window, channels, cx.isa);
        let (bases, offsets) = (self.window.bases(channels), self.window.offsets(channels));
        for (index, to) in to.chunks_exact_mut(pixels * channels).enumerate() {
            stage::write(&mut staged, &self.window, channels, images, index, cx.isa);
            let size = chunk_of(cx, pixels);
            let chunk = |(at, to): (usize, &mut [U])| {
                let first = at * size;
                let bases = &bases[first..first + to.len() / channels];
                self.chunk(cx, &staged, bases, &offsets, index * pixels + first, to);
            };
            if cx.threads > 1 {
                to.par_chunks_mut(size * channels)
                    .enumerate()
                    .for_each(chunk);
            } else {
                to.chunks_mut(size * channels).enumerate().for_each(chunk);
            }
        }
        to
    }

    fn chunk<U: Int>(
        &self,
        cx: &Context,
        staged: &[i16],
        bases: &[usize],
        offsets: &[usize],
        pixel: usize,
        to: &mut [U],
    ) {
        let mut acc = [0; ROWS * WIDTH];
        for (tile, bases) in bases.chunks(ROWS).enumerate() {
            for channel in (0..self.channels).step_by(WIDTH) {
                let used = (self.channels - channel).min(WIDTH);
                self.multiply(cx.isa, &mut acc, staged, bases, offsets, channel, used);
                let row = tile * ROWS;
                let tile = Tile {
                    width: WIDTH,
                    used,
                    channel,
                    row,
                    pixel: pixel + row,
                    rows: bases.len(),
                };
                self.finish.write(&mut acc, tile, to, self.channels);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn multiply(
        &self,
        isa: Isa,
        acc: &mut [i32; ROWS * WIDTH],
        staged: &[i16],
        bases: &[usize],
        offsets: &[usize],
        channel: usize,
        used: usize,
    ) {
        #[cfg(target_arch = "x86_64")]
        if !self.pairs.is_empty() {
            return super::depthwise512::multiply(
                isa,
                acc,
                staged,
                bases,
                offsets,
                &self.pairs,
                channel,
                used,
            );
        }
        multiply(
            isa,
            acc,
            &staged[channel..],
            bases,
            offsets,
            &self.weight[channel..],
            self.channels,
            used,
        );
    }
}

/// [`pack`]ed weights for 512-bit vectors, if this machine has them.
pub(super) fn pairs(isa: Isa, weight: &[i16], channels: usize) -> Vec<i16> {
    #[cfg(target_arch = "x86_64")]
    if isa.level() >= Level::Avx512 {
        return super::depthwise512::pack(weight, channels);
    }
    let _ = (isa, weight, channels);
    Vec::new()
}

per_isa! {
    fn multiply(acc: &mut [i32; ROWS * WIDTH], staged: &[i16], bases: &[usize], offsets: &[usize], weight: &[i16], channels: usize, used: usize) {
        for (base, acc) in bases.iter().zip(acc.chunks_exact_mut(WIDTH)) {
            let acc = &mut acc[..used];
            acc.fill(0);
            for (tap, offset) in offsets.iter().enumerate() {
                let x = &staged[base + offset..][..used];
                let w = &weight[tap * channels..][..used];
                for ((a, x), w) in acc.iter_mut().zip(x).zip(w) {
                    *a = a.wrapping_add(i32::from(*x) * i32::from(*w));
                }
            }
        }
    }
}
