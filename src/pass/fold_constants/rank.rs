//! How many dimensions a tensor has, where the operator or the file says so.

use super::Folder;
use crate::ir::schema::Schema;
use crate::ir::{Constant, Graph, Node, Op, ValueId};

/// The result has the sizes of the first argument.
const SAME: &[&str] = &[
    "_log_softmax",
    "_softmax",
    "abs",
    "abs_",
    "acos",
    "add_",
    "alias",
    "alpha_dropout",
    "asin",
    "atan",
    "batch_norm",
    "bitwise_not",
    "celu",
    "ceil",
    "channel_shuffle",
    "clamp_",
    "clone",
    "contiguous",
    "cos",
    "cosh",
    "cumsum",
    "detach",
    "div_",
    "dropout",
    "dropout_",
    "elu",
    "elu_",
    "empty_like",
    "erf",
    "exp",
    "expm1",
    "feature_dropout",
    "flip",
    "floor",
    "full_like",
    "gelu",
    "group_norm",
    "hardshrink",
    "hardsigmoid",
    "hardsigmoid_",
    "hardswish",
    "hardswish_",
    "hardtanh",
    "hardtanh_",
    "instance_norm",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "local_response_norm",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_sigmoid",
    "log_softmax",
    "logical_not",
    "logsigmoid",
    "masked_fill_",
    "mish",
    "mish_",
    "mul_",
    "neg",
    "ones_like",
    "prelu",
    "rand_like",
    "randn_like",
    "reciprocal",
    "relu",
    "relu6",
    "relu6_",
    "relu_",
    "roll",
    "round",
    "rrelu",
    "rsqrt",
    "selu",
    "selu_",
    "sigmoid",
    "sigmoid_",
    "sign",
    "silu",
    "silu_",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "softshrink",
    "softsign",
    "sqrt",
    "square",
    "sub_",
    "tan",
    "tanh",
    "tanh_",
    "threshold",
    "threshold_",
    "to",
    "tril",
    "triu",
    "trunc",
    "type_as",
    "zeros_like",
];

/// The result has the rank of the first argument, but sizes of its own.
const RANK: &[&str] = &[
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "constant_pad_nd",
    "conv_transpose1d",
    "conv1d",
    "conv2d",
    "conv3d",
    "glu",
    "grid_sampler",
    "index_select",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "narrow",
    "pad",
    "permute",
    "pixel_shuffle",
    "pixel_unshuffle",
    "scaled_dot_product_attention",
    "slice",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
];

/// The result has the larger rank of the first two arguments.
const BROADCAST: &[&str] = &[
    "add",
    "atan2",
    "bitwise_and",
    "bitwise_or",
    "div",
    "eq",
    "floor_divide",
    "fmod",
    "ge",
    "gt",
    "le",
    "logical_and",
    "logical_or",
    "lt",
    "maximum",
    "minimum",
    "mul",
    "ne",
    "pow",
    "remainder",
    "rsub",
    "sub",
];

/// Operators whose input and result have so many dimensions when images come in batches.
const BATCHED: &[(&str, u8)] = &[
    ("adaptive_avg_pool1d", 3),
    ("adaptive_avg_pool2d", 4),
    ("adaptive_avg_pool3d", 5),
    ("avg_pool1d", 3),
    ("avg_pool2d", 4),
    ("avg_pool3d", 5),
    ("conv1d", 3),
    ("conv2d", 4),
    ("conv3d", 5),
    ("conv_transpose1d", 3),
    ("conv_transpose2d", 4),
    ("conv_transpose3d", 5),
    ("max_pool1d", 3),
    ("max_pool2d", 4),
    ("max_pool3d", 5),
];

/// Operators that take nothing but so many dimensions.
const FIXED: &[(&str, u8)] = &[
    ("bmm", 3),
    ("baddbmm", 3),
    ("grid_sampler_2d", 4),
    ("mm", 2),
    ("addmm", 2),
    ("upsample_bicubic2d", 4),
    ("upsample_bilinear2d", 4),
    ("upsample_linear1d", 3),
    ("upsample_nearest1d", 3),
    ("upsample_nearest2d", 4),
    ("upsample_nearest3d", 5),
    ("upsample_trilinear3d", 5),
];

/// Recurrent layers, whose results have the rank of their input.
pub(super) const RECURRENT: &[&str] = &[
    "gru",
    "gru_cell",
    "lstm",
    "lstm_cell",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
];

/// How the rank of an operator's result follows from those of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It is that of the first, and so are the sizes.
    Same,
    /// It is that of the first; the sizes may be others.
    First,
    /// It is the larger of the first two.
    Larger,
}

/// The rule of an operator of `aten`, for those that have one whatever their arguments.
pub(crate) fn follows(name: &str) -> Option<Follows> {
    let tables = [
        (SAME, Follows::Same),
        (RANK, Follows::First),
        (BROADCAST, Follows::Larger),
    ];
    let found = tables.into_iter().find(|it| it.0.contains(&name));
    found.map(|it| it.1)
}

fn is_recurrent(schema: &Schema) -> bool {
    let name = schema.name().strip_prefix("aten::");
    name.is_some_and(|it| RECURRENT.contains(&it))
}

/// The rank that the first input of a node must have, when images come in batches.
pub(super) fn batched_input(node: &Node) -> Option<u8> {
    let Op::Operator(schema) = &node.op else {
        return None;
    };
    let name = schema.name().strip_prefix("aten::")?;
    // The first input of `addmm` is a bias, which broadcasts.
    let strict = FIXED.iter().filter(|(n, _)| !n.contains("add"));
    let mut tables = BATCHED.iter().chain(strict);
    tables.find(|(n, _)| *n == name).map(|(_, rank)| *rank)
}

