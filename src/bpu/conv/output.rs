//! From accumulators to results: bias, sum input, rescale, relu (`hbir.md` 1.2).
//!
//! Accumulators wrap at 32 bits; what the hardware does beyond is unspecified.

#[cfg(target_arch = "x86_64")]
use super::finish512;
use crate::bpu::channel::Int;
use crate::bpu::fixed::{saturate, saturate16, shift_left, truncate16};
use crate::bpu::rescale::Rescale;
use crate::bpu::simd::{Isa, Level, per_isa};
use crate::tensor::DType;

/// The sum input of one convolution: `trunc16(sumin << shift) · scale` is added to the accumulator.
#[derive(Clone, Debug)]
pub(super) struct SumIn<'a> {
    /// Elements in the output's order `[N, spatial…, C]`.
    pub(super) data: SumData<'a>,
    pub(super) scale: Vec<i32>,
    pub(super) shift: Vec<i32>,
}

/// Elements of a sum input.
#[derive(Clone, Debug)]
pub(super) enum SumData<'a> {
    I8(std::borrow::Cow<'a, [i8]>),
    I16(std::borrow::Cow<'a, [i16]>),
}

/// What is done to the accumulators of all output channels.
#[derive(Clone, Debug)]
pub(super) struct Finish<'a> {
    pub(super) isa: Isa,
    /// `bias << bias_left_shift`, and what the kernel's offset costs.
    pub(super) bias: Vec<i32>,
    pub(super) sum: Option<SumIn<'a>>,
    /// Empty: the accumulator is the result.
    pub(super) lanes: Lanes,
    pub(super) lo: i32,
    pub(super) hi: i32,
}

/// [`Rescale`]s of all channels as separate lists. A rounding shift by `n > 0` is written as
/// `((u >> (n - 1)) + 1) >> 1`, which cannot overflow.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    pre: Vec<i32>,
    qscale: Vec<i32>,
    shift: Vec<i32>,
    carry: Vec<i32>,
    last: Vec<i32>,
    /// The same for kernels that multiply pairs; `None` if half a unit might overflow there.
    pairs: Option<Pairs>,
}

/// A rescale as one product of pairs: `(t, half.0) · (qscale, half.1) >> post`, where the halves make `2^(post - 1)`.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    pub(super) pre: Vec<i32>,
    /// `qscale` in the low 16 bits, the second factor of the half in the high ones.
    pub(super) multiplier: Vec<i32>,
    pub(super) half: Vec<i32>,
    pub(super) post: Vec<i32>,
}

impl Lanes {
    pub(super) fn new(rescales: &[Rescale], rounds: bool) -> Self {
        let list = |f: &dyn Fn(&Rescale) -> i32| rescales.iter().map(f).collect();
        Self {
            pre: list(&|r| r.pre),
            qscale: list(&|r| r.qscale),
            shift: list(&|r| (r.post - 1).max(0)),
            carry: list(&|r| i32::from(rounds && r.post > 0)),
            last: list(&|r| i32::from(r.post > 0)),
            pairs: Pairs::new(rescales, rounds),
        }
    }

    fn lists(&self, from: usize, until: usize) -> Lists<'_> {
        [
            &self.pre,
            &self.qscale,
            &self.shift,
            &self.carry,
            &self.last,
        ]
        .map(|list| &list[from..until])
    }
}

impl Pairs {
    /// `None` if `-32768 · -32768 + 2^30` can occur, which 32 bits do not hold.
    fn new(rescales: &[Rescale], rounds: bool) -> Option<Self> {
        if rounds
            && rescales
                .iter()
                .any(|r| r.post == 31 && r.qscale == i32::from(i16::MIN))
        {
            return None;
        }
        let mut pairs = Self::default();
        for r in rescales {
            // 2^(post - 1) as a product of two 16-bit factors: 1 · 2^n, or (-2^15) · (-2^n).
            let (half, factor) = match r.post {
                1..=15 if rounds => (1, 1 << (r.post - 1)),
                16.. if rounds => (-32768, -1 << (r.post - 16)),
                _ => (0, 0),
            };
            pairs.pre.push(r.pre);
            pairs.multiplier.push((r.qscale & 0xffff) | (factor << 16));
            pairs.half.push(half);
            pairs.post.push(r.post);
        }
        Some(pairs)
    }
}

