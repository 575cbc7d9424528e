//! Which values of a graph are what the file stores: modules, tensors, numbers, by attribute path from the root.

use super::copy::param;
use super::scene::Scene;
use crate::archive::pickle::{ListKind, Use, Value};
use crate::ir::{
    Class, ClassKind, Constant, Function, Graph, Node, Op, Program, SideMap, Type, ValueId,
};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;

/// Attributes nested deeper than this are not followed; module trees of real models nest under 20.
const MAX_DEPTH: usize = 200;

/// Stored containers longer than this stay attributes.
const MAX_ITEMS: usize = 4096;

/// A value of `data.pkl` and how the root module reaches it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Attributes from the root, `layer1.0.conv1.weight`; empty for the root.
    pub path: SmolStr,
    /// The value.
    pub item: Use,
}

/// Follows `GetAttr` from the root module.
pub(super) struct Objects<'m> {
    scene: Scene<'m>,
    /// Names that a run may set: what is stored under them is only their first value.
    set: FxHashSet<SmolStr>,
    known: SideMap<ValueId, Option<Stored>>,
}

impl<'m> Objects<'m> {
    /// For a copy of a function's graph, whose first parameter is the scene's receiver.
    pub(super) fn new(scene: &Scene<'m>, set: FxHashSet<SmolStr>) -> Objects<'m> {
        let mut known: SideMap<ValueId, Option<Stored>> = SideMap::new();
        known[param(0)].clone_from(&scene.receiver);
        Objects {
            scene: scene.clone(),
            set,
            known,
        }
    }

    pub(super) fn get(&self, value: ValueId) -> Option<&Stored> {
        self.known[value].as_ref()
    }

    pub(super) fn into_known(self) -> SideMap<ValueId, Option<Stored>> {
        self.known
    }

    /// Learns what a node of the new graph puts out.
    pub(super) fn learn(&mut self, node: &Node) {
        let (&[input], &[output]) = (&node.inputs[..], &node.outputs[..]) else {
            return;
        };
        self.known[output] = match &node.op {
            Op::GetAttr(name) => self.attribute(input, name),
            Op::UncheckedCast => self.known[input].clone(),
            _ => return,
        };
    }

    fn attribute(&self, object: ValueId, name: &SmolStr) -> Option<Stored> {
        let owner = self.get(object)?;
        if self.set.contains(name) || owner.path.matches('.').count() >= MAX_DEPTH {
            return None;
        }
        let class = self.class(owner)?;
        let custom = ["__getstate__", "__setstate__"].map(|m| class.method(m).is_some());
        if class.kind == ClassKind::Native || custom == [true, true] {
            return None;
        }
        self.scene.attribute(owner, name)
    }

    /// The class of a stored object.
    pub(super) fn class(&self, stored: &Stored) -> Option<&'m Class> {
        self.scene.class(stored)
    }

    /// The decoded value behind a value.
    pub(super) fn value(&self, value: ValueId) -> Option<Value> {
        Some(self.scene.data.at(self.get(value)?.item))
    }

    /// The tensor behind a value.
    pub(super) fn tensor(&self, value: ValueId) -> Option<&'m crate::archive::pickle::Tensor> {
        let id = self.scene.data.as_tensor(self.value(value)?)?;
        Some(self.scene.data.tensor(id))
    }

    /// The constant an attribute is, if it is made of plain values and of the declared type.
    pub(super) fn attribute_constant(
        &self,
        object: ValueId,
        name: &SmolStr,
        declared: &Type,
    ) -> Option<(Constant, Type)> {
        let stored = self.attribute(object, name)?;
        self.plain(self.scene.data.at(stored.item), declared, true)
    }

    fn plain(&self, value: Value, declared: &Type, container: bool) -> Option<(Constant, Type)> {
        let inner = match declared {
            Type::Optional(inner) => &**inner,
            other => other,
        };
        let known = match value {
            Value::None => (Constant::None, Type::None),
            Value::Bool(v) => (Constant::Bool(v), Type::Bool),
            Value::Int(v) => (Constant::Int(v), Type::Int),
            Value::Float(v) => (Constant::Float(v), Type::Float),
            Value::Complex(re, im) => (Constant::Complex(re, im), Type::Complex),
            Value::Str(text) => (Constant::Str(self.scene.data.text(text).into()), Type::Str),
            Value::Tuple(items) if container => {
                return self.tuple(self.scene.data.items(items), inner);
            }
            Value::List(id) if container => {
                let list = self.scene.data.list(id);
                let plain = list.kind != ListKind::Tensor;
                return plain.then(|| self.list(&list.items, inner)).flatten();
            }
            _ => return None,
        };
        let fits = known.1 == *inner
            || matches!(declared, Type::Optional(_) | Type::None) && known.1 == Type::None
            || *inner == Type::Number && matches!(known.1, Type::Int | Type::Float);
        fits.then_some(known)
    }

    fn tuple(&self, items: &[Use], declared: &Type) -> Option<(Constant, Type)> {
        let Type::Tuple(types) = declared else {
            return None;
        };
        if types.len() != items.len() || items.len() > MAX_ITEMS {
            return None;
        }
        let each = items.iter().zip(types.iter());
        let items: Option<Vec<_>> = each
            .map(|(item, ty)| self.plain(self.scene.data.at(*item), ty, false))
            .collect();
        let constants = items?.into_iter().map(|(constant, _)| constant).collect();
        Some((Constant::Tuple(constants), declared.clone()))
    }

    fn list(&self, items: &[Use], declared: &Type) -> Option<(Constant, Type)> {
        let Type::List(element) = declared else {
            return None;
        };
        if items.len() > MAX_ITEMS {
            return None;
        }
        let items: Option<Vec<Constant>> = items
            .iter()
            .map(|item| Some(self.plain(self.scene.data.at(*item), element, false)?.0))
            .collect();
        Some((Constant::List(items?), declared.clone()))
    }
}

/// Attribute names that a graph sets; all that the program sets, if the graph leaves its own code.
pub(super) fn names_set(program: &Program, graph: &Graph) -> FxHashSet<SmolStr> {
    let mut names = FxHashSet::default();
    if set_in(graph, &mut names) {
        return names_set_anywhere(program);
    }
    names
}

/// Attribute names that any function of a program sets.
pub(super) fn names_set_anywhere(program: &Program) -> FxHashSet<SmolStr> {
    let mut names = FxHashSet::default();
    for Function { graph, .. } in program.functions.values() {
        set_in(graph, &mut names);
    }
    names
}

/// Adds the names a graph sets; whether it calls anything.
fn set_in(graph: &Graph, names: &mut FxHashSet<SmolStr>) -> bool {
    let mut calls = false;
    for id in graph.nodes_in_order() {
        match &graph.node(id).op {
            Op::SetAttr(name) => {
                names.insert(name.clone());
            }
            Op::CallMethod(_) | Op::CallFunction(_) | Op::Enter | Op::Exit | Op::Opaque(_) => {
                calls = true;
            }
            _ => {}
        }
    }
    calls
}
