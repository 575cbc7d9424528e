//! The graph with calls of fake-quantised modules in the place of float operators.
//!
//! Every tensor is in one of two domains: fake-quantised, with a scale that some module gave it, or float. Where an
//! operator needs the other one, a stub stands between.

mod domain;
mod leaves;
mod own;
mod recurrent;

use super::PrepareError;
use super::leaf::{Leaf, LeafKind};
use super::names::Names;
use super::plan::{Planned, op_name};
use super::report::{FloatRow, PrepareReport};
use crate::emit::Method;
use crate::ir::{Function, NodeId, Op, Program, SideMap, Type, Use, ValueId};
use crate::quant::fuse::{Builder, FloatOp, Net};
use crate::quant::qconfig::{QConfig, Resolved, Resolver};
use rustc_hash::{FxHashMap, FxHashSet};

/// The new `forward` and its modules.
pub(super) struct Rewritten {
    /// The method.
    pub(super) function: Function,
    /// Modules in the order they run.
    pub(super) leaves: Vec<Leaf>,
}

impl Rewritten {
    /// Whether no operator was quantised.
    pub(super) fn is_empty(&self) -> bool {
        let stub = |it: &Leaf| {
            matches!(
                it.kind,
                LeafKind::QuantStub | LeafKind::DeQuantStub | LeafKind::Own { .. }
            )
        };
        self.leaves.iter().all(stub)
    }
}

/// What the walk knows of the old graph, read before it is taken apart.
struct Facts {
    /// Values that only make outputs of the model.
    outputs: FxHashSet<ValueId>,
    /// The same, but for operators that move their elements on the way.
    moved_outputs: FxHashSet<ValueId>,
    /// Sums with a number that only a relu6 reads.
    gates: FxHashSet<NodeId>,
    /// Values that are read as coordinates of a grid sample, or that coordinates are made of.
    grids: FxHashSet<ValueId>,
    /// Values of 16 bits: steps inside composite operators.
    wide: FxHashSet<ValueId>,
    /// Names for stubs at a node.
    stubs: FxHashMap<NodeId, String>,
    /// Paths and labels of stored tensors.
    stored: FxHashMap<ValueId, String>,
    live: FxHashSet<ValueId>,
    reads: FxHashMap<NodeId, Vec<ValueId>>,
    kinds: FxHashMap<NodeId, String>,
    /// Batch norms over three spatial dimensions.
    three_dimensional: FxHashSet<NodeId>,
    /// Float modules of operators that keep the scale.
    own: FxHashMap<NodeId, own::Own>,
    /// First steps of recurrent layers by step.
    chains: FxHashMap<NodeId, NodeId>,
}

/// One walk over the nodes of the root block.
struct Rewriter<'a, 'g> {
    builder: Builder<'g>,
    program: &'a Program,
    facts: Facts,
    names: Names,
    march_has_int16: bool,
    leaves: Vec<Leaf>,
    report: &'a mut PrepareReport,
    /// What stands for a value of the old graph.
    newest: FxHashMap<ValueId, ValueId>,
    /// Values of the new graph with a scale.
    quantised: SideMap<ValueId, bool>,
    /// A value and its other domain.
    as_quantised: FxHashMap<ValueId, ValueId>,
    as_float: FxHashMap<ValueId, ValueId>,
    self_value: ValueId,
    stub: Resolved,
    /// Placed modules by node, with their qconfig.
    placed: FxHashMap<NodeId, (String, Resolved)>,
    /// What the operator in float at hand reads in the place of a value.
    float_reads: FxHashMap<ValueId, ValueId>,
    /// Values of the new graph in 16 bits that sums of parts keep.
    wide: SideMap<ValueId, bool>,
    /// Methods of float modules that stay, by path.
    own_methods: FxHashMap<String, Method>,
}

