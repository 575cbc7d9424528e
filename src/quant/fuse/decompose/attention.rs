//! Attention as matrix products and softmax: `softmax(q · kᵀ · scale + mask) · v`.

use super::arithmetic::unpack;
use super::{Recipe, one};
use crate::ir::{NodeId, Op, Type, ValueId};
use crate::quant::fuse::{Builder, ConstTensor, Net};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    match name {
        "scaled_dot_product_attention" => scaled_dot_product(net, id),
        "_native_multi_head_attention" => multi_head(net, id),
        "_transformer_encoder_layer_fwd" => encoder_layer(net, id),
        _ => None,
    }
}

fn scaled_dot_product(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let arg = |name| net.arg(id, name);
    let (q, k, v) = (arg("query")?, arg("key")?, arg("value")?);
    let no_dropout = net.number(arg("dropout_p")?) == Some(0.0);
    let causal = net.bool(arg("is_causal")?)?;
    let grouped = arg("enable_gqa").is_some_and(|it| net.bool(it) != Some(false));
    let mask = arg("attn_mask").filter(|it| !net.is_none(*it));
    let scale = match arg("scale").filter(|it| !net.is_none(*it)) {
        Some(scale) => Some(net.number(scale)?),
        None => None,
    };
    // Without a given scale it is 1 / √(size of the heads), which only a known size tells.
    let size = || net.fixed_last_size(q).or_else(|| last_size(net, q));
    let scale = scale.or_else(|| Some(1.0 / (size()? as f64).sqrt()))?;
    if !no_dropout
        || causal
        || grouped
        || mask.is_some_and(|it| net.tensor(it).is_some_and(|m| !m.is_f32()))
    {
        return None;
    }
    one(move |b| Some(attend(b, [q, k, v], scale, mask)?[0]))
}

/// `softmax(q · scale · kᵀ + mask) · v`, and the softmax.
fn attend(
    b: &mut Builder<'_>,
    [q, k, v]: [ValueId; 3],
    scale: f64,
    mask: Option<ValueId>,
) -> Option<[ValueId; 2]> {
    let factor = b.float(scale);
    let q = b.aten("mul", "Scalar", &[q, factor])?;
    let (last, before) = (b.int(-1), b.int(-2));
    let k = b.aten("transpose", "int", &[k, before, last])?;
    let mut scores = b.aten("matmul", "", &[q, k])?;
    if let Some(mask) = mask {
        scores = b.aten("add", "Tensor", &[scores, mask])?;
    }
    let weights = b.aten("softmax", "int", &[scores, last])?;
    Some([b.aten("matmul", "", &[weights, v])?, weights])
}

/// The weights of self-attention, as the fused operators take them.
#[derive(Clone, Copy)]
struct Weights {
    qkv: [ValueId; 2],
    projection: [ValueId; 2],
    heads: i64,
    /// Of a head.
    size: i64,
}

impl Weights {
    fn read(net: &Net<'_>, id: NodeId, heads: &str) -> Option<Weights> {
        let arg = |name| net.arg(id, name);
        let (width, heads) = (net.int(arg("embed_dim")?)?, net.int(arg(heads)?)?);
        (heads >= 1 && width % heads == 0).then_some(Weights {
            qkv: [arg("qkv_weight")?, arg("qkv_bias")?],
            projection: [arg("proj_weight")?, arg("proj_bias")?],
            heads,
            size: width / heads,
        })
    }

    /// One linear for queries, keys and values, heads, attention, one linear for the result: that, and the shares,
    /// `[batch, heads, length, length]`.
    fn attention(self, b: &mut Builder<'_>, x: ValueId) -> Option<[ValueId; 2]> {
        let all = b.aten("linear", "", &[x, self.qkv[0], self.qkv[1]])?;
        let (three, last) = (b.int(3), b.int(-1));
        let parts = b.aten("chunk", "", &[all, three, last])?;
        let parts: [ValueId; 3] = unpack(b, parts)?;
        let mut split = Vec::with_capacity(3);
        for part in parts {
            split.push(into_heads(b, part, self.heads, self.size)?);
        }
        let heads = split.try_into().ok()?;
        let [out, shares] = attend(b, heads, 1.0 / (self.size as f64).sqrt(), None)?;
        let (one, two) = (b.int(1), b.int(2));
        let out = b.aten("transpose", "int", &[out, one, two])?;
        let out = b.aten("flatten", "using_ints", &[out, two])?;
        let out = b.aten("linear", "", &[out, self.projection[0], self.projection[1]])?;
        Some([out, shares])
    }
}

/// The fused self-attention that torch traces in evaluation without gradients.
fn multi_head(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let arg = |name| net.arg(id, name);
    let query = arg("query")?;
    let same = arg("key")? == query && arg("value")? == query;
    let unmasked = net.is_none(arg("mask")?);
    let weights = Weights::read(net, id, "num_head")?;
    let wanted = net.bool(arg("need_weights")?)?;
    let averaged = net.bool(arg("average_attn_weights")?)?;
    let unused = net.uses(*net.node(id).outputs.get(1)?).is_empty();
    if !same || !unmasked || !wanted && !unused {
        return None;
    }
    Some(Box::new(move |b| {
        let [out, mut shares] = weights.attention(b, query)?;
        if averaged && !unused {
            let (dims, keep) = (b.ints(&[1]), b.bool(false));
            shares = b.aten("mean", "dim", &[shares, dims, keep])?;
        }
        Some(vec![out, shares])
    }))
}

