//! Checks of a scripted model: branches that give nothing and only raise an error or warn.
//!
//! They are about sizes of the input, as norms check theirs. The front end knows no branches; a model that was traced
//! has none either, having passed them.

use super::Net;
use crate::ir::{BlockId, Graph, NodeId, Op, Type};

/// Operators that tell the user something.
const SAYS: &[&str] = &["prim::RaiseException", "aten::warn"];

/// Takes such branches out of the root block.
pub(in crate::quant) fn without_checks(net: &mut Net<'_>) {
    let checks: Vec<NodeId> = net.nodes();
    let checks: Vec<NodeId> = (checks.into_iter())
        .filter(|&id| is_check(net, id))
        .collect();
    if checks.is_empty() {
        return;
    }
    let root = net.graph().root();
    let graph = net.graph_mut();
    graph.retain(root, |id| !checks.contains(&id));
    crate::pass::dead_code::dead_code(graph);
    net.recount();
}

/// Whether a node is an `If` with a branch that raises or warns, and nobody wants what else it does.
fn is_check(net: &Net<'_>, id: NodeId) -> bool {
    let node = net.node(id);
    let unused = node.outputs.iter().all(|it| net.uses(*it).is_empty());
    let says = |&block: &BlockId| {
        let nodes = net.graph().block(block).nodes.iter();
        let mut kinds = nodes.map(|it| net.node(*it).op.kind());
        kinds.any(|it| SAYS.contains(&it))
    };
    node.op == Op::If
        && unused
        && node.blocks.iter().any(says)
        && node.blocks.iter().all(|it| is_pure(net.graph(), *it))
}

/// Whether a block computes numbers and text alone, raising and warning aside.
fn is_pure(graph: &Graph, block: BlockId) -> bool {
    graph.block(block).nodes.iter().all(|&id| {
        let node = graph.node(id);
        let plain = |ty: &Type| match ty {
            Type::List(inner) => is_plain(inner),
            Type::Tuple(items) => items.iter().all(is_plain),
            ty => is_plain(ty),
        };
        let known = matches!(node.op, Op::Constant(_) | Op::Operator(_));
        let says = SAYS.contains(&node.op.kind());
        says || known && node.outputs.iter().all(|it| plain(graph.ty(*it)))
    })
}

fn is_plain(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Int | Type::Float | Type::Bool | Type::Str | Type::None
    )
}