/// Rewrites the graph of a net.
pub(super) fn rewrite(
    net: &mut Net<'_>,
    mut planned: Planned,
    qconfig: &QConfig,
    resolver: &mut Resolver<'_>,
    report: &mut PrepareReport,
) -> Result<Rewritten, PrepareError> {
    let class_of = |_: &str| None;
    let Some(stub) = resolver.resolve("", &class_of) else {
        return Err(PrepareError::Nothing);
    };
    let mut names = std::mem::take(&mut planned.names);
    let facts = facts(net, &planned, &names);
    let placed = place_all(net, &planned, &mut names, resolver);
    let floats = float_rows(net, &planned);
    let stub_names = input_stubs(net, &planned, &mut names, resolver, &stub);
    let params = net.function.graph.block(net.graph().root()).params.clone();
    let returns = net.function.graph.block(net.graph().root()).returns.clone();
    let model = net.model;
    let (builder, nodes) = Builder::new(net.graph_mut());
    let mut rewriter = Rewriter {
        builder,
        program: &model.program,
        facts,
        names,
        march_has_int16: qconfig.march.has_int16(),
        leaves: Vec::new(),
        report,
        newest: FxHashMap::default(),
        quantised: SideMap::new(),
        as_quantised: FxHashMap::default(),
        as_float: FxHashMap::default(),
        self_value: params[0],
        stub,
        placed,
        float_reads: FxHashMap::default(),
        wide: SideMap::new(),
        own_methods: FxHashMap::default(),
    };
    for (param, name, resolved) in stub_names {
        rewriter.input_stub(param, name, resolved);
    }
    for id in nodes {
        rewriter.builder.at(id);
        if planned.absorbed.contains(&id) {
            rewriter.report.fused += 1;
            continue;
        }
        if let Some(group) = planned.groups.remove(&id) {
            rewriter.group(id, group, qconfig.high_precision_output);
            continue;
        }
        match planned.ops.remove(&id) {
            Some(op) => rewriter.node(id, op, &floats),
            None => rewriter.other(id),
        }
    }
    let returns: Vec<ValueId> = returns.iter().map(|it| rewriter.output(*it)).collect();
    let Rewriter {
        builder, leaves, ..
    } = rewriter;
    builder.finish();
    let root = net.graph().root();
    net.graph_mut().block_mut(root).returns = returns;
    crate::pass::dead_code::dead_code(net.graph_mut());
    Ok(Rewritten {
        function: net.function.clone(),
        leaves: with_calls(net, leaves),
    })
}

/// Leaves whose calls are still there, those of values nobody reads being gone.
fn with_calls(net: &Net<'_>, leaves: Vec<Leaf>) -> Vec<Leaf> {
    let mut called = FxHashSet::default();
    for id in net.graph().nodes_in_order() {
        let node = net.node(id);
        if let (Op::CallMethod(_), Some(&object)) = (&node.op, node.inputs.first()) {
            called.insert(path_of(net, object));
        }
    }
    leaves
        .into_iter()
        .filter(|it| called.contains(&it.path))
        .collect()
}

/// The attribute path of an object, by the `GetAttr`s before it.
fn path_of(net: &Net<'_>, object: ValueId) -> String {
    let mut parts = Vec::new();
    let mut at = object;
    while let Some(producer) = net.graph().producer(at) {
        let Op::GetAttr(name) = &net.node(producer).op else {
            break;
        };
        parts.push(name.as_str());
        at = net.node(producer).inputs[0];
    }
    parts.reverse();
    parts.join(".")
}

fn facts(net: &Net<'_>, planned: &Planned, names: &Names) -> Facts {
    let mut facts = Facts {
        outputs: FxHashSet::default(),
        moved_outputs: FxHashSet::default(),
        gates: FxHashSet::default(),
        grids: FxHashSet::default(),
        wide: FxHashSet::default(),
        stubs: FxHashMap::default(),
        stored: FxHashMap::default(),
        live: FxHashSet::default(),
        reads: FxHashMap::default(),
        kinds: FxHashMap::default(),
        three_dimensional: FxHashSet::default(),
        own: own::own_modules(net, planned),
        chains: planned.chains.clone(),
    };
    for value in net.graph().value_ids() {
        let made_of = |id: NodeId| is_structure(&net.node(id).op);
        if only_output(net, value, 0, &made_of) {
            facts.outputs.insert(value);
        } else if only_output(net, value, 0, &|id| {
            made_of(id) || matches!(planned.ops.get(&id), Some(FloatOp::Move(_)))
        }) {
            facts.moved_outputs.insert(value);
        }
        if net.is_wide(value) {
            facts.wide.insert(value);
        }
        if net.is_live(value) {
            facts.live.insert(value);
        }
        if let Some(path) = net.path(value) {
            facts.stored.insert(value, path.replace('.', "_"));
        }
    }
    for id in net.nodes() {
        if is_gate(net, planned, id) {
            facts.gates.insert(id);
        }
        if let Some(grid) = net.arg(id, "grid") {
            coordinates(net, planned, grid, &mut facts.grids);
        }
        if let Some(FloatOp::Cell(cell)) = planned.ops.get(&id) {
            for &state in &cell.states {
                initial_states(net, planned, state, &mut facts.grids);
            }
        }
        let kind = net
            .node(id)
            .op
            .kind()
            .rsplit("::")
            .next()
            .unwrap_or_default();
        facts.stubs.insert(id, names.of(net, id, kind));
        facts.reads.insert(id, net.reads(id));
        facts.kinds.insert(id, kind.to_owned());
        let class = net.class_at(&net.node(id).scope).unwrap_or_default();
        let rank = net.node(id).inputs.first().and_then(|it| net.rank(*it));
        if rank.map_or(class.ends_with("BatchNorm3d"), |it| it == 5) {
            facts.three_dimensional.insert(id);
        }
    }
    facts
}

