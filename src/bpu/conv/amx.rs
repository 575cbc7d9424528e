//! The tile instructions of AMX: up to 32 output pixels by 32 output channels at a time, 64 inputs a step.
//!
//! The weights are packed as for VNNI; a block's step of four inputs is a row of its tile. The inputs of 16 pixels are rows
//! of a tile as far as their windows start equally far apart. Where an image row ends and the next begins a few pixels
//! on, the tile runs over the pixels between, whose sums are dropped.

mod kernel;

use super::stage::Staged;
use super::tile::ROWS;
use crate::bpu::simd::{Isa, Level};
use smallvec::SmallVec;

pub(super) use self::kernel::Panel;

/// Pixels of one tile.
const TILE: usize = 16;

/// Inputs of one kernel step, as in the packed weights.
const INPUTS: usize = <u8 as Staged>::STEP;

/// Blocks of output channels in a panel: one pass over its weights, a third of the first-level cache in a 3x3 convolution
/// of 64 channels, leaves room for the images.
pub(super) const BLOCKS: usize = 2;

/// Tiles of which less than a third is output pixels are slower than VNNI, which computes nothing else.
const LEAST_FILLED: usize = 3;

const _: () = assert!(2 * TILE == ROWS);

/// How the inputs of one stretch are cut into tiles of equal depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Depth {
    /// Tiles in a stretch.
    tiles: usize,
    /// Kernel steps in a tile: rows of the weights' tile.
    steps: usize,
}

impl Depth {
    /// The fewest tiles that a stretch of `run` inputs falls into without a rest; `None` if they would be mostly empty.
    fn of(run: usize) -> Option<Self> {
        let steps = run / INPUTS;
        let (least, most) = (steps.div_ceil(TILE).max(1), steps.div_ceil(TILE / 2));
        let tiles = (least..=most).find(|tiles| steps.is_multiple_of(*tiles))?;
        Some(Self {
            tiles,
            steps: steps / tiles,
        })
    }
}

/// Neighbouring rows of the accumulators that are neighbouring output pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// First row of the accumulators.
    pub(super) from: usize,
    /// First output pixel.
    pub(super) pixel: usize,
    pub(super) count: usize,
}

/// Most tiles are one or two runs of pixels.
type RowsList = SmallVec<[Rows; 4]>;

/// Two tiles of sixteen windows each; the second may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// Staged elements where the first windows of the tiles start.
    starts: [usize; 2],
    both: bool,
    pub(super) rows: RowsList,
}

/// Which tiles compute the pixels of a chunk.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    offsets: &'a [usize],
    depth: Depth,
    /// Staged elements between the windows of a tile.
    stride: usize,
    pub(super) pairs: Vec<Pair>,
    /// Staged elements that a tile reads behind its start.
    reach: usize,
}

impl<'a> Plan<'a> {
    /// The plan for windows that start at `bases`, each of stretches of `run` elements at `offsets`, in an image whose windows lie
    /// `stride` apart in a row. `None` where the machine has no tiles, or they would be mostly empty.
    pub(super) fn new(
        isa: Isa,
        bases: &[usize],
        offsets: &'a [usize],
        run: usize,
        stride: usize,
    ) -> Option<Self> {
        if isa.level() < Level::Amx || stride == 0 {
            return None;
        }
        let depth = Depth::of(run)?;
        let farthest = offsets.iter().max()? + run;
        let mut tiles = Vec::new();
        let mut pixel = 0;
        while pixel < bases.len() {
            let tile = tile(bases, pixel, stride);
            pixel += tile.iter().map(|rows| rows.count).sum::<usize>();
            tiles.push(tile);
        }
        if tiles.len() * TILE > bases.len() * LEAST_FILLED {
            return None;
        }
        let start = |tile: &[Rows]| bases[tile[0].pixel];
        let pair = |pair: &[RowsList]| Pair {
            starts: [start(&pair[0]), start(pair.last().unwrap_or(&pair[0]))],
            both: pair.len() == 2,
            rows: joined(pair),
        };
        let pairs = tiles.chunks(2).map(pair).collect();
        Some(Self {
            offsets,
            depth,
            stride,
            pairs,
            reach: slack(stride) + farthest,
        })
    }
}

/// The pixels from `first` on whose windows lie `stride` apart, at most sixteen windows.
fn tile(bases: &[usize], first: usize, stride: usize) -> RowsList {
    let mut all = RowsList::new();
    let mut row = 0;
    for (pixel, base) in bases.iter().enumerate().skip(first).take(TILE) {
        while row < TILE && bases[first] + row * stride < *base {
            row += 1;
        }
        if row == TILE || bases[first] + row * stride != *base {
            break;
        }
        match all.last_mut() {
            Some(last) if last.from + last.count == row => last.count += 1,
            _ => all.push(Rows {
                from: row,
                pixel,
                count: 1,
            }),
        }
    }
    all
}

/// The rows of two tiles below each other.
fn joined(tiles: &[RowsList]) -> RowsList {
    let mut all = RowsList::new();
    for (tile, list) in tiles.iter().enumerate() {
        for rows in list {
            let from = tile * TILE + rows.from;
            match all.last_mut() {
                Some(last) if last.from + last.count == from => last.count += rows.count,
                _ => all.push(Rows { from, ..*rows }),
            }
        }
    }
    all
}

/// Elements that tiles may read past a staged image whose windows lie `stride` apart in a row.
pub(super) fn slack(stride: usize) -> usize {
    (TILE - 1) * stride
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(tiles: usize, steps: usize) -> Option<Depth> {
        Some(Depth { tiles, steps })
    }

    #[test]
    fn stretches_fall_into_equal_tiles() {
        assert_eq!(Depth::of(24), depth(1, 6));
        assert_eq!(Depth::of(64), depth(1, 16));
        assert_eq!(Depth::of(96), depth(2, 12));
        assert_eq!(Depth::of(576), depth(9, 16));
        // 29 steps and none at all.
        assert_eq!(Depth::of(116), None);
        assert_eq!(Depth::of(0), None);
    }

    /// Windows of an image of `width` pixels with one pixel of padding on both sides, ten elements each.
    fn bases(width: usize, height: usize) -> Vec<usize> {
        let row = |y: usize| (0..width).map(move |x| 10 * (y * (width + 2) + x));
        (0..height).flat_map(row).collect()
    }

    fn rows(from: usize, pixel: usize, count: usize) -> Rows {
        Rows { from, pixel, count }
    }

    #[test]
    fn tiles_run_over_the_ends_of_rows() {
        let narrow = bases(7, 3);
        assert_eq!(tile(&narrow, 0, 10)[..], [rows(0, 0, 7), rows(9, 7, 7)]);
        assert_eq!(tile(&narrow, 14, 10)[..], [rows(0, 14, 7)]);
        let wide = bases(40, 2);
        assert_eq!(tile(&wide, 0, 10)[..], [rows(0, 0, 16)]);
        assert_eq!(tile(&wide, 32, 10)[..], [rows(0, 32, 8), rows(10, 40, 6)]);
    }

    #[test]
    fn tiles_below_each_other_are_one_run_where_pixels_are() {
        let wide = bases(40, 1);
        let pair = [tile(&wide, 0, 10), tile(&wide, 16, 10)];
        assert_eq!(joined(&pair)[..], [rows(0, 0, 32)]);
    }
}
