//! Which values may share memory, and which of those some node writes to.
//!
//! Values fall into classes by the alias annotations of schemas, by containment and by control flow; order is ignored,
//! so a class is written if any node anywhere writes to any member. What comes from outside (parameters, attributes)
//! shares one class for each kind of memory, since callers and files may alias them.

use super::effects;
use crate::ir::entity::Entity;
use crate::ir::schema::Schema;
use crate::ir::{Constant, Graph, Node, Op, Type, ValueId};
use rustc_hash::FxHashMap;

/// Operators that may return their input itself though no schema says so.
const PASS_THROUGH: &[&str] = &[
    "aten::alpha_dropout",
    "aten::atleast_1d",
    "aten::atleast_2d",
    "aten::atleast_3d",
    "aten::broadcast_tensors",
    "aten::dropout",
    "aten::feature_alpha_dropout",
    "aten::feature_dropout",
    "aten::meshgrid",
    "aten::nan_to_num",
    "aten::rrelu",
    "aten::type_as",
    "prim::data",
    "prim::grad",
];

/// What may happen to the memory of a class.
#[derive(Clone, Copy, Default)]
struct Fate {
    written: bool,
    reshaped: bool,
}

/// The classes of one graph.
pub(super) struct Aliases {
    parents: Vec<u32>,
    fates: FxHashMap<u32, Fate>,
    outside: FxHashMap<Type, u32>,
    any_outside: bool,
}

impl Aliases {
    pub(super) fn of(graph: &Graph) -> Aliases {
        let mut aliases = Aliases {
            parents: (0..graph.value_count() as u32).collect(),
            fates: FxHashMap::default(),
            outside: FxHashMap::default(),
            any_outside: false,
        };
        for &param in &graph.block(graph.root()).params {
            aliases.meets_outside(graph, param);
        }
        let nodes = graph.nodes_in_order();
        for &id in &nodes {
            aliases.connect(graph, graph.node(id));
        }
        aliases.merge_outside();
        for &id in &nodes {
            aliases.fate(graph, graph.node(id));
        }
        aliases
    }

    /// Whether anything may write to the memory of a value.
    pub(super) fn is_written(&self, value: ValueId) -> bool {
        self.fate_of(value).written
    }

    /// Whether anything may change the sizes or strides of a value.
    pub(super) fn is_reshaped(&self, value: ValueId) -> bool {
        self.fate_of(value).reshaped
    }

    fn fate_of(&self, value: ValueId) -> Fate {
        let class = self.find(value.index() as u32);
        self.fates.get(&class).copied().unwrap_or_default()
    }

    fn find(&self, mut at: u32) -> u32 {
        while self.parents[at as usize] != at {
            at = self.parents[at as usize];
        }
        at
    }