/// Whether a node adds a number to what only a relu6 reads: what a hard sigmoid is made of.
fn is_gate(net: &Net<'_>, planned: &Planned, id: NodeId) -> bool {
    let adds = matches!(
        planned.ops.get(&id),
        Some(FloatOp::Scalar {
            name: "add_scalar",
            ..
        })
    );
    let reader = || net.only_user(*net.node(id).outputs.first()?);
    adds && reader().is_some_and(|it| matches!(planned.ops.get(&it), Some(FloatOp::Relu6(_))))
}

/// Adds a grid and what it is made of by moves, sums and products.
fn coordinates(net: &Net<'_>, planned: &Planned, grid: ValueId, found: &mut FxHashSet<ValueId>) {
    let mut left = vec![grid];
    while let Some(value) = left.pop() {
        if *net.graph().ty(value) != Type::Tensor || !found.insert(value) {
            continue;
        }
        let Some(producer) = net.graph().producer(value) else {
            continue;
        };
        match planned.ops.get(&producer) {
            Some(FloatOp::Move(x)) => left.push(*x),
            Some(FloatOp::Binary { inputs, .. }) => left.extend(inputs),
            Some(FloatOp::Scalar { input, .. }) => left.push(*input),
            _ => {}
        }
    }
}

/// Adds an input of the model that is nothing but states of recurrent layers: it is rounded to the layer's scale
/// later, and should not be rounded as coarsely before.
fn initial_states(
    net: &Net<'_>,
    planned: &Planned,
    state: ValueId,
    found: &mut FxHashSet<ValueId>,
) {
    let mut at = state;
    for _ in 0..MAX_MOVES {
        match net.graph().producer(at).map(|it| planned.ops.get(&it)) {
            Some(Some(FloatOp::Move(x))) => at = *x,
            Some(_) => return,
            None => {
                if only_states(net, planned, at, 0) {
                    found.insert(at);
                }
                return;
            }
        }
    }
}

/// Whether all that reads a value are recurrent cells, by way of moves and lists.
fn only_states(net: &Net<'_>, planned: &Planned, value: ValueId, depth: usize) -> bool {
    net.uses(value).iter().all(|it| {
        let Use::Input { node, .. } = it else {
            return false;
        };
        match planned.ops.get(node) {
            Some(FloatOp::Cell(cell)) => cell.input != value,
            Some(FloatOp::Meta) => true,
            Some(FloatOp::Move(_) | FloatOp::Other) if depth < MAX_MOVES => {
                let outputs = net.node(*node).outputs.iter();
                outputs
                    .copied()
                    .all(|it| only_states(net, planned, it, depth + 1))
            }
            _ => false,
        }
    })
}

/// Nesting of tuples, lists and dicts of outputs that is followed.
const MAX_STRUCTURE: usize = 32;

fn is_structure(op: &Op) -> bool {
    matches!(
        op,
        Op::TupleConstruct | Op::ListConstruct | Op::DictConstruct
    )
}

/// Whether a value is read by nothing but the result of the method, by way of nodes that `through` lets pass.
fn only_output(
    net: &Net<'_>,
    value: ValueId,
    depth: usize,
    through: &dyn Fn(NodeId) -> bool,
) -> bool {
    let uses = net.uses(value);
    !uses.is_empty()
        && depth < MAX_STRUCTURE
        && uses.iter().all(|it| match it {
            Use::Return { block, .. } => *block == net.graph().root(),
            Use::Input { node, .. } => {
                let outputs = &net.node(*node).outputs;
                through(*node)
                    && outputs.len() == 1
                    && only_output(net, outputs[0], depth + 1, through)
            }
        })
}

