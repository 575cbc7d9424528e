//! Operators that write to their input, replaced by those that do not.
//!
//! `relu_(x)` becomes `relu(x)` whose result stands for `x` from there on. That is the same as long as nobody sees the
//! write through other memory: a view of `x`, or what `x` is a view of. Where somebody may, the operator stays.

use super::Net;
use crate::ir::schema::{self, Schema};
use crate::ir::{NodeId, Op, SideMap, Use, ValueId};
use rustc_hash::FxHashMap;

/// Rewrites the root block.
pub(in crate::quant) fn without_writes(net: &mut Net<'_>) {
    let mut roots: SideMap<ValueId, Option<ValueId>> = SideMap::new();
    let mut current: FxHashMap<ValueId, ValueId> = FxHashMap::default();
    for id in net.nodes() {
        rename(net, id, &current);
        if let Some(pure) = pure_form(net, id)
            && is_private(net, id, &roots)
        {
            let written = net.node(id).inputs[0];
            let output = net.node(id).outputs[0];
            net.graph_mut().node_mut(id).op = Op::Operator(pure);
            // `written` may itself stand for what came before it.
            for newest in current.values_mut().filter(|it| **it == written) {
                *newest = output;
            }
            current.insert(written, output);
            continue;
        }
        view(net, id, &mut roots);
    }
    let root = net.graph().root();
    let mut returns = net.graph().block(root).returns.clone();
    for value in &mut returns {
        *value = *current.get(value).unwrap_or(value);
    }
    net.graph_mut().block_mut(root).returns = returns;
    net.recount();
}

/// Lets a node and all inside it read the newest of every value.
fn rename(net: &mut Net<'_>, id: NodeId, current: &FxHashMap<ValueId, ValueId>) {
    let mut left = vec![id];
    while let Some(id) = left.pop() {
        let graph = net.graph_mut();
        for value in &mut graph.node_mut(id).inputs {
            *value = *current.get(value).unwrap_or(value);
        }
        for block in graph.node(id).blocks.clone() {
            let mut returns = graph.block(block).returns.clone();
            for value in &mut returns {
                *value = *current.get(value).unwrap_or(value);
            }
            graph.block_mut(block).returns = returns;
            left.extend(graph.block(block).nodes.iter().copied());
        }
    }
}

/// `relu` for `relu_`: the overload with the same arguments.
fn pure_form(net: &Net<'_>, id: NodeId) -> Option<&'static Schema> {
    let Op::Operator(schema) = net.node(id).op else {
        return None;
    };
    let stem = schema.name().strip_suffix('_')?;
    let writes: Vec<bool> = schema.args.iter().map(|it| it.is_write).collect();
    if writes.iter().filter(|it| **it).count() != 1 || writes.first() != Some(&true) {
        return None;
    }
    let same = |it: &&&'static Schema| {
        let types = |s: &Schema| s.args.iter().map(|a| a.ty.clone()).collect::<Vec<_>>();
        types(it) == types(schema) && it.args.iter().all(|arg| !arg.is_write)
    };
    schema::overloads(stem).iter().find(same).copied()
}

/// Whether nobody reads the written memory after the node, but through the written value and the result.
fn is_private(net: &Net<'_>, id: NodeId, roots: &SideMap<ValueId, Option<ValueId>>) -> bool {
    let written = net.node(id).inputs[0];
    if net.path(written).is_some() || net.constant(written).is_some() {
        return false;
    }
    let memory = roots[written].unwrap_or(written);
    let here = net.place(id);
    let graph = net.graph();
    let mut others = graph.value_ids().filter(|&value| {
        let root = roots[value].unwrap_or(value);
        value != written && root == memory
    });
    !others.any(|value| {
        net.uses(value).iter().any(|it| match it {
            Use::Return { .. } => true,
            Use::Input { node, .. } => match net.place(*node) {
                Some(place) => Some(place) > here,
                // Inside a nested block: when it runs is not looked into.
                None => true,
            },
        })
    })
}

/// Learns whose memory the results of a node are.
fn view(net: &Net<'_>, id: NodeId, roots: &mut SideMap<ValueId, Option<ValueId>>) {
    let node = net.node(id);
    let shares = match node.op {
        Op::Operator(schema) => schema.returns.iter().any(|it| it.alias.is_some()),
        Op::Constant(_) => false,
        Op::ListUnpack => !is_apart(net, node.inputs[0]),
        _ => true,
    };
    let Some(&first) = node.inputs.first().filter(|_| shares) else {
        return;
    };
    let memory = roots[first].unwrap_or(first);
    for &output in &node.outputs {
        roots[output] = Some(memory);
    }
}

/// Whether a list's tensors share no memory that anyone sees: torch's own promise for what it calls unsafe.
fn is_apart(net: &Net<'_>, list: ValueId) -> bool {
    let producer = net.graph().producer(list);
    let name = producer.and_then(|id| net.aten(id));
    name.is_some_and(|it| it.starts_with("unsafe_"))
}
