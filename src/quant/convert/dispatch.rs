//! Tensor dispatch: plain `aten` operators on quantised tensors that work on the integers and keep the scale
//! (`horizon.md` 3.8 to 3.10, 8.2). Everything else runs in float on dequantised tensors.

use super::error::ConvertError;
use super::lower::Lowering;
use super::report::Place;
use super::sample::grid_sample;
use super::value::{Quantised, Val};
use crate::bpu::dtype::QType;
use crate::ir::{Constant, NodeId, Op, Type, ValueId};

/// Operators that move elements about, one tensor to one tensor: the integers move in the same way.
const MOVES: &[&str] = &[
    "aten::alias",
    "aten::clone",
    "aten::contiguous",
    "aten::detach",
    "aten::expand",
    "aten::expand_as",
    "aten::flatten",
    "aten::flip",
    "aten::gather",
    "aten::index_select",
    "aten::movedim",
    "aten::moveaxis",
    "aten::narrow",
    "aten::permute",
    "aten::pixel_shuffle",
    "aten::pixel_unshuffle",
    "aten::repeat",
    "aten::reshape",
    "aten::reshape_as",
    "aten::roll",
    "aten::select",
    "aten::slice",
    "aten::squeeze",
    "aten::swapaxes",
    "aten::swapdims",
    "aten::t",
    "aten::tile",
    "aten::transpose",
    "aten::unflatten",
    "aten::unsqueeze",
    "aten::view",
    "aten::view_as",
];

/// Operators that compare elements: the integers compare as the values do.
const ORDERED: &[&str] = &["aten::relu", "aten::amax", "aten::amin"];

/// Comparisons of two tensors; the plugin compares on the larger of the two scales.
const COMPARES: &[&str] = &[
    "aten::eq", "aten::ge", "aten::gt", "aten::le", "aten::lt", "aten::ne",
];

/// Dropout of a model in evaluation gives its input.
const DROPOUT: &[&str] = &[
    "aten::dropout",
    "aten::feature_dropout",
    "aten::alpha_dropout",
];

/// Lists of parts.
const SPLITS: &[&str] = &[
    "aten::chunk",
    "aten::split",
    "aten::split_with_sizes",
    "aten::tensor_split",
    "aten::unbind",
];

/// Bounds that need rounding to the grid.
const CLAMPS: &[&str] = &[
    "aten::clamp",
    "aten::clamp_max",
    "aten::clamp_min",
    "aten::clip",
    "aten::hardtanh",
    "aten::relu6",
];

const PADS: &[&str] = &[
    "aten::constant_pad_nd",
    "aten::pad",
    "aten::reflection_pad2d",
    "aten::replication_pad2d",
];

const RESIZES: &[&str] = &[
    "aten::_upsample_nearest_exact2d",
    "aten::upsample_bilinear2d",
    "aten::upsample_nearest2d",
];

/// Whether an operator only moves data, so that it is no operation of its own in a report.
pub(super) fn moves_data(kind: &str) -> bool {
    MOVES.contains(&kind) || SPLITS.contains(&kind) || DROPOUT.contains(&kind)
}

/// Whether prepare may leave an operator on quantised tensors as it is, because it has an integer form here.
pub fn keeps_scale(kind: &str) -> bool {
    let kind = in_place_stem(kind);
    let tables = [MOVES, ORDERED, DROPOUT, SPLITS, CLAMPS, PADS, RESIZES];
    tables.iter().any(|table| table.contains(&kind))
        || matches!(
            kind,
            "aten::max"
                | "aten::min"
                | "aten::abs"
                | "aten::channel_shuffle"
                | "aten::grid_sampler"
                | "aten::grid_sampler_2d"
                | "aten::native_channel_shuffle"
                | "aten::masked_fill"
                | "aten::max_pool2d"
                | "aten::topk"
        )
}

/// `aten::relu` for `aten::relu_`.
fn in_place_stem(kind: &str) -> &str {
    match kind.strip_suffix('_') {
        Some(stem) if !stem.ends_with('_') => stem,
        _ => kind,
    }
}

