//! Ids, places, order of definition, signatures.

use super::{CONTEXT, COUNT, Checker, DOMINANCE, ID, PLACE, SIGNATURE, TYPE};
use crate::ir::entity::Entity;
use crate::ir::subtype::is_subtype;
use crate::ir::text::type_text;
use crate::ir::{BlockId, Function, NodeId, Op, ValueDef, ValueId};

/// One pending piece of the walk in program order.
enum Step {
    Open(BlockId),
    Node(BlockId, NodeId),
    Close(BlockId),
}

impl Checker<'_> {
    /// Whether every id that a walk from the root meets names something, and no block is met twice.
    pub(super) fn ids(&mut self) -> bool {
        let graph = self.graph;
        let mut seen = vec![false; graph.block_count()];
        let mut pending = vec![graph.root()];
        while let Some(block) = pending.pop() {
            if std::mem::replace(&mut seen[block.index()], true) {
                self.report(ID, None, format!("`{block}` belongs to several nodes"));
                return false;
            }
            let block = graph.block(block);
            let mut values: Vec<ValueId> = Vec::new();
            values.extend(block.params.iter().chain(&block.returns));
            for &node in &block.nodes {
                if node.index() >= graph.node_count() {
                    self.report(ID, None, format!("`{node}` does not exist"));
                    return false;
                }
                let node = graph.node(node);
                values.extend(node.inputs.iter().chain(&node.outputs));
                pending.extend(&node.blocks);
            }
            if let Some(value) = values.iter().find(|v| v.index() >= graph.value_count()) {
                self.report(ID, None, format!("the value `{value}` does not exist"));
                return false;
            }
            if let Some(block) = pending.iter().find(|b| b.index() >= graph.block_count()) {
                self.report(ID, None, format!("`{block}` does not exist"));
                return false;
            }
        }
        true
    }

    /// Places agree, and every use sees a definition.
    pub(super) fn structure(&mut self) {
        let graph = self.graph;
        let mut visible = vec![false; graph.value_count()];
        let mut stood = vec![false; graph.node_count()];
        let mut entered: Vec<(BlockId, NodeId)> = Vec::new();
        let mut stack = vec![Step::Open(graph.root())];
        while let Some(step) = stack.pop() {
            match step {
                Step::Open(block) => {
                    self.params(block, &mut visible);
                    stack.push(Step::Close(block));
                    let nodes = graph.block(block).nodes.iter().rev();
                    stack.extend(nodes.map(|&node| Step::Node(block, node)));
                }
                Step::Node(block, id) => {
                    if std::mem::replace(&mut stood[id.index()], true) {
                        self.report(PLACE, Some(id), "a node stands in two places".into());
                        continue;
                    }
                    self.place(block, id, &mut visible);
                    let node = graph.node(id);
                    match node.op {
                        Op::Enter => entered.push((block, id)),
                        Op::Exit => self.leave(block, id, &mut entered),
                        _ => {}
                    }
                    stack.extend(node.blocks.iter().rev().map(|&b| Step::Open(b)));
                }
                Step::Close(block) => self.close(block, &mut visible, &mut entered),
            }
        }
    }

    fn params(&mut self, block: BlockId, visible: &mut [bool]) {
        for (index, &value) in self.graph.block(block).params.iter().enumerate() {
            let index = index as u32;
            if self.graph.value(value).def != (ValueDef::Param { block, index }) {
                let message = format!("parameter {index} of `{block}` does not know its place");
                self.report(PLACE, self.graph.block(block).owner, message);
            }
            visible[value.index()] = true;
        }
    }

    /// A node's inputs are visible; its outputs become so once its blocks are done, but nothing inside may read them.
    fn place(&mut self, block: BlockId, id: NodeId, visible: &mut [bool]) {
        let graph = self.graph;
        let node = graph.node(id);
        if node.parent != Some(block) {
            self.report(PLACE, Some(id), "a node does not know its block".into());
        }
        for (index, &value) in node.inputs.iter().enumerate() {
            if !visible[value.index()] {
                let message = format!("input {index} is used before it is defined");
                self.report(DOMINANCE, Some(id), message);
            }
        }
        for (index, &value) in node.outputs.iter().enumerate() {
            let index = index as u32;
            if graph.value(value).def != (ValueDef::Output { node: id, index }) {
                let message = format!("output {index} does not know its node");
                self.report(PLACE, Some(id), message);
            }
            visible[value.index()] = node.blocks.is_empty();
        }
        for &block in &node.blocks {
            if graph.block(block).owner != Some(id) {
                let message = format!("`{block}` does not know its node");
                self.report(PLACE, Some(id), message);
            }
        }
    }

    /// Results are visible inside; what the block defined is not visible outside.
    fn close(
        &mut self,
        block: BlockId,
        visible: &mut [bool],
        entered: &mut Vec<(BlockId, NodeId)>,
    ) {
        let graph = self.graph;
        let body = graph.block(block);
        for (index, &value) in body.returns.iter().enumerate() {
            if !visible[value.index()] {
                let message = format!("result {index} of `{block}` is used before it is defined");
                self.report(DOMINANCE, body.owner, message);
            }
        }
        while let Some((_, node)) = entered.pop_if(|(opened, _)| *opened == block) {
            let message = "expected a `prim::Exit` before the block ends, found none".into();
            self.report(CONTEXT, Some(node), message);
        }
        let outputs = body.nodes.iter().flat_map(|&n| &graph.node(n).outputs);
        for value in body.params.iter().chain(outputs) {
            visible[value.index()] = false;
        }
        let Some(owner) = body.owner else { return };
        if graph.node(owner).blocks.last() == Some(&block) {
            for value in &graph.node(owner).outputs {
                visible[value.index()] = true;
            }
        }
    }

    fn leave(&mut self, block: BlockId, exit: NodeId, entered: &mut Vec<(BlockId, NodeId)>) {
        let graph = self.graph;
        let open = entered.pop_if(|(opened, _)| *opened == block);
        let pairs = open.is_some_and(|(_, enter)| {
            graph.node(enter).inputs.first() == graph.node(exit).inputs.first()
        });
        if !pairs {
            let message =
                "expected the `prim::Enter` of the same object before it, found none".into();
            self.report(CONTEXT, Some(exit), message);
        }
    }

    /// The root block has the function's parameters and one result of its type.
    pub(super) fn signature(&mut self, function: Option<&Function>) {
        let root = self.graph.block(self.graph.root());
        let &[result] = &root.returns[..] else {
            let message = format!("expected one result, found {}", root.returns.len());
            return self.report(COUNT, None, message);
        };
        let Some(function) = function else { return };
        let found = self.graph.ty(result);
        if !is_subtype(self.program, found, &function.returns) {
            let message = format!(
                "expected a result of type `{}`, found `{}`",
                type_text(&function.returns),
                type_text(found)
            );
            self.report(TYPE, None, message);
        }
        if root.params.len() != function.params.len() {
            let message = format!(
                "expected {} parameters, found {}",
                function.params.len(),
                root.params.len()
            );
            return self.report(SIGNATURE, None, message);
        }
        for (param, &value) in function.params.iter().zip(&root.params) {
            let found = self.graph.ty(value);
            if param.ty != *found {
                let message = format!(
                    "expected `{}` for the parameter `{}`, found `{}`",
                    type_text(&param.ty),
                    param.name,
                    type_text(found)
                );
                self.report(SIGNATURE, None, message);
            }
        }
    }
}
