//! Point clouds as voxels (`horizon.md` 2.1 #30 and 3.16).
//!
//! Inferred: the plugin describes the operator in the words of the function that point pillars were published with, and
//! its results have that function's layout. First come, first served, in float32:
//!
//! ```text
//! cell = ⌊(point - low) / size⌋ for x, y, z; a point outside 0 … RE((high - low) / size) - 1 is left out
//! a new cell takes the next voxel while there is one; a voxel takes points while it has room
//! ```

use rustc_hash::FxHashMap;

use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use crate::tensor::DType;

/// Coordinates of a point that place it.
const AXES: usize = 3;

/// Sizes of the arrays that the operator writes.
struct Sizes {
    features: usize,
    points: usize,
    voxels: usize,
}

impl Sizes {
    fn read(a: &Args) -> Result<Self, OpError> {
        let shapes = [0, 1, 2, 3, 4, 5].map(|i| a.tensor(i).map(|t| t.shape));
        let [cloud, size, range, voxels, coordinates, counts] = shapes;
        let (cloud, voxels) = (cloud?, voxels?);
        let it = Self {
            features: cloud.last().copied().unwrap_or(0),
            points: a.size(6)?,
            voxels: a.size(7)?,
        };
        if a.int(8)? != AXES as i64 {
            return Err(a.value_error("ndim is 3: points lie at x, y, z"));
        }
        let fits = matches!(cloud, [_, features] if *features >= AXES)
            && size? == [AXES]
            && range? == [2 * AXES]
            && voxels == [it.voxels, it.points, it.features]
            && coordinates? == [it.voxels, AXES]
            && counts? == [it.voxels];
        match fits {
            true => Ok(it),
            false => Err(a.shape_error(format!(
                "points {cloud:?} into voxels {voxels:?}, which is not [max_voxels, max_points, features], with sizes \
                 [3], a range [6], coordinates [max_voxels, 3] and counts [max_voxels]"
            ))),
        }
    }
}

/// Which cell of the grid a point lies in.
struct Grid {
    low: [f32; AXES],
    size: [f32; AXES],
    cells: [f32; AXES],
}

impl Grid {
    fn new(size: &[f32], range: &[f32]) -> Self {
        let [mut low, mut step, mut cells] = [[0.0; AXES]; 3];
        for axis in 0..AXES {
            (low[axis], step[axis]) = (range[axis], size[axis]);
            cells[axis] = ((range[AXES + axis] - low[axis]) / step[axis]).round_ties_even();
        }
        Self {
            low,
            size: step,
            cells,
        }
    }

    /// In the order z, y, x; none for a point outside.
    fn cell(&self, point: &[f32]) -> Option<[i32; AXES]> {
        let mut cell = [0; AXES];
        for axis in 0..AXES {
            let at = ((point[axis] - self.low[axis]) / self.size[axis]).floor();
            if !(at >= 0.0 && at < self.cells[axis]) {
                return None;
            }
            cell[AXES - 1 - axis] = at as i32;
        }
        Some(cell)
    }
}

/// Writes voxels, coordinates (z, y, x) and points per voxel; gives the number of voxels, int64 `[1]`.
///
/// Arguments: points float32 `[M, F]`; voxel_size `[3]`; pc_range `[6]`; voxels float32 `[V, P, F]`; coors int32
/// `[V, 3]` and num_points_per_voxel int32 `[V]`, all three written; max_points P; max_voxels V; ndim 3.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let sizes = Sizes::read(a)?;
    let grid = Grid::new(&a.float_data(1)?, &a.float_data(2)?);
    let (cloud, mut voxels) = (a.float_data(0)?, a.float_data(3)?.into_owned());
    let (mut coordinates, mut counts) = (a.ints32(4)?, a.ints32(5)?);
    let mut found: FxHashMap<[i32; AXES], usize> = FxHashMap::default();
    for point in cloud.chunks_exact(sizes.features) {
        let Some(cell) = grid.cell(point) else {
            continue;
        };
        let next = found.len();
        let voxel = match found.get(&cell) {
            Some(&voxel) => voxel,
            None if next == sizes.voxels => continue,
            None => {
                found.insert(cell, next);
                coordinates[next * AXES..][..AXES].copy_from_slice(&cell);
                counts[next] = 0;
                next
            }
        };
        let held = counts[voxel] as usize;
        if held < sizes.points {
            let at = (voxel * sizes.points + held) * sizes.features;
            voxels[at..at + sizes.features].copy_from_slice(point);
            counts[voxel] += 1;
        }
    }
    let order = MemoryFormat::Contiguous;
    let Sizes {
        features,
        points,
        voxels: most,
    } = sizes;
    Ok(vec![
        Output::new(voxels, vec![most, points, features], order),
        Output::new(coordinates, vec![most, AXES], order),
        Output::new(counts, vec![most], order),
        Output::new(vec![found.len() as i64], vec![1], order),
    ])
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let it = Sizes::read(a)?;
    Ok(vec![
        (DType::F32, vec![it.voxels, it.points, it.features]),
        (DType::I32, vec![it.voxels, AXES]),
        (DType::I32, vec![it.voxels]),
        (DType::I64, vec![1]),
    ])
}
