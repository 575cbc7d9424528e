//! Constants of one function, each once.

use super::body::Body;
use super::literal;
use super::term::Val;
use crate::diag::Span;
use crate::ir::{Constant, NodeId, Op, Type, ValueId};
use rustc_hash::FxHashMap;
use std::hash::{Hash, Hasher};

#[derive(PartialEq)]
struct Key(Constant, Type);

/// Equality of constants is equality of bits, hence an equivalence.
impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0, state);
        self.1.hash(state);
    }
}

fn hash<H: Hasher>(constant: &Constant, state: &mut H) {
    std::mem::discriminant(constant).hash(state);
    match constant {
        Constant::None => {}
        Constant::Bool(value) => value.hash(state),
        Constant::Int(value) => value.hash(state),
        Constant::Float(value) => value.to_bits().hash(state),
        Constant::Complex(re, im) => (re.to_bits(), im.to_bits()).hash(state),
        Constant::Str(bytes) => bytes.hash(state),
        Constant::Device(name) | Constant::Function(name) => name.hash(state),
        Constant::List(items) | Constant::Tuple(items) => {
            items.iter().for_each(|item| hash(item, state))
        }
        Constant::Dict(items) => items.iter().for_each(|(key, value)| {
            hash(key, state);
            hash(value, state);
        }),
        Constant::Enum { class, member } => (class, member).hash(state),
        Constant::Table(index) => index.hash(state),
    }
}

/// What a constant is known by. libtorch pools constants by value, so that `0.` after `-0.` is the same constant and
/// negative, and `-0.` after `0.` is positive; models rely on neither, but results must be the same.
fn pooled(constant: &Constant) -> Constant {
    match constant {
        Constant::Float(0.0) => Constant::Float(0.0),
        other => other.clone(),
    }
}

/// The constant nodes of a function, to be put in front of its root block.
#[derive(Default)]
pub(super) struct Pool {
    values: FxHashMap<Key, ValueId>,
    nodes: Vec<NodeId>,
}

impl Pool {
    /// The nodes in the order of their first use.
    pub(super) fn into_nodes(self) -> Vec<NodeId> {
        self.nodes
    }
}

impl Body<'_, '_> {
    /// A constant of this type.
    pub(super) fn typed_constant(
        &mut self,
        constant: Constant,
        ty: Type,
        span: Option<Span>,
    ) -> Val {
        let key = Key(pooled(&constant), ty);
        if let Some(&id) = self.pool.values.get(&key) {
            return Val { id, ty: key.1 };
        }
        let op = Op::Constant(constant);
        let node = self.graph.make_node(op, [], [key.1.clone()], span);
        let id = self.graph.node(node).outputs[0];
        self.pool.nodes.push(node);
        let ty = key.1.clone();
        self.pool.values.insert(key, id);
        Val { id, ty }
    }

    /// A constant of its own type.
    pub(super) fn constant(&mut self, constant: Constant, span: Option<Span>) -> Val {
        let ty = literal::type_of(&constant, &Type::Any);
        self.typed_constant(constant, ty, span)
    }

    /// An int constant.
    pub(super) fn int(&mut self, value: i64, span: Option<Span>) -> Val {
        self.typed_constant(Constant::Int(value), Type::Int, span)
    }

    /// A bool constant.
    pub(super) fn bool(&mut self, value: bool, span: Option<Span>) -> Val {
        self.typed_constant(Constant::Bool(value), Type::Bool, span)
    }

    /// `None`
    pub(super) fn none(&mut self, span: Option<Span>) -> Val {
        self.typed_constant(Constant::None, Type::None, span)
    }
}
