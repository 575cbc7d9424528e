//! Convolutions whose padding has a name, with it in numbers.

use super::{Recipe, one, overload};
use crate::ir::{Constant, NodeId};
use crate::quant::fuse::Net;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let named = match name {
        "conv1d" | "conv2d" | "conv3d" => overload(net.graph(), id) == "padding",
        _ => name == "_convolution_mode",
    };
    named.then(|| numbered(net, id))?
}

fn numbered(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let arg = |name| net.arg(id, name);
    let (x, weight, bias) = (arg("input")?, arg("weight")?, arg("bias")?);
    let (stride, groups) = (arg("stride")?, arg("groups")?);
    let dilation = arg("dilation")?;
    let kernel = net.tensor(weight)?.sizes().get(2..)?.to_vec();
    let name = match kernel.len() {
        1 => "conv1d",
        2 => "conv2d",
        3 => "conv3d",
        _ => return None,
    };
    let Constant::Str(text) = net.constant(arg("padding")?)? else {
        return None;
    };
    let totals: Vec<i64> = match &text[..] {
        b"valid" => vec![0; kernel.len()],
        b"same" => {
            let steps = net.ints_n(dilation, kernel.len())?;
            let whole = kernel.iter().zip(steps).map(|(k, d)| d * (k - 1));
            whole.collect()
        }
        _ => return None,
    };
    one(move |b| {
        let mut x = x;
        if totals.iter().any(|it| it % 2 != 0) {
            // One more at the end: from the last dimension on, before and after.
            let sides = totals.iter().rev().flat_map(|it| [0, it % 2]);
            let sides: Vec<i64> = sides.collect();
            let (sides, zero) = (b.ints(&sides), b.float(0.0));
            x = b.aten("constant_pad_nd", "", &[x, sides, zero])?;
        }
        let halves: Vec<i64> = totals.iter().map(|it| it / 2).collect();
        let padding = b.ints(&halves);
        let inputs = [x, weight, bias, stride, padding, dilation, groups];
        b.aten(name, "", &inputs)
    })
}
