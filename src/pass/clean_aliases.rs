//! Operators that hand on what they were given, and the zero points of fixed-point files (`artifact.md`).
//!
//! - `alias`, `detach`: the value itself, unless something changes the sizes of a view or asks for gradients.
//! - `contiguous`: only where the operator before it makes row-major memory.
//! - `to(x, dtype)` of a value that already has the dtype, without copy.
//! - `zeros_like(s)` followed by `to(…, dtype)`: one `zeros_like(s, dtype=…)`.

use super::PassError;
use super::alias::Aliases;
use super::copy::{Action, Rewrite, Site, copy};
use super::objects::{Objects, names_set};
use super::scene::Scene;
use crate::archive::pickle::Layout;
use crate::ir::schema::Schema;
use crate::ir::{Constant, Graph, Node, NodeId, Op, Type, ValueId};
use smallvec::SmallVec;

/// Operators whose result is new row-major memory, whatever their inputs.
const ROW_MAJOR: &[&str] = &[
    "aten::arange",
    "aten::eye",
    "aten::full",
    "aten::linspace",
    "aten::ones",
    "aten::tensor",
    "aten::zeros",
];

/// Cleans the graph of an inlined function.
pub fn clean_aliases(scene: &Scene<'_>, graph: &Graph) -> Result<Graph, PassError> {
    let asks = |node: &Node| matches!(node.op.kind(), "prim::requires_grad" | "aten::is_leaf");
    let mut cleaner = Cleaner {
        objects: Objects::new(scene, names_set(scene.program, graph)),
        aliases: Aliases::of(graph),
        reads_grad: graph.nodes_in_order().iter().any(|&n| asks(graph.node(n))),
    };
    copy(graph, &mut cleaner)
}

struct Cleaner<'m> {
    objects: Objects<'m>,
    aliases: Aliases,
    reads_grad: bool,
}

impl<'m> Rewrite<'m> for Cleaner<'m> {
    fn action(&mut self, site: &mut Site<'_, 'm>) -> Action<'m> {
        let node = site.graph.node(site.id);
        let Op::Operator(schema) = &node.op else {
            return Action::Keep;
        };
        let (Some(&input), Some(&old)) = (site.inputs.first(), node.inputs.first()) else {
            return Action::Keep;
        };
        if *site.out.ty(input) != Type::Tensor || self.aliases.is_reshaped(old) {
            return Action::Keep;
        }
        let same = match schema.name() {
            "aten::alias" => true,
            "aten::detach" => !self.reads_grad,
            "aten::contiguous" => self.is_row_major(site, input),
            "aten::to" if schema.overload() == "dtype" => {
                return self.convert(site, schema, input).unwrap_or(Action::Keep);
            }
            _ => false,
        };
        match same {
            true => Action::Values(SmallVec::from_slice(&[input])),
            false => Action::Keep,
        }
    }

    fn emitted(&mut self, out: &Graph, new: NodeId, _: &Graph, _: NodeId) {
        self.objects.learn(out.node(new));
    }
}

impl<'m> Cleaner<'m> {
    fn is_row_major(&self, site: &Site<'_, 'm>, input: ValueId) -> bool {
        if !asks_row_major(site) {
            return false;
        }
        if let Some(tensor) = self.objects.tensor(input) {
            return match &tensor.layout {
                Layout::Strided { strides, .. } => is_dense(&tensor.sizes, strides),
                _ => false,
            };
        }
        match producer(site.out, input) {
            Some((node, schema)) if schema.name() == "aten::contiguous" => {
                site.out.constant(node.inputs[1]) == Some(&Constant::Int(0))
            }
            Some((_, schema)) => ROW_MAJOR.contains(&schema.name()),
            None => false,
        }
    }

    /// `to(x, dtype, non_blocking, copy, memory_format)`
    fn convert(&self, site: &Site<'_, 'm>, schema: &Schema, input: ValueId) -> Option<Action<'m>> {
        let of = |name: &str| site.inputs.get(schema.arg_index(name)?).copied();
        let copies = site.out.constant(of("copy")?) != Some(&Constant::Bool(false));
        if copies || *site.out.ty(of("memory_format")?) != Type::None {
            return None;
        }
        let dtype = of("dtype")?;
        let &Constant::Int(wanted) = site.out.constant(dtype)? else {
            return None;
        };
        if self.dtype(site.out, input) == Some(wanted) {
            return Some(Action::Values(SmallVec::from_slice(&[input])));
        }
        let (zeros, schema) = producer(site.out, input)?;
        let old = *site.graph.node(site.id).inputs.first()?;
        if schema.name() != "aten::zeros_like" || self.aliases.is_written(old) {
            return None;
        }
        let mut inputs: SmallVec<[ValueId; 4]> = zeros.inputs.clone();
        *inputs.get_mut(schema.arg_index("dtype")?)? = dtype;
        Some(Action::Replace(zeros.op.clone(), inputs))
    }

    /// The dtype of a value, as torch's code.
    fn dtype(&self, out: &Graph, value: ValueId) -> Option<i64> {
        if let Some(tensor) = self.objects.tensor(value) {
            return Some(tensor.dtype.code());
        }
        let (node, schema) = producer(out, value)?;
        let index = match schema.name() {
            "aten::to" if schema.overload() == "dtype" => schema.arg_index("dtype"),
            "aten::zeros_like" | "aten::ones_like" | "aten::full_like" | "aten::zeros"
            | "aten::ones" | "aten::full" => schema.arg_index("dtype"),
            _ => None,
        };
        match out.constant(*node.inputs.get(index?)?)? {
            Constant::Int(code) => Some(*code),
            _ => None,
        }
    }
}

/// Whether `contiguous` asks for torch's default order.
fn asks_row_major(site: &Site<'_, '_>) -> bool {
    let format = site.inputs.get(1).and_then(|&v| site.out.constant(v));
    format == Some(&Constant::Int(0))
}

fn is_dense(sizes: &[i64], strides: &[i64]) -> bool {
    let mut expected = 1;
    sizes.iter().zip(strides).rev().all(|(&size, &stride)| {
        let dense = size == 1 || stride == expected;
        expected *= size.max(1);
        dense
    })
}

/// The operator that makes a value.
fn producer(graph: &Graph, value: ValueId) -> Option<(&Node, &'static Schema)> {
    let node = graph.node(graph.producer(value)?);
    match node.op {
        Op::Operator(schema) => Some((node, schema)),
        _ => None,
    }
}
