//! The loops over tiles, and the state of the tile registers.
#![allow(unsafe_code)]

use std::arch::asm;
use std::marker::PhantomData;

use super::{Depth, INPUTS, Pair, Plan, TILE};
use crate::bpu::conv::pack::LANES;
use crate::bpu::conv::tile::{Acc, ROWS};

/// Bytes of a tile's row.
const ROW_BYTES: usize = 64;

/// The tile registers of this thread, configured. Dropping it gives them back, so that switching threads need not save them.
pub(in crate::bpu::conv) struct Tiles {
    depth: Depth,
    /// Registers are a thread's own.
    thread: PhantomData<*const ()>,
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the instruction exists where a `Tiles` does.
        unsafe { asm!("tilerelease", options(nomem, nostack)) };
    }
}

/// What one panel of weights is multiplied with.
#[derive(Clone, Copy)]
pub(in crate::bpu::conv) struct Panel<'a> {
    pub(in crate::bpu::conv) staged: &'a [u8],
    pub(in crate::bpu::conv) weights: &'a [i8],
    pub(in crate::bpu::conv) blocks: usize,
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
        let inputs = (depth.steps * INPUTS) as u16;
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

/// One loop over all stretches and their tiles. The lists are the instructions before it, of one step, and after it: `first`
/// and `second` are the tiles of windows, `w` and 64 bytes behind it the blocks of weights.
macro_rules! tiles {
    ($plan:ident, $pair:ident, $panel:ident, $block:ident, $acc:ident, [$($zero:literal)*], [$($step:literal)*], [$($store:literal)*]) => {{
        let width = $panel.blocks * LANES * size_of::<i32>();
        let per_step = $panel.blocks * LANES * INPUTS;
        let fixed = Loop {
            offsets_end: $plan.offsets.as_ptr_range().end,
            tiles: $plan.depth.tiles,
            row_bytes: $plan.depth.steps * INPUTS,
            weight_bytes: $plan.depth.steps * per_step,
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
            offsets = inout(reg) $plan.offsets.as_ptr() => _,
            first = in(reg) $panel.staged.as_ptr().wrapping_add($pair.starts[0]),
            second = in(reg) $panel.staged.as_ptr().wrapping_add($pair.starts[1]),
            stride = in(reg) $plan.stride,
            w = inout(reg) $panel.weights.as_ptr().wrapping_add($block * LANES * INPUTS) => _,
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

impl Plan<'_> {
    /// Configures the tile registers for this plan.
    pub(in crate::bpu::conv) fn tiles(&self) -> Tiles {
        let config = Config::new(self.depth);
        // SAFETY: a plan exists only where the system lets this process use tiles; the configuration is one of palette 1 with at
        // most 16 rows of at most 64 bytes.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack)) };
        Tiles {
            depth: self.depth,
            thread: PhantomData,
        }
    }

    /// Fills the accumulators of all rows of a pair, `panel.blocks · 16` a row.
    pub(in crate::bpu::conv) fn multiply(
        &self,
        tiles: &Tiles,
        pair: &Pair,
        panel: Panel<'_>,
        acc: &mut Acc,
    ) {
        let Depth { tiles: n, steps } = self.depth;
        let width = panel.blocks * LANES;
        let [first, last] = pair.starts;
        assert!(first <= last && last + self.reach <= panel.staged.len());
        assert!(tiles.depth == self.depth);
        assert!(panel.weights.len() == self.offsets.len() * n * steps * INPUTS * width);
        assert!(acc.0.len() >= ROWS * width);
        for block in (0..panel.blocks).step_by(2) {
            // SAFETY: tiles of this depth are configured; the assertions bound what tiles read and write: all windows of
            // the pair, all weights, 32 rows of accumulators. A plan has at least one offset.
            unsafe {
                match (pair.both, panel.blocks - block) {
                    (true, 2..) => self.two_by_two(pair, panel, block, acc),
                    (true, _) => self.two_by_one(pair, panel, block, acc),
                    (false, 2..) => self.one_by_two(pair, panel, block, acc),
                    (false, _) => self.one_by_one(pair, panel, block, acc),
                }
            }
        }
    }

    unsafe fn two_by_two(&self, pair: &Pair, panel: Panel<'_>, block: usize, acc: &mut Acc) {
        // SAFETY: the caller's.
        unsafe {
            tiles!(self, pair, panel, block, acc,
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

    unsafe fn two_by_one(&self, pair: &Pair, panel: Panel<'_>, block: usize, acc: &mut Acc) {
        // SAFETY: the caller's.
        unsafe {
            tiles!(self, pair, panel, block, acc,
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

    unsafe fn one_by_two(&self, pair: &Pair, panel: Panel<'_>, block: usize, acc: &mut Acc) {
        // SAFETY: the caller's.
        unsafe {
            tiles!(self, pair, panel, block, acc,
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

    unsafe fn one_by_one(&self, pair: &Pair, panel: Panel<'_>, block: usize, acc: &mut Acc) {
        // SAFETY: the caller's.
        unsafe {
            tiles!(self, pair, panel, block, acc,
                ["tilezero tmm0"],
                ["tileloadd tmm6, [{w} + {per_step}*1]"
                 "tileloadd tmm4, [{x} + {stride}*1]"
                 "tdpbusd tmm0, tmm4, tmm6"],
                ["tilestored [{to} + {width}*1], tmm0"]);
        }
    }
}
