//! Values of the walk: constants, objects, and tensors of the layer graph.

use super::array::Array;
use crate::archive::pickle::ObjectId;
use smol_str::SmolStr;
use std::rc::Rc;

/// Lists and tuples nested deeper than this are refused.
pub(super) const MAX_NESTING: usize = 32;

/// Values in one list, nested ones included: lists that share one another could unfold without end.
const MAX_VISITED: usize = 1 << 20;

/// A tensor of the layer graph: index of its manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TensorId(pub(super) usize);

/// What a graph value stands for while the front end walks.
#[derive(Clone, Debug)]
pub(super) enum Val {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(SmolStr),
    Device,
    /// A tensor known while building.
    Const(Rc<Array>),
    /// A tensor computed by layers.
    Tensor(TensorId),
    /// A list or a tuple.
    Seq(Rc<[Val]>),
    /// In order of insertion.
    Dict(Rc<[(Val, Val)]>),
    /// A module or object, with the attribute path from the method's own `self`.
    Object(ObjectId, SmolStr),
    /// A tensor that could not be made; the reason is already reported.
    Unknown,
    /// A constant that could not be computed; the reason is already reported.
    Lost,
}

impl Val {
    /// A constant tensor.
    pub(super) fn array(array: Array) -> Val {
        Val::Const(Rc::new(array))
    }

    /// A list.
    pub(super) fn seq(items: impl IntoIterator<Item = Val>) -> Val {
        Val::Seq(items.into_iter().collect())
    }

    /// Whether a tensor of the graph is in it (dicts are looked into by key only, 5.3).
    pub(super) fn is_constant(&self) -> bool {
        !self.any(&|v| matches!(v, Val::Tensor(_) | Val::Unknown | Val::Lost))
    }

    /// Whether something unknown is in it.
    pub(super) fn is_unknown(&self) -> bool {
        self.any(&|v| matches!(v, Val::Unknown | Val::Lost))
    }

    /// Whether a list of these is nested and shared little enough to be walked.
    pub(super) fn is_flat(items: &[Val]) -> bool {
        let mut stack: Vec<(&Val, usize)> = items.iter().map(|v| (v, 1)).collect();
        let mut visited = 0;
        while let Some((value, depth)) = stack.pop() {
            visited += 1;
            if depth > MAX_NESTING || visited > MAX_VISITED {
                return false;
            }
            if let Val::Seq(items) = value {
                stack.extend(items.iter().map(|v| (v, depth + 1)));
            }
        }
        true
    }

    /// Whether it would be a constant, had no computation failed.
    pub(super) fn is_lost(&self) -> bool {
        !self.any(&|v| matches!(v, Val::Tensor(_) | Val::Unknown))
    }

    fn any(&self, test: &dyn Fn(&Val) -> bool) -> bool {
        let mut stack = vec![self];
        while let Some(value) = stack.pop() {
            if test(value) {
                return true;
            }
            if let Val::Seq(items) = value {
                stack.extend(items.iter());
            }
        }
        false
    }

    /// Every tensor of the graph in it, in order; dicts by sorted key.
    pub(super) fn tensors(&self) -> Vec<TensorId> {
        let mut found = Vec::new();
        let mut stack = vec![self];
        while let Some(value) = stack.pop() {
            match value {
                Val::Tensor(id) => found.push(*id),
                Val::Seq(items) => stack.extend(items.iter().rev()),
                Val::Dict(items) => {
                    let mut items: Vec<_> = items.iter().collect();
                    items.sort_by_key(|(key, _)| key.text());
                    stack.extend(items.into_iter().rev().map(|(_, v)| v));
                }
                _ => {}
            }
        }
        found
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Val::None => "None",
            Val::Bool(_) => "a bool",
            Val::Int(_) => "an int",
            Val::Float(_) => "a float",
            Val::Str(_) => "a str",
            Val::Device => "a device",
            Val::Const(_) => "a constant tensor",
            Val::Tensor(_) => "a tensor",
            Val::Seq(_) => "a list",
            Val::Dict(_) => "a dict",
            Val::Object(..) => "an object",
            Val::Unknown | Val::Lost => "an unknown value",
        }
    }

    /// Its text as a key of a dict.
    pub(super) fn text(&self) -> String {
        match self {
            Val::Str(text) => text.to_string(),
            Val::Int(value) => value.to_string(),
            Val::Bool(value) => value.to_string(),
            Val::Float(value) => value.to_string(),
            other => other.kind().to_owned(),
        }
    }
}