impl Folder<'_> {
    /// The rank of an output of a node of the new graph.
    pub(super) fn rank_of(&self, out: &Graph, node: &Node, output: ValueId) -> Option<u8> {
        if let Some(tensor) = self.objects.tensor(output) {
            return u8::try_from(tensor.sizes.len()).ok();
        }
        match &node.op {
            // The result; attention's weights come after it.
            Op::Operator(schema) if schema.name() == "aten::_native_multi_head_attention" => {
                let is_result = node.outputs.first() == Some(&output);
                is_result.then(|| self.ranks[node.inputs[0]])?
            }
            // The sequence and the states alike have steps, batch and features, in some order.
            Op::Operator(schema) if is_recurrent(schema) => self.ranks[node.inputs[0]],
            Op::Operator(schema) if node.outputs.len() == 1 => {
                self.operator_rank(out, node, schema)
            }
            Op::UncheckedCast => self.ranks[node.inputs[0]],
            Op::ListUnpack => self.list_rank(out, node.inputs[0]),
            _ => None,
        }
    }

    fn operator_rank(&self, out: &Graph, node: &Node, schema: &Schema) -> Option<u8> {
        let name = schema.name().strip_prefix("aten::")?;
        let rank = |index: usize| self.ranks[*node.inputs.get(index)?];
        let listed = |table: &[(&str, u8)]| table.iter().find(|(n, _)| *n == name).map(|(_, r)| *r);
        if let Some(rank) = listed(FIXED) {
            return Some(rank);
        }
        if let Some(rank) = listed(BATCHED).filter(|_| self.batched) {
            return Some(rank);
        }
        match follows(name) {
            Some(Follows::Same | Follows::First) => return rank(0),
            Some(Follows::Larger) => {
                let second = out.ty(*node.inputs.get(1)?);
                return match second == &crate::ir::Type::Tensor {
                    true => Some(rank(0)?.max(rank(1)?)),
                    false => rank(0),
                };
            }
            None => {}
        }
        let int = |index: usize| match out.constant(*node.inputs.get(index)?)? {
            Constant::Int(value) => Some(*value),
            _ => None,
        };
        match name {
            "_convolution" => match self.batched {
                true => rank(1),
                false => rank(0),
            },
            "linear" => rank(0).filter(|_| rank(1) == Some(2)),
            "clamp" | "clamp_min" | "clamp_max" if schema.overload().is_empty() => rank(0),
            "unsqueeze" => rank(0)?.checked_add(1),
            "select" => rank(0)?.checked_sub(1),
            "flatten" => {
                let rank = i64::from(rank(0)?);
                let at = |dim: i64| if dim < 0 { dim + rank } else { dim };
                let (start, end) = (at(int(1)?), at(int(2)?));
                u8::try_from((rank - (end - start)).max(1)).ok()
            }
            "_transformer_encoder_layer_fwd" => rank(0),
            "embedding" => rank(1)?.checked_add(1),
            "matmul" => match (rank(0)?, rank(1)?) {
                (a, b) if a >= 2 && b >= 2 => Some(a.max(b)),
                _ => None,
            },
            "mean" | "sum" | "amax" | "amin" => self.reduced(out, node, schema),
            "cat" | "concat" => self.list_rank(out, node.inputs[0]),
            "stack" => self.list_rank(out, node.inputs[0])?.checked_add(1),
            "view" | "reshape" | "expand" | "zeros" | "ones" | "empty" | "rand" | "randn"
            | "full" => {
                let at = usize::from(matches!(name, "view" | "reshape" | "expand"));
                self.length_of(out, *node.inputs.get(at)?)
            }
            "arange" | "linspace" => Some(1),
            "__interpolate" => rank(0),
            _ => None,
        }
    }

    fn reduced(&self, out: &Graph, node: &Node, schema: &Schema) -> Option<u8> {
        let Some(dim) = schema.arg_index("dim") else {
            return Some(0);
        };
        let rank = self.ranks[node.inputs[0]]?;
        let keep = out.constant(*node.inputs.get(schema.arg_index("keepdim")?)?)?;
        if *keep == Constant::Bool(true) {
            return Some(rank);
        }
        let dims = *node.inputs.get(dim)?;
        if *out.ty(dims) == crate::ir::Type::None {
            return Some(0);
        }
        match self.length_of(out, dims)? {
            0 => Some(0),
            count => rank.checked_sub(count),
        }
    }

    /// The length of a list of numbers that nobody writes to.
    fn length_of(&self, out: &Graph, list: ValueId) -> Option<u8> {
        u8::try_from(self.known_length(out, list)?).ok()
    }

    /// The rank of the tensors in a list.
    fn list_rank(&self, out: &Graph, list: ValueId) -> Option<u8> {
        let node = out.node(out.producer(list)?);
        match &node.op {
            Op::ListConstruct if self.frozen[list] => {
                let mut ranks = node.inputs.iter().map(|&v| self.ranks[v]);
                let first = ranks.next()??;
                ranks.all(|rank| rank == Some(first)).then_some(first)
            }
            Op::Operator(schema) => match schema.name() {
                "aten::split" | "aten::chunk" | "aten::split_with_sizes" | "aten::tensor_split" => {
                    self.ranks[node.inputs[0]]
                }
                "aten::unbind" => self.ranks[node.inputs[0]]?.checked_sub(1),
                _ => None,
            },
            _ => None,
        }
    }
}
