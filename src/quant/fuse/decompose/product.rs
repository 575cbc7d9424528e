//! Products of matrices and vectors as `matmul`, element-wise ones with a summand as `mul` and `add`.

use super::einsum::contracted;
use super::{Recipe, one};
use crate::ir::{NodeId, Type, ValueId};
use crate::quant::fuse::{Builder, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let inputs = net.node(id).inputs.clone();
    let input = |at: usize| inputs.get(at).copied();
    let number = |name| net.number_arg(id, name);
    match name {
        "baddbmm" | "addbmm" | "addmv" => summed(net, id, name),
        "addmm" if !is_linear(net, id) => summed(net, id, name),
        "addcmul" | "addcdiv" => {
            let [x, a, c] = [input(0)?, input(1)?, input(2)?];
            let (op, value) = (
                if name == "addcmul" { "mul" } else { "div" },
                number("value")?,
            );
            one(move |b| {
                let product = b.aten(op, "Tensor", &[a, c])?;
                let product = times(b, product, value)?;
                b.aten("add", "Tensor", &[x, product])
            })
        }
        "lerp" => between(net, id),
        "outer" | "ger" => {
            let [x, y] = [input(0)?, input(1)?];
            one(move |b| {
                let last = b.int(-1);
                let x = b.aten("unsqueeze", "", &[x, last])?;
                b.aten("mul", "Tensor", &[x, y])
            })
        }
        "dot" | "vdot" => contracted(net, [input(0)?, input(1)?], ["i", "i"], ""),
        "mv" => contracted(net, [input(0)?, input(1)?], ["ij", "j"], "i"),
        "matmul" => with_vector(net, [input(0)?, input(1)?]),
        "linalg_vecdot" if net.int(net.arg(id, "dim")?) == Some(-1) => {
            let rank = net.rank(input(0)?)?;
            let letters = &"abcdefgh"[..usize::try_from(rank).ok().filter(|it| *it <= 8)?];
            let same = net.rank(input(1)?)? == rank;
            let out = &letters[..letters.len().checked_sub(1)?];
            same.then(|| contracted(net, [input(0)?, input(1)?], [letters, letters], out))?
        }
        "cross" | "linalg_cross" => {
            let dim = net.int(net.arg(id, "dim")?)?;
            crossed([input(0)?, input(1)?], dim)
        }
        "hstack" | "vstack" => stacked(net, input(0)?, name),
        _ => None,
    }
}

/// Whether `addmm` is a linear: bias and weight are stored.
fn is_linear(net: &Net<'_>, id: NodeId) -> bool {
    let one = |name| net.number_arg(id, name) == Some(1.0);
    let stored = |at: usize| {
        let value = net.node(id).inputs.get(at);
        value.is_some_and(|it| net.tensor(*it).is_some_and(|t| t.is_f32()))
    };
    one("alpha") && one("beta") && stored(0) && stored(2)
}

/// `x · c`
fn times(b: &mut Builder<'_>, x: ValueId, c: f64) -> Option<ValueId> {
    if c == 1.0 {
        return Some(x);
    }
    let c = b.float(c);
    b.aten("mul", "Scalar", &[x, c])
}

/// `beta · c + alpha · (x @ y)`; `addbmm` sums over the batch.
fn summed(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let [c, x, y] = [0, 1, 2].map(|at| net.node(id).inputs.get(at).copied());
    let (c, x, y) = (c?, x?, y?);
    let beta = net.number(net.arg(id, "beta")?)?;
    let alpha = net.number(net.arg(id, "alpha")?)?;
    let over_batch = name == "addbmm";
    one(move |b| {
        let mut product = b.aten("matmul", "", &[x, y])?;
        if over_batch {
            product = super::reduction(b, "sum", product, &[0], false)?;
        }
        let product = times(b, product, alpha)?;
        if beta == 0.0 {
            return Some(product);
        }
        let summand = times(b, c, beta)?;
        b.aten("add", "Tensor", &[product, summand])
    })
}

/// `x + c · (y - x)`
fn between(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let [x, y, c] = [0, 1, 2].map(|at| net.node(id).inputs.get(at).copied());
    let (x, y, c) = (x?, y?, c?);
    let number = net.number(c);
    if number.is_none() && *net.graph().ty(c) != Type::Tensor {
        return None;
    }
    one(move |b| {
        let way = b.aten("sub", "Tensor", &[y, x])?;
        let part = match number {
            Some(c) => times(b, way, c)?,
            None => b.aten("mul", "Tensor", &[way, c])?,
        };
        b.aten("add", "Tensor", &[x, part])
    })
}

/// A product with a vector is one with a matrix of one row or column: the hardware has no other.
fn with_vector(net: &Net<'_>, [x, y]: [ValueId; 2]) -> Option<Recipe> {
    let (left, right) = (net.rank(x)?, net.rank(y)?);
    match (left, right) {
        (1, 1) => contracted(net, [x, y], ["i", "i"], ""),
        (2.., 1) => one(move |b| {
            let last = b.int(-1);
            let y = b.aten("unsqueeze", "", &[y, last])?;
            let product = b.aten("matmul", "", &[x, y])?;
            b.aten("squeeze", "dim", &[product, last])
        }),
        (1, 2..) => one(move |b| {
            let (first, row) = (b.int(0), b.int(-2));
            let x = b.aten("unsqueeze", "", &[x, first])?;
            let product = b.aten("matmul", "", &[x, y])?;
            b.aten("squeeze", "dim", &[product, row])
        }),
        _ => None,
    }
}

/// `x₂y₃ - x₃y₂` and so on around: each side with its three elements moved on by one and by two.
fn crossed([x, y]: [ValueId; 2], dim: i64) -> Option<Recipe> {
    one(move |b| {
        let mut moved = |value: ValueId, by: i64| {
            let (by, dim) = (b.ints(&[by]), b.ints(&[dim]));
            b.aten("roll", "", &[value, by, dim])
        };
        let (x1, x2) = (moved(x, 2)?, moved(x, 1)?);
        let (y1, y2) = (moved(y, 2)?, moved(y, 1)?);
        let first = b.aten("mul", "Tensor", &[x1, y2])?;
        let second = b.aten("mul", "Tensor", &[x2, y1])?;
        b.aten("sub", "Tensor", &[first, second])
    })
}

/// `cat` along the second dimension, or the first.
fn stacked(net: &Net<'_>, list: ValueId, name: &str) -> Option<Recipe> {
    let rank = net.rank(*net.items(list)?.first()?)?;
    let dim = match name {
        "hstack" => i64::from(rank > 1),
        _ => 0,
    };
    // Rows are made of vectors first.
    let plain = name == "hstack" || rank > 1;
    plain.then(|| {
        one(move |b| {
            let dim = b.int(dim);
            b.aten("cat", "", &[list, dim])
        })
    })?
}
