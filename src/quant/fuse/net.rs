//! The float graph with what is known about its values: the constants that nodes read (`arguments`), tensors and
//! modules of the file (`tensors`, `modules`), and how large tensors are (`rank`, `shapes`).

mod arguments;
mod modules;
mod rank;
mod shapes;
mod tensors;

use super::sizes::Sizes;
use crate::archive::Document;
use crate::ir::entity::Entity;
use crate::ir::{Function, Graph, Node, NodeId, Op, SideMap, Type, Use, ValueId};
use crate::model::Model;
use crate::pass::fold_constants::{Assumptions, Plain};
use crate::pass::{Options, PassError, flat_with, objects::Stored};
use crate::tensor::DType;
use modules::Module;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use smol_str::SmolStr;

pub(in crate::quant) use modules::{MAX_MODULE_DEPTH, children, demangled, joined};

/// Operators that take nothing but sizes and type from their input.
const SHAPE_ONLY: &[&str] = &[
    "aten::empty_like",
    "aten::full_like",
    "aten::new_empty",
    "aten::new_full",
    "aten::new_ones",
    "aten::new_zeros",
    "aten::ones_like",
    "aten::zeros_like",
];

/// A method of the root module as one graph that may be rewritten.
pub(in crate::quant) struct Net<'m> {
    /// The file.
    pub(in crate::quant) model: &'m Model,
    /// The method; its graph is rewritten.
    pub(in crate::quant) function: Function,
    /// Uses of every value, of the graph as it was when they were last counted.
    uses: SideMap<ValueId, SmallVec<[Use; 2]>>,
    /// Place of every node of the root block.
    order: SideMap<NodeId, u32>,
    /// Whether a value depends on what the inputs hold, not only on their sizes.
    live: SideMap<ValueId, bool>,
    stored: SideMap<ValueId, Option<Stored>>,
    /// How many dimensions values have that were there before any rewrite.
    ranks: SideMap<ValueId, Option<u8>>,
    /// Sizes for inputs of the shapes given.
    sizes: Sizes,
    /// Sizes that weights say, whatever the inputs' shapes, of values that were there before any rewrite.
    fixed_sizes: Sizes,
    /// How many values the model's own graph has; those of rules come after them.
    own_values: usize,
    /// Steps inside composite operators that have 16 bits where the march has them (horizon.md 3.15).
    wide: FxHashSet<ValueId>,
    /// Modules by path.
    modules: FxHashMap<SmolStr, Module>,
    data: &'m Document,
    constants: &'m Document,
}

