//! What operators do with strings and devices, read from their schemas.

use crate::ir::Type;
use crate::ir::schema::{self, Arg, Schema};
use smol_str::SmolStr;

/// What an operator expects where a string was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Formal {
    /// A device: the string is converted.
    Device,
    /// A string, or anything; with the argument's name.
    Other(SmolStr),
}

/// Which argument of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Actual<'a> {
    /// By position.
    Position(usize),
    /// By name.
    Keyword(&'a str),
}

impl Actual<'_> {
    fn of(self, schema: &Schema) -> Option<&Arg> {
        match self {
            Actual::Position(index) => schema.args.get(index).filter(|a| !a.kwarg_only),
            Actual::Keyword(name) => schema.args.iter().find(|a| a.name == name),
        }
    }
}

/// What an operator expects of a string in one place. A string formal wins over a device formal, because the importer
/// tries overloads without conversions first (`torchscript.md` 3.10).
pub(super) fn formal(op: &str, actual: Actual<'_>) -> Formal {
    let formals = || schema::overloads(op).iter().filter_map(|s| actual.of(s));
    let is = |arg: &Arg, ty: &Type| match &arg.ty {
        Type::Optional(inner) => **inner == *ty,
        other => other == ty,
    };
    let takes_text =
        formals().any(|a| is(a, &Type::Str) || matches!(a.ty, Type::Var(_) | Type::Any));
    if !takes_text && formals().any(|a| is(a, &Type::Device)) {
        return Formal::Device;
    }
    let name = match (formals().next(), actual) {
        (Some(arg), _) => arg.name.clone(),
        (None, Actual::Keyword("device")) => return Formal::Device,
        (None, Actual::Keyword(name)) => name.into(),
        (None, Actual::Position(index)) => index.to_string().into(),
    };
    Formal::Other(name)
}

/// The name of the argument in one place, when any overload has one there.
pub(super) fn arg_is_named(op: &str, actual: Actual<'_>, name: &str) -> bool {
    match actual {
        Actual::Keyword(keyword) => keyword == name,
        Actual::Position(_) => schema::overloads(op)
            .iter()
            .filter_map(|s| actual.of(s))
            .any(|a| a.name == name),
    }
}

/// The result type, when all overloads that take `first` agree on it.
pub(super) fn result(op: &str, first: Option<&Type>) -> Option<Type> {
    let mut found: Option<&Type> = None;
    for schema in schema::overloads(op) {
        if !takes_first(schema, first) {
            continue;
        }
        let [only] = schema.returns.as_slice() else {
            return None;
        };
        match found {
            None => found = Some(&only.ty),
            Some(ty) if *ty == only.ty => {}
            Some(_) => return None,
        }
    }
    found.filter(|ty| is_closed(ty)).cloned()
}

fn takes_first(schema: &Schema, first: Option<&Type>) -> bool {
    match (first, schema.args.first()) {
        (Some(actual), Some(formal)) => match &formal.ty {
            Type::Optional(inner) => **inner == *actual,
            ty => ty == actual,
        },
        _ => true,
    }
}

/// No type variable in it, so that it says something about a value.
fn is_closed(ty: &Type) -> bool {
    match ty {
        Type::Var(_) => false,
        Type::List(inner) | Type::Optional(inner) => is_closed(inner),
        Type::Dict(kv) => is_closed(&kv.0) && is_closed(&kv.1),
        Type::Tuple(items) => items.iter().all(is_closed),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_positions() {
        let at = |op, n| formal(op, Actual::Position(n));
        assert_eq!(at("aten::to", 1), Formal::Device);
        assert_eq!(
            formal("aten::zeros", Actual::Keyword("device")),
            Formal::Device
        );
        assert_eq!(
            formal("aten::as_tensor", Actual::Keyword("device")),
            Formal::Device
        );
        assert_eq!(
            formal("company::op", Actual::Keyword("device")),
            Formal::Device
        );
        assert_eq!(at("aten::eq", 1), Formal::Other("other".into()));
        assert_eq!(at("aten::einsum", 0), Formal::Other("equation".into()));
        assert!(matches!(at("company::op", 0), Formal::Other(_)));
    }

    #[test]
    fn result_types() {
        assert_eq!(result("aten::add", Some(&Type::Tensor)), Some(Type::Tensor));
        assert_eq!(
            result("prim::device", Some(&Type::Tensor)),
            Some(Type::Device)
        );
        assert_eq!(result("prim::type", Some(&Type::Device)), Some(Type::Str));
        assert_eq!(result("company::op", None), None);
    }
}
