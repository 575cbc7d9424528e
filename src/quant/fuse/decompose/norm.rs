//! Norms in terms of those that have a quantised form: a batch norm of four dimensions, an instance norm.

use super::{Recipe, one};
use crate::ir::{Constant, NodeId, Type, ValueId};
use crate::quant::fuse::{Builder, Net};
use crate::quant::qconfig::March;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Recipe> {
    match name {
        "batch_norm" => matrix(net, id),
        "instance_norm" => stored_statistics(net, id),
        "group_norm" if march.has_int16() => grouped(net, id),
        _ => None,
    }
}

/// A batch norm of a matrix: each row is an image of one pixel. One behind a linear is folded into it instead.
fn matrix(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let inputs = net.node(id).inputs.clone();
    let x = inputs[0];
    let before = net.graph().producer(x).and_then(|it| net.aten(it));
    let is_folded = before == Some("linear") && net.only_user(x).is_some();
    if net.rank(x)? != 2 || is_folded {
        return None;
    }
    one(move |b| {
        let (first, last) = (b.int(1), b.int(-1));
        let x = b.aten("unsqueeze", "", &[x, last])?;
        let mut inputs = inputs.to_vec();
        inputs[0] = b.aten("unsqueeze", "", &[x, last])?;
        let y = b.aten("batch_norm", "", &inputs)?;
        b.aten("flatten", "using_ints", &[y, first])
    })
}

/// An instance norm that tracked its statistics is a batch norm.
fn stored_statistics(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    if net.bool(net.arg(id, "use_input_stats")?)? {
        return None;
    }
    let arg = |name| net.arg(id, name);
    let (weight, bias) = (arg("weight")?, arg("bias")?);
    let (mean, var) = (arg("running_mean")?, arg("running_var")?);
    let (momentum, eps) = (arg("momentum")?, arg("eps")?);
    let x = arg("input")?;
    one(move |b| {
        let no = b.bool(false);
        let inputs = [x, weight, bias, mean, var, no, momentum, eps, no];
        b.aten("batch_norm", "", &inputs)
    })
}

/// Every group is an instance: `[n, c, …]` as `[n, groups, rest]`, normalised over the last, with a factor and a summand
/// for each channel after it.
fn grouped(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let arg = |name| net.arg(id, name);
    let x = arg("input")?;
    let rank = net.rank(x)?;
    let (groups, eps) = (net.int(arg("num_groups")?)?, net.number(arg("eps")?)?);
    let affine = |name| arg(name).filter(|it| !net.is_none(*it));
    let (weight, bias) = (affine("weight"), affine("bias"));
    if rank < 3 {
        return None;
    }
    one(move |b| {
        let mut sizes = Vec::new();
        for dim in 0..rank {
            let dim = b.int(dim);
            sizes.push(b.aten("size", "int", &[x, dim])?);
        }
        let (groups, rest) = (b.int(groups), b.int(-1));
        let split = b.int_list(&[sizes[0], groups, rest]);
        let y = b.aten("reshape", "", &[x, split])?;
        let y = plain_instance_norm(b, y, eps)?;
        let whole = b.int_list(&sizes);
        let mut y = b.aten("reshape", "", &[y, whole])?;
        if let Some(weight) = weight {
            let weight = per_channel(b, weight, rank)?;
            y = b.aten("mul", "Tensor", &[y, weight])?;
        }
        if let Some(bias) = bias {
            let bias = per_channel(b, bias, rank)?;
            y = b.aten("add", "Tensor", &[y, bias])?;
        }
        Some(y)
    })
}

fn plain_instance_norm(b: &mut Builder<'_>, x: ValueId, eps: f64) -> Option<ValueId> {
    let none = b.constant(Constant::None, Type::None);
    let (yes, no) = (b.bool(true), b.bool(false));
    let (momentum, eps) = (b.float(0.1), b.float(eps));
    let inputs = [x, none, none, none, none, yes, momentum, eps, no];
    b.aten("instance_norm", "", &inputs)
}

/// `[c]` as `[c, 1, …]`, to go with channels in dimension 1.
fn per_channel(b: &mut Builder<'_>, value: ValueId, rank: i64) -> Option<ValueId> {
    let last = b.int(-1);
    let mut value = value;
    for _ in 2..rank {
        value = b.aten("unsqueeze", "", &[value, last])?;
    }
    Some(value)
}
