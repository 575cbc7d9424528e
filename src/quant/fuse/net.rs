//! The float graph with what is known about its values.

use super::ConstTensor;
use super::sizes::{Sizes, known};
use crate::archive::pickle::{ObjectId, TensorId, Value};
use crate::archive::{ArchiveError, Document};
use crate::ir::entity::Entity;
use crate::ir::{self, Constant, Function, Graph, Node, NodeId, Op, SideMap, Type, Use, ValueId};
use crate::model::Model;
use crate::pass::fold_constants::{Assumptions, Plain};
use crate::pass::{Options, PassError, flat_with, objects::Stored};
use crate::tensor::DType;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use smol_str::{SmolStr, format_smolstr};

/// Views of a constant looked through; real files have two or three.
const MAX_VIEWS: usize = 16;

/// Paths of modules that are told apart; the largest models have 5,000.
const MAX_MODULES: usize = 200_000;

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

/// Nesting of modules that is followed; real ones nest under 20.
pub(in crate::quant) const MAX_MODULE_DEPTH: usize = 200;

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
    /// Sizes of values that were there before any rewrite, for inputs of the shapes given.
    sizes: Sizes,
    /// Sizes that weights say, whatever the inputs' shapes.
    fixed_sizes: Sizes,
    /// Sizes of the inputs, where they are known.
    pub(super) input_sizes: Vec<Option<Vec<i64>>>,
    /// How many values the model's own graph has; those of rules come after them.
    own_values: usize,
    /// Steps inside composite operators that have 16 bits where the march has them (horizon.md 3.15).
    wide: FxHashSet<ValueId>,
    /// Modules by path.
    modules: FxHashMap<SmolStr, Module>,
    data: &'m Document,
    constants: &'m Document,
}

