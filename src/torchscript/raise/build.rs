//! Small makers of syntax trees.

use crate::torchscript::ast::{Call, Expr, ExprKind, Range, Stmt, StmtKind, Targets, UnaryOp};
use crate::torchscript::print;
use smol_str::SmolStr;

pub(super) fn expr(kind: ExprKind) -> Expr {
    Expr {
        kind,
        range: Range::NONE,
    }
}

pub(super) fn name(text: impl Into<SmolStr>) -> Expr {
    expr(ExprKind::Name(text.into()))
}

pub(super) fn attribute(base: Expr, field: impl Into<SmolStr>) -> Expr {
    expr(ExprKind::Attribute(Box::new(base), field.into()))
}

/// `a.b.c`
pub(super) fn path(text: &str) -> Expr {
    let mut atoms = text.split('.');
    let first = name(atoms.next().unwrap_or_default());
    atoms.fold(first, attribute)
}

pub(super) fn paren(inner: Expr) -> Expr {
    expr(ExprKind::Paren(Box::new(inner)))
}

pub(super) fn subscript(base: Expr, indices: Vec<Expr>) -> Expr {
    expr(ExprKind::Subscript(Box::new(base), indices))
}

pub(super) fn list(items: Vec<Expr>) -> Expr {
    expr(ExprKind::List {
        items,
        trailing_comma: false,
    })
}

pub(super) fn tuple(items: Vec<Expr>) -> Expr {
    expr(ExprKind::Tuple {
        items,
        bare: false,
        trailing_comma: false,
    })
}

pub(super) fn negative(operand: Expr) -> Expr {
    expr(ExprKind::Unary(UnaryOp::Neg, Box::new(operand)))
}

/// `f(a, b, name=c)`
pub(super) fn call(func: Expr, args: Vec<Expr>, keywords: Vec<(SmolStr, Expr)>) -> Expr {
    expr(ExprKind::Call(Box::new(Call {
        func,
        args,
        keywords,
        trailing_comma: false,
    })))
}

/// `f(a, b, )`, the spelling of calls of methods and functions.
pub(super) fn user_call(func: Expr, args: Vec<Expr>) -> Expr {
    let trailing_comma = !args.is_empty();
    expr(ExprKind::Call(Box::new(Call {
        func,
        args,
        keywords: Vec::new(),
        trailing_comma,
    })))
}

/// `annotate(T, e)`
pub(super) fn annotate(ty: Expr, value: Expr) -> Expr {
    call(name("annotate"), vec![ty, value], Vec::new())
}

/// One expression, or several without parentheses.
pub(super) fn bare(mut items: Vec<Expr>) -> Expr {
    match items.len() {
        1 => items.remove(0),
        _ => expr(ExprKind::Tuple {
            items,
            bare: true,
            trailing_comma: false,
        }),
    }
}

pub(super) fn stmt(kind: StmtKind, range: Range) -> Stmt {
    Stmt { kind, range }
}

/// `a, b = value`; with `unpack` written `a, b, = value`.
pub(super) fn assign(targets: Vec<Expr>, unpack: bool, value: Expr, range: Range) -> Stmt {
    let targets = vec![Targets {
        items: targets,
        trailing_comma: unpack,
    }];
    stmt(StmtKind::Assign { targets, value }, range)
}

/// How many bytes the printer writes for an expression.
pub(super) fn length(e: &Expr) -> usize {
    let mut out = String::new();
    print::write_expr(e, &mut out);
    out.len()
}

/// Whether torch takes a text for an identifier; keywords pass.
pub(super) fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
