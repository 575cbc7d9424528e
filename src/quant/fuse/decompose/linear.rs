//! A linear on a march without one: the convolution of one pixel for each row.

use super::{Recipe, one};
use crate::ir::{NodeId, ValueId};
use crate::quant::fuse::{Builder, Net};
use crate::quant::qconfig::March;

/// Operators looked through for what says that a value is a matrix.
const MAX_LOOK_BACK: usize = 32;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Recipe> {
    if name != "linear" || march.has_linear() {
        return None;
    }
    let inputs = &net.node(id).inputs;
    let (x, weight, bias) = (*inputs.first()?, *inputs.get(1)?, *inputs.get(2)?);
    if net.tensor(weight)?.sizes().len() != 2 {
        return None;
    }
    let rank = net.rank(x).or_else(|| is_matrix(net, x).then_some(2))?;
    if !(2..=4).contains(&rank) {
        return None;
    }
    one(move |b| {
        let x = to_image(b, x, rank)?;
        let (last, one) = (b.int(-1), b.int(1));
        let weight = b.aten("unsqueeze", "", &[weight, last])?;
        let weight = b.aten("unsqueeze", "", &[weight, last])?;
        let (ones, zeros) = (b.ints(&[1, 1]), b.ints(&[0, 0]));
        let y = b.aten("conv2d", "", &[x, weight, bias, ones, zeros, ones, one])?;
        from_image(b, y, rank)
    })
}

/// `[n, c]`, `[n, rows, c]` or `[n, h, w, c]` with its channels in dimension 1 of four.
fn to_image(b: &mut Builder<'_>, x: ValueId, rank: i64) -> Option<ValueId> {
    let (one, two, last) = (b.int(1), b.int(2), b.int(-1));
    match rank {
        2 => {
            let x = b.aten("unsqueeze", "", &[x, last])?;
            b.aten("unsqueeze", "", &[x, last])
        }
        3 => {
            let x = b.aten("transpose", "int", &[x, one, two])?;
            b.aten("unsqueeze", "", &[x, last])
        }
        _ => {
            let order = b.ints(&[0, 3, 1, 2]);
            b.aten("permute", "", &[x, order])
        }
    }
}

/// The other way.
fn from_image(b: &mut Builder<'_>, y: ValueId, rank: i64) -> Option<ValueId> {
    let (one, two, last) = (b.int(1), b.int(2), b.int(-1));
    match rank {
        2 => b.aten("flatten", "using_ints", &[y, one]),
        3 => {
            let y = b.aten("squeeze", "dim", &[y, last])?;
            b.aten("transpose", "int", &[y, one, two])
        }
        _ => {
            let order = b.ints(&[0, 2, 3, 1]);
            b.aten("permute", "", &[y, order])
        }
    }
}

/// Whether a value of unknown rank has two dimensions: it was flattened, or pooled and squeezed.
fn is_matrix(net: &Net<'_>, value: ValueId) -> bool {
    let (mut at, mut squeezed) = (value, 0);
    for _ in 0..MAX_LOOK_BACK {
        let Some(producer) = net.graph().producer(at) else {
            return false;
        };
        let Some(name) = net.aten(producer) else {
            return false;
        };
        let start = || net.arg(producer, "start_dim").and_then(|it| net.int(it));
        match name {
            "flatten" => return squeezed == 0 && start() == Some(1),
            "adaptive_avg_pool2d" => return squeezed == 2,
            "squeeze" => squeezed += 1,
            "relu" | "hardtanh" | "clamp" | "linear" | "dropout" | "sigmoid" | "tanh"
            | "hardswish"
                if squeezed == 0 => {}
            "batch_norm" if squeezed == 0 => {}
            _ => return false,
        }
        at = net.node(producer).inputs[0];
    }
    false
}
