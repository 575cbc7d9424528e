//! Operators along one dimension as those of images one pixel high: the hardware has no others (horizon.md 8.3).

use super::{Recipe, one};
use crate::ir::{NodeId, ValueId};
use crate::quant::fuse::{Builder, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let x = *net.node(id).inputs.first()?;
    if net.rank(x)? != 3 {
        return None;
    }
    match name {
        "conv1d" => convolution(net, id, x),
        "_convolution" | "convolution" => generic(net, id, x),
        "max_pool1d" | "avg_pool1d" | "adaptive_avg_pool1d" => pool(net, id, name, x),
        "batch_norm" => {
            let inputs = net.node(id).inputs.clone();
            image(x, move |b, x| {
                let mut inputs = inputs.to_vec();
                inputs[0] = x;
                b.aten("batch_norm", "", &inputs)
            })
        }
        _ => None,
    }
}

/// `[n, c, l]` as `[n, c, 1, l]` and back.
fn image(
    x: ValueId,
    make: impl FnOnce(&mut Builder<'_>, ValueId) -> Option<ValueId> + 'static,
) -> Option<Recipe> {
    one(move |b| {
        let dim = b.int(2);
        let x = b.aten("unsqueeze", "", &[x, dim])?;
        let y = make(b, x)?;
        b.aten("squeeze", "dim", &[y, dim])
    })
}

struct Window {
    stride: i64,
    padding: i64,
    dilation: i64,
    groups: i64,
}

fn convolution(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let one_of = |name| Some(*net.ints_n(net.arg(id, name)?, 1)?.first()?);
    let window = Window {
        stride: one_of("stride")?,
        padding: one_of("padding")?,
        dilation: one_of("dilation")?,
        groups: net.int(net.arg(id, "groups")?)?,
    };
    flat_convolution(net, id, x, window)
}

/// `_convolution`, as tracing writes every convolution.
fn generic(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let transposed = net.bool(net.arg(id, "transposed")?)?;
    (!transposed).then(|| convolution(net, id, x))?
}

fn flat_convolution(net: &Net<'_>, id: NodeId, x: ValueId, window: Window) -> Option<Recipe> {
    let (weight, bias) = (net.arg(id, "weight")?, net.arg(id, "bias")?);
    if net.tensor(weight)?.sizes().len() != 3 {
        return None;
    }
    image(x, move |b, x| {
        let dim = b.int(2);
        let weight = b.aten("unsqueeze", "", &[weight, dim])?;
        let stride = b.ints(&[1, window.stride]);
        let padding = b.ints(&[0, window.padding]);
        let dilation = b.ints(&[1, window.dilation]);
        let groups = b.int(window.groups);
        let inputs = [x, weight, bias, stride, padding, dilation, groups];
        b.aten("conv2d", "", &inputs)
    })
}

fn pool(net: &Net<'_>, id: NodeId, name: &str, x: ValueId) -> Option<Recipe> {
    let one_of = |name| Some(*net.ints_n(net.arg(id, name)?, 1)?.first()?);
    if name == "adaptive_avg_pool1d" {
        let size = one_of("output_size")?;
        return image(x, move |b, x| {
            let size = b.ints(&[1, size]);
            b.aten("adaptive_avg_pool2d", "", &[x, size])
        });
    }
    let kernel = one_of("kernel_size")?;
    // An empty stride is the window's size.
    let stride = match net.ints(net.arg(id, "stride")?)?.first() {
        Some(stride) => *stride,
        None => kernel,
    };
    let (padding, ceil) = (one_of("padding")?, net.bool(net.arg(id, "ceil_mode")?)?);
    let dilation = match name {
        "max_pool1d" => Some(one_of("dilation")?),
        _ => None,
    };
    let counts = match name {
        "max_pool1d" => true,
        _ => net.bool(net.arg(id, "count_include_pad")?)?,
    };
    image(x, move |b, x| {
        let kernel = b.ints(&[1, kernel]);
        let stride = b.ints(&[1, stride]);
        let padding = b.ints(&[0, padding]);
        match dilation {
            Some(dilation) => {
                let (dilation, ceil) = (b.ints(&[1, dilation]), b.bool(ceil));
                let inputs = [x, kernel, stride, padding, dilation, ceil];
                b.aten("max_pool2d", "", &inputs)
            }
            None => {
                let (ceil, counts) = (b.bool(ceil), b.bool(counts));
                let inputs = [x, kernel, stride, padding, ceil, counts];
                b.aten("avg_pool2d", "", &inputs)
            }
        }
    })
}
