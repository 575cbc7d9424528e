//! Types as annotations.

use super::build::{expr, list, name, path, subscript, tuple};
use crate::ir::Type;
use crate::torchscript::ast::{Expr, ExprKind};
use crate::torchscript::deep;

/// The annotation of a type: `Optional[List[int]]`, `__torch__.a.B`.
pub fn annotation(ty: &Type) -> Expr {
    match ty {
        Type::Optional(inner) => generic("Optional", [&**inner]),
        Type::List(inner) => generic("List", [&**inner]),
        Type::Future(inner) => generic("Future", [&**inner]),
        Type::Await(inner) => generic("Await", [&**inner]),
        Type::RRef(inner) => generic("RRef", [&**inner]),
        Type::Dict(kv) => generic("Dict", [&kv.0, &kv.1]),
        Type::Union(items) => generic("Union", items.iter()),
        Type::Tuple(items) if items.is_empty() => subscript(name("Tuple"), vec![tuple(vec![])]),
        Type::Tuple(items) => generic("Tuple", items.iter()),
        Type::Class(text) | Type::Function(text) => path(text),
        plain => name(plain.to_string()),
    }
}

fn generic<'t>(head: &str, items: impl IntoIterator<Item = &'t Type>) -> Expr {
    deep(|| subscript(name(head), items.into_iter().map(annotation).collect()))
}

/// `["w", "b", ]`
pub(super) fn name_list<'n>(names: impl IntoIterator<Item = &'n str>) -> Expr {
    let quoted = |n: &str| expr(ExprKind::Str(n.as_bytes().into()));
    let mut made = list(names.into_iter().map(quoted).collect());
    if let ExprKind::List {
        items,
        trailing_comma,
    } = &mut made.kind
    {
        *trailing_comma = !items.is_empty();
    }
    made
}
