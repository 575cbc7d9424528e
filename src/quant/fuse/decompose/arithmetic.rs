//! Sums, differences, quotients and powers in terms of `add`, `mul` and functions of one number.

use super::{Recipe, one, overload};
use crate::ir::{NodeId, Type, ValueId};
use crate::quant::fuse::{Builder, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let inputs = &net.node(id).inputs;
    let &x = inputs.first()?;
    match name {
        "neg" => scaled(x, -1.0),
        "sub" => {
            let factor = alpha(net, id)?;
            match net.number(inputs[1]) {
                Some(c) => shifted(x, -c * factor),
                None if factor != 1.0 => sum_of(x, inputs[1], -factor),
                None => aligned(net, id, name),
            }
        }
        "rsub" => reversed(net, id, x, inputs[1]),
        "add" => {
            let factor = alpha(net, id)?;
            let by_number = net.number(inputs[1]).is_some();
            match factor != 1.0 && !by_number {
                true => sum_of(x, inputs[1], factor),
                false => aligned(net, id, name),
            }
        }
        "mul" => aligned(net, id, name),
        "div"
            if net
                .arg(id, "rounding_mode")
                .is_none_or(|it| net.is_none(it)) =>
        {
            match net.number(inputs[1]) {
                Some(0.0) => None,
                Some(c) => scaled(x, 1.0 / c),
                None => quotient(net, id, x, inputs[1]),
            }
        }
        "square" => product(x, x),
        "pow" if net.number(*inputs.get(1)?) == Some(2.0) => product(x, x),
        "glu" => gated(net, id, x),
        "stack" => stacked(net, x, net.int(inputs[1])?),
        "clamp" if overload(net.graph(), id) == "Tensor" => bounded(net, id, x),
        "maximum" | "minimum" | "max" | "min" => {
            limited(net, name, x, *inputs.get(1)?).or_else(|| aligned(net, id, name))
        }
        "max_pool2d_with_indices" => pooled(net, id),
        "hardtanh" => clamped(net, id, x),
        "unsafe_chunk" => renamed(net, id, "chunk", ""),
        "unsafe_split" => renamed(net, id, "split", "Tensor"),
        // Evaluation is what is quantised: dropout gives its input.
        "dropout" | "feature_dropout" | "alpha_dropout" => one(move |_| Some(x)),
        _ => None,
    }
}

/// The same under another name.
fn renamed(
    net: &Net<'_>,
    id: NodeId,
    name: &'static str,
    overload: &'static str,
) -> Option<Recipe> {
    let inputs = net.node(id).inputs.clone();
    one(move |b| b.aten(name, overload, &inputs))
}

/// The factor of the second operand.
fn alpha(net: &Net<'_>, id: NodeId) -> Option<f64> {
    match net.arg(id, "alpha") {
        Some(alpha) => net.number(alpha),
        None => Some(1.0),
    }
}

/// `x · c`
fn scaled(x: ValueId, c: f64) -> Option<Recipe> {
    one(move |b| {
        let c = b.float(c);
        b.aten("mul", "Scalar", &[x, c])
    })
}

/// `x + c`
fn shifted(x: ValueId, c: f64) -> Option<Recipe> {
    one(move |b| {
        let c = b.float(c);
        b.aten("add", "Scalar", &[x, c])
    })
}

/// `x + c · y`
fn sum_of(x: ValueId, y: ValueId, c: f64) -> Option<Recipe> {
    one(move |b| {
        let c = b.float(c);
        let y = b.aten("mul", "Scalar", &[y, c])?;
        b.aten("add", "Tensor", &[x, y])
    })
}

/// `x · y`
fn product(x: ValueId, y: ValueId) -> Option<Recipe> {
    one(move |b| b.aten("mul", "Tensor", &[x, y]))
}

/// `other - factor · x`
fn reversed(net: &Net<'_>, id: NodeId, x: ValueId, other: ValueId) -> Option<Recipe> {
    let factor = alpha(net, id)?;
    match net.number(other) {
        Some(c) => one(move |b| {
            let (factor, c) = (b.float(-factor), b.float(c));
            let x = b.aten("mul", "Scalar", &[x, factor])?;
            b.aten("add", "Scalar", &[x, c])
        }),
        None if factor == 1.0 => one(move |b| b.aten("sub", "Tensor", &[other, x])),
        None => sum_of(other, x, -factor),
    }
}

/// `x / y = x · (1 / y)`, the inverse in 16 bits (horizon.md 3.15); integers are told apart by their schema, not here.
fn quotient(net: &Net<'_>, id: NodeId, x: ValueId, y: ValueId) -> Option<Recipe> {
    let tensors = [x, y].iter().all(|it| *net.graph().ty(*it) == Type::Tensor);
    let c = net.number(x);
    let y = unexpanded(net, x, y);
    let whole = net.is_wide(net.node(id).outputs[0]);
    tensors.then(|| {
        one(move |b| {
            let inverse = b.aten("reciprocal", "", &[y])?;
            match c {
                Some(c) => {
                    if whole {
                        b.wide(inverse);
                    }
                    let c = b.float(c);
                    b.aten("mul", "Scalar", &[inverse, c])
                }
                None => {
                    b.wide(inverse);
                    b.aten("mul", "Tensor", &[x, inverse])
                }
            }
        })
    })?
}

