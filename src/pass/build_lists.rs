//! Lists that start short and are appended to become lists of all their elements.
//!
//! `l = [a]; l.append(b); cat(l)` becomes `l = [a, b]; cat(l)`. The appends stand in the list's own block, and between
//! them the list is only read; each read before the last append gets a list of the elements so far. After the last
//! append anything may happen to the list.

use crate::ir::schema::Schema;
use crate::ir::{BlockId, Graph, NodeId, Op, SideMap, Type, Use, ValueId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};

/// Rewrites every such list; whether there was one.
pub fn build_lists(graph: &mut Graph) -> bool {
    let mut changed = false;
    for block in graph.blocks_in_order() {
        let nodes = graph.block(block).nodes.iter();
        let appends = nodes.filter(|&&n| is_append(graph, n));
        let lists = appends.filter_map(|&n| graph.producer(graph.node(n).inputs[0]));
        let lists: BTreeSet<NodeId> = lists.collect();
        for list in lists {
            let node = graph.node(list);
            if node.op == Op::ListConstruct && node.parent == Some(block) {
                changed |= build(graph, block, list);
            }
        }
    }
    changed
}

/// What a node of the list's block does with it.
struct Step {
    position: usize,
    node: NodeId,
    /// The element, if the step is an append.
    element: Option<ValueId>,
}

fn build(graph: &mut Graph, block: BlockId, list: NodeId) -> bool {
    let value = graph.node(list).outputs[0];
    let Some(steps) = steps(graph, block, value) else {
        return false;
    };
    let Some(last) = steps.iter().rposition(|step| step.element.is_some()) else {
        return false;
    };
    let mut elements = graph.node(list).inputs.clone();
    let mut before: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for step in &steps[..=last] {
        match step.element {
            Some(element) => elements.push(element),
            None if before.contains_key(&step.node) => {}
            None => {
                let copy = so_far(graph, list, &elements);
                replace_inside(graph, step.node, value, graph.node(copy).outputs[0]);
                before.insert(step.node, copy);
            }
        }
    }
    graph.node_mut(list).inputs = elements;
    let appended: Vec<NodeId> = steps[..=last]
        .iter()
        .filter(|step| step.element.is_some())
        .map(|step| step.node)
        .collect();
    relocate(graph, block, list, &appended, &before);
    true
}

/// The uses of a list in order; none if one before the last append might keep it or write to it.
fn steps(graph: &Graph, block: BlockId, list: ValueId) -> Option<Vec<Step>> {
    let body = graph.block(block);
    let mut places: FxHashMap<NodeId, usize> = FxHashMap::default();
    for (position, &node) in body.nodes.iter().enumerate() {
        places.insert(node, position);
    }
    let uses = graph.uses();
    let mut steps = Vec::new();
    let mut kept_from = usize::MAX;
    for &it in &uses[list] {
        let Use::Input { node, index } = it else {
            let at = match it {
                Use::Return { block: inner, .. } if inner != block => {
                    places.get(&around(graph, graph.block(inner).owner?, block)?)
                }
                _ => None,
            };
            kept_from = kept_from.min(at.copied().unwrap_or(body.nodes.len()));
            continue;
        };
        let outer = around(graph, node, block)?;
        let position = *places.get(&outer)?;
        let element = (outer == node && index == 0)
            .then(|| appended(graph, node, &uses))
            .flatten();
        if element.is_none() && !is_read(graph, node, index) {
            kept_from = kept_from.min(position);
        }
        steps.push(Step {
            position,
            node: outer,
            element,
        });
    }
    steps.sort_by_key(|step| step.position);
    let last = steps.iter().rposition(|step| step.element.is_some())?;
    (steps[last].position < kept_from).then_some(steps)
}

/// The node of `block` that a node stands in.
fn around(graph: &Graph, mut node: NodeId, block: BlockId) -> Option<NodeId> {
    loop {
        let parent = graph.node(node).parent?;
        if parent == block {
            return Some(node);
        }
        node = graph.block(parent).owner?;
    }
}

fn is_append(graph: &Graph, node: NodeId) -> bool {
    let node = graph.node(node);
    matches!(node.op, Op::Operator(schema) if schema.name() == "aten::append")
        && node.inputs.len() == 2
}

/// What an append whose result nobody reads appends.
fn appended(
    graph: &Graph,
    node: NodeId,
    uses: &SideMap<ValueId, SmallVec<[Use; 2]>>,
) -> Option<ValueId> {
    let outputs = &graph.node(node).outputs;
    let unread = outputs.iter().all(|&v| uses[v].is_empty());
    (is_append(graph, node) && unread).then(|| graph.node(node).inputs[1])
}

/// Whether a node only looks at the list's elements.
fn is_read(graph: &Graph, node: NodeId, index: u32) -> bool {
    match graph.node(node).op {
        Op::Operator(schema) => reads(schema, index as usize),
        _ => false,
    }
}

fn reads(schema: &Schema, index: usize) -> bool {
    if matches!(schema.name(), "aten::len" | "aten::__getitem__") {
        return true;
    }
    let Some(arg) = schema.args.get(index) else {
        return false;
    };
    let concrete = matches!(&arg.ty, Type::List(element) if !matches!(**element, Type::Var(_)));
    let tensors = schema
        .returns
        .iter()
        .all(|r| r.ty == Type::Tensor && r.alias.is_none());
    concrete && tensors && arg.alias.is_none() && !arg.is_write
}

fn so_far(graph: &mut Graph, list: NodeId, elements: &[ValueId]) -> NodeId {
    let node = graph.node(list);
    let (ty, span, scope) = (
        graph.ty(node.outputs[0]).clone(),
        node.span,
        node.scope.clone(),
    );
    let copy = graph.make_node(Op::ListConstruct, elements.iter().copied(), [ty], span);
    graph.node_mut(copy).scope = scope;
    copy
}

/// Replaces a value in a node and all blocks in it.
fn replace_inside(graph: &mut Graph, node: NodeId, from: ValueId, to: ValueId) {
    let mut pending = vec![node];
    while let Some(node) = pending.pop() {
        for input in &mut graph.node_mut(node).inputs {
            if *input == from {
                *input = to;
            }
        }
        for block in graph.node(node).blocks.clone() {
            pending.extend(&graph.block(block).nodes);
        }
    }
}

/// Puts the list where its last append was, the copies before their readers, and drops the appends.
fn relocate(
    graph: &mut Graph,
    block: BlockId,
    list: NodeId,
    appended: &[NodeId],
    before: &BTreeMap<NodeId, NodeId>,
) {
    let mut nodes = Vec::with_capacity(graph.block(block).nodes.len());
    for &node in &graph.block(block).nodes {
        if let Some(&copy) = before.get(&node) {
            nodes.push(copy);
        }
        if node == list {
            continue;
        }
        match Some(&node) == appended.last() {
            true => nodes.push(list),
            false if appended.contains(&node) => {}
            false => nodes.push(node),
        }
    }
    for &copy in before.values() {
        graph.node_mut(copy).parent = Some(block);
    }
    for &node in appended {
        graph.node_mut(node).parent = None;
    }
    graph.block_mut(block).nodes = nodes;
}
