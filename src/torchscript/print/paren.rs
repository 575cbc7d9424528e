//! Where torch's precedence needs parentheses that the tree does not have.

use super::expr::{write_expr, write_parenthesised};
use crate::torchscript::ast::{Expr, ExprKind, UnaryOp};
use crate::torchscript::parse::{STAR, precedence, right_level, unary_precedence};

/// The level of an operator that nothing can be taken into.
const CLOSED: u8 = u8::MAX;
/// `for` targets end before `in`.
const COMPARISON: u8 = 4;

/// Whether the text of `e` is one operand in every position.
fn is_operand(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Name(_)
        | ExprKind::Number(_)
        | ExprKind::Str(_)
        | ExprKind::True
        | ExprKind::False => true,
        ExprKind::None | ExprKind::Ellipsis | ExprKind::Attribute(..) | ExprKind::Subscript(..) => {
            true
        }
        ExprKind::Call(_) | ExprKind::List { .. } | ExprKind::Dict(_) | ExprKind::Paren(_) => true,
        ExprKind::ListComp(_) | ExprKind::DictComp(..) | ExprKind::Tuple { .. } => true,
        ExprKind::Slice(_) | ExprKind::Unary(..) | ExprKind::Binary(..) => false,
        ExprKind::Conditional(_) | ExprKind::Starred(_) => false,
    }
}

/// The loosest operator that an infix operator after `e` would be taken into, as a level: a tighter one goes inside.
fn right_edge(e: &Expr) -> u8 {
    let mut edge = CLOSED;
    let mut e = e;
    loop {
        e = match &e.kind {
            ExprKind::Binary(op, _, right) => {
                edge = edge.min(right_level(*op));
                if right_needs_paren(right, right_level(*op)) {
                    return edge;
                }
                right
            }
            ExprKind::Unary(op, operand) => {
                edge = edge.min(unary_precedence(*op));
                if right_needs_paren(operand, unary_precedence(*op)) {
                    return edge;
                }
                operand
            }
            ExprKind::Starred(operand) => {
                edge = edge.min(STAR);
                operand
            }
            ExprKind::Conditional(_) => return 0,
            _ => return edge,
        }
    }
}

/// Whether `e`, parsed at a level, would end too early.
fn right_needs_paren(e: &Expr, level: u8) -> bool {
    match &e.kind {
        ExprKind::Binary(op, ..) => precedence(*op) <= level,
        ExprKind::Conditional(_) => level > 0,
        // Prefix operators are read at every level.
        ExprKind::Unary(..) | ExprKind::Starred(_) => false,
        _ => !is_operand(e),
    }
}

/// Writes `e` before an infix operator of a precedence.
pub(super) fn write_left(e: &Expr, precedence: u8, out: &mut String) {
    write_parenthesised(e, precedence > right_edge(e), out);
}

/// Writes `e` after an operator whose operand is parsed at a level.
pub(super) fn write_right(e: &Expr, level: u8, out: &mut String) {
    write_parenthesised(e, right_needs_paren(e, level), out);
}

/// Writes `e` where `.name`, `(args)` or `[index]` follows.
pub(super) fn write_primary(e: &Expr, out: &mut String) {
    write_parenthesised(e, !is_operand(e), out);
}

/// Writes the targets of an assignment or a loop.
pub(super) fn write_targets(targets: &[Expr], out: &mut String) {
    for (i, target) in targets.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        match target.kind {
            ExprKind::Starred(_) => write_expr(target, out),
            _ => write_right(target, COMPARISON, out),
        }
    }
}

/// Whether `left + right` or `left - right` is the constant that torch writes without spaces: `0.+1.5j`, `-inf-infj`.
pub(in crate::torchscript) fn is_complex(left: &Expr, right: &Expr) -> bool {
    let number = |e: &Expr, imaginary: bool| match &e.kind {
        ExprKind::Number(text) => text.ends_with('j') == imaginary,
        ExprKind::Name(name) if imaginary => name == "infj" || name == "nanj",
        ExprKind::Name(name) => name == "inf" || name == "nan",
        _ => false,
    };
    let signed = |e: &Expr, imaginary: bool| match &e.kind {
        ExprKind::Unary(UnaryOp::Neg, operand) => number(operand, imaginary),
        _ => number(e, imaginary),
    };
    signed(left, false) && signed(right, true)
}
