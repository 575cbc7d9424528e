//! Which values are written inside their use (`torchscript.md` 4.3).
//!
//! Reading an expression back emits its nodes left to right, children first. Walking a node's inputs from right to
//! left therefore meets their producers in reverse program order exactly when nothing else stands between them.

use super::names;
use crate::ir::{BlockId, Graph, NodeId, Op, SideMap, Use, ValueId};
use smallvec::SmallVec;

/// A module of a list by an index known at run time only.
pub(super) const CONTAINER_INDEX: &str = "prim::ModuleContainerIndex";

/// Uses of every value.
pub(super) type Uses = SideMap<ValueId, SmallVec<[Use; 2]>>;

/// Decides for a whole graph.
pub(super) fn inlined(graph: &Graph, uses: &Uses) -> SideMap<NodeId, bool> {
    let mut scan = Scan {
        graph,
        uses,
        before: SideMap::new(),
        inlined: SideMap::new(),
    };
    let blocks = graph.blocks_in_order();
    for &block in &blocks {
        scan.link(block);
    }
    for &block in &blocks {
        scan.block(block);
    }
    scan.inlined
}

struct Scan<'g> {
    graph: &'g Graph,
    uses: &'g Uses,
    /// The node that stands before a node in its block, constants left out.
    before: SideMap<NodeId, Option<NodeId>>,
    inlined: SideMap<NodeId, bool>,
}

impl Scan<'_> {
    fn is_constant(&self, node: NodeId) -> bool {
        matches!(self.graph.node(node).op, Op::Constant(_))
    }

    fn link(&mut self, block: BlockId) {
        let mut last = None;
        for &node in &self.graph.block(block).nodes {
            self.before[node] = last;
            if !self.is_constant(node) {
                last = Some(node);
            }
        }
    }

    fn block(&mut self, block: BlockId) {
        let block = self.graph.block(block);
        let last = block.nodes.iter().rev().find(|&&n| !self.is_constant(n));
        self.tree(last.copied(), &block.returns);
        for &node in block.nodes.iter().rev() {
            if !self.inlined[node] && !self.is_constant(node) {
                let inputs = &self.graph.node(node).inputs;
                self.tree(self.before[node], inputs);
            }
        }
    }

    /// Walks the inputs of one statement; `point` is the node an input must come from to be inlined next.
    fn tree(&mut self, mut point: Option<NodeId>, inputs: &[ValueId]) {
        let graph = self.graph;
        let mut stack: Vec<std::iter::Rev<std::slice::Iter<ValueId>>> = vec![inputs.iter().rev()];
        while let Some(pending) = stack.last_mut() {
            let Some(&value) = pending.next() else {
                stack.pop();
                continue;
            };
            let Some(node) = graph.producer(value) else {
                continue;
            };
            if point == Some(node) && self.can_inline(value, node) {
                self.inlined[node] = true;
                point = self.before[node];
                stack.push(graph.node(node).inputs.iter().rev());
            }
        }
    }

    fn can_inline(&self, value: ValueId, node: NodeId) -> bool {
        let [only] = self.uses[value][..] else {
            return false;
        };
        let node = self.graph.node(node);
        let named = names::base(self.graph.value(value).name.as_ref()).is_some();
        let statement = match &node.op {
            Op::IsInstance(_) | Op::Enter | Op::TupleUnpack | Op::ListUnpack => true,
            op => op.kind() == CONTAINER_INDEX,
        };
        if node.outputs.len() != 1 || !node.blocks.is_empty() || statement {
            return false;
        }
        match only {
            Use::Return { .. } => true,
            // What a loop starts with is named before its condition is evaluated.
            Use::Input { node, index } => {
                !(named || self.graph.node(node).op == Op::Loop && index >= 2)
            }
        }
    }
}
