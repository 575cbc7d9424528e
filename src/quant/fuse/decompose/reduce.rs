//! Means and sums over several dimensions, log-softmax.

use super::{Recipe, one, overload};
use crate::ir::{Constant, NodeId, Type, ValueId};
use crate::quant::fuse::{Builder, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let &x = net.node(id).inputs.first()?;
    match name {
        "mean" | "sum" if overload(net.graph(), id) == overload_of(name) => {
            reduced(net, id, name, x)
        }
        "log_softmax" => {
            let dim = net.int(net.arg(id, "dim")?)?;
            one(move |b| {
                let dim = b.int(dim);
                let shares = b.aten("softmax", "int", &[x, dim])?;
                b.aten("log", "", &[shares])
            })
        }
        _ => None,
    }
}

/// A mean over the two spatial dimensions is average pooling; other sums and means go one dimension after another.
fn reduced(net: &Net<'_>, id: NodeId, name: &str, x: ValueId) -> Option<Recipe> {
    let mut dims = net.ints(net.arg(id, "dim")?)?;
    let keepdim = net.bool(net.arg(id, "keepdim")?)?;
    let plain = net.arg(id, "dtype").is_none_or(|it| net.is_none(it));
    if dims.len() < 2 || !plain {
        return None;
    }
    dims.sort_unstable();
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
    // From the last dimension on, so that dropping one moves no other; mixed signs cannot be ordered.
    if dims[0] < 0 && dims[dims.len() - 1] >= 0 {
        return None;
    }
    let name = name.to_owned();
    let first_down = dims[0] >= 0;
    one(move |b| {
        if first_down {
            dims.reverse();
        }
        let mut value = x;
        for (done, dim) in dims.iter().enumerate() {
            // Negative dimensions count from the end: each that went moves them.
            let shift = if keepdim || first_down {
                0
            } else {
                done as i64
            };
            let list = b.ints(&[dim + shift]);
            let keep = b.bool(keepdim);
            let none = b.constant(Constant::None, Type::None);
            value = b.aten(&name, overload_of(&name), &[value, list, keep, none])?;
        }
        Some(value)
    })
}

fn overload_of(name: &str) -> &'static str {
    match name {
        "sum" => "dim_IntList",
        _ => "dim",
    }
}

/// Takes off two dimensions of size 1 at the end.
pub(super) fn without_last_two(b: &mut Builder<'_>, value: ValueId) -> Option<ValueId> {
    let last = b.int(-1);
    let value = b.aten("squeeze", "dim", &[value, last])?;
    b.aten("squeeze", "dim", &[value, last])
}
