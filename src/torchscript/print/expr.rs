//! Expressions as torch spaces them.

use super::paren::{is_complex, write_left, write_primary, write_right};
use super::write_targets;
use crate::torchscript::ast::{BinaryOp, Call, Comprehension, Expr, ExprKind, UnaryOp};
use crate::torchscript::parse::{STAR, precedence, right_level, unary_precedence};
use crate::torchscript::{deep, literal};

/// The spelling of an infix operator.
pub(super) const fn binary_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::Lt => "<",
        BinaryOp::Gt => ">",
        BinaryOp::Le => "<=",
        BinaryOp::Ge => ">=",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Is => "is",
        BinaryOp::IsNot => "is not",
        BinaryOp::In => "in",
        BinaryOp::NotIn => "not in",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "^",
        BinaryOp::BitAnd => "&",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Mod => "%",
        BinaryOp::MatMul => "@",
        BinaryOp::Pow => "**",
    }
}

/// Appends an expression where a tuple may stand without parentheses.
pub(super) fn write_bare(e: &Expr, out: &mut String) {
    match &e.kind {
        ExprKind::Tuple {
            items,
            bare: true,
            trailing_comma,
        } if !items.is_empty() => {
            write_exprs(items, out);
            if *trailing_comma || items.len() == 1 {
                out.push(',');
            }
        }
        _ => write_expr(e, out),
    }
}

/// Appends an expression.
pub fn write_expr(e: &Expr, out: &mut String) {
    match &e.kind {
        ExprKind::Name(text) | ExprKind::Number(text) => out.push_str(text),
        ExprKind::Str(value) => literal::write_quoted(value, out),
        ExprKind::True => out.push_str("True"),
        ExprKind::False => out.push_str("False"),
        ExprKind::None => out.push_str("None"),
        ExprKind::Ellipsis => out.push_str("..."),
        _ => deep(|| write_compound(e, out)),
    }
}

fn write_compound(e: &Expr, out: &mut String) {
    match &e.kind {
        ExprKind::Attribute(base, name) => {
            write_primary(base, out);
            // `3.x` would be read as the number `3.`.
            let space = matches!(base.kind, ExprKind::Number(_));
            out.extend([if space { " ." } else { "." }, name]);
        }
        ExprKind::Subscript(base, indices) => {
            write_primary(base, out);
            out.push('[');
            write_exprs(indices, out);
            out.push(']');
        }
        ExprKind::Slice(parts) => write_slice(parts, out),
        ExprKind::Call(call) => write_call(call, out),
        ExprKind::List {
            items,
            trailing_comma,
        } => {
            out.push('[');
            write_exprs(items, out);
            out.push_str(if *trailing_comma && !items.is_empty() {
                ", ]"
            } else {
                "]"
            });
        }
        ExprKind::Tuple {
            items,
            trailing_comma,
            ..
        } => {
            out.push('(');
            write_exprs(items, out);
            out.push_str(match items.len() {
                0 => ")",
                1 => ",)",
                _ if *trailing_comma => ", )",
                _ => ")",
            });
        }
        ExprKind::Dict(pairs) => write_dict(pairs, out),
        ExprKind::Paren(inner) => write_parenthesised(inner, true, out),
        ExprKind::Unary(op, operand) => {
            out.push_str(match op {
                UnaryOp::Neg => "-",
                UnaryOp::Not => "not ",
                UnaryOp::Invert => "~",
            });
            let from = out.len();
            write_right(operand, unary_precedence(*op), out);
            part_words(*op == UnaryOp::Not, "in", from, out);
        }
        ExprKind::Starred(operand) => {
            out.push('*');
            let from = out.len();
            write_right(operand, STAR, out);
            // `**x` would be read as a power.
            part_words(true, "*", from, out);
        }
        ExprKind::Binary(op, left, right) => {
            write_left(left, precedence(*op), out);
            if matches!(op, BinaryOp::Add | BinaryOp::Sub) && is_complex(left, right) {
                out.push_str(binary_text(*op));
            } else {
                out.extend([" ", binary_text(*op), " "]);
            }
            let from = out.len();
            write_right(right, right_level(*op), out);
            part_words(*op == BinaryOp::Is, "not", from, out);
        }
        ExprKind::Conditional(parts) => {
            let [cond, then, orelse] = &**parts;
            write_left(then, 1, out);
            out.push_str(" if ");
            write_expr(cond, out);
            out.push_str(" else ");
            write_expr(orelse, out);
        }
        ExprKind::ListComp(comp) => {
            out.push('[');
            write_comprehension(comp, out);
            out.push(']');
        }
        ExprKind::DictComp(key, comp) => {
            out.push('{');
            write_expr(key, out);
            out.push_str(": ");
            write_comprehension(comp, out);
            out.push('}');
        }
        ExprKind::Name(_) | ExprKind::Number(_) | ExprKind::Str(_) => {}
        ExprKind::True | ExprKind::False | ExprKind::None | ExprKind::Ellipsis => {}
    }
}

/// Keeps torch from reading `not in` at the start of `not inner`, and `is not` in `a is (not b)` or `a is nothing`:
/// its scanner takes the two words with one space between them as one token.
fn part_words(first: bool, second: &str, from: usize, out: &mut String) {
    if first && out[from..].starts_with(second) {
        out.insert(from, ' ');
    }
}

/// Appends `e`, in parentheses if so said; a bare tuple gets its own pair either way.
pub(super) fn write_parenthesised(e: &Expr, paren: bool, out: &mut String) {
    if !paren {
        return write_expr(e, out);
    }
    out.push('(');
    write_expr(e, out);
    out.push(')');
}

/// Appends expressions separated by `, `.
pub(super) fn write_exprs(items: &[Expr], out: &mut String) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_expr(item, out);
    }
}

fn write_slice(parts: &[Option<Expr>; 3], out: &mut String) {
    let [lower, upper, step] = parts;
    if let Some(lower) = lower {
        write_expr(lower, out);
    }
    out.push(':');
    if let Some(upper) = upper {
        write_expr(upper, out);
    }
    if let Some(step) = step {
        out.push(':');
        write_expr(step, out);
    }
}

fn write_call(call: &Call, out: &mut String) {
    write_primary(&call.func, out);
    out.push('(');
    write_exprs(&call.args, out);
    for (i, (name, value)) in call.keywords.iter().enumerate() {
        if i > 0 || !call.args.is_empty() {
            out.push_str(", ");
        }
        out.extend([name, "="]);
        write_expr(value, out);
    }
    let empty = call.args.is_empty() && call.keywords.is_empty();
    out.push_str(if call.trailing_comma && !empty {
        ", )"
    } else {
        ")"
    });
}

fn write_dict(pairs: &[(Expr, Expr)], out: &mut String) {
    out.push('{');
    for (i, (key, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_expr(key, out);
        out.push_str(": ");
        write_expr(value, out);
    }
    out.push('}');
}

fn write_comprehension(comp: &Comprehension, out: &mut String) {
    write_left(&comp.element, 1, out);
    out.push_str(" for ");
    write_targets(&comp.target, out);
    out.push_str(" in ");
    write_expr(&comp.iter, out);
}

/// Appends a string with only the escapes that reading it back needs, as torch writes attribute names and
/// the values of enumerations.
pub(super) fn write_lightly_quoted(value: &[u8], out: &mut String) {
    let special = |c: char| matches!(c, '"' | '\\' | '\n' | '\r');
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains(special) => out.extend(["\"", text, "\""]),
        _ => literal::write_quoted(value, out),
    }
}