/// A tile of accumulators: rows of pixels, `width` lanes apart, of which `used` are output channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) width: usize,
    pub(super) used: usize,
    /// First output channel, over all groups.
    pub(super) channel: usize,
    /// First pixel in the slice that is written, and in the whole result.
    pub(super) row: usize,
    pub(super) pixel: usize,
    pub(super) rows: usize,
}

/// The lists of [`Lanes`] for some channels: pre, qscale, shift, carry, last.
type Lists<'a> = [&'a [i32]; 5];

impl Finish<'_> {
    /// Writes a tile into `to`, whose rows are `channels` apart.
    pub(super) fn write<T: Int>(&self, acc: &mut [i32], tile: Tile, to: &mut [T], channels: usize) {
        let (from, until) = (tile.channel, tile.channel + tile.used);
        if let Some(sum) = &self.sum {
            let at = tile.pixel * channels + tile.channel;
            let (scale, shift) = (&sum.scale[from..until], &sum.shift[from..until]);
            match &sum.data {
                SumData::I8(data) => {
                    add_sum(self.isa, acc, &data[at..], scale, shift, tile, channels)
                }
                SumData::I16(data) => {
                    add_sum(self.isa, acc, &data[at..], scale, shift, tile, channels)
                }
            }
        }
        let to = &mut to[tile.row * channels + tile.channel..];
        let bias = &self.bias[from..until];
        if self.lanes.pre.is_empty() {
            finish_raw(self.isa, acc, to, bias, tile, channels, self.lo);
        } else {
            #[cfg(target_arch = "x86_64")]
            if let Some(pairs) = &self.lanes.pairs
                && self.isa.level() >= Level::Avx512
                && T::DTYPE == DType::I8
            {
                let to = bytemuck::cast_slice_mut(to);
                return finish512::write(
                    self.isa, acc, to, &self.bias, pairs, tile, channels, self.lo,
                );
            }
            let lists = self.lanes.lists(from, until);
            finish_scaled(
                self.isa, acc, to, bias, lists, tile, channels, self.lo, self.hi,
            );
        }
    }
}

per_isa! {
    fn add_sum<S: Int>(acc: &mut [i32], sum: &[S], scale: &[i32], shift: &[i32], tile: Tile, channels: usize) {
        for row in 0..tile.rows {
            let acc = &mut acc[row * tile.width..][..tile.used];
            let sum = &sum[row * channels..][..tile.used];
            for (((a, s), scale), shift) in acc.iter_mut().zip(sum).zip(scale).zip(shift) {
                let term = truncate16(shift_left(s.to_i32(), *shift));
                *a = a.wrapping_add(term.wrapping_mul(*scale));
            }
        }
    }
}

per_isa! {
    fn finish_raw<T: Int>(acc: &[i32], to: &mut [T], bias: &[i32], tile: Tile, channels: usize, lo: i32) {
        for row in 0..tile.rows {
            let acc = &acc[row * tile.width..][..tile.used];
            let to = &mut to[row * channels..][..tile.used];
            for ((a, b), y) in acc.iter().zip(bias).zip(to) {
                *y = T::from_i32(a.wrapping_add(*b).max(lo));
            }
        }
    }
}

per_isa! {
    fn finish_scaled<T: Int>(acc: &[i32], to: &mut [T], bias: &[i32], lists: [&[i32]; 5], tile: Tile, channels: usize, lo: i32, hi: i32) {
        let n = tile.used;
        let (bias, pre, qscale) = (&bias[..n], &lists[0][..n], &lists[1][..n]);
        let (shift, carry, last) = (&lists[2][..n], &lists[3][..n], &lists[4][..n]);
        for row in 0..tile.rows {
            let acc = &acc[row * tile.width..][..n];
            let to = &mut to[row * channels..][..n];
            for c in 0..n {
                let t = saturate16(acc[c].wrapping_add(bias[c]) >> (pre[c] & 31));
                let u = (t * qscale[c]) >> (shift[c] & 31);
                let y = (u + carry[c]) >> (last[c] & 31);
                to[c] = T::from_i32(saturate(y, lo, hi));
            }
        }
    }
}
