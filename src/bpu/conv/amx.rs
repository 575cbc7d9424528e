//! The tile instructions of AMX: up to 32 output pixels by 32 output channels at a time, 64 inputs a step.
//!
//! The weights are packed as for VNNI; a block's step of four inputs is a row of its tile. The inputs of 16 pixels are rows
//! of a tile as far as their windows start equally far apart. Where an image row ends and the next begins a few pixels
//! on, the tile runs over the pixels between, whose sums are dropped.
#![allow(unsafe_code)]

use std::arch::asm;

use super::pack::LANES;
use super::stage::Staged;
use super::tile::{Acc, Operands, ROWS};
use crate::bpu::simd::{Isa, Level};

/// Pixels of one tile.
const TILE: usize = 16;

const _: () = assert!(2 * TILE == ROWS);

/// Bytes of a tile's row.
const ROW_BYTES: usize = 64;

/// Fewer pixels than these are left to VNNI, which does not compute the rest of a tile.
const WORTH: usize = 6;

/// How the inputs of one stretch are cut into tiles of equal depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Depth {
    /// Tiles in a stretch.
    tiles: usize,
    /// Kernel steps (of four inputs) in a tile: rows of the weights' tile.
    steps: usize,
}

impl Depth {
    /// The fewest tiles that a stretch of `run` inputs falls into without a rest; `None` if they would be mostly empty.
    fn of(run: usize) -> Option<Self> {
        let steps = run / <u8 as Staged>::STEP;
        let full = ROW_BYTES / <u8 as Staged>::STEP;
        let tiles = (steps.div_ceil(full)..=steps.div_ceil(full / 2)).find(|n| steps % n == 0)?;
        Some(Self {
            tiles,
            steps: steps / tiles,
        })
    }
}

/// Sixteen windows, equally far apart, and which of them are output pixels.
#[derive(Clone, Copy, Debug)]
struct Rows {
    start: usize,
    used: usize,
    /// Row of the tile for each output pixel, ascending.
    at: [u8; TILE],
}

impl Rows {
    /// As many of the windows at `bases` as lie `stride` apart from the first on.
    fn of(bases: &[usize], stride: usize) -> Self {
        let mut rows = Self {
            start: bases[0],
            used: 0,
            at: [0; TILE],
        };
        let mut row = 0;
        for base in bases.iter().take(TILE) {
            while row < TILE && rows.start + row * stride < *base {
                row += 1;
            }
            if row == TILE || rows.start + row * stride != *base {
                break;
            }
            rows.at[rows.used] = row as u8;
            rows.used += 1;
        }
        rows
    }

    /// Elements behind the first window's start that a tile of this stride may read.
    fn reach(stride: usize, op: &Operands<i8>) -> usize {
        let farthest = op.offsets.iter().max().map_or(0, |offset| offset + op.run);
        (TILE - 1) * stride + farthest
    }
}

/// Elements that tiles may read past a staged image whose windows lie `stride` apart in a row.
pub(super) fn slack(stride: usize) -> usize {
    (TILE - 1) * stride
}

/// Fills the accumulators of as many rows as it computes, from the front of `bases`; returns how many, or `None` where
/// VNNI is the better choice.
pub(super) fn multiply(
    isa: Isa,
    acc: &mut Acc,
    bases: &[usize],
    op: Operands<i8>,
) -> Option<usize> {
    assert!(isa.level() == Level::Amx);
    if bases.len() < WORTH {
        return None;
    }
    let (depth, stride) = (Depth::of(op.run)?, op.stride);
    let first = Rows::of(bases, stride);
    let rest = &bases[first.used..];
    let second = (!rest.is_empty()).then(|| Rows::of(rest, stride));
    if first.used + second.map_or(0, |rows| rows.used) < WORTH {
        return None;
    }
    let last = second.map_or(first.start, |rows| rows.start);
    let width = op.blocks * LANES;
    assert!(last + Rows::reach(stride, &op) <= op.staged.len());
    assert!(op.weights.len() == op.offsets.len() * op.run * width);
    assert!(acc.0.len() >= ROWS * width);
    let call = Call {
        depth,
        stride,
        starts: [first.start, last],
        both: second.is_some(),
    };
    // SAFETY: the level exists only where the system lets this process use tiles; the assertions bound what tiles read
    // and write: 16 windows from either start, all weights, 32 rows of accumulators.
    unsafe { call.run(acc, op) };
    let mut used = 0;
    for (rows, from) in std::iter::once((first, 0)).chain(second.map(|rows| (rows, TILE))) {
        for row in &rows.at[..rows.used] {
            let row = from + usize::from(*row);
            if row != used {
                acc.0
                    .copy_within(row * width..(row + 1) * width, used * width);
            }
            used += 1;
        }
    }
    Some(used)
}

