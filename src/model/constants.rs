//! What pickled values say about types: classes to declare, the types of `CONSTANTS.cN`.

use crate::archive::pickle::{GlobalKind, ListKind, Pickle, Use, Value};
use crate::ir::Type;
use crate::torchscript::lower::annotation_type;
use smol_str::SmolStr;

/// Tuples and containers in a constant nested deeper than this have elements of type `Any`.
const MAX_DEPTH: u32 = 32;

/// The root's class, then every other class that a pickle names, in order.
pub(super) fn classes(root: &SmolStr, data: &Pickle, constants: &Pickle) -> Vec<SmolStr> {
    let mut names = vec![root.clone()];
    for pickle in [data, constants] {
        for (id, global) in pickle.globals() {
            if global.kind == GlobalKind::Class {
                names.push(pickle.qualified_name(id).into());
            }
        }
    }
    let mut seen = rustc_hash::FxHashSet::default();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The types of the elements of `constants.pkl`.
pub(super) fn types(constants: &Pickle) -> Vec<Type> {
    match constants.at(constants.root()) {
        Value::Tuple(items) => {
            let items = constants.items(items).iter();
            items.map(|&item| type_of(constants, item, 0)).collect()
        }
        _ => Vec::new(),
    }
}

fn type_of(pickle: &Pickle, item: Use, depth: u32) -> Type {
    if depth > MAX_DEPTH {
        return Type::Any;
    }
    match pickle.at(item) {
        Value::None => Type::None,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) | Value::BigInt(_) => Type::Int,
        Value::Float(_) => Type::Float,
        Value::Complex(..) => Type::Complex,
        Value::Str(_) => Type::Str,
        Value::Device(_) => Type::Device,
        Value::Tensor(_) | Value::Parameter { .. } => Type::Tensor,
        Value::Tuple(items) => {
            let items = pickle.items(items).iter();
            Type::tuple(items.map(|&item| type_of(pickle, item, depth + 1)))
        }
        Value::List(id) => {
            let list = pickle.list(id);
            match list.kind {
                ListKind::Int => Type::list(Type::Int),
                ListKind::Float => Type::list(Type::Float),
                ListKind::Bool => Type::list(Type::Bool),
                ListKind::Tensor => Type::list(Type::Tensor),
                ListKind::Plain => tagged(pickle, list.tag)
                    .or_else(|| {
                        let first = list.items.first()?;
                        Some(Type::list(type_of(pickle, *first, depth + 1)))
                    })
                    .unwrap_or(Type::list(Type::Tensor)),
            }
        }
        Value::Dict(id) => {
            let dict = pickle.dict(id);
            tagged(pickle, dict.tag)
                .or_else(|| {
                    let (key, value) = dict.items.first()?;
                    let key = type_of(pickle, *key, depth + 1);
                    Some(Type::dict(key, type_of(pickle, *value, depth + 1)))
                })
                .unwrap_or(Type::dict(Type::Str, Type::Tensor))
        }
        Value::Object(id) => Type::Class(pickle.qualified_name(pickle.object(id).class).into()),
        Value::Enum { class, .. } => Type::Class(pickle.qualified_name(class).into()),
        _ => Type::Any,
    }
}

fn tagged(pickle: &Pickle, tag: Option<Use>) -> Option<Type> {
    annotation_type(pickle.str_at(tag?)?)
}