/// A path and qconfig for each module.
fn place_all(
    net: &Net<'_>,
    planned: &Planned,
    names: &mut Names,
    resolver: &mut Resolver<'_>,
) -> FxHashMap<NodeId, (String, Resolved)> {
    let mut placed = FxHashMap::default();
    for id in net.nodes() {
        if planned.absorbed.contains(&id) {
            continue;
        }
        let group = planned.groups.get(&id);
        // A group with an add stands at the add, others at their head (8.1).
        let at = match group {
            Some(group) => group.add.map_or(group.members[0], |(add, _)| add),
            None => id,
        };
        let Some(op) = planned.ops.get(&at).and_then(op_name) else {
            continue;
        };
        // The steps of a recurrent layer are calls of one module.
        let first = planned.chains.get(&id).filter(|it| **it != id);
        if let Some(known) = first.map(|it| placed.get(it).cloned()) {
            placed.extend(known.map(|it| (id, it)));
            continue;
        }
        let path = names.place(net, at, op);
        let scope = net.node(at).scope.clone();
        let mut found = resolver.resolve(&path, &|it| net.class_at(it));
        if net.class_at(&path).is_none() {
            // A generated module takes its owner's qconfig, unless a rule names it.
            let owner = resolver.resolve(&scope, &|it| net.class_at(it));
            found = match found {
                Some(own) if own.names_activation => Some(own),
                _ => owner,
            };
        }
        if let Some(resolved) = found {
            placed.insert(id, (path, resolved));
        }
    }
    placed
}

/// Rows of the report for nodes that stay in float.
fn float_rows(net: &Net<'_>, planned: &Planned) -> FxHashMap<NodeId, FloatRow> {
    let mut rows = FxHashMap::default();
    for id in net.nodes() {
        let why = match planned.ops.get(&id) {
            Some(FloatOp::Float(why)) => why.clone(),
            // Looked at where it turns out to read such a tensor.
            Some(FloatOp::ToFloat { .. }) => "it reads a tensor that is not quantised".to_owned(),
            _ => continue,
        };
        let row = FloatRow {
            op: net.node(id).op.kind().to_owned(),
            scope: net.node(id).scope.to_string(),
            place: net.place_of(id),
            why,
        };
        rows.insert(id, row);
    }
    rows
}

/// Tensor inputs that some operator reads quantised, with the names of their stubs, in input order.
fn input_stubs(
    net: &Net<'_>,
    planned: &Planned,
    names: &mut Names,
    resolver: &mut Resolver<'_>,
    stub: &Resolved,
) -> Vec<(ValueId, String, Resolved)> {
    let graph = net.graph();
    let mut stubs = Vec::new();
    for &param in graph.block(graph.root()).params.iter().skip(1) {
        if *graph.ty(param) != Type::Tensor || !wants_quantised(net, planned, param, 0) {
            continue;
        }
        let name = names.free("quant");
        let resolved = resolver.resolve(&name, &|it| net.class_at(it));
        stubs.push((param, name, resolved.unwrap_or_else(|| stub.clone())));
    }
    stubs
}

/// Operators that only move elements which are followed from an input to what reads it.
const MAX_MOVES: usize = 64;

fn wants_quantised(net: &Net<'_>, planned: &Planned, value: ValueId, depth: usize) -> bool {
    let wants = |node: NodeId| {
        if planned.absorbed.contains(&node) || planned.groups.contains_key(&node) {
            return true;
        }
        match planned.ops.get(&node) {
            Some(FloatOp::Move(_) | FloatOp::Other) if depth < MAX_MOVES => {
                let outputs = &net.node(node).outputs;
                outputs
                    .iter()
                    .any(|it| wants_quantised(net, planned, *it, depth + 1))
            }
            Some(
                FloatOp::Float(_)
                | FloatOp::ToFloat { .. }
                | FloatOp::Meta
                | FloatOp::Move(_)
                | FloatOp::Other,
            )
            | None => false,
            Some(_) => true,
        }
    };
    net.uses(value).iter().any(|it| match it {
        Use::Input { node, .. } => net.place(*node).is_some() && wants(*node),
        Use::Return { .. } => false,
    })
}
