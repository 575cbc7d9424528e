//! Composite operators in terms of those that have a quantised function.
//!
//! The rules are the plugin's (horizon.md 3.15, 8.2) and torch's own definitions; each keeps the float result up to
//! the rounding of float32. An operator whose form is not covered stays as it is.

mod affine;
mod arithmetic;
mod attention;
mod hard;
mod line;
mod linear;
mod moves;
mod norm;
mod recurrent;
mod reduce;
mod sink;

pub(in crate::quant) use recurrent::refusal;

use super::{Builder, Net};
use crate::ir::{Graph, NodeId, ValueId};
use crate::quant::qconfig::March;
use rustc_hash::FxHashMap;

/// Rounds after which what is left stays: rules make operators that other rules rewrite, two or three deep.
const MAX_ROUNDS: usize = 6;

/// What to write in a node's place.
type Recipe = Box<dyn FnOnce(&mut Builder<'_>) -> Option<Vec<ValueId>>>;

/// Rewrites the root block.
pub(in crate::quant) fn decompose(net: &mut Net<'_>, march: March) {
    for _ in 0..MAX_ROUNDS {
        if !round(net, |net, id| recipe(net, id, march)) {
            break;
        }
    }
    round(net, recurrent::zeros);
    // Last, because rules above look for sizes in moves as the model wrote them.
    round(net, |net, id| moves::recipe(net, id, live(net, id)?));
}

/// One walk; whether anything was rewritten.
fn round(net: &mut Net<'_>, rule: impl Fn(&Net<'_>, NodeId) -> Option<Recipe>) -> bool {
    let mut recipes: FxHashMap<NodeId, Recipe> = FxHashMap::default();
    for id in net.nodes() {
        if let Some(recipe) = rule(net, id) {
            recipes.insert(id, recipe);
        }
    }
    if recipes.is_empty() {
        return false;
    }
    let mut replaced: FxHashMap<ValueId, ValueId> = FxHashMap::default();
    let (mut builder, nodes) = Builder::new(net.graph_mut());
    for id in nodes {
        builder.at(id);
        let made = recipes.remove(&id).and_then(|recipe| recipe(&mut builder));
        match made {
            Some(values) => {
                let old = builder.graph.node(id).outputs.clone();
                replaced.extend(old.into_iter().zip(values));
            }
            None => builder.keep(id),
        }
    }
    builder.finish();
    net.graph_mut().replace_uses(&replaced);
    crate::pass::dead_code::dead_code(net.graph_mut());
    net.recount();
    !replaced.is_empty()
}

fn recipe(net: &Net<'_>, id: NodeId, march: March) -> Option<Recipe> {
    let name = live(net, id)?;
    arithmetic::recipe(net, id, name)
        .or_else(|| reduce::recipe(net, id, name))
        .or_else(|| attention::recipe(net, id, name))
        .or_else(|| sink::recipe(net, id, name))
        .or_else(|| linear::recipe(net, id, name, march))
        .or_else(|| line::recipe(net, id, name))
        .or_else(|| norm::recipe(net, id, name, march))
        .or_else(|| hard::recipe(net, id, name, march))
        .or_else(|| affine::recipe(net, id, name, march))
        .or_else(|| recurrent::recipe(net, id, name, march))
}

/// The name of an operator whose results depend on the inputs' elements; others are computed once, in float.
fn live(net: &Net<'_>, id: NodeId) -> Option<&'static str> {
    let name = net.aten(id)?;
    let outputs = &net.node(id).outputs;
    outputs.iter().any(|it| net.is_live(*it)).then_some(name)
}

/// A recipe with one result.
fn one(make: impl FnOnce(&mut Builder<'_>) -> Option<ValueId> + 'static) -> Option<Recipe> {
    Some(Box::new(|builder| make(builder).map(|it| vec![it])))
}

/// The overload a node calls.
fn overload(graph: &Graph, id: NodeId) -> &'static str {
    match graph.node(id).op {
        crate::ir::Op::Operator(schema) => schema.overload(),
        _ => "",
    }
}