/// Two tiles of windows to multiply.
struct Call {
    depth: Depth,
    stride: usize,
    starts: [usize; 2],
    both: bool,
}

/// What the loop reads from memory: registers are few.
#[repr(C)]
struct Loop {
    offsets_end: *const usize,
    tiles: usize,
    row_bytes: usize,
    weight_bytes: usize,
}

/// The operand of `ldtilecfg`.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Config {
    /// Tiles 0 to 3 are accumulators, 4 and 5 inputs, 6 and 7 weights.
    fn new(depth: Depth) -> Self {
        let mut config = Self {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        let inputs = (depth.steps * <u8 as Staged>::STEP) as u16;
        for tile in 0..8 {
            let is_input = tile == 4 || tile == 5;
            config.row_bytes[tile] = if is_input { inputs } else { ROW_BYTES as u16 };
            config.rows[tile] = if tile < 6 {
                TILE as u8
            } else {
                depth.steps as u8
            };
        }
        config
    }
}

/// One loop over all stretches and their tiles; `$second` and `$pair` are the instructions of the second tile of windows and of
/// the second block of channels.
macro_rules! tiles {
    ($call:ident, $acc:ident, $op:ident, $block:ident, [$($zero:literal)*], [$($step:literal)*], [$($store:literal)*]) => {{
        let width = $op.blocks * LANES * size_of::<i32>();
        let per_step = $op.blocks * LANES * <u8 as Staged>::STEP;
        let fixed = Loop {
            offsets_end: $op.offsets.as_ptr_range().end,
            tiles: $call.depth.tiles,
            row_bytes: $call.depth.steps * <u8 as Staged>::STEP,
            weight_bytes: $call.depth.steps * per_step,
        };
        let to = $acc.0.as_mut_ptr().wrapping_add($block * LANES);
        asm!(
            $($zero,)*
            "2:",
            "mov {x}, qword ptr [{offsets}]",
            "lea {y}, [{second} + {x}]",
            "add {x}, {first}",
            "mov {n}, qword ptr [{fixed} + 8]",
            "3:",
            $($step,)*
            "add {x}, qword ptr [{fixed} + 16]",
            "add {y}, qword ptr [{fixed} + 16]",
            "add {w}, qword ptr [{fixed} + 24]",
            "dec {n}",
            "jnz 3b",
            "add {offsets}, 8",
            "cmp {offsets}, qword ptr [{fixed}]",
            "jne 2b",
            $($store,)*
            fixed = in(reg) &raw const fixed,
            offsets = inout(reg) $op.offsets.as_ptr() => _,
            first = in(reg) $op.staged.as_ptr().wrapping_add($call.starts[0]),
            second = in(reg) $op.staged.as_ptr().wrapping_add($call.starts[1]),
            stride = in(reg) $call.stride,
            w = inout(reg) $op.weights.as_ptr().wrapping_add($block * LANES * <u8 as Staged>::STEP) => _,
            per_step = in(reg) per_step,
            to = inout(reg) to => _,
            width = in(reg) width,
            x = out(reg) _,
            y = out(reg) _,
            n = out(reg) _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }};
}

impl Call {
    /// All blocks, two at a time.
    ///
    /// # Safety
    /// The process may use tiles, and the assertions of [`multiply`] hold.
    unsafe fn run(&self, acc: &mut Acc, op: Operands<i8>) {
        if op.offsets.is_empty() || op.run == 0 {
            acc.0.fill(0);
            return;
        }
        let config = Config::new(self.depth);
        // SAFETY: a valid configuration of palette 1: at most 16 rows of at most 64 bytes.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack)) };
        let mut block = 0;
        while block < op.blocks {
            // SAFETY: the caller's.
            unsafe {
                match (self.both, op.blocks - block) {
                    (true, 2..) => self.two_by_two(acc, op, block),
                    (true, _) => self.two_by_one(acc, op, block),
                    (false, 2..) => self.one_by_two(acc, op, block),
                    (false, _) => self.one_by_one(acc, op, block),
                }
            }
            block += 2;
        }
        // SAFETY: gives the tiles back, so that switching threads need not save them.
        unsafe { asm!("tilerelease", options(nomem, nostack)) };
    }

    unsafe fn two_by_two(&self, acc: &mut Acc, op: Operands<i8>, block: usize) {
        // SAFETY: the caller's.
        unsafe {
            tiles!(self, acc, op, block,
                ["tilezero tmm0" "tilezero tmm1" "tilezero tmm2" "tilezero tmm3"],
                ["tileloadd tmm6, [{w} + {per_step}*1]"
                 "tileloadd tmm4, [{x} + {stride}*1]"
                 "tileloadd tmm7, [{w} + {per_step}*1 + 64]"
                 "tdpbusd tmm0, tmm4, tmm6"
                 "tileloadd tmm5, [{y} + {stride}*1]"
                 "tdpbusd tmm1, tmm4, tmm7"
                 "tdpbusd tmm2, tmm5, tmm6"
                 "tdpbusd tmm3, tmm5, tmm7"],
                ["tilestored [{to} + {width}*1], tmm0"
                 "tilestored [{to} + {width}*1 + 64], tmm1"
                 "mov {n}, {width}"
                 "shl {n}, 4"
                 "add {to}, {n}"
                 "tilestored [{to} + {width}*1], tmm2"
                 "tilestored [{to} + {width}*1 + 64], tmm3"]);
        }
    }

    unsafe fn two_by_one(&self, acc: &mut Acc, op: Operands<i8>, block: usize) {
        // SAFETY: the caller's.
        unsafe {
            tiles!(self, acc, op, block,
                ["tilezero tmm0" "tilezero tmm2"],
                ["tileloadd tmm6, [{w} + {per_step}*1]"
                 "tileloadd tmm4, [{x} + {stride}*1]"
                 "tileloadd tmm5, [{y} + {stride}*1]"
                 "tdpbusd tmm0, tmm4, tmm6"
                 "tdpbusd tmm2, tmm5, tmm6"],
                ["tilestored [{to} + {width}*1], tmm0"
                 "mov {n}, {width}"
                 "shl {n}, 4"
                 "add {to}, {n}"
                 "tilestored [{to} + {width}*1], tmm2"]);
        }
    }

    unsafe fn one_by_two(&self, acc: &mut Acc, op: Operands<i8>, block: usize) {
        // SAFETY: the caller's.
        unsafe {
            tiles!(self, acc, op, block,
                ["tilezero tmm0" "tilezero tmm1"],
                ["tileloadd tmm6, [{w} + {per_step}*1]"
                 "tileloadd tmm4, [{x} + {stride}*1]"
                 "tileloadd tmm7, [{w} + {per_step}*1 + 64]"
                 "tdpbusd tmm0, tmm4, tmm6"
                 "tdpbusd tmm1, tmm4, tmm7"],
                ["tilestored [{to} + {width}*1], tmm0"
                 "tilestored [{to} + {width}*1 + 64], tmm1"]);
        }
    }

    unsafe fn one_by_one(&self, acc: &mut Acc, op: Operands<i8>, block: usize) {
        // SAFETY: the caller's.
        unsafe {
            tiles!(self, acc, op, block,
                ["tilezero tmm0"],
                ["tileloadd tmm6, [{w} + {per_step}*1]"
                 "tileloadd tmm4, [{x} + {stride}*1]"
                 "tdpbusd tmm0, tmm4, tmm6"],
                ["tilestored [{to} + {width}*1], tmm0"]);
        }
    }
}
