//! Results that branches and loops hand on and nobody reads are taken away, as torch's importer does.

use crate::ir::entity::Entity;
use crate::ir::{BlockId, Graph, NodeId, Op, ValueDef, ValueId};

/// Which values are read, directly or by a result that is read.
struct Liveness<'g> {
    graph: &'g Graph,
    live: Vec<bool>,
    work: Vec<ValueId>,
}

impl Liveness<'_> {
    fn mark(&mut self, value: ValueId) {
        if !std::mem::replace(&mut self.live[value.index()], true) {
            self.work.push(value);
        }
    }

    /// Marks everything that is read whatever the results of control flow are.
    fn mark_nodes(&mut self) {
        let graph = self.graph;
        for block in graph.blocks_in_order() {
            for &id in &graph.block(block).nodes {
                let node = graph.node(id);
                let always = if node.op == Op::Loop {
                    2
                } else {
                    node.inputs.len()
                };
                node.inputs
                    .iter()
                    .take(always)
                    .for_each(|&value| self.mark(value));
            }
            let returns = &graph.block(block).returns;
            let owner = graph.block(block).owner.map(|owner| &graph.node(owner).op);
            match owner {
                Some(Op::If) => {}
                Some(Op::Loop) => returns.iter().take(1).for_each(|&value| self.mark(value)),
                _ => returns.iter().for_each(|&value| self.mark(value)),
            }
        }
    }

    /// Marks what a live result of control flow comes from.
    fn propagate(&mut self) {
        while let Some(value) = self.work.pop() {
            match self.graph.value(value).def {
                ValueDef::Output { node, index } => self.mark_result(node, index as usize),
                ValueDef::Param { block, index } => {
                    if let (Some(owner), 1..) = (self.graph.block(block).owner, index) {
                        self.mark_result(owner, index as usize - 1)
                    }
                }
            }
        }
    }

    /// Result `index` of an `If` or `Loop`, in all the places where it stands.
    fn mark_result(&mut self, node: NodeId, index: usize) {
        let node = self.graph.node(node);
        match node.op {
            Op::If => {
                for &block in &node.blocks {
                    if let Some(&value) = self.graph.block(block).returns.get(index) {
                        self.mark(value);
                    }
                }
            }
            Op::Loop => {
                let output = node.outputs.get(index).copied();
                let initial = node.inputs.get(index + 2).copied();
                let body = node.blocks.first().map(|&block| self.graph.block(block));
                let inside = body
                    .into_iter()
                    .flat_map(|b| [b.params.get(index + 1), b.returns.get(index + 1)]);
                let inside: Vec<ValueId> = inside.flatten().copied().collect();
                output
                    .into_iter()
                    .chain(initial)
                    .chain(inside)
                    .for_each(|value| self.mark(value));
            }
            _ => {}
        }
    }
}

/// Removes unread results of `If` and `Loop` nodes.
pub(super) fn prune(graph: &mut Graph) {
    if graph.block_count() == 1 {
        return;
    }
    let mut liveness = Liveness {
        graph,
        live: vec![false; graph.value_count()],
        work: Vec::new(),
    };
    liveness.mark_nodes();
    liveness.propagate();
    let live = liveness.live;
    for block in graph.blocks_in_order() {
        for id in graph.block(block).nodes.clone() {
            if matches!(graph.node(id).op, Op::If | Op::Loop) {
                prune_node(graph, id, &live);
            }
        }
    }
}

fn prune_node(graph: &mut Graph, id: NodeId, live: &[bool]) {
    let keep: Vec<bool> = graph
        .node(id)
        .outputs
        .iter()
        .map(|value| live[value.index()])
        .collect();
    if keep.iter().all(|&keep| keep) {
        return;
    }
    let node = graph.node_mut(id);
    let is_loop = node.op == Op::Loop;
    let blocks = node.blocks.clone();
    retain(&mut node.outputs, &keep, 0);
    if is_loop {
        retain(&mut node.inputs, &keep, 2);
    }
    let outputs = node.outputs.clone();
    for (index, value) in outputs.into_iter().enumerate() {
        let index = index as u32;
        graph.value_mut(value).def = ValueDef::Output { node: id, index };
    }
    for block in blocks {
        prune_block(graph, block, &keep, is_loop);
    }
}

fn prune_block(graph: &mut Graph, block: BlockId, keep: &[bool], is_loop: bool) {
    let skip = usize::from(is_loop);
    retain(&mut graph.block_mut(block).returns, keep, skip);
    if !is_loop {
        return;
    }
    retain(&mut graph.block_mut(block).params, keep, skip);
    for (index, value) in graph.block(block).params.clone().into_iter().enumerate() {
        let index = index as u32;
        graph.value_mut(value).def = ValueDef::Param { block, index };
    }
}

/// A list of values of which those after the first `skip` are results.
trait Values {
    fn retain_at(&mut self, keep: impl FnMut(usize) -> bool);
}

impl Values for Vec<ValueId> {
    fn retain_at(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut position = 0;
        self.retain(|_| {
            position += 1;
            keep(position - 1)
        });
    }
}

impl<const N: usize> Values for smallvec::SmallVec<[ValueId; N]>
where
    [ValueId; N]: smallvec::Array<Item = ValueId>,
{
    fn retain_at(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut position = 0;
        self.retain(|_| {
            position += 1;
            keep(position - 1)
        });
    }
}

fn retain(values: &mut impl Values, keep: &[bool], skip: usize) {
    values.retain_at(|position| {
        position < skip || keep.get(position - skip).copied().unwrap_or(true)
    });
}
