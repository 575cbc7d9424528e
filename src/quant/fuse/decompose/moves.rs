//! Moves of data in the words that the compiler's front end knows (horizon.md 5.6): it takes `split` but no `chunk`,
//! `slice` and `squeeze` but no `select`, `reshape` but no `unflatten`.

use super::{Recipe, one, overload};
use crate::ir::{NodeId, Op, Type, ValueId};
use crate::quant::fuse::sizes::axis;
use crate::quant::fuse::{Builder, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    match name {
        "chunk" => chunk(net, id),
        "upsample_nearest2d" => centred(net, id),
        "select" => select(net, id),
        "unflatten" => unflatten(net, id),
        // What a rule put in front may lie otherwise in memory.
        "view" if overload(net.graph(), id).is_empty() && net.is_made(net.arg(id, "self")?) => {
            let inputs = net.node(id).inputs.clone();
            one(move |b| b.aten("reshape", "", &inputs))
        }
        "repeat_interleave" => repeat(net, id),
        "movedim" | "moveaxis" => moved(net, id),
        _ => None,
    }
}

/// The hardware's nearest pixel is that of a pixel's centre (horizon.md 3.10), where torch's older mode takes its corner.
/// They are the same for whole factors upwards.
fn centred(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let inputs = net.node(id).inputs.clone();
    let overload = overload(net.graph(), id);
    one(move |b| b.aten("_upsample_nearest_exact2d", overload, &inputs))
}

/// `chunk(x, n, dim) = split(x, ⌈size / n⌉, dim)`
fn chunk(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let x = net.arg(id, "self")?;
    let (count, dim) = (
        net.int(net.arg(id, "chunks")?)?,
        net.int(net.arg(id, "dim")?)?,
    );
    (count > 0).then(|| {
        one(move |b: &mut Builder<'_>| {
            let (count, above, dim) = (b.int(count), b.int(count - 1), b.int(dim));
            let size = b.aten("size", "int", &[x, dim])?;
            let size = b.aten("add", "int", &[size, above])?;
            let size = b.aten("floordiv", "int", &[size, count])?;
            debug_assert_eq!(*b.graph.ty(size), Type::Int);
            b.aten("split", "Tensor", &[x, size, dim])
        })
    })?
}

/// `select(x, dim, i) = squeeze(x[…, i:i+1, …], dim)`
fn select(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let x = net.arg(id, "self")?;
    let (dim, index) = (
        net.int(net.arg(id, "dim")?)?,
        net.int(net.arg(id, "index")?)?,
    );
    one(move |b| element(b, x, dim, index))
}

/// One element of a dimension, which goes.
fn element(b: &mut Builder<'_>, x: ValueId, dim: i64, index: i64) -> Option<ValueId> {
    // The last element's end is that of the dimension.
    let end = match index {
        -1 => i64::MAX,
        _ => index.checked_add(1)?,
    };
    let (dim, start, end, step) = (b.int(dim), b.int(index), b.int(end), b.int(1));
    let kept = b.aten("slice", "Tensor", &[x, dim, start, end, step])?;
    b.aten("squeeze", "dim", &[kept, dim])
}

/// The elements of a dimension that `unbind` lists, one by one, where they are taken out of the list at once.
pub(super) fn unbound(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let node = net.node(id);
    let list = *node.inputs.first()?;
    let producer = net.graph().producer(list)?;
    if !matches!(node.op, Op::ListUnpack) || net.aten(producer) != Some("unbind") {
        return None;
    }
    let x = net.arg(producer, "self")?;
    let dim = net.int(net.arg(producer, "dim")?)?;
    let count = node.outputs.len() as i64;
    net.is_live(x).then(|| -> Recipe {
        Box::new(move |b| (0..count).map(|it| element(b, x, dim, it)).collect())
    })
}

/// `movedim` as `permute`.
fn moved(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let x = net.arg(id, "self")?;
    let rank = net.rank(x)?;
    let dims = |name| {
        let dims = net.int_or_ints(net.arg(id, name)?)?;
        let from_start = dims.iter().map(|it| from_start(*it, rank));
        from_start.collect::<Option<Vec<i64>>>()
    };
    let (from, to) = (dims("source")?, dims("destination")?);
    let mut rest = (0..rank).filter(|it| !from.contains(it));
    let place = |at: i64| match to.iter().position(|it| *it == at) {
        Some(found) => from.get(found).copied(),
        None => rest.next(),
    };
    let order: Vec<i64> = (0..rank).map(place).collect::<Option<_>>()?;
    one(move |b| {
        let order = b.ints(&order);
        b.aten("permute", "", &[x, order])
    })
}

/// `unflatten(x, dim, sizes)` as a reshape to all sizes.
fn unflatten(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let (x, parts) = (net.arg(id, "self")?, net.arg(id, "sizes")?);
    let rank = net.rank(x)?;
    let dim = from_start(net.int(net.arg(id, "dim")?)?, rank)?;
    let known = net.ints(parts);
    let values = match known {
        Some(_) => Vec::new(),
        None => net.items(parts)?.to_vec(),
    };
    one(move |b: &mut Builder<'_>| {
        let mut sizes = Vec::new();
        for at in 0..rank {
            match &known {
                Some(ints) if at == dim => sizes.extend(ints.iter().map(|it| b.int(*it))),
                None if at == dim => sizes.extend(&values),
                _ => {
                    let at = b.int(at);
                    sizes.push(b.aten("size", "int", &[x, at])?);
                }
            }
        }
        let sizes = b.int_list(&sizes);
        b.aten("reshape", "", &[x, sizes])
    })
}

/// Each element of a dimension so many times in a row: a new dimension, expanded, flattened into it.
fn repeat(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let x = net.arg(id, "self")?;
    let times = net.int(net.arg(id, "repeats")?)?;
    let rank = net.rank(x)?;
    let dim = from_start(net.int(net.arg(id, "dim")?)?, rank)?;
    one(move |b: &mut Builder<'_>| {
        let (first, second) = (b.int(dim), b.int(dim + 1));
        let x = b.aten("unsqueeze", "", &[x, second])?;
        let mut sizes = vec![-1; rank as usize + 1];
        sizes[dim as usize + 1] = times;
        let sizes = b.ints(&sizes);
        let x = b.aten("expand", "", &[x, sizes])?;
        b.aten("flatten", "using_ints", &[x, first, second])
    })
}

/// A dimension counted from the start.
fn from_start(dim: i64, rank: i64) -> Option<i64> {
    i64::try_from(axis(dim, usize::try_from(rank).ok()?)?).ok()
}
