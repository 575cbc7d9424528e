//! Operators along one dimension as those of images one pixel high: the hardware has no others (horizon.md 8.3).

use super::{Recipe, one};
use crate::ir::{Constant, NodeId, Op, Type, ValueId};
use crate::quant::fuse::{Builder, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let x = *net.node(id).inputs.first()?;
    if net.rank(x)? != 3 {
        return None;
    }
    match name {
        "conv1d" => convolution(net, id, x),
        "_convolution" | "convolution" => generic(net, id, x),
        "conv_transpose1d" => transposed(net, id, x),
        "upsample_linear1d" | "upsample_nearest1d" => resize(net, id, name, x),
        "adaptive_max_pool1d" => largest(net, id, x),
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

/// An argument with one number, or a list of one.
fn one_of(net: &Net<'_>, id: NodeId, name: &str) -> Option<i64> {
    net.ints_n(net.arg(id, name)?, 1)?.first().copied()
}

struct Window {
    stride: i64,
    padding: i64,
    dilation: i64,
    groups: i64,
}

fn convolution(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let one_of = |name| one_of(net, id, name);
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
    match net.bool(net.arg(id, "transposed")?)? {
        true => transposed(net, id, x),
        false => convolution(net, id, x),
    }
}

fn transposed(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let one_of = |name| one_of(net, id, name);
    let (weight, bias) = (net.arg(id, "weight")?, net.arg(id, "bias")?);
    let (stride, padding) = (one_of("stride")?, one_of("padding")?);
    let (beyond, dilation) = (one_of("output_padding")?, one_of("dilation")?);
    let groups = net.int(net.arg(id, "groups")?)?;
    if net.tensor(weight)?.sizes().len() != 3 {
        return None;
    }
    image(x, move |b, x| {
        let dim = b.int(2);
        let weight = b.aten("unsqueeze", "", &[weight, dim])?;
        let (stride, padding) = (b.ints(&[1, stride]), b.ints(&[0, padding]));
        let (beyond, dilation) = (b.ints(&[0, beyond]), b.ints(&[1, dilation]));
        let groups = b.int(groups);
        let inputs = [x, weight, bias, stride, padding, beyond, groups, dilation];
        b.aten("conv_transpose2d", "input", &inputs)
    })
}

/// A resize by a size or by a factor, that of the height being 1.
fn resize(net: &Net<'_>, id: NodeId, name: &str, x: ValueId) -> Option<Recipe> {
    let given = |name| net.arg(id, name).filter(|it| !net.is_none(*it));
    let size = match given("output_size") {
        Some(size) => Some(*net.ints_n(size, 1)?.first()?),
        None => None,
    };
    let factor = match given("scale_factors") {
        Some(list) => Some(factor(net, list)?),
        None => None,
    };
    let align = match net.arg(id, "align_corners") {
        Some(align) => Some(net.bool(align)?),
        None => None,
    };
    let name = match name {
        "upsample_linear1d" => "upsample_bilinear2d",
        _ => "upsample_nearest2d",
    };
    (size.is_some() != factor.is_some()).then(|| {
        image(x, move |b, x| {
            let none = b.constant(Constant::None, Type::None);
            let size = size.map_or(none, |it| b.ints(&[1, it]));
            let factors = factor.map_or(none, |it| {
                let both = [b.float(1.0), b.float(it)];
                b.value(Op::ListConstruct, &both, Type::list(Type::Float))
            });
            let mut inputs = vec![x, size];
            inputs.extend(align.map(|it| b.bool(it)));
            inputs.push(factors);
            b.aten(name, "vec", &inputs)
        })
    })?
}

/// The one number of a list.
fn factor(net: &Net<'_>, list: ValueId) -> Option<f64> {
    match net.constant(list) {
        Some(Constant::List(items)) => match &items[..] {
            [Constant::Float(it)] => Some(*it),
            _ => None,
        },
        Some(_) => None,
        None => match *net.items(list)? {
            [only] => net.number(only),
            _ => None,
        },
    }
}

/// The largest of parts of equal size, where they are; nobody may read where it was.
fn largest(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let unused = net.uses(*net.node(id).outputs.get(1)?).is_empty();
    let parts = one_of(net, id, "output_size")?;
    let divides = || net.size(x, -1).is_some_and(|it| it > 0 && it % parts == 0);
    let fits = parts == 1 || parts > 1 && divides();
    (unused && fits).then(|| {
        image(x, move |b, x| {
            let (last, parts, one) = (b.int(3), b.int(parts), b.int(1));
            let size = b.aten("size", "int", &[x, last])?;
            let size = b.aten("floordiv", "int", &[size, parts])?;
            let window = b.int_list(&[one, size]);
            let (zeros, ones, no) = (b.ints(&[0, 0]), b.ints(&[1, 1]), b.bool(false));
            b.aten("max_pool2d", "", &[x, window, window, zeros, ones, no])
        })
    })?
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
    let one_of = |name| one_of(net, id, name);
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