/// The fused layer of an encoder: attention and two linears, each with a sum around it and a norm before or behind.
fn encoder_layer(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let arg = |name| net.arg(id, name);
    let src = arg("src")?;
    let weights = Weights::read(net, id, "num_heads")?;
    let width = weights.heads * weights.size;
    let (gelu, norm_first) = (net.bool(arg("use_gelu")?)?, net.bool(arg("norm_first")?)?);
    let eps = net.number(arg("eps")?)?;
    let pair = |weight, bias| Some([arg(weight)?, arg(bias)?]);
    let first = pair("norm_weight_1", "norm_bias_1")?;
    let second = pair("norm_weight_2", "norm_bias_2")?;
    let widen = pair("ffn_weight_1", "ffn_bias_1")?;
    let narrow = pair("ffn_weight_2", "ffn_bias_2")?;
    if !net.is_none(arg("mask")?) {
        return None;
    }
    one(move |b| {
        let norm = |b: &mut Builder<'_>, x: ValueId, [weight, bias]: [ValueId; 2]| {
            let (shape, eps) = (b.ints(&[width]), b.float(eps));
            b.aten("layer_norm", "", &[x, shape, weight, bias, eps])
        };
        let mut x = src;
        if norm_first {
            x = norm(b, x, first)?;
        }
        let [attended, _] = weights.attention(b, x)?;
        x = b.aten("add", "Tensor", &[src, attended])?;
        if !norm_first {
            x = norm(b, x, first)?;
        }
        let before = x;
        if norm_first {
            x = norm(b, x, second)?;
        }
        x = b.aten("linear", "", &[x, widen[0], widen[1]])?;
        x = b.aten(if gelu { "gelu" } else { "relu" }, "", &[x])?;
        x = b.aten("linear", "", &[x, narrow[0], narrow[1]])?;
        x = b.aten("add", "Tensor", &[before, x])?;
        match norm_first {
            true => Some(x),
            false => norm(b, x, second),
        }
    })
}

/// `[batch, length, width]` to `[batch, heads, length, size]`.
fn into_heads(b: &mut Builder<'_>, x: ValueId, heads: i64, size: i64) -> Option<ValueId> {
    let (zero, one, two) = (b.int(0), b.int(1), b.int(2));
    // The front end knows `view` with all sizes, and no `unflatten`.
    let (batch, length) = (
        b.aten("size", "int", &[x, zero])?,
        b.aten("size", "int", &[x, one])?,
    );
    let (heads, size) = (b.int(heads), b.int(size));
    let sizes = [batch, length, heads, size];
    let sizes = b.int_list(&sizes);
    let x = b.aten("reshape", "", &[x, sizes])?;
    b.aten("transpose", "int", &[x, one, two])
}

/// The size of a value's last dimension, where a reshape or a linear before it says it.
fn last_size(net: &Net<'_>, value: ValueId) -> Option<i64> {
    let (mut at, mut parts) = (value, 1);
    // As deep as queries are from what says their size.
    for _ in 0..16 {
        let producer = net.graph().producer(at)?;
        let node = net.node(producer);
        if matches!(node.op, Op::ListUnpack | Op::TupleUnpack) {
            at = *node.inputs.first()?;
            continue;
        }
        let known = match net.aten(producer)? {
            "view" | "reshape" => Some(list_end(net, *node.inputs.get(1)?)?),
            "unflatten" => Some(list_end(net, net.arg(producer, "sizes")?)?),
            "linear" => {
                let weight: ConstTensor = net.tensor(*node.inputs.get(1)?)?;
                Some(*weight.sizes().first()?)
            }
            "chunk" if net.int(net.arg(producer, "dim")?) == Some(-1) => {
                parts *= net.int(net.arg(producer, "chunks")?)?;
                None
            }
            name => keeps_last(net, producer, name).then_some(None)?,
        };
        match known {
            Some(size) if size > 0 && parts > 0 && size % parts == 0 => return Some(size / parts),
            Some(_) => return None,
            None => at = *net.node(producer).inputs.first()?,
        }
    }
    None
}

/// Whether an operator leaves the size of its first input's last dimension as it is.
fn keeps_last(net: &Net<'_>, id: NodeId, name: &str) -> bool {
    let int = |name| net.arg(id, name).and_then(|it| net.int(it));
    match name {
        "unbind" | "contiguous" | "mul" | "add" | "dropout" | "clone" => true,
        "select" | "slice" | "narrow" | "chunk" | "squeeze" => matches!(int("dim"), Some(0 | 1)),
        "transpose" => {
            let dims = [int("dim0"), int("dim1")];
            let early = dims.iter().all(|it| matches!(it, Some(0 | 1)));
            let middle = dims.iter().all(|it| matches!(it, Some(0..=2)));
            early || middle && has_four_dimensions(net, net.node(id).inputs[0])
        }
        "permute" => {
            let dims = net.arg(id, "dims").and_then(|it| net.ints(it));
            dims.is_some_and(
                |it| matches!(it.last(), Some(&last) if last == it.len() as i64 - 1 || last == -1),
            )
        }
        _ => false,
    }
}

/// Whether a reshape says that a value has four dimensions.
fn has_four_dimensions(net: &Net<'_>, value: ValueId) -> bool {
    let Some(producer) = net.graph().producer(value) else {
        return false;
    };
    let len = |list: ValueId| match net.ints(list) {
        Some(ints) => Some(ints.len()),
        None => net.items(list).map(<[ValueId]>::len),
    };
    match net.aten(producer) {
        Some("view" | "reshape") => len(net.node(producer).inputs[1]) == Some(4),
        Some("unflatten") => true,
        _ => false,
    }
}

/// The last element of a list of ints, the others being unknown perhaps.
fn list_end(net: &Net<'_>, list: ValueId) -> Option<i64> {
    if let Some(ints) = net.ints(list) {
        return ints.last().copied();
    }
    let is_ints = *net.graph().ty(list) == Type::list(Type::Int);
    is_ints.then(|| net.int(*net.items(list)?.last()?))?
}