    /// The smaller id wins; both chains are halved on the way.
    fn union(&mut self, a: u32, b: u32) {
        let (a, b) = (self.halve(a), self.halve(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }

    fn halve(&mut self, mut at: u32) -> u32 {
        while self.parents[at as usize] != at {
            let up = self.parents[self.parents[at as usize] as usize];
            self.parents[at as usize] = up;
            at = up;
        }
        at
    }

    fn join(&mut self, graph: &Graph, a: ValueId, b: ValueId) {
        if has_memory(graph.ty(a)) && has_memory(graph.ty(b)) {
            self.union(a.index() as u32, b.index() as u32);
        }
    }

    fn join_all(&mut self, graph: &Graph, node: &Node) {
        let all = || node.inputs.iter().chain(&node.outputs);
        let Some(&first) = all().find(|v| has_memory(graph.ty(**v))) else {
            return;
        };
        for &value in all() {
            self.join(graph, first, value);
        }
    }

    fn meets_outside(&mut self, graph: &Graph, value: ValueId) {
        let mut keys = Vec::new();
        kinds(graph.ty(value), &mut keys);
        for key in keys {
            self.any_outside |= key == Type::Any;
            let class = self.outside_class(key);
            self.union(class, value.index() as u32);
        }
    }

    fn outside_class(&mut self, key: Type) -> u32 {
        if let Some(&class) = self.outside.get(&key) {
            return class;
        }
        let class = self.parents.len() as u32;
        self.parents.push(class);
        self.outside.insert(key, class);
        class
    }

    /// A value of unknown type may be any of them.
    fn merge_outside(&mut self) {
        if !self.any_outside {
            return;
        }
        let mut classes: Vec<u32> = self.outside.values().copied().collect();
        classes.sort_unstable();
        for pair in classes.windows(2) {
            self.union(pair[0], pair[1]);
        }
    }

    fn connect(&mut self, graph: &Graph, node: &Node) {
        match &node.op {
            Op::Constant(Constant::Table(_)) | Op::GetAttr(_) => {
                node.outputs
                    .iter()
                    .for_each(|&v| self.meets_outside(graph, v));
            }
            Op::SetAttr(_) => node
                .inputs
                .iter()
                .for_each(|&v| self.meets_outside(graph, v)),
            Op::CallMethod(_) | Op::CallFunction(_) | Op::Opaque(_) | Op::Enter | Op::Exit => {
                self.join_all(graph, node);
                for &value in node.inputs.iter().chain(&node.outputs) {
                    self.meets_outside(graph, value);
                }
            }
            Op::If => {
                for &block in &node.blocks {
                    self.join_each(graph, &graph.block(block).returns, &node.outputs);
                }
            }
            Op::Loop => {
                let carried = node.inputs.get(2..).unwrap_or_default();
                self.join_each(graph, carried, &node.outputs);
                for &block in &node.blocks {
                    let body = graph.block(block);
                    let params = body.params.get(1..).unwrap_or_default();
                    self.join_each(graph, carried, params);
                    let next = body.returns.get(1..).unwrap_or_default();
                    self.join_each(graph, next, &node.outputs);
                }
            }
            Op::Fork | Op::Awaitable => {
                for &block in &node.blocks {
                    for &value in &graph.block(block).returns {
                        self.join(graph, value, node.outputs[0]);
                    }
                }
            }
            Op::Operator(schema) => self.operator(graph, node, schema),
            Op::Constant(_) | Op::CreateObject | Op::Uninitialized | Op::Print => {}
            _ => self.join_all(graph, node),
        }
    }

    fn join_each(&mut self, graph: &Graph, a: &[ValueId], b: &[ValueId]) {
        for (&a, &b) in a.iter().zip(b) {
            self.join(graph, a, b);
        }
    }

    fn operator(&mut self, graph: &Graph, node: &Node, schema: &Schema) {
        let generic = |ty: &Type| contains_variable(ty);
        if schema.args.iter().any(|a| generic(&a.ty))
            || schema.returns.iter().any(|r| generic(&r.ty))
            || PASS_THROUGH.contains(&schema.name())
        {
            return self.join_all(graph, node);
        }
        for (index, result) in schema.returns.iter().enumerate() {
            let Some(set) = &result.alias else { continue };
            let Some(&output) = node.outputs.get(index) else {
                continue;
            };
            for (arg, &input) in schema.args.iter().zip(&node.inputs) {
                let same = arg.alias.as_ref().is_some_and(|other| shares(set, other));
                if same || set.contains('*') {
                    self.join(graph, input, output);
                }
            }
        }
    }

    fn fate(&mut self, graph: &Graph, node: &Node) {
        match &node.op {
            Op::CallMethod(_) | Op::CallFunction(_) | Op::Opaque(_) | Op::Enter | Op::Exit => {
                let fate = Fate {
                    written: true,
                    reshaped: true,
                };
                let classes: Vec<u32> = self.outside.values().copied().collect();
                let values = node.inputs.iter().chain(&node.outputs);
                let values = values.map(|v| v.index() as u32);
                for class in values
                    .chain(classes)
                    .map(|c| self.find(c))
                    .collect::<Vec<_>>()
                {
                    self.fates.insert(class, fate);
                }
            }
            Op::Operator(schema) => {
                let reshaped = effects::reshapes(schema);
                for index in effects::writes(graph, node, schema) {
                    let class = self.find(node.inputs[index].index() as u32);
                    let fate = self.fates.entry(class).or_default();
                    fate.written = true;
                    fate.reshaped |= reshaped;
                }
            }
            _ => {}
        }
    }
}

/// Whether alias sets such as `a` and `a -> *` name the same memory.
fn shares(a: &str, b: &str) -> bool {
    let names = |set: &str| -> Vec<String> {
        set.split(['|', ' ', '-', '>'])
            .filter(|n| !n.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let others = names(b);
    names(a).iter().any(|name| others.contains(name))
}

/// Whether a value of the type can be written to, or holds something that can.
fn has_memory(ty: &Type) -> bool {
    match ty {
        Type::Int
        | Type::Float
        | Type::Bool
        | Type::Str
        | Type::Complex
        | Type::Number
        | Type::None
        | Type::Device
        | Type::QScheme
        | Type::Function(_) => false,
        Type::Optional(inner) => has_memory(inner),
        Type::Tuple(items) => items.iter().any(has_memory),
        _ => true,
    }
}

/// The kinds of memory behind a type.
fn kinds(ty: &Type, keys: &mut Vec<Type>) {
    match ty {
        Type::Tensor => keys.push(Type::Tensor),
        Type::Optional(inner) => kinds(inner, keys),
        Type::Tuple(items) => items.iter().for_each(|item| kinds(item, keys)),
        Type::List(element) => {
            keys.push(ty.clone());
            kinds(element, keys);
        }
        // An object is a handle: what it holds is met where an attribute is read.
        Type::Class(_) => keys.push(Type::AnyClass),
        other if has_memory(other) => keys.push(Type::Any),
        _ => {}
    }
}

fn contains_variable(ty: &Type) -> bool {
    match ty {
        Type::Var(_) | Type::Any | Type::AnyList | Type::AnyTuple | Type::AnyClass => true,
        Type::Optional(inner)
        | Type::List(inner)
        | Type::Future(inner)
        | Type::Await(inner)
        | Type::RRef(inner) => contains_variable(inner),
        Type::Dict(kv) => contains_variable(&kv.0) || contains_variable(&kv.1),
        Type::Tuple(items) | Type::Union(items) => items.iter().any(contains_variable),
        _ => false,
    }
}
