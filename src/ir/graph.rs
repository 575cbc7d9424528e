//! Nodes, values and blocks of one function, and how to edit them.

use super::entity::{Entity, PrimaryMap, SideMap, entity};
use super::op::Op;
use super::types::Type;
use crate::diag::Span;
use smallvec::SmallVec;
use smol_str::SmolStr;

entity!(
    /// A value; prints as `%12`.
    ValueId, "%");
entity!(
    /// A node.
    NodeId, "node");
entity!(
    /// A block.
    BlockId, "block");

/// One operation.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub inputs: SmallVec<[ValueId; 4]>,
    /// What it defines.
    pub outputs: SmallVec<[ValueId; 1]>,
    /// Nested blocks of `If`, `Loop`, `Fork`.
    pub blocks: SmallVec<[BlockId; 2]>,
    /// The block it stands in; `None` once removed.
    pub parent: Option<BlockId>,
    /// Where it was written; a node made by a pass keeps the span of the node it replaces.
    pub span: Option<Span>,
    /// Module path from the function's own `self`, such as `layer1.0.conv1`; empty before inlining.
    pub scope: SmolStr,
}

/// A straight list of nodes with parameters and results.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Parameters.
    pub params: Vec<ValueId>,
    /// Nodes in order.
    pub nodes: Vec<NodeId>,
    /// Results.
    pub returns: Vec<ValueId>,
    /// The node this block belongs to; `None` for the root.
    pub owner: Option<NodeId>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueDef {
    /// Output `index` of a node.
    Output {
        /// The node.
        node: NodeId,
        /// Which output.
        index: u32,
    },
    /// Parameter `index` of a block.
    Param {
        /// The block.
        block: BlockId,
        /// Which parameter.
        index: u32,
    },
}

/// One SSA value.
#[derive(Clone, Debug)]
pub struct Value {
    /// Static type.
    pub ty: Type,
    /// Where it comes from.
    pub def: ValueDef,
    /// Name in the source, when it had one.
    pub name: Option<SmolStr>,
}

/// A place that reads a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Input `index` of a node.
    Input {
        /// The node.
        node: NodeId,
        /// Which input.
        index: u32,
    },
    /// Result `index` of a block.
    Return {
        /// The block.
        block: BlockId,
        /// Which result.
        index: u32,
    },
}

/// The body of a function.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: PrimaryMap<NodeId, Node>,
    values: PrimaryMap<ValueId, Value>,
    blocks: PrimaryMap<BlockId, Block>,
}

impl Default for Graph {
    fn default() -> Self {
        Graph::new()
    }
}

impl Graph {
    /// A graph with an empty root block.
    pub fn new() -> Graph {
        let mut blocks = PrimaryMap::new();
        blocks.push(Block::default());
        Graph {
            nodes: PrimaryMap::new(),
            values: PrimaryMap::new(),
            blocks,
        }
    }

    /// The outermost block.
    pub fn root(&self) -> BlockId {
        BlockId::new(0)
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// A node, to edit its op, inputs, span or scope.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id]
    }