impl<'m> Net<'m> {
    /// Flattens `forward` for inputs of these sizes and types; missing entries are unknown.
    pub(in crate::quant) fn new(
        model: &'m Model,
        input_sizes: Vec<Option<Vec<i64>>>,
        dtypes: &[Option<DType>],
    ) -> Result<Net<'m>, PassError> {
        let rank = |sizes: &Option<Vec<i64>>| u8::try_from(sizes.as_ref()?.len()).ok();
        let options = Options {
            assumptions: Assumptions {
                input_ranks: input_sizes.iter().map(rank).collect(),
                plain: Some(Plain {
                    input_dtypes: dtypes.to_vec(),
                }),
                ..Assumptions::default()
            },
            ranks: true,
        };
        let flat = flat_with(model, "forward", &options)?;
        let (mut stored, mut ranks) = (SideMap::new(), SideMap::new());
        for value in flat.graph().value_ids() {
            stored[value] = flat.stored(value).cloned();
            ranks[value] = flat.rank(value);
        }
        let mut net = Net {
            model,
            uses: SideMap::new(),
            order: SideMap::new(),
            live: SideMap::new(),
            stored,
            ranks,
            sizes: Sizes::default(),
            fixed_sizes: Sizes::default(),
            own_values: flat.function.graph.value_count(),
            wide: FxHashSet::default(),
            function: flat.function,
            modules: modules::modules(model.archive.data()?, model.root()),
            data: model.archive.data()?,
            constants: model.archive.constants()?,
        };
        net.recount();
        net.infer_sizes(&input_sizes);
        Ok(net)
    }

    /// The graph.
    pub(in crate::quant) fn graph(&self) -> &Graph {
        &self.function.graph
    }

    /// The graph, to edit it.
    pub(in crate::quant) fn graph_mut(&mut self) -> &mut Graph {
        &mut self.function.graph
    }

    /// Counts uses and places anew, after an edit.
    pub(in crate::quant) fn recount(&mut self) {
        self.uses = self.function.graph.uses();
        self.order = SideMap::new();
        let graph = &self.function.graph;
        for (place, &node) in graph.block(graph.root()).nodes.iter().enumerate() {
            self.order[node] = place as u32 + 1;
        }
        self.find_live();
    }

    /// Lets values stand in the place of others, after a rewrite.
    pub(super) fn replace(&mut self, replaced: &FxHashMap<ValueId, ValueId>) {
        self.function.graph.replace_uses(replaced);
        crate::pass::dead_code::dead_code(&mut self.function.graph);
        self.recount();
        self.follow_sizes(replaced);
    }

    /// Values that the inputs' elements flow into. Sizes, devices and the like are not followed.
    fn find_live(&mut self) {
        let graph = &self.function.graph;
        let mut live: SideMap<ValueId, bool> = SideMap::new();
        for &param in graph.block(graph.root()).params.iter().skip(1) {
            live[param] = holds_tensor(graph.ty(param));
        }
        for &id in &graph.block(graph.root()).nodes {
            let node = graph.node(id);
            let shape_only =
                matches!(node.op, Op::Operator(schema) if SHAPE_ONLY.contains(&schema.name()));
            if shape_only || !reads_of(graph, id).iter().any(|it| live[*it]) {
                continue;
            }
            for &output in &node.outputs {
                live[output] = holds_tensor(graph.ty(output));
            }
        }
        self.live = live;
    }

    /// Whether a rule wrote the operator that makes a value.
    pub(super) fn is_made(&self, value: ValueId) -> bool {
        value.index() >= self.own_values
    }

    /// Whether a value is a step inside a composite operator.
    pub(in crate::quant) fn is_wide(&self, value: ValueId) -> bool {
        self.wide.contains(&value)
    }

    /// Adds steps inside composite operators.
    pub(super) fn widen(&mut self, values: impl IntoIterator<Item = ValueId>) {
        self.wide.extend(values);
    }

    /// Whether a value depends on what the inputs hold.
    pub(in crate::quant) fn is_live(&self, value: ValueId) -> bool {
        self.live[value]
    }

    /// Values that a node reads, nested blocks included.
    pub(in crate::quant) fn reads(&self, id: NodeId) -> Vec<ValueId> {
        reads_of(self.graph(), id)
    }

    /// The nodes of the root block.
    pub(in crate::quant) fn nodes(&self) -> Vec<NodeId> {
        let graph = self.graph();
        graph.block(graph.root()).nodes.clone()
    }

    /// A node.
    pub(in crate::quant) fn node(&self, id: NodeId) -> &Node {
        self.graph().node(id)
    }

    /// Uses of a value.
    pub(in crate::quant) fn uses(&self, value: ValueId) -> &[Use] {
        &self.uses[value]
    }

    /// The one node that reads a value once, if nothing else does.
    pub(in crate::quant) fn only_user(&self, value: ValueId) -> Option<NodeId> {
        match self.uses(value) {
            &[Use::Input { node, .. }] if self.place(node).is_some() => Some(node),
            _ => None,
        }
    }

    /// Place of a node in the root block.
    pub(in crate::quant) fn place(&self, node: NodeId) -> Option<u32> {
        self.order[node].checked_sub(1)
    }

    /// The operator of a node: its name without `aten::`; none for other nodes.
    pub(in crate::quant) fn aten(&self, id: NodeId) -> Option<&'static str> {
        match self.node(id).op {
            Op::Operator(schema) => schema.name().strip_prefix("aten::"),
            _ => None,
        }
    }

    /// `data.pkl`.
    pub(in crate::quant) fn data(&self) -> &'m Document {
        self.data
    }

    /// `constants.pkl`.
    pub(in crate::quant) fn constants(&self) -> &'m Document {
        self.constants
    }

    /// `model.py:12` of the user's code that a node came from, or what the file says of it.
    pub(in crate::quant) fn place_of(&self, id: NodeId) -> Option<String> {
        let origin = self.model.user_location(self.node(id).span?)?;
        let file = origin
            .filename
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default();
        Some(format!("{file}:{}", origin.line))
    }
}

fn reads_of(graph: &Graph, id: NodeId) -> Vec<ValueId> {
    let mut reads = graph.node(id).inputs.to_vec();
    let mut left = graph.node(id).blocks.to_vec();
    while let Some(block) = left.pop() {
        reads.extend(&graph.block(block).returns);
        for &node in &graph.block(block).nodes {
            reads.extend(&graph.node(node).inputs);
            left.extend(&graph.node(node).blocks);
        }
    }
    reads
}

/// Whether values of a type are or contain tensors.
pub(in crate::quant) fn holds_tensor(ty: &Type) -> bool {
    match ty {
        Type::Tensor | Type::Any => true,
        Type::Optional(inner) | Type::List(inner) => holds_tensor(inner),
        Type::Tuple(items) | Type::Union(items) => items.iter().any(holds_tensor),
        Type::Dict(kv) => holds_tensor(&kv.1),
        _ => false,
    }
}
