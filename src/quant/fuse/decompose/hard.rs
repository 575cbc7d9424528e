//! Functions that march bernoulli2 has no table for, of what it has: sums, products, clips, `exp`.

use super::{Recipe, one};
use crate::ir::{NodeId, Type, ValueId};
use crate::quant::fuse::{Builder, Net};
use crate::quant::qconfig::March;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Recipe> {
    if march.has_int16() {
        return None;
    }
    let x = *net.node(id).inputs.first()?;
    let number = |name| net.number_arg(id, name);
    match name {
        "hardsigmoid" => one(move |b| hard_sigmoid(b, x)),
        "hardswish" => one(move |b| {
            let gate = hard_sigmoid(b, x)?;
            b.aten("mul", "Tensor", &[x, gate])
        }),
        "leaky_relu" => {
            let slope = number("negative_slope").filter(|it| (0.0..=1.0).contains(it))?;
            one(move |b| {
                let slope = b.float(slope);
                let below = b.aten("mul", "Scalar", &[x, slope])?;
                b.aten("maximum", "", &[x, below])
            })
        }
        // Channels are what the softmax of this march is over: those of an image of one pixel.
        "softmax" if net.rank(x)? == 2 => {
            let dim = net.int(net.arg(id, "dim")?)?;
            matches!(dim, 1 | -1).then(|| {
                one(move |b| {
                    let (first, last) = (b.int(1), b.int(-1));
                    let x = b.aten("unsqueeze", "", &[x, last])?;
                    let x = b.aten("unsqueeze", "", &[x, last])?;
                    let shares = b.aten("softmax", "int", &[x, first])?;
                    b.aten("flatten", "using_ints", &[shares, first])
                })
            })?
        }
        "sub" => difference(net, x, *net.node(id).inputs.get(1)?),
        _ => None,
    }
}

/// `x + y · -1`, which the march has; numbers and factors have rules of their own.
fn difference(net: &Net<'_>, x: ValueId, y: ValueId) -> Option<Recipe> {
    let tensors = [x, y].iter().all(|it| *net.graph().ty(*it) == Type::Tensor);
    (tensors && net.number(y).is_none()).then(|| {
        one(move |b| {
            let minus = b.float(-1.0);
            let y = b.aten("mul", "Scalar", &[y, minus])?;
            b.aten("add", "Tensor", &[x, y])
        })
    })?
}

/// `relu6(x + 3) / 6`
fn hard_sigmoid(b: &mut Builder<'_>, x: ValueId) -> Option<ValueId> {
    let (three, sixth) = (b.float(3.0), b.float(1.0 / 6.0));
    let (low, high) = (b.float(0.0), b.float(6.0));
    let x = b.aten("add", "Scalar", &[x, three])?;
    let x = b.aten("clamp", "", &[x, low, high])?;
    b.aten("mul", "Scalar", &[x, sixth])
}
