//! Lengths of vectors: squares, their sum, its root, the steps before the root in 16 bits (horizon.md 3.15); and what is
//! defined by them.

use super::{Recipe, dims, one, reduction};
use crate::ir::{Constant, NodeId, Type, ValueId};
use crate::quant::fuse::{Builder, Net};
use crate::quant::qconfig::March;

/// Operators between a length and the quotient that it divides.
const MAX_BETWEEN: usize = 4;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Recipe> {
    if !march.has_int16() {
        return None;
    }
    match name {
        "linalg_vector_norm" | "norm" | "frobenius_norm" | "linalg_norm" | "linalg_matrix_norm" => {
            length(net, id, name)
        }
        "cosine_similarity" => cosine(net, id),
        "pairwise_distance" => distance(net, id),
        _ => None,
    }
}

/// Which length: of magnitudes, their sum, the root of their squares' sum, or the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Sum,
    Root,
    Largest,
}

fn length(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let x = *net.node(id).inputs.first()?;
    let order = order(net, id)?;
    let dims = dims(net, id);
    let keepdim = net.arg(id, "keepdim").and_then(|it| net.bool(it));
    let whole = match net.arg(id, "dim") {
        Some(dim) => net.is_none(dim),
        None => true,
    };
    if whole && keepdim == Some(true) || !whole && dims.is_none() {
        return None;
    }
    let dims = dims.unwrap_or_default();
    let plain = net.arg(id, "dtype").is_none_or(|it| net.is_none(it));
    // With a number for its order, that of two dimensions is a spectral one.
    let is_number = net.number_arg(id, "ord").is_some();
    let is_matrix = name == "linalg_norm" && dims.len() == 2 && is_number;
    if !plain || is_matrix {
        return None;
    }
    let wide = order == Order::Root && divides(net, net.node(id).outputs[0]);
    one(move |b| {
        let value = match whole {
            true => {
                let row = b.ints(&[-1]);
                let row = b.aten("reshape", "", &[x, row])?;
                measure(b, row, order, &[0], false)?
            }
            false => measure(b, x, order, &dims, keepdim?)?,
        };
        Some(if wide { b.wide(value) } else { value })
    })
}

fn order(net: &Net<'_>, id: NodeId) -> Option<Order> {
    let given = net.arg(id, "ord").or_else(|| net.arg(id, "p"));
    let Some(given) = given.filter(|it| !net.is_none(*it)) else {
        return Some(Order::Root);
    };
    match (net.constant(given), net.number(given)) {
        (Some(Constant::Str(text)), _) if &**text == b"fro" => Some(Order::Root),
        (_, Some(1.0)) => Some(Order::Sum),
        (_, Some(2.0)) => Some(Order::Root),
        (_, Some(f64::INFINITY)) => Some(Order::Largest),
        _ => None,
    }
}

fn measure(
    b: &mut Builder<'_>,
    x: ValueId,
    order: Order,
    dims: &[i64],
    keepdim: bool,
) -> Option<ValueId> {
    if order == Order::Root {
        let squares = b.aten("mul", "Tensor", &[x, x])?;
        b.wide(squares);
        let total = reduction(b, "sum", squares, dims, keepdim)?;
        b.wide(total);
        return b.aten("sqrt", "", &[total]);
    }
    let sizes = b.aten("abs", "", &[x])?;
    let name = match order {
        Order::Sum => "sum",
        _ => "amax",
    };
    reduction(b, name, sizes, dims, keepdim)
}

/// Whether a quotient has a value, perhaps bounded from below, as its divisor: it needs more than eight bits.
fn divides(net: &Net<'_>, mut value: ValueId) -> bool {
    for _ in 0..MAX_BETWEEN {
        let Some(user) = net.only_user(value) else {
            return false;
        };
        let node = net.node(user);
        match net.aten(user) {
            Some("div") => return node.inputs.get(1) == Some(&value),
            Some("reciprocal") => return true,
            Some("clamp_min" | "clamp" | "expand" | "expand_as" | "unsqueeze" | "add") => {}
            _ => return false,
        }
        value = node.outputs[0];
    }
    false
}

/// `Σ x/‖x‖ · y/‖y‖`, both lengths at least `eps`.
fn cosine(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let arg = |name| net.arg(id, name);
    let inputs = [arg("x1")?, arg("x2")?];
    let (dim, eps) = (net.int(arg("dim")?)?, net.number(arg("eps")?)?);
    one(move |b| {
        let mut units = Vec::with_capacity(2);
        for x in inputs {
            let length = measure(b, x, Order::Root, &[dim], true)?;
            b.wide(length);
            let eps = b.float(eps);
            let length = b.aten("clamp_min", "", &[length, eps])?;
            let unit = b.aten("div", "Tensor", &[x, length])?;
            units.push(b.wide(unit));
        }
        let product = b.aten("mul", "Tensor", &units)?;
        b.wide(product);
        reduction(b, "sum", product, &[dim], false)
    })
}

/// `‖x - y‖`; the millionth that torch adds to each difference is below any step.
fn distance(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let arg = |name| net.arg(id, name);
    let (x, y) = (arg("x1")?, arg("x2")?);
    let order = order(net, id)?;
    let keepdim = net.bool(arg("keepdim")?)?;
    let tensors = [x, y].iter().all(|it| *net.graph().ty(*it) == Type::Tensor);
    tensors.then(|| {
        one(move |b| {
            let apart = b.aten("sub", "Tensor", &[x, y])?;
            b.wide(apart);
            measure(b, apart, order, &[-1], keepdim)
        })
    })?
}
