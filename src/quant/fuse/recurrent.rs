//! Steps of recurrent layers, and which of them are one layer's.

use super::{Cell, FloatOp, Net};
use crate::ir::{NodeId, Op, ValueId};
use rustc_hash::FxHashMap;

/// Moves looked through for what a value is a part of.
const MAX_MOVES: usize = 16;

impl Cell {
    /// The size of a state.
    pub(in crate::quant) fn size(&self) -> i64 {
        self.hidden_weight.sizes().get(1).copied().unwrap_or(0)
    }
}

/// The first step of the layer that each step belongs to: a layer's steps have the same weights, read parts of the same
/// value, and each the states of the one before. They can be one module that is called again and again, because what
/// they read lies on the same scales.
pub(in crate::quant) fn chains(
    net: &Net<'_>,
    ops: &FxHashMap<NodeId, FloatOp>,
) -> FxHashMap<NodeId, NodeId> {
    let mut chains = FxHashMap::default();
    for id in net.nodes() {
        let Some(FloatOp::Cell(cell)) = ops.get(&id) else {
            continue;
        };
        let first = before(net, ops, id, cell).and_then(|it| chains.get(&it).copied());
        chains.insert(id, first.unwrap_or(id));
    }
    chains
}

/// The step before, in the same layer.
fn before(
    net: &Net<'_>,
    ops: &FxHashMap<NodeId, FloatOp>,
    id: NodeId,
    cell: &Cell,
) -> Option<NodeId> {
    let mut producers = cell.states.iter().map(|it| net.graph().producer(*it));
    let before = producers.next()??;
    let Some(FloatOp::Cell(other)) = ops.get(&before) else {
        return None;
    };
    let outputs = net.node(before).outputs.iter();
    let in_order = outputs.eq(cell.states.iter());
    let same_weights = net.node(before).inputs[2..4] == net.node(id).inputs[2..4];
    let same_input = whole(net, cell.input) == whole(net, other.input);
    (in_order && same_weights && same_input).then_some(before)
}

/// What a value is a part of.
fn whole(net: &Net<'_>, value: ValueId) -> ValueId {
    let mut at = value;
    for _ in 0..MAX_MOVES {
        let Some(producer) = net.graph().producer(at) else {
            break;
        };
        let node = net.node(producer);
        let part = matches!(node.op, Op::ListUnpack)
            || matches!(
                net.aten(producer),
                Some(
                    "__getitem__"
                        | "select"
                        | "slice"
                        | "split"
                        | "squeeze"
                        | "unbind"
                        | "unsqueeze"
                )
            );
        match node.inputs.first() {
            Some(&input) if part => at = input,
            _ => break,
        }
    }
    at
}
