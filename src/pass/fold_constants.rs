//! Constants computed, attributes read, branches taken.
//!
//! - An attribute of the root's object tree that is a plain value becomes that value, unless the run may set it.
//! - Operators on constants are computed where the result is exactly libtorch's; overflow and division by zero stay.
//! - An `If` whose condition is known is replaced by its branch, a short `Loop` whose trip count is known by its rounds.
//! - Tuples and lists that nobody writes to are seen through.
//! - `dim()`, `len()`, `size()`, `dtype` of tensors are known where rank inference or the file says them.

mod containers;
mod plain;
mod rank;
mod scalar;

pub use plain::Plain;
pub(crate) use rank::{Follows, follows};

use super::PassError;
use super::alias::Aliases;
use super::copy::{Action, Rewrite, Site, copy, param};
use super::objects::{Objects, names_set};
use super::scene::Scene;
use crate::ir::subtype::is_subtype;
use crate::ir::{Constant, Graph, NodeId, Op, Program, SideMap, Type, ValueId};
use crate::tensor::DType;
use smallvec::SmallVec;

/// Loops of more rounds than this stay loops.
const MAX_ROUNDS: i64 = 256;

/// Loops that would become more nodes than this stay loops.
const MAX_UNROLLED: i64 = 20_000;

/// What is known about the method's inputs, and assumed about its values.
#[derive(Clone, Debug)]
pub struct Assumptions {
    /// Ranks of the parameters after `self`; missing entries are unknown.
    pub input_ranks: Vec<Option<u8>>,
    /// Images come in batches: the input of `conv2d`, `max_pool2d` and the like has four dimensions, never three.
    pub batched: bool,
    /// What the run is like, beside.
    pub plain: Option<Plain>,
}

impl Default for Assumptions {
    fn default() -> Self {
        Assumptions {
            input_ranks: Vec::new(),
            batched: true,
            plain: None,
        }
    }
}

/// Folds the graph of an inlined function.
pub fn fold_constants(
    scene: &Scene<'_>,
    graph: &Graph,
    assumptions: &Assumptions,
) -> Result<Graph, PassError> {
    with_ranks(scene, graph, assumptions).map(|it| it.0)
}

/// The same, with what is known of the dimensions of the result's tensors.
pub(super) fn with_ranks(
    scene: &Scene<'_>,
    graph: &Graph,
    assumptions: &Assumptions,
) -> Result<(Graph, SideMap<ValueId, Option<u8>>), PassError> {
    let mut folder = Folder {
        program: scene.program,
        objects: Objects::new(scene, names_set(scene.program, graph)),
        aliases: Aliases::of(graph),
        frozen: SideMap::new(),
        ranks: SideMap::new(),
        batched: assumptions.batched,
        plain: assumptions.plain.clone(),
        dtypes: SideMap::new(),
    };
    let inputs = usize::from(scene.receiver.is_some());
    for (index, &source) in graph.block(graph.root()).params.iter().enumerate() {
        let given = index.checked_sub(inputs);
        let given = given.and_then(|i| *assumptions.input_ranks.get(i)?);
        if !folder.aliases.is_reshaped(source) {
            let demanded = demanded_rank(graph, source).filter(|_| assumptions.batched);
            folder.ranks[param(index)] = given.or(demanded);
        }
        let dtypes = assumptions.plain.iter();
        let mut dtypes =
            dtypes.filter_map(|it| *it.input_dtypes.get(index.checked_sub(inputs)?)?);
        folder.dtypes[param(index)] = dtypes.next();
    }
    let folded = copy(graph, &mut folder)?;
    Ok((folded, folder.ranks))
}

/// The rank that an operator which surely runs asks of a parameter.
fn demanded_rank(graph: &Graph, param: ValueId) -> Option<u8> {
    let nodes = graph.block(graph.root()).nodes.iter();
    let mut readers = nodes
        .map(|&id| graph.node(id))
        .filter(|node| node.inputs.first() == Some(&param));
    readers.find_map(rank::batched_input)
}

struct Folder<'m> {
    program: &'m Program,
    objects: Objects<'m>,
    aliases: Aliases,
    /// Values of the new graph that nobody writes to.
    frozen: SideMap<ValueId, bool>,
    ranks: SideMap<ValueId, Option<u8>>,
    batched: bool,
    plain: Option<Plain>,
    /// Element types of tensors, where a plain run is assumed.
    dtypes: SideMap<ValueId, Option<DType>>,
}

