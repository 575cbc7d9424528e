//! A linear on a march without one: the convolution of one pixel, where the input is a matrix.

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
    if !is_matrix(net, x) || net.tensor(weight)?.sizes().len() != 2 {
        return None;
    }
    one(move |b| {
        let (x, weight) = (pixel(b, x)?, pixel(b, weight)?);
        let (ones, zeros) = (b.ints(&[1, 1]), b.ints(&[0, 0]));
        let groups = b.int(1);
        let y = b.aten("conv2d", "", &[x, weight, bias, ones, zeros, ones, groups])?;
        let first = b.int(1);
        b.aten("flatten", "using_ints", &[y, first])
    })
}

/// `[n, c]` to `[n, c, 1, 1]`.
fn pixel(b: &mut Builder<'_>, x: ValueId) -> Option<ValueId> {
    let last = b.int(-1);
    let x = b.aten("unsqueeze", "", &[x, last])?;
    b.aten("unsqueeze", "", &[x, last])
}

/// Whether a value has two dimensions: it was flattened, or pooled and squeezed.
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