    /// A value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id]
    }

    /// A value, to edit its type or name.
    pub fn value_mut(&mut self, id: ValueId) -> &mut Value {
        &mut self.values[id]
    }

    /// A block.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id]
    }

    /// A block, to edit its results.
    pub fn block_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id]
    }

    /// The type of a value.
    pub fn ty(&self, id: ValueId) -> &Type {
        &self.values[id].ty
    }

    /// How many value ids exist, removed ones included.
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// Every value id, removed ones included.
    pub fn value_ids(
        &self,
    ) -> impl DoubleEndedIterator<Item = ValueId> + ExactSizeIterator + use<> {
        self.values.keys()
    }

    /// How many node ids exist, removed ones included.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many block ids exist, removed ones included.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// The node that defines a value; `None` for a block parameter.
    pub fn producer(&self, id: ValueId) -> Option<NodeId> {
        match self.values[id].def {
            ValueDef::Output { node, .. } => Some(node),
            ValueDef::Param { .. } => None,
        }
    }

    /// The constant a value is, if its producer is a constant node.
    pub fn constant(&self, id: ValueId) -> Option<&super::Constant> {
        match &self.nodes[self.producer(id)?].op {
            Op::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// Adds a parameter to a block.
    pub fn add_param(&mut self, block: BlockId, ty: Type, name: Option<SmolStr>) -> ValueId {
        let index = self.blocks[block].params.len() as u32;
        let value = self.values.push(Value {
            ty,
            def: ValueDef::Param { block, index },
            name,
        });
        self.blocks[block].params.push(value);
        value
    }

    /// A node that stands nowhere yet, with outputs of the given types.
    pub fn make_node(
        &mut self,
        op: Op,
        inputs: impl IntoIterator<Item = ValueId>,
        output_types: impl IntoIterator<Item = Type>,
        span: Option<Span>,
    ) -> NodeId {
        let node = self.nodes.push(Node {
            op,
            inputs: inputs.into_iter().collect(),
            outputs: SmallVec::new(),
            blocks: SmallVec::new(),
            parent: None,
            span,
            scope: SmolStr::default(),
        });
        for ty in output_types {
            self.add_output(node, ty);
        }
        node
    }

    /// Adds an output to a node.
    pub fn add_output(&mut self, node: NodeId, ty: Type) -> ValueId {
        let index = self.nodes[node].outputs.len() as u32;
        let value = self.values.push(Value {
            ty,
            def: ValueDef::Output { node, index },
            name: None,
        });
        self.nodes[node].outputs.push(value);
        value
    }

    /// Adds a nested block to a node.
    pub fn add_block(&mut self, owner: NodeId) -> BlockId {
        let block = self.blocks.push(Block {
            owner: Some(owner),
            ..Block::default()
        });
        self.nodes[owner].blocks.push(block);
        block
    }

    /// Puts a node that stands nowhere at the end of a block.
    pub fn append(&mut self, block: BlockId, node: NodeId) {
        debug_assert!(self.nodes[node].parent.is_none());
        self.nodes[node].parent = Some(block);
        self.blocks[block].nodes.push(node);
    }

    /// Puts a node that stands nowhere at a position of a block.
    pub fn insert(&mut self, block: BlockId, position: usize, node: NodeId) {
        debug_assert!(self.nodes[node].parent.is_none());
        self.nodes[node].parent = Some(block);
        self.blocks[block].nodes.insert(position, node);
    }

    /// Takes a node out of its block; its outputs must have no uses left.
    pub fn remove(&mut self, node: NodeId) {
        if let Some(block) = self.nodes[node].parent.take() {
            self.blocks[block].nodes.retain(|n| *n != node);
        }
    }

    /// Keeps only the nodes of a block for which `keep` is true; cheaper than many [`Graph::remove`].
    pub fn retain(&mut self, block: BlockId, mut keep: impl FnMut(NodeId) -> bool) {
        let mut nodes = std::mem::take(&mut self.blocks[block].nodes);
        nodes.retain(|&node| {
            let kept = keep(node);
            if !kept {
                self.nodes[node].parent = None;
            }
            kept
        });
        self.blocks[block].nodes = nodes;
    }

    /// Every use of every value, in program order.
    pub fn uses(&self) -> SideMap<ValueId, SmallVec<[Use; 2]>> {
        let mut uses: SideMap<ValueId, SmallVec<[Use; 2]>> = SideMap::new();
        for block in self.blocks_in_order() {
            for &node in &self.blocks[block].nodes {
                for (index, &value) in self.nodes[node].inputs.iter().enumerate() {
                    uses[value].push(Use::Input {
                        node,
                        index: index as u32,
                    });
                }
            }
            for (index, &value) in self.blocks[block].returns.iter().enumerate() {
                uses[value].push(Use::Return {
                    block,
                    index: index as u32,
                });
            }
        }
        uses
    }

    /// Replaces every use of `map`'s keys by their values in one walk; chains are followed.
    pub fn replace_uses(&mut self, map: &rustc_hash::FxHashMap<ValueId, ValueId>) {
        let resolve = |mut value: ValueId| {
            while let Some(&next) = map.get(&value) {
                value = next;
            }
            value
        };
        for block in self.blocks_in_order() {
            for i in 0..self.blocks[block].nodes.len() {
                let node = self.blocks[block].nodes[i];
                self.nodes[node]
                    .inputs
                    .iter_mut()
                    .for_each(|v| *v = resolve(*v));
            }
            self.blocks[block]
                .returns
                .iter_mut()
                .for_each(|v| *v = resolve(*v));
        }
    }

    /// Blocks reachable from the root, each before the blocks nested in it.
    pub fn blocks_in_order(&self) -> Vec<BlockId> {
        let mut order = vec![self.root()];
        let mut next = 0;
        while next < order.len() {
            for &node in &self.blocks[order[next]].nodes {
                order.extend(self.nodes[node].blocks.iter().copied());
            }
            next += 1;
        }
        order
    }

    /// Nodes in program order, each before the nodes nested in it.
    pub fn nodes_in_order(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut stack = vec![(self.root(), 0)];
        while let Some((block, position)) = stack.pop() {
            let Some(&node) = self.blocks[block].nodes.get(position) else {
                continue;
            };
            stack.push((block, position + 1));
            order.push(node);
            stack.extend(self.nodes[node].blocks.iter().rev().map(|&b| (b, 0)));
        }
        order
    }
}
