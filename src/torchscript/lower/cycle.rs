//! Functions that call themselves, which the language does not have.

use super::error::{RECURSION, error};
use super::unit::Unit;
use crate::diag::Span;
use crate::ir::entity::Entity;
use crate::ir::{FuncId, Function, Op, Program};

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Closed,
}

impl Unit<'_> {
    /// Reports every call that closes a circle.
    pub(super) fn report_recursion(&mut self) {
        let program = &self.program;
        let mut marks = vec![Mark::New; program.functions.len()];
        let mut found = Vec::new();
        for start in program.functions.keys() {
            walk(program, start, &mut marks, &mut found);
        }
        for (name, span) in found {
            let message = format!("expected no recursion, found a call of `{name}` inside itself");
            self.diagnostics.push(*error(RECURSION, message, span));
        }
    }
}

type Calls = std::vec::IntoIter<(FuncId, Option<Span>)>;

/// Depth-first without recursion.
fn walk(
    program: &Program,
    start: FuncId,
    marks: &mut [Mark],
    found: &mut Vec<(String, Option<Span>)>,
) {
    if marks[start.index()] != Mark::New {
        return;
    }
    marks[start.index()] = Mark::Open;
    let mut stack: Vec<(FuncId, Calls)> = vec![(start, calls(program, &program.functions[start]))];
    while let Some((function, rest)) = stack.last_mut() {
        let Some((callee, span)) = rest.next() else {
            marks[function.index()] = Mark::Closed;
            stack.pop();
            continue;
        };
        match marks[callee.index()] {
            Mark::New => {
                marks[callee.index()] = Mark::Open;
                stack.push((callee, calls(program, &program.functions[callee])));
            }
            Mark::Open => found.push((program.functions[callee].name.to_string(), span)),
            Mark::Closed => {}
        }
    }
}

fn calls(program: &Program, function: &Function) -> Calls {
    let graph = &function.graph;
    let mut calls = Vec::new();
    for block in graph.blocks_in_order() {
        for &id in &graph.block(block).nodes {
            let node = graph.node(id);
            let callee = match &node.op {
                Op::CallMethod(name) => {
                    let class = node
                        .inputs
                        .first()
                        .and_then(|&object| graph.ty(object).class_name());
                    class
                        .and_then(|class| program.class(class))
                        .and_then(|class| class.method(name))
                }
                Op::CallFunction(name) => program.function_by_name.get(name).copied(),
                _ => None,
            };
            calls.extend(callee.map(|callee| (callee, node.span)));
        }
    }
    calls.into_iter()
}