impl<'m> Rewrite<'m> for Folder<'m> {
    fn action(&mut self, site: &mut Site<'_, 'm>) -> Action<'m> {
        let node = site.graph.node(site.id);
        let folded = match &node.op {
            Op::If => branch(site),
            Op::Loop => rounds(site),
            Op::GetAttr(_) => self.attribute(site),
            Op::UncheckedCast => self.cast(site),
            Op::IsInstance(types) => self.is_instance(site, types),
            Op::TupleUnpack | Op::TupleIndex | Op::ListUnpack => self.parts(site),
            Op::Operator(schema) => self.operator(site, schema.name()),
            _ => None,
        };
        folded.unwrap_or(Action::Keep)
    }

    fn emitted(&mut self, out: &Graph, new: NodeId, from: &Graph, old: NodeId) {
        let node = out.node(new);
        self.objects.learn(node);
        let outputs = node.outputs.iter().zip(&from.node(old).outputs);
        for (&output, &source) in outputs {
            self.frozen[output] = !self.aliases.is_written(source);
            if *out.ty(output) == Type::Tensor && !self.aliases.is_reshaped(source) {
                self.ranks[output] = self.rank_of(out, node, output);
            }
            if *out.ty(output) == Type::Tensor {
                self.dtypes[output] = self.dtype_of(out, node, output);
            }
        }
    }

    fn bound(&mut self, old: ValueId, new: ValueId) {
        self.frozen[new] = !self.aliases.is_written(old);
    }

    fn closed(&mut self, out: &Graph, node: NodeId) {
        let node = out.node(node);
        if node.op != Op::If {
            return;
        }
        for (index, &output) in node.outputs.iter().enumerate() {
            let results = node.blocks.iter().map(|&b| out.block(b).returns.get(index));
            let ranks: Vec<Option<u8>> = results.map(|v| self.ranks[*v?]).collect();
            let same = ranks.windows(2).all(|pair| pair[0] == pair[1]);
            let results = node.blocks.iter().map(|&b| out.block(b).returns.get(index));
            let dtypes: Vec<Option<DType>> = results.map(|v| self.dtypes[*v?]).collect();
            if dtypes.windows(2).all(|pair| pair[0] == pair[1]) {
                self.dtypes[output] = dtypes.first().copied().flatten();
            }
            // A reshaped class has no ranks inside either.
            if same && *out.ty(output) == Type::Tensor {
                self.ranks[output] = ranks.first().copied().flatten();
            }
        }
    }
}