/// Lowers an operator that reads quantised tensors; false if it has to run in float.
pub(super) fn dispatch(low: &mut Lowering, id: NodeId) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let Op::Operator(schema) = &node.op else {
        return Ok(false);
    };
    if schema.name() == "aten::__getitem__" {
        return element(low, id);
    }
    let Some(&first) = node.inputs.first() else {
        return Ok(false);
    };
    let Val::Quantised(x) = low.get(first)? else {
        return Ok(false);
    };
    let kind = in_place_stem(schema.name());
    if node.outputs.iter().all(|&v| !holds_tensor(low.old.ty(v))) {
        return on_integers(low, id, &x, |_, _| None);
    }
    if x.grid.scale().is_none() {
        return Ok(false);
    }
    if DROPOUT.contains(&kind) {
        low.set(node.outputs[0], Val::Quantised(x));
        return Ok(true);
    }
    if MOVES.contains(&kind) {
        return on_integers(low, id, &x, |_, _| Some(Shape::Tensor));
    }
    if ORDERED.contains(&kind) {
        note(low, kind, &x);
        return on_integers(low, id, &x, |_, _| Some(Shape::Tensor));
    }
    if SPLITS.contains(&kind) {
        return on_integers(low, id, &x, |_, _| Some(Shape::List));
    }
    match kind {
        // The indices stay what they are.
        "aten::max" | "aten::min" if schema.overload() != "other" => {
            note(low, kind, &x);
            on_integers(low, id, &x, |index, _| {
                (index == 0).then_some(Shape::Tensor)
            })
        }
        "aten::argmax" | "aten::argmin" => {
            note(low, kind, &x);
            on_integers(low, id, &x, |_, _| None)
        }
        "aten::topk" => topk(low, id, &x),
        "aten::grid_sampler" | "aten::grid_sampler_2d" => grid_sample(low, id, &x),
        "aten::channel_shuffle" | "aten::native_channel_shuffle" => {
            let groups = low.plain(node.inputs[1])?;
            function(low, id, &x, "channel_shuffle", &[x.data, groups])
        }
        "aten::abs" => {
            let mode = low.body.str("saturate");
            function(low, id, &x, "abs", &[x.data, mode])
        }
        "aten::masked_fill" if schema.overload() == "Scalar" => masked_fill(low, id, &x),
        "aten::max_pool2d" => max_pool(low, id, &x),
        _ if COMPARES.contains(&kind) => compare(low, id, &x),
        _ if CLAMPS.contains(&kind) => clamp(low, id, &x, kind),
        _ if PADS.contains(&kind) => pad(low, id, &x, kind),
        _ if RESIZES.contains(&kind) => resize(low, id, &x, kind),
        _ => Ok(false),
    }
}

/// Whether values of a type are or contain tensors.
pub(super) fn holds_tensor(ty: &Type) -> bool {
    match ty {
        Type::Tensor => true,
        Type::List(inner) | Type::Optional(inner) => holds_tensor(inner),
        Type::Tuple(items) => items.iter().any(holds_tensor),
        _ => false,
    }
}

fn note(low: &mut Lowering, kind: &str, x: &Quantised) {
    low.note(kind, kind, Place::Bpu, Some(&x.grid));
}

/// What an output on the input's grid is.
enum Shape {
    Tensor,
    List,
}

/// The same operator on the integers; `keeps` says which outputs lie on the input's grid.
fn on_integers(
    low: &mut Lowering,
    id: NodeId,
    x: &Quantised,
    keeps: impl Fn(usize, &Type) -> Option<Shape>,
) -> Result<bool, ConvertError> {
    let old = low.old;
    let node = old.node(id);
    let Op::Operator(schema) = &node.op else {
        return Ok(false);
    };
    let mut inputs = vec![x.data];
    for &value in &node.inputs[1..] {
        let input = match low.get(value)? {
            // `view_as` and its like read a shape only.
            Val::Quantised(it) => it.data,
            _ => low.plain(value)?,
        };
        inputs.push(input);
    }
    let types: Vec<Type> = node.outputs.iter().map(|&v| old.ty(v).clone()).collect();
    let op = match schema.name() != in_place_stem(schema.name()) {
        true => super::body::operator(in_place_stem(schema.name()), schema.overload()),
        false => node.op.clone(),
    };
    let made = low.body.push(op, &inputs, &types);
    let outputs = low.body.graph.node(made).outputs.to_vec();
    for (index, (&output, &data)) in node.outputs.iter().zip(&outputs).enumerate() {
        let on_grid = Quantised { data, ..x.clone() };
        let val = match keeps(index, &types[index]) {
            Some(Shape::Tensor) => Val::Quantised(on_grid),
            Some(Shape::List) => Val::Split(on_grid),
            None => Val::Plain(data),
        };
        low.set(output, val);
    }
    Ok(true)
}

