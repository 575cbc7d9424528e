//! Graphs as the text that a class of a new file takes.

use super::error::ConvertError;
use crate::emit::Method;
use crate::ir::{Function, Program};
use crate::torchscript::ast::{Expr, FunctionDef, Item};
use crate::torchscript::print::{write_expr, write_item};
use crate::torchscript::raise::{self, Counters};

/// A method of a class.
pub(super) fn method(program: &Program, function: &Function) -> Result<Method, ConvertError> {
    let mut counters = Counters::default();
    let definition = raise::function(program, function, 0, &mut counters)?;
    let returns = definition
        .returns
        .as_ref()
        .map_or("Tensor".to_owned(), text);
    let mut method = Method::new(&definition.name, &returns);
    for param in definition.params.iter().skip(1) {
        let ty = param.ty.as_ref().map_or("Tensor".to_owned(), text);
        method = match &param.default {
            Some(default) => method.param_or(&param.name, &ty, &text(default)),
            None => method.param(&param.name, &ty),
        };
    }
    Ok(method.body(body(definition)))
}

/// A free function.
pub(super) fn function(program: &Program, function: &Function) -> Result<String, ConvertError> {
    let mut counters = Counters::default();
    let definition = raise::function(program, function, 0, &mut counters)?;
    let mut out = String::new();
    write_item(&Item::Function(definition), &mut out);
    Ok(out)
}

fn text(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(expr, &mut out);
    out.trim_end().to_owned()
}

/// The statements, without the indentation of a top-level function.
fn body(mut definition: FunctionDef) -> String {
    definition.params.clear();
    definition.returns = None;
    let mut out = String::new();
    write_item(&Item::Function(definition), &mut out);
    let lines = out.lines().skip(1);
    let lines: Vec<&str> = lines
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .collect();
    lines.join("\n")
}