impl<'m> Folder<'m> {
    fn attribute(&mut self, site: &mut Site<'_, 'm>) -> Option<Action<'m>> {
        let node = site.graph.node(site.id);
        let (output, &[object]) = (*node.outputs.first()?, &site.inputs[..]) else {
            return None;
        };
        let declared = site.graph.ty(output);
        if matches!(declared, Type::Tensor | Type::Class(_)) {
            return None;
        }
        let Op::GetAttr(name) = &node.op else {
            return None;
        };
        let stored = self.objects.attribute_constant(object, name, declared)?;
        // A list keeps its identity where something may write to it.
        let shared = matches!(stored.0, Constant::List(_)) && self.aliases.is_written(output);
        (!shared).then(|| Action::Constants(vec![stored]))
    }

    fn cast(&self, site: &Site<'_, 'm>) -> Option<Action<'m>> {
        let (&[input], &[output]) = (&site.inputs[..], &site.graph.node(site.id).outputs[..])
        else {
            return None;
        };
        let (from, to) = (site.out.ty(input), site.graph.ty(output));
        // Methods and attributes need an object, though a union may be a subtype of an interface.
        let loses_class = to.class_name().is_some() && from.class_name() != to.class_name();
        let fits = !loses_class && is_subtype(self.program, from, to);
        fits.then(|| one(input))
    }

    fn is_instance(&self, site: &Site<'_, 'm>, types: &[Type]) -> Option<Action<'m>> {
        let found = site.out.ty(*site.inputs.first()?);
        if types.iter().any(|ty| is_subtype(self.program, found, ty)) {
            return Some(boolean(true));
        }
        self.is_exact(found).then(|| boolean(false))
    }

    /// Whether every value of the type has exactly this type.
    fn is_exact(&self, ty: &Type) -> bool {
        match ty {
            Type::Tensor
            | Type::Int
            | Type::Float
            | Type::Bool
            | Type::Str
            | Type::Complex
            | Type::None
            | Type::Device
            | Type::List(_)
            | Type::Dict(_) => true,
            Type::Tuple(items) => items.iter().all(|item| self.is_exact(item)),
            _ => false,
        }
    }

    fn operator(&mut self, site: &mut Site<'_, 'm>, name: &str) -> Option<Action<'m>> {
        if let Some(constant) = self.computed(site, name) {
            return Some(Action::Constants(vec![constant]));
        }
        if let Some(action) = self.about_the_run(site, name) {
            return Some(action);
        }
        match name {
            "aten::any" | "aten::all" => self.quantified(site, name),
            "aten::__is__" => self.identity(site).map(boolean),
            "aten::__isnot__" => self.identity(site).map(|same| boolean(!same)),
            "aten::len" => self.length(site).map(integer),
            "aten::__getitem__" => self.element(site),
            "aten::__contains__" => self.contains(site).map(boolean),
            "aten::dim" => {
                let rank = self.ranks[*site.inputs.first()?]?;
                Some(integer(rank.into()))
            }
            "aten::size" | "aten::numel" | "prim::dtype" => self.stored_fact(site, name),
            _ => None,
        }
    }

    fn computed(&self, site: &Site<'_, 'm>, name: &str) -> Option<(Constant, Type)> {
        let constants: Option<SmallVec<[&Constant; 4]>> =
            site.inputs.iter().map(|&v| site.out.constant(v)).collect();
        let result = scalar::compute(name, &constants?)?;
        let ty = scalar::type_of(&result)?;
        Some((result, ty))
    }

    /// Whether a value is the other, where one is `None`.
    fn identity(&self, site: &Site<'_, 'm>) -> Option<bool> {
        let &[a, b] = &site.inputs[..] else {
            return None;
        };
        let is_none = |v| *site.out.ty(v) == Type::None;
        match (is_none(a), is_none(b)) {
            (true, true) => Some(true),
            (true, false) => self.never_none(site.out, b).then_some(false),
            (false, true) => self.never_none(site.out, a).then_some(false),
            (false, false) => self.same_object(site.out, a, b),
        }
    }

    fn never_none(&self, out: &Graph, value: ValueId) -> bool {
        match out.ty(value) {
            Type::Optional(_) | Type::Any | Type::Union(_) | Type::Var(_) | Type::None => {
                let stored = self.objects.value(value);
                stored.is_some_and(|v| v != crate::archive::pickle::Value::None)
            }
            _ => true,
        }
    }
}

fn branch<'p>(site: &Site<'_, 'p>) -> Option<Action<'p>> {
    match site.out.constant(*site.inputs.first()?)? {
        Constant::Bool(holds) => Some(Action::Branch(usize::from(!holds))),
        _ => None,
    }
}

/// A loop over a known, small number of rounds that nothing leaves early.
fn rounds<'p>(site: &Site<'_, 'p>) -> Option<Action<'p>> {
    let (&max, &condition) = (site.inputs.first()?, site.inputs.get(1)?);
    match site.out.constant(condition)? {
        Constant::Bool(true) => {}
        Constant::Bool(false) => return Some(Action::Unroll(0)),
        _ => return None,
    }
    let Constant::Int(count) = *site.out.constant(max)? else {
        return None;
    };
    if count <= 0 {
        return Some(Action::Unroll(0));
    }
    let graph = site.graph;
    let body = *graph.node(site.id).blocks.first()?;
    let goes_on = graph.constant(*graph.block(body).returns.first()?);
    if goes_on != Some(&Constant::Bool(true)) || count > MAX_ROUNDS {
        return None;
    }
    let fits = nodes_below(graph, body, MAX_UNROLLED / count);
    fits.then_some(Action::Unroll(count))
}

/// Whether a block and those in it have no more nodes than this.
fn nodes_below(graph: &Graph, block: crate::ir::BlockId, limit: i64) -> bool {
    let (mut pending, mut count) = (vec![block], 0);
    while let Some(block) = pending.pop() {
        let nodes = &graph.block(block).nodes;
        count += nodes.len() as i64;
        if count > limit {
            return false;
        }
        pending.extend(
            nodes
                .iter()
                .flat_map(|&n| graph.node(n).blocks.iter().copied()),
        );
    }
    true
}

fn one<'p>(value: ValueId) -> Action<'p> {
    Action::Values(SmallVec::from_slice(&[value]))
}

fn boolean<'p>(value: bool) -> Action<'p> {
    Action::Constants(vec![(Constant::Bool(value), Type::Bool)])
}

fn integer<'p>(value: i64) -> Action<'p> {
    Action::Constants(vec![(Constant::Int(value), Type::Int)])
}
