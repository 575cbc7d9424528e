//! Composite operators in terms of those that have a quantised function.
//!
//! The rules are the plugin's (horizon.md 3.15, 8.2) and torch's own definitions; each keeps the float result up to
//! the rounding of float32. An operator whose form is not covered stays as it is.

mod affine;
mod arithmetic;
mod attention;
mod convolution;
mod einsum;
mod function;
mod hard;
mod length;
mod line;
mod linear;
mod moves;
mod norm;
mod pool;
mod product;
mod recurrent;
mod reduce;
mod sink;
mod spread;

pub(in crate::quant) use recurrent::refusal;

use super::{Builder, Net};
use crate::ir::{Graph, NodeId, ValueId};
use crate::quant::qconfig::March;
use rustc_hash::{FxHashMap, FxHashSet};

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
    round(net, |net, id| match live(net, id) {
        Some(name) => moves::recipe(net, id, name),
        None => moves::unbound(net, id),
    });
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
    let steps = wide_nodes(net, recipes.keys().copied());
    let (mut builder, nodes) = Builder::new(net.graph_mut());
    for id in nodes {
        builder.at(id);
        let start = builder.len();
        let made = recipes.remove(&id).and_then(|recipe| recipe(&mut builder));
        let Some(values) = made else {
            builder.keep(id);
            continue;
        };
        if steps.contains(&id) {
            builder.widen_from(start);
        }
        let old = builder.graph.node(id).outputs.clone();
        replaced.extend(old.into_iter().zip(values));
    }
    let wide = builder.finish();
    net.widen(wide);
    net.replace(&replaced);
    !replaced.is_empty()
}

/// Nodes with a wide result: all that takes their place is wide.
fn wide_nodes(net: &Net<'_>, ids: impl Iterator<Item = NodeId>) -> FxHashSet<NodeId> {
    let is_wide = |id: &NodeId| net.node(*id).outputs.iter().any(|it| net.is_wide(*it));
    ids.filter(is_wide).collect()
}

fn recipe(net: &Net<'_>, id: NodeId, march: March) -> Option<Recipe> {
    let name = live(net, id)?;
    arithmetic::recipe(net, id, name)
        .or_else(|| reduce::recipe(net, id, name))
        .or_else(|| attention::recipe(net, id, name))
        .or_else(|| sink::recipe(net, id, name))
        .or_else(|| convolution::recipe(net, id, name))
        .or_else(|| einsum::recipe(net, id, name))
        .or_else(|| product::recipe(net, id, name))
        .or_else(|| length::recipe(net, id, name, march))
        .or_else(|| spread::recipe(net, id, name, march))
        .or_else(|| function::recipe(net, id, name, march))
        .or_else(|| pool::recipe(net, id, name))
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

/// A reduction that keeps the dimensions it goes over, or drops them.
fn reduction(
    b: &mut Builder<'_>,
    name: &str,
    x: ValueId,
    dims: &[i64],
    keepdim: bool,
) -> Option<ValueId> {
    let (dims, keep) = (b.ints(dims), b.bool(keepdim));
    match name {
        "amax" | "amin" => b.aten(name, "", &[x, dims, keep]),
        "sum" => b.aten(name, "dim_IntList", &[x, dims, keep]),
        _ => b.aten(name, "dim", &[x, dims, keep]),
    }
}

/// Dimensions as a node names them; none if they are all, an empty list included, or not constant.
fn dims(net: &Net<'_>, id: NodeId) -> Option<Vec<i64>> {
    let found = net.int_or_ints(net.arg(id, "dim")?)?;
    (!found.is_empty()).then_some(found)
}

/// The overload a node calls.
fn overload(graph: &Graph, id: NodeId) -> &'static str {
    match graph.node(id).op {
        crate::ir::Op::Operator(schema) => schema.overload(),
        _ => "",
    }
}