/// `list[i]`.
fn element(low: &mut Lowering, id: NodeId) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let &[list, index] = &node.inputs[..] else {
        return Ok(false);
    };
    let Some(index) = low.int(index) else {
        return Ok(false);
    };
    let item = low.item(list, index, "aten::__getitem__")?;
    low.set(node.outputs[0], item);
    Ok(true)
}

/// A function of the plugin whose result keeps the grid.
fn function(
    low: &mut Lowering,
    id: NodeId,
    x: &Quantised,
    name: &str,
    inputs: &[ValueId],
) -> Result<bool, ConvertError> {
    let output = low.old.node(id).outputs[0];
    note(low, name, x);
    let data = low.body.functional(name, inputs);
    let val = Val::Quantised(Quantised { data, ..x.clone() });
    low.set(output, val);
    Ok(true)
}

/// A comparison of two tensors of one type, on the larger of their scales (`horizon.md` 3.8).
fn compare(low: &mut Lowering, id: NodeId, x: &Quantised) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let (Op::Operator(schema), Val::Quantised(y)) = (&node.op, low.get(node.inputs[1])?) else {
        return Ok(false);
    };
    let (Some(a), Some(b)) = (x.grid.scale(), y.grid.scale()) else {
        return Ok(false);
    };
    if x.grid.dtype != y.grid.dtype {
        return Ok(false);
    }
    let (mut left, mut right) = (x.data, y.data);
    if a < b {
        left = low.requantise(x, y.scale, y.zero_point, y.grid.dtype)?;
    } else if b < a {
        right = low.requantise(&y, x.scale, x.zero_point, x.grid.dtype)?;
    }
    note(low, schema.name(), if a < b { &y } else { x });
    let data = low
        .body
        .aten(schema.name(), schema.overload(), &[left, right]);
    low.set(node.outputs[0], Val::Plain(data));
    Ok(true)
}

/// Scale, zero point, dtype, march of a tensor.
fn ending(low: &mut Lowering, x: &Quantised) -> Result<[ValueId; 4], ConvertError> {
    let dtype = low.body.str(x.grid.dtype.name());
    let march = low.march()?;
    Ok([x.scale, x.zero_point, dtype, low.body.str(&march)])
}

fn topk(low: &mut Lowering, id: NodeId, x: &Quantised) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    if !matches!(low.old.constant(node.inputs[4]), Some(Constant::Bool(true))) {
        return Ok(false);
    }
    let mut inputs = vec![x.data];
    for &value in &node.inputs[1..] {
        inputs.push(low.plain(value)?);
    }
    let march = low.march()?;
    inputs.push(low.body.str(&march));
    note(low, "topk", x);
    let types = [Type::Tensor, Type::Tensor];
    let op = Op::CallFunction(format!("{}.topk", super::FUNCTIONAL).into());
    let tuple = low.body.value(op, &inputs, Type::tuple(types.clone()));
    let unpacked = low.body.push(Op::TupleUnpack, &[tuple], &types);
    let outputs = low.body.graph.node(unpacked).outputs.to_vec();
    let values = Quantised {
        data: outputs[0],
        ..x.clone()
    };
    low.set(node.outputs[0], Val::Quantised(values));
    low.set(node.outputs[1], Val::Plain(outputs[1]));
    Ok(true)
}

fn masked_fill(low: &mut Lowering, id: NodeId, x: &Quantised) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let Some(value) = low.number(node.inputs[2]) else {
        return Ok(false);
    };
    let mask = low.plain(node.inputs[1])?;
    let mut inputs = vec![x.data, mask, low.body.float(value)];
    inputs.extend(ending(low, x)?);
    function(low, id, x, "masked_fill", &inputs)
}

/// `max_pool2d(x, kernel, stride, padding, dilation, ceil_mode)`; an empty stride is the kernel.
fn max_pool(low: &mut Lowering, id: NodeId, x: &Quantised) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let mut inputs = vec![x.data];
    for &value in &node.inputs[1..5] {
        inputs.push(low.plain(value)?);
    }
    if list_len(low, node.inputs[2]) == Some(0) {
        inputs[2] = inputs[1];
    }
    inputs.push(low.body.bool(false));
    inputs.push(low.plain(node.inputs[5])?);
    let march = low.march()?;
    inputs.push(low.body.str(&march));
    function(low, id, x, "max_pool2d", &inputs)
}

/// How many elements a list constant has.
fn list_len(low: &Lowering, value: ValueId) -> Option<usize> {
    let node = low.old.node(low.old.producer(value)?);
    match &node.op {
        Op::ListConstruct => Some(node.inputs.len()),
        Op::Constant(Constant::List(items)) => Some(items.len()),
        _ => None,
    }
}

