//! Equal nodes on equal inputs become one.
//!
//! Only nodes without effect and without randomness, whose inputs and outputs nobody writes to; reading an attribute
//! counts as equal unless the run sets an attribute of that name. Where gradient mode or autocast may change on the way,
//! only constants and attributes are merged.

use super::PassError;
use super::alias::Aliases;
use super::copy::{Action, Rewrite, Site, copy};
use super::effects::{changes_mode, is_repeatable};
use super::objects::names_set;
use crate::ir::{BlockId, Constant, Graph, Node, NodeId, Op, Program, ValueId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use smol_str::SmolStr;
use std::fmt::Write;

/// Merges equal nodes.
pub fn common_subexpressions(program: &Program, graph: &Graph) -> Result<Graph, PassError> {
    let mut merger = Merger {
        aliases: Aliases::of(graph),
        set: names_set(program, graph),
        one_mode: !graph
            .nodes_in_order()
            .iter()
            .any(|&id| changes_mode(graph, graph.node(id))),
        seen: FxHashMap::default(),
        pending: None,
    };
    copy(graph, &mut merger)
}

/// What makes nodes equal: the operation with its output types, and the inputs.
type Key = (String, SmallVec<[ValueId; 4]>);

struct Merger {
    aliases: Aliases,
    set: FxHashSet<SmolStr>,
    /// Nothing changes how operators compute.
    one_mode: bool,
    seen: FxHashMap<Key, Vec<(BlockId, NodeId)>>,
    /// The key of the node about to be appended.
    pending: Option<Key>,
}

impl<'p> Rewrite<'p> for Merger {
    fn action(&mut self, site: &mut Site<'_, 'p>) -> Action<'p> {
        self.pending = None;
        let node = site.graph.node(site.id);
        if !is_repeatable(site.graph, node) || !self.is_stable(node) {
            return Action::Keep;
        }
        let key = (text(site.graph, node), site.inputs.clone());
        let known = self.seen.get(&key).map_or(&[][..], Vec::as_slice);
        let visible = known
            .iter()
            .find(|(block, _)| encloses(site.out, *block, site.target));
        match visible {
            Some((_, known)) => {
                let outputs = &site.out.node(*known).outputs;
                Action::Values(outputs.iter().copied().collect())
            }
            None => {
                self.pending = Some(key);
                Action::Keep
            }
        }
    }

    fn emitted(&mut self, out: &Graph, new: NodeId, _: &Graph, _: NodeId) {
        if let (Some(key), Some(block)) = (self.pending.take(), out.node(new).parent) {
            self.seen.entry(key).or_default().push((block, new));
        }
    }
}

impl Merger {
    fn is_stable(&self, node: &Node) -> bool {
        // Which object an attribute is does not depend on what is written into it.
        if let Op::GetAttr(name) = &node.op {
            return !self.set.contains(name);
        }
        if !self.one_mode && !matches!(node.op, Op::Constant(_)) {
            return false;
        }
        let mut values = node.inputs.iter().chain(&node.outputs);
        !values.any(|&v| self.aliases.is_written(v))
    }
}

/// Whether a block is the other or around it.
fn encloses(graph: &Graph, outer: BlockId, mut inner: BlockId) -> bool {
    loop {
        if outer == inner {
            return true;
        }
        let owner = graph.block(inner).owner;
        match owner.and_then(|node| graph.node(node).parent) {
            Some(parent) => inner = parent,
            None => return false,
        }
    }
}

fn text(graph: &Graph, node: &Node) -> String {
    let mut text = String::from(node.op.kind());
    // Writing to a string does not fail.
    let _ = match &node.op {
        Op::Operator(schema) => write!(text, ".{}", schema.overload()),
        Op::Constant(Constant::Float(value)) => write!(text, " {:x}", value.to_bits()),
        Op::GetAttr(name) => write!(text, " {name}"),
        op => write!(text, " {op:?}"),
    };
    for &output in &node.outputs {
        let _ = write!(text, " {}", graph.ty(output));
    }
    text
}