/// A module of the file.
struct Module {
    class: String,
    has_children: bool,
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
            input_sizes,
            own_values: flat.function.graph.value_count(),
            wide: FxHashSet::default(),
            function: flat.function,
            modules: modules(model.archive.data()?, model.root()),
            data: model.archive.data()?,
            constants: model.archive.constants()?,
        };
        net.recount();
        let (mut given, mut open) = (Vec::new(), Vec::new());
        for shape in &net.input_sizes {
            given.push(shape.as_deref().map(known));
            open.push(shape.as_ref().map(|it| vec![None; it.len()]));
        }
        // The second time, parts of stored weights are known whose sizes the first one found.
        for _ in 0..2 {
            net.fixed_sizes = Sizes::infer(net.graph(), &open, &|value| net.tensor(value));
        }
        net.sizes = Sizes::infer(net.graph(), &given, &|value| net.tensor(value));
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

    /// The dimensions of a value that no rewrite made.
    pub(super) fn known_rank(&self, value: ValueId) -> Option<u8> {
        self.ranks[value]
    }

    /// The sizes of a tensor that no rewrite made, as far as the inputs' shapes tell them.
    pub(in crate::quant) fn sizes(&self, value: ValueId) -> Option<Vec<Option<i64>>> {
        Some(self.sizes.of(value)?.to_vec())
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

    /// An argument by its name in the schema.
    pub(in crate::quant) fn arg(&self, id: NodeId, name: &str) -> Option<ValueId> {
        let node = self.node(id);
        match node.op {
            Op::Operator(schema) => node.inputs.get(schema.arg_index(name)?).copied(),
            _ => None,
        }
    }

    /// The constant a value is.
    pub(in crate::quant) fn constant(&self, value: ValueId) -> Option<&Constant> {
        self.graph().constant(value)
    }

    /// Whether a value is `None`.
    pub(in crate::quant) fn is_none(&self, value: ValueId) -> bool {
        matches!(self.constant(value), Some(Constant::None))
    }

    /// A constant int.
    pub(in crate::quant) fn int(&self, value: ValueId) -> Option<i64> {
        match self.constant(value)? {
            Constant::Int(it) => Some(*it),
            _ => None,
        }
    }

    /// A constant bool.
    pub(in crate::quant) fn bool(&self, value: ValueId) -> Option<bool> {
        match self.constant(value)? {
            Constant::Bool(it) => Some(*it),
            _ => None,
        }
    }

    /// A constant number, also as a tensor without dimensions, which is how tracing keeps numbers.
    pub(in crate::quant) fn number(&self, value: ValueId) -> Option<f64> {
        match self.constant(value) {
            Some(Constant::Int(it)) => Some(*it as f64),
            Some(Constant::Float(it)) => Some(*it),
            Some(Constant::Table(_)) => self.tensor(value)?.scalar(),
            _ => self.fixed_sizes.number(value),
        }
    }

    /// The size of a tensor's last dimension, whatever the inputs' shapes; of values that no rewrite made.
    pub(in crate::quant) fn fixed_last_size(&self, value: ValueId) -> Option<i64> {
        *self.fixed_sizes.of(value)?.last()?
    }

    /// A constant list of ints.
    pub(in crate::quant) fn ints(&self, value: ValueId) -> Option<Vec<i64>> {
        let of = |constant: &Constant| match constant {
            Constant::Int(it) => Some(*it),
            _ => None,
        };
        match self.constant(value) {
            Some(Constant::List(items) | Constant::Tuple(items)) => items.iter().map(of).collect(),
            Some(_) => None,
            None => {
                let node = self.node(self.graph().producer(value)?);
                let list = matches!(node.op, Op::ListConstruct | Op::TupleConstruct);
                let items = || node.inputs.iter().map(|it| self.int(*it)).collect();
                list.then(items).flatten()
            }
        }
    }

    /// A constant list of `N` ints, or one int for all.
    pub(in crate::quant) fn ints_n(&self, value: ValueId, n: usize) -> Option<Vec<i64>> {
        let found = match self.int(value) {
            Some(one) => vec![one; n],
            None => self.ints(value)?,
        };
        match found.len() {
            1 => Some(vec![found[0]; n]),
            len if len == n => Some(found),
            _ => None,
        }
    }

    /// A tensor that is known: an attribute of the file, an entry of its table, or a transposed view of one.
    pub(in crate::quant) fn tensor(&self, value: ValueId) -> Option<ConstTensor> {
        self.tensor_at(value, 0)
    }

    fn tensor_at(&self, value: ValueId, depth: usize) -> Option<ConstTensor> {
        if let Some(stored) = self.stored[value].as_ref() {
            return self.stored_tensor(self.data.at(stored.item));
        }
        let producer = self.graph().producer(value)?;
        let node = self.node(producer);
        if let Op::Constant(Constant::Table(index)) = node.op {
            let Value::Tuple(items) = self.constants.at(self.constants.root()) else {
                return None;
            };
            let item = *self.constants.items(items).get(index as usize)?;
            let id = self.constants.as_tensor(self.constants.at(item))?;
            // Freezing made constants of what was trained.
            return view(self.constants, id, true);
        }
        if depth >= MAX_VIEWS {
            return None;
        }
        if node.op == Op::ListUnpack {
            let place = node.outputs.iter().position(|it| *it == value)?;
            return self.part_of(*node.inputs.first()?, place, depth + 1);
        }
        let base = || self.tensor_at(*node.inputs.first()?, depth + 1);
        match self.aten(producer)? {
            "t" | "numpy_T" => {
                let base = base()?;
                (base.sizes().len() == 2).then(|| base.transposed(0, 1))?
            }
            "transpose" | "swapaxes" | "swapdims" => {
                let base = base()?;
                let rank = base.sizes().len() as i64;
                let axis = |at: usize| {
                    let dim = self.int(*node.inputs.get(at)?)?;
                    usize::try_from(if dim < 0 { dim + rank } else { dim }).ok()
                };
                base.transposed(axis(1)?, axis(2)?)
            }
            "unsqueeze" => {
                let base = base()?;
                let rank = base.sizes().len() as i64;
                let dim = self.int(*node.inputs.get(1)?)?;
                base.unsqueezed(usize::try_from(if dim < 0 { dim + rank + 1 } else { dim }).ok()?)
            }
            "detach" | "alias" | "contiguous" => base(),
            "__getitem__" => {
                let list = self.stored_list(*node.inputs.first()?)?;
                let index = usize::try_from(self.int(*node.inputs.get(1)?)?).ok()?;
                list.into_iter().nth(index)
            }
            _ => None,
        }
    }

    /// One of the parts that a stored tensor is split into.
    fn part_of(&self, list: ValueId, place: usize, depth: usize) -> Option<ConstTensor> {
        let id = self.graph().producer(list)?;
        let name = self.aten(id)?;
        let inputs = &self.node(id).inputs;
        let whole = self.tensor_at(*inputs.first()?, depth)?;
        let rank = whole.sizes().len() as i64;
        let dim = self.int(self.arg(id, "dim")?)?;
        let axis = usize::try_from(if dim < 0 { dim + rank } else { dim }).ok()?;
        let size = *whole.sizes().get(axis)?;
        let second = *inputs.get(1)?;
        let even = |part: i64| {
            let start = part.checked_mul(place as i64)?;
            Some((start, part.min(size.checked_sub(start)?)))
        };
        let (start, length) = match (name, self.whole(second)) {
            ("chunk", Some(count)) if count > 0 => even((size + count - 1) / count)?,
            ("split", Some(part)) if part > 0 => even(part)?,
            ("split" | "split_with_sizes", None) => {
                let node = self.node(self.graph().producer(second)?);
                let lengths = node.inputs.iter().map(|it| self.whole(*it));
                let lengths = lengths.collect::<Option<Vec<i64>>>()?;
                (lengths.iter().take(place).sum(), *lengths.get(place)?)
            }
            _ => return None,
        };
        whole.narrowed(axis, start, length)
    }

    /// A number without a fraction.
    fn whole(&self, value: ValueId) -> Option<i64> {
        if *self.graph().ty(value) != Type::Int {
            return None;
        }
        Some(self.number(value)? as i64)
    }

    /// How many tensors a list has, if all are known.
    pub(in crate::quant) fn tensor_count(&self, list: ValueId) -> Option<usize> {
        let node = self.node(self.graph().producer(list)?);
        if node.op == Op::ListConstruct {
            let known = |it: &ValueId| self.tensor(*it).is_some();
            return node.inputs.iter().all(known).then_some(node.inputs.len());
        }
        Some(self.stored_list(list)?.len())
    }

    /// A list of tensors of the file: an attribute, or an entry of its table.
    fn stored_list(&self, list: ValueId) -> Option<Vec<ConstTensor>> {
        if let Some(stored) = self.stored[list].as_ref() {
            let items = self.data.sequence(self.data.at(stored.item))?.iter();
            return items
                .map(|it| self.stored_tensor(self.data.at(*it)))
                .collect();
        }
        let Op::Constant(Constant::Table(index)) = self.node(self.graph().producer(list)?).op
        else {
            return None;
        };
        let table = self.constants;
        let Value::Tuple(items) = table.at(table.root()) else {
            return None;
        };
        let item = table.at(*table.items(items).get(index as usize)?);
        let tensors = table.sequence(item)?.iter();
        tensors
            .map(|it| view(table, table.as_tensor(table.at(*it))?, true))
            .collect()
    }

    /// Whether a value is a tensor of the file as it is.
    pub(in crate::quant) fn is_constant_tensor(&self, value: ValueId) -> bool {
        *self.graph().ty(value) == Type::Tensor && self.tensor(value).is_some()
    }

    /// The path of an attribute.
    pub(in crate::quant) fn path(&self, value: ValueId) -> Option<&SmolStr> {
        self.stored[value].as_ref().map(|it| &it.path)
    }

    /// The class of the module at a path, without `___torch_mangle_N`; none if there is no module.
    pub(in crate::quant) fn class_at(&self, path: &str) -> Option<&str> {
        Some(&self.modules.get(path)?.class)
    }

    /// Whether the module at a path has submodules.
    pub(in crate::quant) fn has_children(&self, path: &str) -> bool {
        self.modules.get(path).is_some_and(|it| it.has_children)
    }

    /// Names of the root's submodules whose class fits.
    pub(in crate::quant) fn root_names(&self, fits: impl Fn(&str) -> bool) -> FxHashSet<String> {
        let top = self
            .modules
            .iter()
            .filter(|it| !it.0.is_empty() && !it.0.contains('.'));
        let fitting = top.filter(|it| fits(&it.1.class));
        fitting.map(|it| it.0.to_string()).collect()
    }

    /// What `data.pkl` holds at an attribute path, with the class it is an attribute of.
    pub(in crate::quant) fn item_at(&self, path: &str) -> Option<(Value, Option<&ir::Attribute>)> {
        let Value::Object(mut at) = self.data.at(self.data.root()) else {
            return None;
        };
        let (owner, name) = path.rsplit_once('.').unwrap_or(("", path));
        for part in owner.split('.').filter(|it| !it.is_empty()) {
            at = match self.data.at(self.data.attribute(at, part)?) {
                Value::Object(child) => child,
                _ => return None,
            };
        }
        let class = self.data.qualified_name(self.data.object(at).class);
        let slot = self
            .model
            .program
            .class(&class)
            .and_then(|it| it.attribute(name));
        Some((self.data.at(self.data.attribute(at, name)?), slot))
    }

    /// `data.pkl`.
    pub(in crate::quant) fn data(&self) -> &'m Document {
        self.data
    }

    /// `constants.pkl`.
    pub(in crate::quant) fn constants(&self) -> &'m Document {
        self.constants
    }

    /// The tensor a value of `data.pkl` is.
    pub(in crate::quant) fn stored_tensor(&self, value: Value) -> Option<ConstTensor> {
        let id = self.data.as_tensor(value)?;
        let flag = match value {
            Value::Parameter { requires_grad, .. } => requires_grad,
            _ => self.data.tensor(id).requires_grad,
        };
        view(self.data, id, flag)
    }

    /// The first module, by path, whose class fits.
    pub(in crate::quant) fn module_named(
        &self,
        fits: impl Fn(&str) -> bool,
    ) -> Option<(String, String)> {
        let fitting = self.modules.iter().filter(|it| fits(&it.1.class));
        let (path, module) = fitting.min_by_key(|it| it.0)?;
        Some((path.to_string(), module.class.clone()))
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

/// The modules of a file by path; no more than so many, since shared modules have several paths.
fn modules(data: &Document, root: ObjectId) -> FxHashMap<SmolStr, Module> {
    let mut found = FxHashMap::default();
    let mut left = vec![(SmolStr::default(), root, 0)];
    while let Some((path, object, depth)) = left.pop() {
        let children = children(data, object);
        let class = demangled(&data.qualified_name(data.object(object).class));
        let has_children = !children.is_empty();
        if depth < MAX_MODULE_DEPTH && found.len() < MAX_MODULES {
            for (name, child) in children {
                left.push((joined(&path, &name), child, depth + 1));
            }
        }
        found.insert(
            path,
            Module {
                class,
                has_children,
            },
        );
    }
    found
}

/// `parent.name`
pub(in crate::quant) fn joined(parent: &str, name: &str) -> SmolStr {
    match parent.is_empty() {
        true => name.into(),
        false => format_smolstr!("{parent}.{name}"),
    }
}

/// Submodules of an object, in order.
pub(in crate::quant) fn children(data: &Document, object: ObjectId) -> Vec<(SmolStr, ObjectId)> {
    let Some(Value::Dict(dict)) = data.object(object).state.map(|it| data.at(it)) else {
        return Vec::new();
    };
    let items = data.dict(dict).items.iter();
    items
        .filter_map(|(key, value)| match data.at(*value) {
            Value::Object(child) => Some((data.str_at(*key)?.into(), child)),
            _ => None,
        })
        .collect()
}

/// A name without `___torch_mangle_N`.
pub(in crate::quant) fn demangled(name: &str) -> String {
    let parts: Vec<&str> = name
        .split('.')
        .filter(|it| !it.starts_with("___torch_mangle_"))
        .collect();
    parts.join(".")
}

fn view(document: &Document, id: TensorId, requires_grad: bool) -> Option<ConstTensor> {
    let view: Result<_, ArchiveError> = document.view(id);
    Some(ConstTensor {
        view: view.ok()??,
        requires_grad,
    })
}
