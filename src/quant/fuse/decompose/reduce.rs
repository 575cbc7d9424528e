//! Means, sums and extremes over several dimensions, or over all; log-softmax.

use super::{Recipe, dims, one, overload, reduction};
use crate::ir::{NodeId, Type, ValueId};
use crate::quant::fuse::{Builder, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let &x = net.node(id).inputs.first()?;
    match name {
        "mean" | "sum" if overload(net.graph(), id).is_empty() => whole(net, id, name, x),
        "max" | "min" if net.node(id).inputs.len() == 1 => {
            whole(net, id, if name == "max" { "amax" } else { "amin" }, x)
        }
        "mean" | "sum" | "amax" | "amin" => reduced(net, id, name, x),
        "max" | "min" | "argmax" | "argmin" => kept(net, id, name, x),
        "log_softmax" => {
            let dim = net.int(net.arg(id, "dim")?)?;
            one(move |b| {
                let dim = b.int(dim);
                let shares = b.aten("softmax", "int", &[x, dim])?;
                b.wide(shares);
                b.aten("log", "", &[shares])
            })
        }
        _ => None,
    }
}

/// Over all elements: over the one dimension of a row of them.
fn whole(net: &Net<'_>, id: NodeId, name: &str, x: ValueId) -> Option<Recipe> {
    let plain = net.arg(id, "dtype").is_none_or(|it| net.is_none(it));
    let name = name.to_owned();
    plain.then(|| {
        one(move |b| {
            let row = b.ints(&[-1]);
            let x = b.aten("reshape", "", &[x, row])?;
            reduction(b, &name, x, &[0], false)
        })
    })?
}

/// A mean over the two spatial dimensions is average pooling; others, and sums and extremes, go one dimension after
/// another.
fn reduced(net: &Net<'_>, id: NodeId, name: &str, x: ValueId) -> Option<Recipe> {
    let mut dims = dims(net, id)?;
    let keepdim = net.bool(net.arg(id, "keepdim")?)?;
    let plain = net.arg(id, "dtype").is_none_or(|it| net.is_none(it));
    if !plain {
        return None;
    }
    let extreme = matches!(name, "amax" | "amin");
    if dims.len() < 2 {
        return (extreme && !keepdim).then(|| kept(net, id, name, x))?;
    }
    dims.sort_unstable();
    // Mixed signs cannot be ordered without the number of dimensions.
    if dims[0] < 0 && dims[dims.len() - 1] >= 0 {
        let rank = net.rank(x)?;
        for dim in dims.iter_mut().filter(|it| **it < 0) {
            *dim += rank;
        }
        dims.sort_unstable();
    }
    let spatial = matches!(dims[..], [2, 3] | [-2, -1]);
    if name == "mean" && spatial {
        return one(move |b| {
            let size = b.ints(&[1, 1]);
            let pooled = b.aten("adaptive_avg_pool2d", "", &[x, size])?;
            match keepdim {
                true => Some(pooled),
                false => without_last_two(b, pooled),
            }
        });
    }
    let name = name.to_owned();
    let first_down = dims[0] >= 0;
    one(move |b| {
        // The one that is counted furthest goes first, so that dropping it moves no other.
        if first_down {
            dims.reverse();
        }
        (dims.iter()).try_fold(x, |value, dim| reduction(b, &name, value, &[*dim], keepdim))
    })
}

/// An extreme that drops its dimension as one that keeps it, and a squeeze: the front end knows no other (5.6).
fn kept(net: &Net<'_>, id: NodeId, name: &str, x: ValueId) -> Option<Recipe> {
    let &[dim] = &dims(net, id)?[..] else {
        return None;
    };
    if net.bool(net.arg(id, "keepdim")?)? {
        return None;
    }
    let op = net.node(id).op.clone();
    let listed = matches!(name, "amax" | "amin");
    let types: Vec<Type> = (net.node(id).outputs.iter())
        .map(|it| net.graph().ty(*it).clone())
        .collect();
    Some(Box::new(move |b| {
        let (at, keep) = (b.int(dim), b.bool(true));
        let over = if listed { b.ints(&[dim]) } else { at };
        let made = b.node(op, &[x, over, keep], &types);
        let results = b.graph.node(made).outputs.to_vec();
        results
            .into_iter()
            .map(|it| b.aten("squeeze", "dim", &[it, at]))
            .collect()
    }))
}

/// Takes off two dimensions of size 1 at the end.
pub(super) fn without_last_two(b: &mut Builder<'_>, value: ValueId) -> Option<ValueId> {
    let last = b.int(-1);
    let value = b.aten("squeeze", "dim", &[value, last])?;
    b.aten("squeeze", "dim", &[value, last])
}
