//! Nodes without effect whose outputs nobody reads, and the outputs of `If` and `Loop` that nobody reads.
//!
//! In-place operators, calls, random operators, prints and exceptions stay (`effects`). As in torch, an operator that
//! would only have failed goes too.

use super::effects::has_effect;
use crate::ir::entity::Entity;
use crate::ir::{Graph, NodeId, Op, ValueDef, ValueId};

/// Removes what is dead; whether anything was.
pub fn dead_code(graph: &mut Graph) -> bool {
    let mut liveness = Liveness {
        graph,
        nodes: vec![false; graph.node_count()],
        values: vec![false; graph.value_count()],
        pending: Vec::new(),
    };
    liveness.run();
    let Liveness { nodes, values, .. } = liveness;
    sweep(graph, &nodes, &values)
}

struct Liveness<'g> {
    graph: &'g Graph,
    nodes: Vec<bool>,
    values: Vec<bool>,
    pending: Vec<ValueId>,
}

impl Liveness<'_> {
    fn run(&mut self) {
        let graph = self.graph;
        self.pending.extend(&graph.block(graph.root()).returns);
        for id in graph.nodes_in_order() {
            if has_effect(graph, graph.node(id)) {
                self.node(id);
            }
        }
        while let Some(value) = self.pending.pop() {
            self.value(value);
        }
    }

    /// A node is needed: so is what it reads, and every node around it.
    fn node(&mut self, mut id: NodeId) {
        while !std::mem::replace(&mut self.nodes[id.index()], true) {
            let node = self.graph.node(id);
            match node.op {
                Op::If => self.pending.extend(node.inputs.first()),
                Op::Loop => {
                    self.pending.extend(node.inputs.iter().take(2));
                    let bodies = node.blocks.iter();
                    let conditions = bodies.filter_map(|&b| self.graph.block(b).returns.first());
                    self.pending.extend(conditions);
                }
                _ => {
                    self.pending.extend(&node.inputs);
                    let bodies = node.blocks.iter();
                    let results = bodies.flat_map(|&b| &self.graph.block(b).returns);
                    self.pending.extend(results);
                }
            }
            let owner = node.parent.and_then(|block| self.graph.block(block).owner);
            match owner {
                Some(owner) => id = owner,
                None => return,
            }
        }
    }

    fn value(&mut self, value: ValueId) {
        if std::mem::replace(&mut self.values[value.index()], true) {
            return;
        }
        match self.graph.value(value).def {
            ValueDef::Output { node, index } => {
                self.node(node);
                match self.graph.node(node).op {
                    Op::If => self.results(node, index as usize),
                    Op::Loop => self.carried(node, index as usize),
                    _ => {}
                }
            }
            ValueDef::Param { block, index } => {
                let Some(owner) = self.graph.block(block).owner else {
                    return;
                };
                self.node(owner);
                if index > 0 {
                    self.carried(owner, index as usize - 1);
                }
            }
        }
    }

    fn results(&mut self, node: NodeId, index: usize) {
        let blocks = self.graph.node(node).blocks.iter();
        let results = blocks.filter_map(|&b| self.graph.block(b).returns.get(index));
        self.pending.extend(results);
    }

    /// A value that a loop carries: its start, and what each round makes of it.
    fn carried(&mut self, node: NodeId, index: usize) {
        self.pending
            .extend(self.graph.node(node).inputs.get(index + 2));
        self.results(node, index + 1);
    }
}

fn sweep(graph: &mut Graph, nodes: &[bool], values: &[bool]) -> bool {
    let mut changed = false;
    for block in graph.blocks_in_order() {
        graph.retain(block, |node| {
            changed |= !nodes[node.index()];
            nodes[node.index()]
        });
    }
    for id in graph.nodes_in_order() {
        let is_loop = match graph.node(id).op {
            Op::If => false,
            Op::Loop => true,
            _ => continue,
        };
        for index in (0..graph.node(id).outputs.len()).rev() {
            if !is_needed(graph, values, id, index, is_loop) {
                drop_output(graph, id, index, is_loop);
                changed = true;
            }
        }
    }
    changed
}

fn is_needed(graph: &Graph, values: &[bool], id: NodeId, index: usize, is_loop: bool) -> bool {
    let node = graph.node(id);
    let inside = |b: &crate::ir::BlockId| {
        let param = graph.block(*b).params.get(index + 1);
        param.is_some_and(|v| values[v.index()])
    };
    values[node.outputs[index].index()] || is_loop && node.blocks.iter().any(inside)
}

fn drop_output(graph: &mut Graph, id: NodeId, index: usize, is_loop: bool) {
    graph.node_mut(id).outputs.remove(index);
    for later in index..graph.node(id).outputs.len() {
        let value = graph.node(id).outputs[later];
        let index = later as u32;
        graph.value_mut(value).def = ValueDef::Output { node: id, index };
    }
    let offset = usize::from(is_loop);
    for block in graph.node(id).blocks.clone() {
        graph.block_mut(block).returns.remove(index + offset);
        if !is_loop {
            continue;
        }
        graph.block_mut(block).params.remove(index + 1);
        for later in index + 1..graph.block(block).params.len() {
            let value = graph.block(block).params[later];
            let index = later as u32;
            graph.value_mut(value).def = ValueDef::Param { block, index };
        }
    }
    if is_loop {
        graph.node_mut(id).inputs.remove(index + 2);
    }
}
