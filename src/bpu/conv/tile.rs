//! The multiply-accumulate kernels: a few output pixels by up to 64 output channels at a time.
//!
//! All compute the same sums modulo 2^32. Tiles of AMX are in `amx`.
#![allow(unsafe_code)]

use super::pack::{LANES, MAX_BLOCKS, Packed};
use super::stage::Staged;
use crate::bpu::simd::{Isa, Level};

/// Pixels that one kernel call computes at most: two tiles of AMX.
pub(super) const ROWS: usize = 32;

/// Pixels that one call on vector registers computes at most.
const MAX_ROWS: usize = 12;

/// Accumulators of one call: rows of `blocks · 16`.
#[repr(align(64))]
pub(super) struct Acc(pub(super) [i32; ROWS * MAX_BLOCKS * LANES]);

/// What one kernel call reads. Sums run over `offsets.len()` stretches of `run` staged elements.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a, P: Packed> {
    pub(super) staged: &'a [P::Act],
    pub(super) offsets: &'a [usize],
    pub(super) run: usize,
    pub(super) weights: &'a [P],
    pub(super) blocks: usize,
}

impl<P: Packed> Operands<'_, P> {
    /// Panics unless every read of a kernel lies inside its slice.
    fn check(&self, bases: &[usize]) {
        let reach = self
            .offsets
            .iter()
            .max()
            .map_or(0, |offset| offset + self.run);
        let farthest = bases.iter().max().map_or(0, |base| base + reach);
        assert!(farthest <= self.staged.len() && self.run.is_multiple_of(P::Act::STEP));
        assert!(self.weights.len() == self.offsets.len() * self.run * self.blocks * LANES);
    }
}

/// Pixels per call for a panel of `blocks`: as many as the registers hold.
fn rows_for(blocks: usize) -> usize {
    match blocks {
        4.. => 6,
        3 => 8,
        _ => MAX_ROWS,
    }
}

/// A weight type with its kernels.
pub(super) trait Multiply: Packed {
    /// Fills the accumulators of as many rows as there are bases; returns how many it took from the front.
    fn multiply(isa: Isa, acc: &mut Acc, bases: &[usize], op: Operands<Self>) -> usize;
}

