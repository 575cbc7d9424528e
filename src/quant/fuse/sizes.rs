//! The sizes that tensors of the flat graph have: for inputs of known shapes, as far as windows, equal parts and
//! sequences need them; and whatever the inputs' shapes, where weights say them. What is not known stays unknown.
//!
//! One walk goes over the nodes in order (`walk`), and asks of each what it does: with numbers (`numbers`), with
//! shapes (`shapes`), with windows over space (`windows`). Which operators keep sizes is the table of
//! `fold_constants::rank`.

mod numbers;
mod shapes;
#[cfg(test)]
mod tests;
mod walk;
mod windows;

use super::ConstTensor;
use crate::ir::{Constant, Graph, NodeId, Op, SideMap, ValueId};
use rustc_hash::FxHashMap;
use walk::Walk;

/// A size, if it is known.
pub(super) type Size = Option<i64>;

/// What is known of values without the sizes.
pub(super) trait Known {
    /// A tensor of the file.
    fn stored(&self, value: ValueId) -> Option<ConstTensor>;

    /// How many dimensions a tensor has.
    fn dimensions(&self, value: ValueId) -> Option<usize>;
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq)]
enum Fact {
    /// Sizes of a tensor.
    Tensor(Vec<Size>),
    /// A list of tensors of these sizes.
    Tensors(Vec<Size>),
    /// An int.
    Int(i64),
    /// A float that is made of sizes.
    Float(f64),
    /// A list of ints.
    Ints(Vec<Size>),
}

/// Facts by value.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    facts: SideMap<ValueId, Option<Fact>>,
    /// Last sizes of what is multiplied with stored weights.
    last: FxHashMap<ValueId, i64>,
}

impl Sizes {
    /// Walks the root block of a graph; `inputs` are shapes of the parameters after the first.
    pub(super) fn infer(graph: &Graph, inputs: &[Option<Vec<Size>>], known: &dyn Known) -> Sizes {
        let mut sizes = Sizes::default();
        let params = graph.block(graph.root()).params.iter().skip(1);
        for (&param, shape) in params.zip(inputs) {
            sizes.facts[param] = shape.clone().map(Fact::Tensor);
        }
        sizes.grow(graph, known);
        sizes
    }

    /// Walks the root block again, for values of which nothing is known.
    pub(super) fn grow(&mut self, graph: &Graph, known: &dyn Known) {
        self.last = multiplied(graph, known);
        for &id in &graph.block(graph.root()).nodes {
            let node = graph.node(id);
            if node.outputs.iter().all(|it| self.facts[*it].is_some()) {
                continue;
            }
            let facts = Walk {
                graph,
                node,
                sizes: self,
                known,
            }
            .facts();
            for (&output, fact) in node.outputs.iter().zip(facts) {
                let known = &mut self.facts[output];
                *known = known.take().or(fact);
            }
        }
    }

    /// Lets values that take the place of others have their sizes.
    pub(super) fn replace(&mut self, replaced: &FxHashMap<ValueId, ValueId>) {
        let mut pairs: Vec<(ValueId, ValueId)> = replaced.iter().map(|it| (*it.0, *it.1)).collect();
        pairs.sort_unstable();
        for (old, new) in pairs {
            if self.facts[new].is_none() {
                self.facts[new] = self.facts[old].clone();
            }
        }
    }

    /// Sizes of a tensor.
    pub(super) fn of(&self, value: ValueId) -> Option<&[Size]> {
        match self.facts[value].as_ref()? {
            Fact::Tensor(sizes) => Some(sizes),
            _ => None,
        }
    }

    /// The size of a tensor's dimension, which is counted from the end if negative.
    pub(super) fn size(&self, value: ValueId, dim: i64) -> Size {
        let sizes = self.of(value)?;
        sizes[axis(dim, sizes.len())?]
    }

    /// A number that is made of sizes.
    pub(super) fn number(&self, value: ValueId) -> Option<f64> {
        match self.facts[value] {
            Some(Fact::Int(int)) => Some(int as f64),
            Some(Fact::Float(float)) => Some(float),
            _ => None,
        }
    }
}

/// Sizes that are all known.
pub(super) fn known(sizes: &[i64]) -> Vec<Size> {
    sizes.iter().copied().map(Some).collect()
}

/// The place of a dimension or an element, which is counted from the end if negative.
pub(super) fn axis(at: i64, len: usize) -> Option<usize> {
    let at = if at < 0 {
        at.checked_add(i64::try_from(len).ok()?)?
    } else {
        at
    };
    usize::try_from(at).ok().filter(|it| *it < len)
}

/// How many elements there are.
fn product(mut sizes: impl Iterator<Item = Size>) -> Size {
    sizes.try_fold(1_i64, |all, it| all.checked_mul(it?))
}

/// What is read by a linear with a stored weight, as it is or by way of moves that leave the last dimension.
fn multiplied(graph: &Graph, known: &dyn Known) -> FxHashMap<ValueId, i64> {
    let mut last = FxHashMap::default();
    for &id in graph.block(graph.root()).nodes.iter().rev() {
        if let Some(size) = last_read(graph, id, known, &last)
            && let Some(input) = graph.node(id).inputs.first()
        {
            last.insert(*input, size);
        }
    }
    last
}

/// The last size that a node's input has to have; `last` are those of what comes behind it.
fn last_read(
    graph: &Graph,
    id: NodeId,
    known: &dyn Known,
    last: &FxHashMap<ValueId, i64>,
) -> Option<i64> {
    let node = graph.node(id);
    let Op::Operator(schema) = node.op else {
        return None;
    };
    let behind = || last.get(node.outputs.first()?).copied();
    let early = |at: usize| {
        let dim = node.inputs.get(at).and_then(|it| graph.constant(*it));
        matches!(dim, Some(Constant::Int(0 | 1)))
    };
    match schema.name() {
        "aten::linear" => {
            let weight = known.stored(*node.inputs.get(1)?)?;
            weight.sizes().get(1).copied()
        }
        "aten::transpose" if early(1) && early(2) => behind(),
        "aten::contiguous" => behind(),
        _ => None,
    }
}
