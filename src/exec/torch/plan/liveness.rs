//! Where values are used last.

use crate::ir::entity::Entity;
use crate::ir::{BlockId, Graph, NodeId, ValueDef, ValueId};
use rustc_hash::FxHashMap;

/// For every block the values that it or a block nested in it uses, with the position of the last node that does.
///
/// The position of a block's results is the number of its nodes.
pub(super) struct Liveness {
    last: Vec<FxHashMap<ValueId, u32>>,
}

impl Liveness {
    pub(super) fn of(graph: &Graph) -> Liveness {
        let mut positions = vec![0u32; graph.node_count()];
        let blocks = graph.blocks_in_order();
        for &block in &blocks {
            for (position, node) in graph.block(block).nodes.iter().enumerate() {
                positions[node.index()] = position as u32;
            }
        }
        let mut liveness = Liveness {
            last: vec![FxHashMap::default(); graph.block_count()],
        };
        for &block in &blocks {
            let body = graph.block(block);
            for (position, &node) in body.nodes.iter().enumerate() {
                for &value in &graph.node(node).inputs {
                    liveness.mark(graph, &positions, block, value, position as u32);
                }
            }
            for &value in &body.returns {
                liveness.mark(graph, &positions, block, value, body.nodes.len() as u32);
            }
        }
        liveness
    }

    /// Position of the last use of `value` in `block`; `None` when the block does not use it.
    pub(super) fn last(&self, block: BlockId, value: ValueId) -> Option<u32> {
        self.last[block.index()].get(&value).copied()
    }

    /// Every value that `block` uses, with the position of its last use, by position.
    pub(super) fn of_block(&self, block: BlockId) -> Vec<(u32, ValueId)> {
        let mut uses: Vec<_> = self.last[block.index()]
            .iter()
            .map(|(v, p)| (*p, *v))
            .collect();
        uses.sort_unstable();
        uses
    }

    /// Records a use in a block and in every block around it up to the value's own.
    fn mark(
        &mut self,
        graph: &Graph,
        positions: &[u32],
        mut block: BlockId,
        value: ValueId,
        mut position: u32,
    ) {
        let home = home(graph, value);
        loop {
            let last = self.last[block.index()].entry(value).or_insert(position);
            *last = position.max(*last);
            if home == Some(block) {
                return;
            }
            let Some((outer, owner)) = outer(graph, block) else {
                return;
            };
            block = outer;
            position = positions[owner.index()];
        }
    }
}

/// The block that defines a value.
pub(super) fn home(graph: &Graph, value: ValueId) -> Option<BlockId> {
    match graph.value(value).def {
        ValueDef::Output { node, .. } => graph.node(node).parent,
        ValueDef::Param { block, .. } => Some(block),
    }
}

fn outer(graph: &Graph, block: BlockId) -> Option<(BlockId, NodeId)> {
    let owner = graph.block(block).owner?;
    Some((graph.node(owner).parent?, owner))
}
