//! Syntax tree to text, in the exact layout of torch's own printer: `print(parse(s)) == s` for every file torch wrote.
//!
//! Trees that no text was parsed into print too: parentheses are added where torch's precedence needs them.

mod expr;
mod paren;

use super::ast::{
    ClassDef, Expr, ExprKind, File, FunctionDef, Item, Member, Param, Stmt, StmtKind, Targets,
};
pub use expr::write_expr;
use expr::write_exprs;
pub(super) use paren::is_complex;
use std::fmt::Write;

/// Columns of one level.
const INDENT: &str = "  ";
/// What stands before every parameter but the first, whatever the level.
const PARAM_BREAK: &str = ",\n    ";

/// The text of a source record.
pub fn print(file: &File) -> String {
    let mut out = String::new();
    file.items
        .iter()
        .for_each(|item| write_item(item, &mut out));
    out
}

/// Appends one top-level statement.
pub fn write_item(item: &Item, out: &mut String) {
    match item {
        Item::Class(class) => write_class(class, out),
        Item::Function(function) => write_function(function, 0, PARAM_BREAK, out),
        Item::Import(path, _) => line(0, &["import ", path], out),
        Item::OpVersionSet(version, _) => line(0, &["op_version_set = ", version], out),
    }
}

/// Appends a class.
pub fn write_class(class: &ClassDef, out: &mut String) {
    match &class.base {
        Some(base) => line(0, &["class ", &class.name, "(", base, "):"], out),
        None => line(0, &["class ", &class.name, ":"], out),
    }
    let base = class.base.as_deref().unwrap_or_default();
    for member in &class.members {
        write_member(member, base, out);
    }
}

/// Appends one line or method of a class with this base.
pub fn write_member(member: &Member, base: &str, out: &mut String) {
    match member {
        Member::Assign { name, value, .. } => {
            out.extend([INDENT, name, " = "]);
            match &value.kind {
                // torch does not escape the values of an enumeration.
                ExprKind::Str(value) if base == "Enum" => expr::write_lightly_quoted(value, out),
                _ => expr::write_bare(value, out),
            }
            out.push('\n');
        }
        Member::Attribute {
            name, ty, value, ..
        } => {
            out.extend([INDENT, name, " : "]);
            write_expr(ty, out);
            write_value(value.as_ref(), out);
        }
        Member::OddAttribute { name, ty, .. } => {
            out.extend([INDENT, "__annotations__["]);
            expr::write_lightly_quoted(name.as_bytes(), out);
            out.push_str("] = ");
            write_expr(ty, out);
            out.push('\n');
        }
        // Signatures of interfaces stand on one line.
        Member::Method(method) if base.ends_with("Interface") => {
            write_function(method, 1, ", ", out)
        }
        Member::Method(method) => write_function(method, 1, PARAM_BREAK, out),
        Member::Pass(_) => line(1, &["pass"], out),
    }
}

/// Appends a function at an indentation level; `param_break` separates its parameters.
fn write_function(function: &FunctionDef, level: usize, param_break: &str, out: &mut String) {
    indent(level, out);
    out.extend(["def ", &function.name, "("]);
    let mut kwarg_only = false;
    for (i, param) in function.params.iter().enumerate() {
        if i > 0 {
            out.push_str(param_break);
        }
        if param.kwarg_only && !kwarg_only {
            kwarg_only = true;
            out.extend(["*", param_break]);
        }
        write_param(param, out);
    }
    out.push(')');
    if let Some(returns) = &function.returns {
        out.push_str(" -> ");
        write_expr(returns, out);
    }
    out.push_str(":\n");
    write_suite(&function.body, level + 1, out);
}

fn write_param(param: &Param, out: &mut String) {
    out.push_str(&param.name);
    if let Some(ty) = &param.ty {
        out.push_str(": ");
        write_expr(ty, out);
    }
    if let Some(default) = &param.default {
        out.push('=');
        write_expr(default, out);
    }
}

/// Appends statements at an indentation level; an empty suite is `pass`.
pub fn write_suite(stmts: &[Stmt], level: usize, out: &mut String) {
    if stmts.is_empty() {
        line(level, &["pass"], out);
    }
    for stmt in stmts {
        write_stmt(stmt, level, out);
    }
}