/// A divisor as it was before it got the shape of what it divides.
fn unexpanded(net: &Net<'_>, x: ValueId, y: ValueId) -> ValueId {
    let Some(producer) = net.graph().producer(y) else {
        return y;
    };
    match (net.aten(producer), &net.node(producer).inputs[..]) {
        (Some("expand_as"), &[small, like]) if like == x => small,
        _ => y,
    }
}

/// `a · sigmoid(b)` of the halves.
fn gated(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let dim = net.int(net.arg(id, "dim")?)?;
    one(move |b| {
        let (two, dim) = (b.int(2), b.int(dim));
        let halves = b.aten("chunk", "", &[x, two, dim])?;
        let [first, second] = unpack(b, halves)?;
        let gate = b.aten("sigmoid", "", &[second])?;
        b.aten("mul", "Tensor", &[first, gate])
    })
}

/// The elements of a list of tensors.
pub(super) fn unpack<const N: usize>(b: &mut Builder<'_>, list: ValueId) -> Option<[ValueId; N]> {
    unpack_all(b, list, N).try_into().ok()
}

/// The elements of a list of so many tensors.
pub(super) fn unpack_all(b: &mut Builder<'_>, list: ValueId, count: usize) -> Vec<ValueId> {
    let types = vec![Type::Tensor; count];
    let node = b.node(crate::ir::Op::ListUnpack, &[list], &types);
    b.graph.node(node).outputs.to_vec()
}

/// `stack` as `cat` of tensors with one more dimension.
fn stacked(net: &Net<'_>, list: ValueId, dim: i64) -> Option<Recipe> {
    let items = net.items(list)?.to_vec();
    one(move |b| {
        let at = b.int(dim);
        let mut wide = Vec::with_capacity(items.len());
        for item in items {
            wide.push(b.aten("unsqueeze", "", &[item, at])?);
        }
        let list = b.tensors(&wide);
        b.aten("cat", "", &[list, at])
    })
}

/// `clamp` between tensors.
fn bounded(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let bound = |name| net.arg(id, name).filter(|it| !net.is_none(*it));
    let (low, high) = (bound("min"), bound("max"));
    one(move |b| {
        let mut value = x;
        for (name, bound) in [("maximum", low), ("minimum", high)] {
            if let Some(bound) = bound {
                value = b.aten(name, "", &[value, bound])?;
            }
        }
        Some(value)
    })
}

/// Two tensors with as many dimensions: the hardware broadcasts sizes of 1 and adds no dimension.
fn aligned(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let inputs = net.node(id).inputs.clone();
    let &[x, y] = inputs.get(..2)? else {
        return None;
    };
    if !(net.is_live(x) && net.is_live(y)) {
        return None;
    }
    let missing = net.rank(x)? - net.rank(y)?;
    let (overload, name) = (overload(net.graph(), id), name.to_owned());
    (missing != 0).then(|| {
        one(move |b| {
            let first = b.int(0);
            let mut inputs = inputs.to_vec();
            let lower = usize::from(missing > 0);
            for _ in 0..missing.abs() {
                inputs[lower] = b.aten("unsqueeze", "", &[inputs[lower], first])?;
            }
            b.aten(&name, overload, &inputs)
        })
    })?
}

/// The larger or smaller of a tensor and a number is a clip.
fn limited(net: &Net<'_>, name: &str, x: ValueId, y: ValueId) -> Option<Recipe> {
    let tensors = [x, y].iter().all(|it| *net.graph().ty(*it) == Type::Tensor);
    let (x, bound) = match (net.number(x), net.number(y)) {
        (None, Some(bound)) => (x, bound),
        (Some(bound), None) => (y, bound),
        _ => return None,
    };
    let clip = match name {
        "maximum" | "max" => "clamp_min",
        _ => "clamp_max",
    };
    (tensors && net.is_live(x)).then(|| {
        one(move |b| {
            let bound = b.float(bound);
            b.aten(clip, "", &[x, bound])
        })
    })?
}

/// The maxima alone, where nobody reads the indices.
fn pooled(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let node = net.node(id);
    let unused = net.uses(*node.outputs.get(1)?).is_empty();
    let inputs = node.inputs.clone();
    unused.then(|| one(move |b| b.aten("max_pool2d", "", &inputs)))?
}

/// `hardtanh` as `clamp`, but for the bounds of relu6, which has a name of its own.
fn clamped(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let low = net.number(net.arg(id, "min_val")?)?;
    let high = net.number(net.arg(id, "max_val")?)?;
    let relu6 = low == 0.0 && high == 6.0;
    (!relu6).then(|| {
        one(move |b| {
            let (low, high) = (b.float(low), b.float(high));
            b.aten("clamp", "", &[x, low, high])
        })
    })?
}