/// The largest row count in `{full, 4, 2, 1}` that `n` pixels fill.
fn rows_of(blocks: usize, n: usize) -> usize {
    let full = rows_for(blocks);
    match n {
        _ if n >= full => full,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

macro_rules! by_rows {
    ($kernel:ident, $acc:ident, $bases:ident, $op:ident, $rows:ident) => {
        match ($op.blocks, $rows) {
            (4, 6) => $kernel::<6, 4>($acc, $bases, $op),
            (4, 4) => $kernel::<4, 4>($acc, $bases, $op),
            (4, 2) => $kernel::<2, 4>($acc, $bases, $op),
            (4, _) => $kernel::<1, 4>($acc, $bases, $op),
            (3, 8) => $kernel::<8, 3>($acc, $bases, $op),
            (3, 4) => $kernel::<4, 3>($acc, $bases, $op),
            (3, 2) => $kernel::<2, 3>($acc, $bases, $op),
            (3, _) => $kernel::<1, 3>($acc, $bases, $op),
            (2, 12) => $kernel::<12, 2>($acc, $bases, $op),
            (2, 4) => $kernel::<4, 2>($acc, $bases, $op),
            (2, 2) => $kernel::<2, 2>($acc, $bases, $op),
            (2, _) => $kernel::<1, 2>($acc, $bases, $op),
            (_, 12) => $kernel::<12, 1>($acc, $bases, $op),
            (_, 4) => $kernel::<4, 1>($acc, $bases, $op),
            (_, 2) => $kernel::<2, 1>($acc, $bases, $op),
            _ => $kernel::<1, 1>($acc, $bases, $op),
        }
    };
}

impl Multiply for i8 {
    fn multiply(isa: Isa, acc: &mut Acc, bases: &[usize], op: Operands<Self>) -> usize {
        let rows = rows_of(op.blocks, bases.len());
        let bases = &bases[..rows];
        op.check(bases);
        #[cfg(target_arch = "x86_64")]
        if isa.level() >= Level::Vnni {
            // SAFETY: the level exists only where the machine has these instructions; `check` holds for all reads, and `acc`
            // holds `rows · blocks · 16` elements for each pair of the table.
            unsafe { by_rows!(vnni, acc, bases, op, rows) };
            return rows;
        }
        let _ = isa;
        portable(acc, bases, op);
        rows
    }
}

impl Multiply for i16 {
    fn multiply(isa: Isa, acc: &mut Acc, bases: &[usize], op: Operands<Self>) -> usize {
        let rows = rows_of(op.blocks, bases.len());
        let bases = &bases[..rows];
        op.check(bases);
        match isa.level() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as for int8 weights.
            Level::Amx | Level::Vnni | Level::Avx512 => unsafe {
                by_rows!(pairs512, acc, bases, op, rows)
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as for int8 weights.
            Level::Avx2 => unsafe {
                for (first, bases) in bases.chunks(4).enumerate() {
                    match bases.len() {
                        4 => pairs256::<4>(acc, first * 4, bases, op),
                        3 => pairs256::<3>(acc, first * 4, bases, op),
                        2 => pairs256::<2>(acc, first * 4, bases, op),
                        _ => pairs256::<1>(acc, first * 4, bases, op),
                    }
                }
            },
            _ => portable(acc, bases, op),
        }
        rows
    }
}

/// Plain loops; offset bytes count as they are, so the caller's compensation holds here too.
fn portable<P: Packed>(acc: &mut Acc, bases: &[usize], op: Operands<P>)
where
    i32: From<P> + From<P::Act>,
{
    let step = P::Act::STEP;
    let width = op.blocks * LANES;
    for (base, acc) in bases.iter().zip(acc.0.chunks_exact_mut(width)) {
        acc.fill(0);
        let mut weights = op.weights.chunks_exact(width * step);
        for offset in op.offsets {
            let run = &op.staged[base + offset..][..op.run];
            for (x, w) in run.chunks_exact(step).zip(&mut weights) {
                for (a, w) in acc.iter_mut().zip(w.chunks_exact(step)) {
                    let dot = x.iter().zip(w).map(|(x, w)| i32::from(*x) * i32::from(*w));
                    *a = dot.fold(*a, i32::wrapping_add);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// `vpdpbusd`: four unsigned bytes by four signed ones per lane, exact in 32 bits.
///
/// # Safety
/// `op.check(bases)` holds, `bases` has `M` entries, `op.blocks == B`, `M · B ≤ 24`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn vnni<const M: usize, const B: usize>(acc: &mut Acc, bases: &[usize], op: Operands<i8>) {
    let mut sums = [[_mm512_setzero_si512(); B]; M];
    let mut w = op.weights.as_ptr();
    for offset in op.offsets {
        // SAFETY (whole loop): `check` bounds `base + offset + run` by the staged length and the weights' length is exact.
        unsafe {
            let x: [*const u8; M] =
                std::array::from_fn(|m| op.staged.as_ptr().add(bases[m] + offset));
            for k in (0..op.run).step_by(4) {
                let ws: [__m512i; B] =
                    std::array::from_fn(|b| _mm512_loadu_si512(w.add(b * 64).cast()));
                for m in 0..M {
                    let xs = _mm512_set1_epi32(x[m].add(k).cast::<i32>().read_unaligned());
                    for b in 0..B {
                        sums[m][b] = _mm512_dpbusd_epi32(sums[m][b], xs, ws[b]);
                    }
                }
                w = w.add(B * 64);
            }
        }
    }
    store512(acc, sums);
}

/// `vpmaddwd` on 512 bits: two 16-bit products per lane.
///
/// # Safety
/// As for [`vnni`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn pairs512<const M: usize, const B: usize>(
    acc: &mut Acc,
    bases: &[usize],
    op: Operands<i16>,
) {
    let mut sums = [[_mm512_setzero_si512(); B]; M];
    let mut w = op.weights.as_ptr();
    for offset in op.offsets {
        // SAFETY (whole loop): as in `vnni`.
        unsafe {
            let x: [*const i16; M] =
                std::array::from_fn(|m| op.staged.as_ptr().add(bases[m] + offset));
            for k in (0..op.run).step_by(2) {
                let ws: [__m512i; B] =
                    std::array::from_fn(|b| _mm512_loadu_si512(w.add(b * 32).cast()));
                for m in 0..M {
                    let xs = _mm512_set1_epi32(x[m].add(k).cast::<i32>().read_unaligned());
                    for b in 0..B {
                        sums[m][b] = _mm512_add_epi32(sums[m][b], _mm512_madd_epi16(xs, ws[b]));
                    }
                }
                w = w.add(B * 32);
            }
        }
    }
    store512(acc, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn store512<const M: usize, const B: usize>(acc: &mut Acc, sums: [[__m512i; B]; M]) {
    const { assert!(M * B <= 24) };
    for (sum, to) in sums
        .as_flattened()
        .iter()
        .zip(acc.0.chunks_exact_mut(LANES))
    {
        // SAFETY: `to` has 16 elements of 4 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), *sum) };
    }
}

/// `vpmaddwd` on 256 bits, one block of 16 channels after the other; rows from `first` on.
///
/// # Safety
/// As for [`vnni`], and `(first + M) · blocks ≤ 24`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn pairs256<const M: usize>(
    acc: &mut Acc,
    first: usize,
    bases: &[usize],
    op: Operands<i16>,
) {
    for block in 0..op.blocks {
        let mut sums = [[_mm256_setzero_si256(); 2]; M];
        // SAFETY (whole loop): as in `vnni`; each step of the weights holds `blocks · 32` elements.
        unsafe {
            let mut w = op.weights.as_ptr().add(block * 32);
            for offset in op.offsets {
                let x: [*const i16; M] =
                    std::array::from_fn(|m| op.staged.as_ptr().add(bases[m] + offset));
                for k in (0..op.run).step_by(2) {
                    let ws = [
                        _mm256_loadu_si256(w.cast()),
                        _mm256_loadu_si256(w.add(16).cast()),
                    ];
                    for m in 0..M {
                        let xs = _mm256_set1_epi32(x[m].add(k).cast::<i32>().read_unaligned());
                        for h in 0..2 {
                            sums[m][h] = _mm256_add_epi32(sums[m][h], _mm256_madd_epi16(xs, ws[h]));
                        }
                    }
                    w = w.wrapping_add(op.blocks * 32);
                }
            }
        }
        for (m, sum) in sums.iter().enumerate() {
            let at = ((first + m) * op.blocks + block) * LANES;
            for (to, sum) in acc.0[at..at + LANES].chunks_exact_mut(8).zip(sum) {
                // SAFETY: `to` has 8 elements of 4 bytes.
                unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), *sum) };
            }
        }
    }
}

const _: () = assert!(6 * MAX_BLOCKS <= 24 && MAX_ROWS * 2 <= 24);
