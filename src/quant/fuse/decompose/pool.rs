//! Pools whose windows follow from the size of the input.

use super::{Recipe, one, reduction};
use crate::ir::{NodeId, ValueId};
use crate::quant::fuse::{Builder, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    match name {
        "adaptive_max_pool2d" if net.rank(net.arg(id, "self")?)? == 4 => largest(net, id),
        "adaptive_avg_pool2d" if net.rank(net.arg(id, "self")?)? == 4 => one_side(net, id),
        "avg_pool3d" if net.rank(net.arg(id, "self")?)? == 5 => deep(net, id),
        "adaptive_avg_pool3d" if net.rank(net.arg(id, "self")?)? == 5 => volume(net, id),
        _ => None,
    }
}

/// The largest of parts of equal size, where they are, as a pool; nobody may read where it was.
fn largest(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let node = net.node(id);
    let indices = *node.outputs.get(1)?;
    let x = net.arg(id, "self")?;
    let parts = net.ints_n(net.arg(id, "output_size")?, 2)?;
    let divides = |dim: usize| {
        let size = || net.size(x, dim as i64 - 2).filter(|it| *it > 0);
        parts[dim] == 1 || parts[dim] > 1 && size().is_some_and(|it| it % parts[dim] == 0)
    };
    if !net.uses(indices).is_empty() || !(0..2).all(divides) {
        return None;
    }
    one(move |b| {
        let mut window = Vec::with_capacity(2);
        for (dim, &parts) in (2..).zip(&parts) {
            let (dim, parts) = (b.int(dim), b.int(parts));
            let size = b.aten("size", "int", &[x, dim])?;
            window.push(b.aten("floordiv", "int", &[size, parts])?);
        }
        let window = b.int_list(&window);
        let (zeros, ones, no) = (b.ints(&[0, 0]), b.ints(&[1, 1]), b.bool(false));
        b.aten("max_pool2d", "", &[x, window, window, zeros, ones, no])
    })
}

/// A side that stays as long as it is, as `None` says: a mean over the other.
fn one_side(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let x = net.arg(id, "self")?;
    let &[h, w] = net.items(net.arg(id, "output_size")?)? else {
        return None;
    };
    let dim = match (net.int(h), net.int(w)) {
        (Some(1), None) if is_size(net, w, x, 3) => 2,
        (None, Some(1)) if is_size(net, h, x, 2) => 3,
        _ => return None,
    };
    one(move |b| reduction(b, "mean", x, &[dim], true))
}

/// Whether a number is the size of a tensor's dimension; tracing makes a tensor of it on the way.
fn is_size(net: &Net<'_>, value: ValueId, of: ValueId, dim: i64) -> bool {
    let mut at = value;
    for _ in 0..3 {
        let Some(producer) = net.graph().producer(at) else {
            return false;
        };
        let node = net.node(producer);
        if net.aten(producer) == Some("size") {
            let is_dim = node.inputs.get(1).and_then(|it| net.int(*it)) == Some(dim);
            return node.inputs[0] == of && is_dim;
        }
        match node.inputs.first() {
            Some(first) => at = *first,
            None => return false,
        }
    }
    false
}

/// The mean of a whole volume.
fn volume(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let x = net.arg(id, "self")?;
    let whole = net.ints_n(net.arg(id, "output_size")?, 3)? == [1, 1, 1];
    whole.then(|| one(move |b: &mut Builder<'_>| reduction(b, "mean", x, &[2, 3, 4], true)))?
}

/// Means along the depth alone, as a norm over neighbouring channels takes them: of an image as wide as a slice.
fn deep(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let ints = |name| net.ints_n(net.arg(id, name)?, 3);
    let flag = |name| net.bool(net.arg(id, name)?);
    let x = net.arg(id, "self")?;
    let (&[depth, 1, 1], &[step, 1, 1]) = (&ints("kernel_size")?[..], &ints("stride")?[..]) else {
        return None;
    };
    let plain = ints("padding")? == [0, 0, 0] && !flag("ceil_mode")?;
    let own = net.is_none(net.arg(id, "divisor_override")?);
    (plain && own).then(|| {
        one(move |b: &mut Builder<'_>| {
            let (slice, end) = (b.int(3), b.int(4));
            let (height, width) = (
                b.aten("size", "int", &[x, slice])?,
                b.aten("size", "int", &[x, end])?,
            );
            let image = b.aten("flatten", "using_ints", &[x, slice, end])?;
            let (kernel, stride) = (b.ints(&[depth, 1]), b.ints(&[step, 1]));
            let pooled = b.aten("avg_pool2d", "", &[image, kernel, stride])?;
            let mut sizes = Vec::with_capacity(5);
            for dim in 0..3 {
                let dim = b.int(dim);
                sizes.push(b.aten("size", "int", &[pooled, dim])?);
            }
            sizes.extend([height, width]);
            let sizes = b.int_list(&sizes);
            b.aten("reshape", "", &[pooled, sizes])
        })
    })?
}
