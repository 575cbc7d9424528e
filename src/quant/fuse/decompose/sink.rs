//! What rules for linears and one-dimensional operators put behind a convolution goes behind the batch norm and relu
//! that follow, so that these are fused with it.

use super::{Recipe, one};
use crate::ir::{NodeId, Op};
use crate::quant::fuse::Net;

/// Operators of one element, or one channel, at a time.
const FOLLOWERS: &[&str] = &["batch_norm", "relu", "relu6", "hardtanh"];

/// `f(move(conv(x)))` as `move(f(conv(x)))`.
pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    if name == "unsqueeze" {
        return cancelled(net, id);
    }
    if !FOLLOWERS.contains(&name) {
        return None;
    }
    let inputs = net.node(id).inputs.clone();
    let mover = net.graph().producer(*inputs.first()?)?;
    net.only_user(inputs[0])?;
    let inner = *net.node(mover).inputs.first()?;
    let conv = net.graph().producer(inner)?;
    let follows = matches!(net.aten(conv)?, "conv2d" | "batch_norm");
    if !follows || !is_removal(net, mover) || !is_own(net, conv) || !fits(net, id, conv) {
        return None;
    }
    let (op, after) = (net.node(id).op.clone(), net.node(mover).op.clone());
    let rest = net.node(mover).inputs[1..].to_vec();
    let ty = net.graph().ty(inputs[0]).clone();
    one(move |b| {
        let mut inside = inputs.to_vec();
        inside[0] = inner;
        let y = b.value(op, &inside, ty.clone());
        let mut outside = vec![y];
        outside.extend(rest);
        Some(b.value(after, &outside, ty))
    })
}

/// A dimension that one rule took away and another gives back.
fn cancelled(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let before = net.arg(id, "self")?;
    let mover = net.graph().producer(before)?;
    let dim = |id| net.arg(id, "dim").and_then(|it| net.int(it));
    let same = net.aten(mover) == Some("squeeze") && dim(mover)? == dim(id)?;
    let inner = net.arg(mover, "self")?;
    (same && net.is_made(before)).then(|| one(move |_| Some(inner)))?
}

/// Whether a node takes dimensions of size 1 away and a rule wrote it.
fn is_removal(net: &Net<'_>, id: NodeId) -> bool {
    if !net.is_made(net.node(id).outputs[0]) {
        return false;
    }
    let int = |name| net.arg(id, name).and_then(|it| net.int(it));
    match net.aten(id) {
        Some("squeeze") => int("dim") == Some(2),
        Some("flatten") => int("start_dim") == Some(1),
        _ => false,
    }
}

/// Whether a rule wrote a convolution, perhaps with a batch norm after it: what it reads was given dimensions.
fn is_own(net: &Net<'_>, mut id: NodeId) -> bool {
    if net.aten(id) == Some("batch_norm") {
        match net.graph().producer(net.node(id).inputs[0]) {
            Some(conv) if net.aten(conv) == Some("conv2d") => id = conv,
            _ => return false,
        }
    }
    let weight = net.node(id).inputs.get(1).copied();
    let weight = weight.and_then(|it| net.graph().producer(it));
    weight.is_some_and(|it| net.aten(it) == Some("unsqueeze"))
}

/// A batch norm has as many channels as the convolution.
fn fits(net: &Net<'_>, id: NodeId, conv: NodeId) -> bool {
    if net.aten(id) != Some("batch_norm") {
        return true;
    }
    let size = |value| Some(*net.tensor(value)?.sizes().first()?);
    let mean = net.arg(id, "running_mean").and_then(size);
    let weight = match net.node(conv).op {
        Op::Operator(_) => net.node(conv).inputs.get(1).copied().and_then(size),
        _ => None,
    };
    net.aten(conv) == Some("conv2d") && mean.is_some() && mean == weight
}
