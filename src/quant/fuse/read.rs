//! What each node is: operators with their weights and hyperparameters.

mod module;
mod tables;

use super::{FloatOp, Net};
use crate::ir::{NodeId, Op, Type};
use crate::quant::qconfig::March;
use crate::tensor::DType;

/// Whether an operator of aten compares two tensors.
pub(in crate::quant) fn compares(name: &str) -> bool {
    tables::compares(name)
}

/// Whether an operator of quantised tensors gives indices or truth values, which have no scale.
pub(in crate::quant) fn has_no_scale(name: &str) -> bool {
    tables::has_no_scale(name)
}

/// What a node of the root block is to a march.
pub(in crate::quant) fn read(net: &Net<'_>, id: NodeId, march: March) -> FloatOp {
    let node = net.node(id);
    if !net.reads(id).iter().any(|it| net.is_live(*it)) {
        return FloatOp::Other;
    }
    match &node.op {
        Op::ListConstruct
        | Op::TupleConstruct
        | Op::DictConstruct
        | Op::ListUnpack
        | Op::TupleUnpack
        | Op::TupleIndex
        | Op::TupleSlice { .. } => FloatOp::Other,
        Op::Operator(schema) => match schema.name().strip_prefix("aten::") {
            Some(name) => operator(net, id, name, march),
            None if node.outputs.iter().all(|it| !net.is_live(*it)) => FloatOp::Meta,
            None => FloatOp::Float("it is not an operator of aten".into()),
        },
        Op::If | Op::Loop => FloatOp::Float("control flow depends on the inputs".into()),
        _ if node.outputs.iter().all(|it| !net.is_live(*it)) => FloatOp::Meta,
        other => FloatOp::Float(format!("`{}` is not looked into", other.kind())),
    }
}

fn operator(net: &Net<'_>, id: NodeId, name: &str, march: March) -> FloatOp {
    let node = net.node(id);
    if node.outputs.iter().all(|it| !net.is_live(*it)) {
        return FloatOp::Meta;
    }
    if name == "__getitem__" {
        return FloatOp::Other;
    }
    let Some(&x) = node.inputs.first() else {
        return FloatOp::Float("it has no input".into());
    };
    if let Some(found) = to_float(net, id, name) {
        return found;
    }
    if let Some(found) = module::read(net, id, name, march) {
        return found.unwrap_or_else(FloatOp::Float);
    }
    match tables::of(name) {
        Some(tables::Kind::Move) => FloatOp::Move(x),
        Some(tables::Kind::Keep) => keep(net, id, name, march).unwrap_or_else(FloatOp::Float),
        Some(tables::Kind::Lut(op)) => lut(net, id, op, march).unwrap_or_else(FloatOp::Float),
        None => FloatOp::Float("there is no quantised function for it".into()),
    }
}

/// Operators that make float32 of a tensor.
fn to_float(net: &Net<'_>, id: NodeId, name: &str) -> Option<FloatOp> {
    let input = net.arg(id, "self")?;
    let dtype = net.arg(id, "dtype").and_then(|it| net.int(it));
    match (name, net.arg(id, "other")) {
        ("to" | "type_as", Some(like)) => Some(FloatOp::ToFloat {
            input,
            like: Some(like),
        }),
        ("to", None) if net.arg(id, "device").is_none() && dtype == Some(DType::F32.code()) => {
            Some(FloatOp::ToFloat { input, like: None })
        }
        _ => None,
    }
}

/// An operator that works on the integers.
fn keep(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Result<FloatOp, String> {
    let x = net.node(id).inputs[0];
    match name {
        "relu" => return Ok(FloatOp::Relu(x)),
        "relu6" => return Ok(FloatOp::Relu6(x)),
        "hardtanh" | "clamp" if is_relu6(net, id, name) => return Ok(FloatOp::Relu6(x)),
        _ if tables::compares(name) => {
            let other = net.node(id).inputs.get(1);
            if !other.is_some_and(|it| net.is_live(*it)) {
                return Err("it compares with a number".into());
            }
        }
        "max" | "min" if net.node(id).outputs.len() == 1 => {
            return Err("it is over all dimensions".into());
        }
        "upsample_bilinear2d" => {
            let align = net.arg(id, "align_corners").and_then(|it| net.bool(it));
            if align != Some(false) {
                return Err("the compiler refuses `align_corners`".into());
            }
        }
        "grid_sampler" | "grid_sampler_2d" => {
            if !march.has_int16() {
                return Err(format!(
                    "its coordinates need 16 bits, which {march} has not"
                ));
            }
            let padding = net.arg(id, "padding_mode").and_then(|it| net.int(it));
            if !matches!(padding, Some(0 | 1)) {
                return Err("only padding with `zeros` and `border` is quantised".into());
            }
        }
        _ => {}
    }
    if matches!(name, "grid_sampler" | "grid_sampler_2d") {
        let mode = net.arg(id, "interpolation_mode").and_then(|it| net.int(it));
        if !matches!(mode, Some(0 | 1)) {
            return Err("only `bilinear` and `nearest` are quantised".into());
        }
    }
    Ok(FloatOp::Keep(x))
}

fn is_relu6(net: &Net<'_>, id: NodeId, name: &str) -> bool {
    let [low, high] = match name {
        "clamp" => ["min", "max"],
        _ => ["min_val", "max_val"],
    };
    let bound = |name| net.number_arg(id, name);
    bound(low) == Some(0.0) && bound(high) == Some(6.0)
}

/// A function of one number with its parameters, where the march has it (horizon.md 8.3).
fn lut(net: &Net<'_>, id: NodeId, op: &'static str, march: March) -> Result<FloatOp, String> {
    if !march.has_int16() && !tables::LUT_OF_BERNOULLI2.contains(&op) {
        return Err(format!("{march} has no table for it"));
    }
    let number = |name| {
        let found = net.number_arg(id, name);
        found.ok_or_else(|| format!("its `{name}` is not constant"))
    };
    let args = match op {
        "gelu" => {
            let text = net.arg(id, "approximate").and_then(|it| net.constant(it));
            let tanh = matches!(text, Some(crate::ir::Constant::Str(text)) if &**text == b"tanh");
            vec![f64::from(u8::from(tanh))]
        }
        "elu" => vec![number("alpha")?, number("scale")?, number("input_scale")?],
        "celu" => vec![number("alpha")?],
        "leaky_relu" => vec![number("negative_slope")?],
        "softplus" => vec![number("beta")?, number("threshold")?],
        "pow" => {
            if *net.graph().ty(net.node(id).inputs[0]) != Type::Tensor {
                return Err("its base is a number".into());
            }
            vec![number("exponent")?]
        }
        _ => Vec::new(),
    };
    Ok(FloatOp::Lut {
        op,
        args,
        input: net.node(id).inputs[0],
    })
}