/// The bounds of a clamp in steps of the grid: rounded to it, as `quantize` does.
fn clamp(low: &mut Lowering, id: NodeId, x: &Quantised, kind: &str) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let at = |index: usize| node.inputs.get(index).copied();
    let (lower, upper) = match kind {
        "aten::relu6" => (Bound::At(0.0), Bound::At(6.0)),
        "aten::clamp_min" => (bound(low, at(1)), Bound::Open),
        "aten::clamp_max" => (Bound::Open, bound(low, at(1))),
        _ => (bound(low, at(1)), bound(low, at(2))),
    };
    if matches!(lower, Bound::Unknown) || matches!(upper, Bound::Unknown) {
        return Ok(false);
    }
    let lower = integer(low, x, lower);
    let upper = integer(low, x, upper);
    note(low, "aten::clamp", x);
    let data = low.body.aten("aten::clamp", "", &[x.data, lower, upper]);
    low.set(
        node.outputs[0],
        Val::Quantised(Quantised { data, ..x.clone() }),
    );
    Ok(true)
}

#[derive(Clone, Copy)]
enum Bound {
    Open,
    At(f64),
    Unknown,
}

fn bound(low: &Lowering, value: Option<ValueId>) -> Bound {
    let Some(value) = value else {
        return Bound::Open;
    };
    match (low.old.constant(value), low.number(value)) {
        (Some(Constant::None), _) => Bound::Open,
        (_, Some(number)) if !number.is_nan() => Bound::At(number),
        _ => Bound::Unknown,
    }
}

fn integer(low: &mut Lowering, x: &Quantised, bound: Bound) -> ValueId {
    match bound {
        Bound::At(value) => {
            let scale = x.grid.scale().unwrap_or(1.0) as f64;
            let (min, max) = x.grid.dtype.limits();
            let steps = (value / scale)
                .round_ties_even()
                .clamp(min as f64, max as f64);
            low.body.int(steps as i64)
        }
        _ => low.body.none(),
    }
}

fn pad(low: &mut Lowering, id: NodeId, x: &Quantised, kind: &str) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let sizes = low.plain(node.inputs[1])?;
    let (mode, value) = match kind {
        "aten::constant_pad_nd" => (low.body.str("constant"), node.inputs.get(2)),
        "aten::pad" => (low.plain(node.inputs[2])?, node.inputs.get(3)),
        "aten::reflection_pad2d" => (low.body.str("reflect"), None),
        _ => (low.body.str("replicate"), None),
    };
    let value = match value.map(|&v| bound(low, Some(v))) {
        None | Some(Bound::Open) => 0.0,
        Some(Bound::At(value)) => value,
        Some(Bound::Unknown) => return Ok(false),
    };
    let mut inputs = vec![x.data, sizes, mode, low.body.float(value)];
    inputs.extend(ending(low, x)?);
    function(low, id, x, "pad", &inputs)
}

/// `upsample_*`: by size where one is given, by factors otherwise.
fn resize(low: &mut Lowering, id: NodeId, x: &Quantised, kind: &str) -> Result<bool, ConvertError> {
    let node = low.old.node(id);
    let Op::Operator(schema) = &node.op else {
        return Ok(false);
    };
    if x.grid.dtype != QType::Qint8 {
        return Ok(false);
    }
    let argument = |name: &str| schema.arg_index(name).map(|i| node.inputs[i]);
    let is_none =
        |low: &Lowering, value: ValueId| matches!(low.old.constant(value), Some(Constant::None));
    let (mode, align) = match kind {
        "aten::upsample_bilinear2d" => ("bilinear", argument("align_corners")),
        _ => ("nearest", None),
    };
    let aligned =
        align.is_some_and(|v| !matches!(low.old.constant(v), Some(Constant::Bool(false))));
    if aligned {
        return Ok(false);
    }
    let size = argument("output_size").filter(|&v| !is_none(low, v));
    let factors = argument("scale_factors").filter(|&v| !is_none(low, v));
    let (size, factors) = match (size, factors) {
        (Some(size), _) => (low.plain(size)?, low.body.none()),
        (None, Some(factors)) => (low.body.none(), low.plain(factors)?),
        (None, None) => return Ok(false),
    };
    let mode = low.body.str(mode);
    let align = low.body.bool(false);
    let recompute = low.body.bool(true);
    let mut inputs = vec![x.data, size, factors, mode, align, recompute];
    inputs.extend(ending(low, x)?);
    function(low, id, x, "interpolate", &inputs)
}
