//! `grid_sample` with torch's normalised coordinates: a product, a sum and a sample of offsets (`horizon.md` 3.11).
//!
//! Sizes are asked of the tensors, so that a file serves any; a reader that knows them folds all but the three calls.

use super::body::Body;
use super::error::ConvertError;
use super::lower::Lowering;
use super::report::Place;
use super::value::{Quantised, Val};
use super::{body, has_segments};
use crate::bpu::dtype::QType;
use crate::ir::{Constant, NodeId, Type, ValueId};
use crate::tensor::DType;

/// Bits of a coordinate, its sign aside.
const COORDINATE_BITS: i64 = 15;
/// Bits of its fraction at most.
const MAX_SHIFT: i64 = 8;

/// Lowers `grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)`; false if it has to run in float.
pub(super) fn grid_sample(
    low: &mut Lowering,
    id: NodeId,
    x: &Quantised,
) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let Val::Quantised(grid) = low.get(node.inputs[1])? else {
        return Ok(false);
    };
    let march = low.march()?;
    let align = match low.old.constant(node.inputs[4]) {
        Some(Constant::Bool(align)) => *align,
        _ => return Ok(false),
    };
    let mode = match low.int(node.inputs[2]) {
        Some(0) => "bilinear",
        Some(1) => "nearest",
        _ => return Ok(false),
    };
    let padding = match low.int(node.inputs[3]) {
        Some(0) => "zeros",
        Some(1) => "border",
        _ => return Ok(false),
    };
    if !has_segments(&march) || x.grid.dtype != QType::Qint8 || grid.grid.scale().is_none() {
        return Ok(false);
    }
    let output = node.outputs[0];
    low.note("grid_sample", "grid_sample", Place::Bpu, Some(&x.grid));
    let sizes = Sizes::of(&mut low.body, x, &grid);
    let offsets = offsets(&mut low.body, &grid, &sizes, align, &march);
    let body = &mut low.body;
    let mut inputs = vec![x.data, offsets.data];
    inputs.extend([body.str(mode), body.str(padding), body.bool(true)]);
    inputs.extend([offsets.scale, offsets.zero_point]);
    inputs.extend([body.str("qint16"), body.str(&march)]);
    let data = body.functional("grid_sample", &inputs);
    low.set(output, Val::Quantised(Quantised { data, ..x.clone() }));
    Ok(true)
}

/// Heights and widths, as ints.
struct Sizes {
    input: [ValueId; 2],
    grid: [ValueId; 2],
}

impl Sizes {
    fn of(body: &mut Body, x: &Quantised, grid: &Quantised) -> Sizes {
        Sizes {
            input: [2, 3].map(|dim| size(body, x.data, dim)),
            grid: [1, 2].map(|dim| size(body, grid.data, dim)),
        }
    }
}

/// Offsets of int16 from each output's own place.
struct Offsets {
    data: ValueId,
    scale: ValueId,
    zero_point: ValueId,
}

fn offsets(body: &mut Body, grid: &Quantised, sizes: &Sizes, align: bool, march: &str) -> Offsets {
    let unit = unit(body, sizes);
    let scale = body.aten("aten::reciprocal", "", &[unit]);
    let zero_point = body.zero_point(scale);
    let extent = extent(body, sizes, align);
    let half = body.float(0.5);
    let half = full(body, half);
    let half_zero = body.zero_point(half);
    let (grid_type, int16) = (body.str(grid.grid.dtype.name()), body.str("qint16"));
    let march = body.str(march);
    let mut inputs = vec![grid.data, extent, grid.scale, grid.zero_point, grid_type];
    inputs.extend([half, half_zero, int16, scale, zero_point, int16, march]);
    let pixels = body.functional("mul", &inputs);
    let places = places(body, sizes, unit);
    let mut inputs = vec![pixels, places, scale, scale, zero_point, zero_point];
    inputs.extend([int16, int16, scale, zero_point, int16, march]);
    Offsets {
        data: body.functional("add", &inputs),
        scale,
        zero_point,
    }
}

