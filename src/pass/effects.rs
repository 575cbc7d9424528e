//! What a node does besides computing its outputs.

use crate::ir::schema::Schema;
use crate::ir::{Constant, Graph, Node, Op, Type};

/// Operators that draw random numbers, or may.
const RANDOM: &[&str] = &[
    "_fused_dropout",
    "_sample_dirichlet",
    "_scaled_dot_product_attention_math",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_standard_gamma",
    "_transformer_encoder_layer_fwd",
    "alpha_dropout",
    "bernoulli",
    "binomial",
    "dropout",
    "exponential",
    "feature_alpha_dropout",
    "feature_dropout",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "gru",
    "initial_seed",
    "log_normal",
    "lstm",
    "manual_seed",
    "multinomial",
    "native_dropout",
    "normal",
    "normal_functional",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "random",
    "randperm",
    "rnn_relu",
    "rnn_tanh",
    "rrelu",
    "rrelu_with_noise",
    "rrelu_with_noise_functional",
    "scaled_dot_product_attention",
    "seed",
];

/// In-place operators that change sizes or strides, not only elements.
const RESHAPING: &[&str] = &[
    "as_strided_",
    "resize_",
    "resize_as_",
    "resize_as_sparse_",
    "set_",
    "squeeze_",
    "sparse_resize_",
    "sparse_resize_and_clear_",
    "swapaxes_",
    "swapdims_",
    "t_",
    "transpose_",
    "unsqueeze_",
];

/// Names of the argument that says whether running statistics are updated.
const TRAINING: &[&str] = &["training", "train", "use_input_stats"];

/// The operator's name without its namespace.
fn base(schema: &Schema) -> &str {
    schema.name().rsplit("::").next().unwrap_or_default()
}

/// Whether two runs of the operator on the same values may differ.
pub(super) fn is_random(schema: &Schema) -> bool {
    RANDOM.binary_search(&base(schema)).is_ok()
}

/// Whether an in-place operator changes sizes, strides or the storage of what it writes.
pub(super) fn reshapes(schema: &Schema) -> bool {
    RESHAPING.contains(&base(schema)) || schema.args.iter().any(|arg| arg.name == "out")
}

/// Which inputs an operator writes to. Statistics of a normalisation in training are written though no schema says so.
pub(super) fn writes(graph: &Graph, node: &Node, schema: &Schema) -> Vec<usize> {
    let inputs = node.inputs.iter().zip(&schema.args).enumerate();
    inputs
        .filter(|(_, (value, arg))| {
            arg.is_write
                || matches!(arg.name.as_str(), "running_mean" | "running_var")
                    && *graph.ty(**value) != Type::None
                    && updates_statistics(graph, node, schema)
        })
        .map(|(index, _)| index)
        .collect()
}

fn updates_statistics(graph: &Graph, node: &Node, schema: &Schema) -> bool {
    let flag = TRAINING.iter().find_map(|name| schema.arg_index(name));
    let flag = flag.and_then(|index| graph.constant(*node.inputs.get(index)?));
    flag != Some(&Constant::Bool(false))
}

/// Whether a node must stay though nobody reads its outputs. Nested blocks are not looked at.
pub(super) fn has_effect(graph: &Graph, node: &Node) -> bool {
    match &node.op {
        Op::SetAttr(_)
        | Op::CallMethod(_)
        | Op::CallFunction(_)
        | Op::Enter
        | Op::Exit
        | Op::Fork
        | Op::Awaitable
        | Op::Print
        | Op::Opaque(_) => true,
        Op::Operator(schema) => {
            schema.returns.is_empty()
                || is_random(schema)
                || schema.name().starts_with("profiler::")
                || schema.name().starts_with("cuda::")
                || !writes(graph, node, schema).is_empty()
        }
        _ => false,
    }
}

/// Whether a node may change how later operators compute: gradient mode, autocast, a generator's seed.
pub(super) fn changes_mode(graph: &Graph, node: &Node) -> bool {
    match &node.op {
        Op::CallMethod(_) | Op::CallFunction(_) | Op::Enter | Op::Exit | Op::Opaque(_) => true,
        Op::Operator(schema) => {
            schema.returns.is_empty()
                && !matches!(schema.name(), "prim::RaiseException" | "aten::warn")
                && writes(graph, node, schema).is_empty()
        }
        _ => false,
    }
}

/// Whether a node gives the same values whenever its inputs are the same, and those may be shared.
pub(super) fn is_repeatable(graph: &Graph, node: &Node) -> bool {
    node.blocks.is_empty()
        && !has_effect(graph, node)
        && !matches!(node.op, Op::CreateObject | Op::Uninitialized)
        && !node.outputs.is_empty()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_is_sorted() {
        assert!(super::RANDOM.is_sorted());
    }
}
