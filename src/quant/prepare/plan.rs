//! What becomes of each node of the flat graph.

use super::names::Names;
use crate::ir::NodeId;
use crate::quant::fuse::{FloatOp, Group, Net, chains, groups, read};
use crate::quant::qconfig::{QConfig, Resolver};
use rustc_hash::{FxHashMap, FxHashSet};

/// Nodes by what becomes of them.
pub(super) struct Planned {
    /// What each node is.
    pub(super) ops: FxHashMap<NodeId, FloatOp>,
    /// Groups by their last node.
    pub(super) groups: FxHashMap<NodeId, Group>,
    /// Nodes of groups but the last.
    pub(super) absorbed: FxHashSet<NodeId>,
    /// The first step of the recurrent layer that a step belongs to.
    pub(super) chains: FxHashMap<NodeId, NodeId>,
    /// Names of modules.
    pub(super) names: Names,
}

/// Reads and groups the nodes of the root block.
pub(super) fn plan(net: &Net<'_>, qconfig: &QConfig, resolver: &mut Resolver<'_>) -> Planned {
    let mut ops = FxHashMap::default();
    for id in net.nodes() {
        let op = read(net, id, qconfig.march);
        ops.insert(id, allowed(net, id, op, resolver));
    }
    let mut planned = Planned {
        groups: FxHashMap::default(),
        absorbed: FxHashSet::default(),
        chains: chains(net, &ops),
        names: Names::new(net),
        ops,
    };
    for group in groups(net, &planned.ops) {
        let (last, others) = (group.last(), group.members.len() - 1);
        planned.absorbed.extend(&group.members[..others]);
        planned.groups.insert(last, group);
    }
    for id in net.nodes() {
        let op = planned.ops.get(&id);
        let grouped = planned.absorbed.contains(&id) || planned.groups.contains_key(&id);
        let named = op.is_some_and(|it| op_name(it).is_some());
        // A group has one module; its other members need none.
        let heads = matches!(op, Some(FloatOp::Conv(_) | FloatOp::Linear(_)));
        let adds = planned
            .groups
            .values()
            .any(|it| it.add.is_some_and(|(add, _)| add == id));
        if named && (!grouped || heads || adds) {
            planned.names.need(net, id);
        }
    }
    planned
}

/// The operator, unless the qconfig leaves its module in float.
fn allowed(net: &Net<'_>, id: NodeId, op: FloatOp, resolver: &mut Resolver<'_>) -> FloatOp {
    if op_name(&op).is_none() {
        return op;
    }
    let scope = net.node(id).scope.clone();
    match resolver.resolve(&scope, &|path| net.class_at(path)) {
        Some(_) => op,
        None => FloatOp::Float("the qconfig leaves it in float".into()),
    }
}

/// What a generated module of an operator is called; none if it needs no module.
pub(super) fn op_name(op: &FloatOp) -> Option<&'static str> {
    use crate::quant::fuse::ConvKind;
    Some(match op {
        FloatOp::Conv(conv) => match conv.kind {
            ConvKind::Conv2d => "conv2d",
            ConvKind::Conv3d => "conv3d",
            ConvKind::ConvTranspose2d => "conv_transpose2d",
        },
        FloatOp::Linear(_) => "linear",
        FloatOp::BatchNorm(_) => "batch_norm",
        FloatOp::Binary { name, .. }
        | FloatOp::Scalar { name, .. }
        | FloatOp::Reduce { name, .. } => name,
        FloatOp::Cat { .. } => "cat",
        FloatOp::MaxPool(_) => "max_pool2d",
        FloatOp::AvgPool(_) => "avg_pool2d",
        FloatOp::AdaptiveAvgPool { .. } => "adaptive_avg_pool2d",
        FloatOp::Lut { op, .. } => op,
        FloatOp::Round { name, .. } => name,
        FloatOp::Softmax { .. } | FloatOp::FloatSoftmax { .. } => "softmax",
        FloatOp::LayerNorm { .. } => "layer_norm",
        FloatOp::PRelu { .. } => "prelu",
        FloatOp::Cell(cell) => cell.kind.op(),
        FloatOp::Relu(_)
        | FloatOp::Relu6(_)
        | FloatOp::Keep(_)
        | FloatOp::Move(_)
        | FloatOp::ToFloat { .. }
        | FloatOp::Meta
        | FloatOp::Float(_)
        | FloatOp::Other => return None,
    })
}
