//! Constants as literals (`torchscript.md` 4.6).

use super::build::{annotate, attribute, call, expr, list, name, negative, path, tuple, user_call};
use super::types::annotation;
use crate::ir::{ClassKind, Constant, Program, Type};
use crate::torchscript::ast::{BinaryOp, Expr, ExprKind};
use crate::torchscript::deep;
use crate::torchscript::literal::write_float;

/// The literal of a constant of type `ty`.
pub(super) fn literal(program: &Program, constant: &Constant, ty: &Type) -> Expr {
    match constant {
        Constant::None => expr(ExprKind::None),
        Constant::Bool(true) => expr(ExprKind::True),
        Constant::Bool(false) => expr(ExprKind::False),
        Constant::Int(value) => int(*value),
        Constant::Float(value) => float(*value, ""),
        Constant::Complex(re, im) => expr(ExprKind::Binary(
            BinaryOp::Add,
            Box::new(float(*re, "")),
            Box::new(float(*im, "j")),
        )),
        Constant::Str(bytes) => expr(ExprKind::Str(bytes.clone())),
        Constant::Device(device) => {
            let text = expr(ExprKind::Str(device.as_bytes().into()));
            call(attribute(name("torch"), "device"), vec![text], vec![])
        }
        Constant::Enum { class, member } => attribute(path(class), member.clone()),
        Constant::Table(index) => attribute(name("CONSTANTS"), format!("c{index}")),
        Constant::Function(function) => path(function),
        Constant::List(items) => deep(|| list_literal(program, items, ty)),
        Constant::Tuple(items) => deep(|| tuple_literal(program, items, ty)),
        Constant::Dict(entries) => deep(|| dict_literal(program, entries, ty)),
    }
}

fn int(value: i64) -> Expr {
    let digits = expr(ExprKind::Number(value.unsigned_abs().to_string().into()));
    if value < 0 { negative(digits) } else { digits }
}

/// `suffix` is `j` for an imaginary part.
fn float(value: f64, suffix: &str) -> Expr {
    let mut text = String::new();
    write_float(value.abs(), &mut text);
    text.push_str(suffix);
    let magnitude = if value.is_finite() {
        expr(ExprKind::Number(text.into()))
    } else {
        name(text)
    };
    match value.is_sign_negative() && !value.is_nan() {
        true => negative(magnitude),
        false => magnitude,
    }
}

fn inner(ty: &Type) -> &Type {
    match ty {
        Type::Optional(inner) => inner,
        other => other,
    }
}

fn list_literal(program: &Program, items: &[Constant], ty: &Type) -> Expr {
    let element = match inner(ty) {
        Type::List(element) => &**element,
        _ => &Type::Any,
    };
    let made = list(items.iter().map(|i| literal(program, i, element)).collect());
    let known = matches!(inner(ty), Type::List(_));
    match known && (items.is_empty() || !is_inferred(program, element)) {
        true => annotate(annotation(inner(ty)), made),
        false => made,
    }
}

fn tuple_literal(program: &Program, items: &[Constant], ty: &Type) -> Expr {
    match inner(ty) {
        Type::Class(class) => {
            let fields = program.class(class).map(|c| c.attributes.as_slice());
            let types = fields.unwrap_or_default().iter().map(|a| &a.ty);
            let items = typed(program, items, types);
            call(path(class), items, vec![])
        }
        Type::Tuple(types) => tuple(typed(program, items, types.iter())),
        _ => tuple(typed(program, items, std::iter::empty())),
    }
}

fn typed<'t>(
    program: &Program,
    items: &[Constant],
    types: impl Iterator<Item = &'t Type>,
) -> Vec<Expr> {
    let types = types.chain(std::iter::repeat(&Type::Any));
    let made = items.iter().zip(types);
    made.map(|(item, ty)| literal(program, item, ty)).collect()
}

fn dict_literal(program: &Program, entries: &[(Constant, Constant)], ty: &Type) -> Expr {
    let (key, value) = match inner(ty) {
        Type::Dict(kv) => (&kv.0, &kv.1),
        _ => (&Type::Any, &Type::Any),
    };
    let pair =
        |(k, v): &(Constant, Constant)| (literal(program, k, key), literal(program, v, value));
    let made = expr(ExprKind::Dict(entries.iter().map(pair).collect()));
    let known = matches!(inner(ty), Type::Dict(_));
    let inferred = is_inferred(program, key) && is_inferred(program, value);
    match known && (entries.is_empty() || !inferred) {
        true => annotate(annotation(inner(ty)), made),
        false => made,
    }
}

/// Whether a container's element type follows from its members.
pub(super) fn is_inferred(program: &Program, element: &Type) -> bool {
    match element {
        Type::Union(_) | Type::Optional(_) | Type::Number | Type::Any => false,
        Type::Class(class) => !program
            .class(class)
            .is_some_and(|c| matches!(c.kind, ClassKind::Interface | ClassKind::ModuleInterface)),
        _ => true,
    }
}

/// `C.__new__(C)`
pub(super) fn new_object(ty: &Type) -> Expr {
    let mut made = user_call(attribute(annotation(ty), "__new__"), vec![annotation(ty)]);
    if let ExprKind::Call(call) = &mut made.kind {
        call.trailing_comma = false;
    }
    made
}