/// Steps of a pixel: `2^clip(15 - ⌈log2(L + 1)⌉, 0, 8)` of the largest size `L`.
fn unit(body: &mut Body, sizes: &Sizes) -> ValueId {
    let all = [sizes.input, sizes.grid].concat();
    let all: Vec<ValueId> = all.into_iter().map(|it| full(body, it)).collect();
    let mut largest = all[0];
    for &size in &all[1..] {
        largest = body.aten("aten::maximum", "", &[largest, size]);
    }
    let (one, low) = (body.int(1), body.int(0));
    let (bits, high) = (body.int(COORDINATE_BITS), body.int(MAX_SHIFT));
    let above = body.aten("aten::add", "Scalar", &[largest, one, one]);
    let used = body.aten("aten::log2", "", &[above]);
    let used = body.aten("aten::ceil", "", &[used]);
    let shift = body.aten("aten::rsub", "Scalar", &[used, bits, one]);
    let shift = body.aten("aten::clamp", "", &[shift, low, high]);
    let two = body.float(2.0);
    body.aten("aten::pow", "Scalar", &[two, shift])
}

/// Width and height in halves of what -1 to 1 spans, as int16 `[1, 1, 1, 2]`.
fn extent(body: &mut Body, sizes: &Sizes, align: bool) -> ValueId {
    let [h, w] = match align {
        true => sizes.input.map(|size| less_one(body, size)),
        false => sizes.input,
    };
    let both = pair(body, w, h);
    to_int16(body, both)
}

/// The middle of the input less each output's own place, as int16 `[1, h, w, 2]`.
fn places(body: &mut Body, sizes: &Sizes, unit: ValueId) -> ValueId {
    let [h, w] = sizes.input.map(|size| less_one(body, size));
    let both = pair(body, w, h);
    let half = body.float(0.5);
    let middle = body.aten("aten::mul", "Scalar", &[both, half]);
    let [rows, columns] =
        [(0, [1, -1, 1, 1]), (1, [1, 1, -1, 1])].map(|(at, shape)| line(body, sizes, at, shape));
    let base = join(body, &[columns, rows]);
    let one = body.int(1);
    let away = body.aten("aten::sub", "Tensor", &[middle, base, one]);
    let steps = body.aten("aten::mul", "Tensor", &[away, unit]);
    to_int16(body, steps)
}

/// Rows or columns of the grid, over all of it.
fn line(body: &mut Body, sizes: &Sizes, at: usize, shape: [i64; 4]) -> ValueId {
    let (dtype, none) = (body.int(DType::F32.code()), body.none());
    let inputs = [sizes.grid[at], dtype, none, none, none];
    let numbers = body.aten("aten::arange", "", &inputs);
    let shape = ints(body, &shape);
    let numbers = body.aten("aten::reshape", "", &[numbers, shape]);
    let one = body.int(1);
    let whole = [one, sizes.grid[0], sizes.grid[1], one];
    let whole = body.list(&whole, Type::Int);
    let implicit = body.bool(false);
    body.aten("aten::expand", "", &[numbers, whole, implicit])
}

fn size(body: &mut Body, x: ValueId, dim: i64) -> ValueId {
    let dim = body.int(dim);
    body.value(body::operator("aten::size", "int"), &[x, dim], Type::Int)
}

fn less_one(body: &mut Body, size: ValueId) -> ValueId {
    let one = body.int(1);
    body.value(body::operator("aten::sub", "int"), &[size, one], Type::Int)
}

/// A float tensor of one number.
fn full(body: &mut Body, value: ValueId) -> ValueId {
    let (shape, dtype) = (ints(body, &[1]), body.int(DType::F32.code()));
    let none = body.none();
    let inputs = [shape, value, dtype, none, none, none];
    body.aten("aten::full", "", &inputs)
}

/// Two numbers as `[1, 1, 1, 2]`.
fn pair(body: &mut Body, x: ValueId, y: ValueId) -> ValueId {
    let (x, y) = (full(body, x), full(body, y));
    let both = join(body, &[x, y]);
    let shape = ints(body, &[1, 1, 1, 2]);
    body.aten("aten::reshape", "", &[both, shape])
}

fn join(body: &mut Body, parts: &[ValueId]) -> ValueId {
    let (list, last) = (body.list(parts, Type::Tensor), body.int(-1));
    body.aten("aten::cat", "", &[list, last])
}

fn to_int16(body: &mut Body, x: ValueId) -> ValueId {
    let (dtype, no, none) = (body.int(DType::I16.code()), body.bool(false), body.none());
    body.aten("aten::to", "dtype", &[x, dtype, no, no, none])
}

fn ints(body: &mut Body, values: &[i64]) -> ValueId {
    let items: Vec<ValueId> = values.iter().map(|it| body.int(*it)).collect();
    body.list(&items, Type::Int)
}