fn write_stmt(stmt: &Stmt, level: usize, out: &mut String) {
    super::deep(|| match &stmt.kind {
        StmtKind::If { cond, then, orelse } => {
            write_header("if ", cond, level, out);
            write_suite(then, level + 1, out);
            if !orelse.is_empty() {
                line(level, &["else:"], out);
                write_suite(orelse, level + 1, out);
            }
        }
        StmtKind::While { cond, body } => {
            write_header("while ", cond, level, out);
            write_suite(body, level + 1, out);
        }
        StmtKind::For {
            targets,
            iter,
            body,
        } => {
            indent(level, out);
            out.push_str("for ");
            write_targets(targets, out);
            out.push_str(" in ");
            expr::write_bare(iter, out);
            out.push_str(":\n");
            write_suite(body, level + 1, out);
        }
        StmtKind::With { items, body } => {
            write_with(items, level, out);
            write_suite(body, level + 1, out);
        }
        StmtKind::Def(function) => write_function(function, level, PARAM_BREAK, out),
        simple => {
            indent(level, out);
            write_simple(simple, out);
        }
    });
}

/// Appends a statement of one line, without its indentation.
fn write_simple(kind: &StmtKind, out: &mut String) {
    match kind {
        StmtKind::Assign { targets, value } => {
            for targets in targets {
                write_targets(targets, out);
                out.push_str(" = ");
            }
            expr::write_bare(value, out);
        }
        StmtKind::AnnAssign {
            target,
            ty,
            value,
            spaced,
        } => {
            write_expr(target, out);
            out.push_str(if *spaced { " : " } else { ": " });
            write_expr(ty, out);
            return write_value(value.as_ref(), out);
        }
        StmtKind::AugAssign { target, op, value } => {
            write_expr(target, out);
            // Writing to a string cannot fail.
            let _ = write!(out, " {}= ", expr::binary_text(*op));
            expr::write_bare(value, out);
        }
        StmtKind::Expr(value) => expr::write_bare(value, out),
        StmtKind::Return(value) => write_keyword("return", value.as_ref(), out),
        StmtKind::Raise(value) => write_keyword("raise", value.as_ref(), out),
        StmtKind::Assert(cond, message) => {
            write_keyword("assert", Some(cond), out);
            if let Some(message) = message {
                out.push_str(", ");
                write_expr(message, out);
            }
        }
        StmtKind::Pass => out.push_str("pass"),
        StmtKind::Break => out.push_str("break"),
        StmtKind::Continue => out.push_str("continue"),
        StmtKind::Delete(items) => {
            out.push_str("del ");
            write_exprs(items, out);
        }
        StmtKind::If { .. }
        | StmtKind::While { .. }
        | StmtKind::For { .. }
        | StmtKind::With { .. }
        | StmtKind::Def(_) => {}
    }
    out.push('\n');
}

fn write_keyword(keyword: &str, value: Option<&Expr>, out: &mut String) {
    out.push_str(keyword);
    if let Some(value) = value {
        out.push(' ');
        expr::write_bare(value, out);
    }
}

/// `[" = " value] "\n"`
fn write_value(value: Option<&Expr>, out: &mut String) {
    if let Some(value) = value {
        out.push_str(" = ");
        expr::write_bare(value, out);
    }
    out.push('\n');
}

fn write_header(keyword: &str, cond: &Expr, level: usize, out: &mut String) {
    indent(level, out);
    out.push_str(keyword);
    write_expr(cond, out);
    out.push_str(":\n");
}

fn write_with(items: &[(Expr, Option<Expr>)], level: usize, out: &mut String) {
    indent(level, out);
    out.push_str("with ");
    for (i, (context, target)) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_expr(context, out);
        if let Some(target) = target {
            out.push_str(" as ");
            write_expr(target, out);
        }
    }
    out.push_str(":\n");
}

pub(super) fn write_targets(targets: &Targets, out: &mut String) {
    paren::write_targets(&targets.items, out);
    if targets.trailing_comma {
        out.push(',');
    }
}

fn indent(level: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(INDENT, level));
}

fn line(level: usize, parts: &[&str], out: &mut String) {
    indent(level, out);
    out.extend(parts.iter().copied());
    out.push('\n');
}
