//! A program as text: every function with its nodes, values numbered in order of definition.

use ptool::ir::{BlockId, Constant, Graph, Op, Program, ValueId};
use std::collections::HashMap;
use std::fmt::Write as _;

pub(super) fn program(program: &Program) -> String {
    let mut out = String::new();
    for function in program.functions.values() {
        let mut dump = Dump {
            graph: &function.graph,
            names: HashMap::new(),
            out: &mut out,
        };
        let root = function.graph.root();
        let params = dump.values(&function.graph.block(root).params);
        writeln!(
            dump.out,
            "{}({params}) -> {}",
            function.name, function.returns
        )
        .unwrap();
        dump.block(root, 1);
    }
    out
}

struct Dump<'a> {
    graph: &'a Graph,
    names: HashMap<ValueId, String>,
    out: &'a mut String,
}

impl Dump<'_> {
    fn name(&mut self, value: ValueId) -> String {
        if let Some(Constant::Int(v)) = self.graph.constant(value) {
            return v.to_string();
        }
        if let Some(constant) = self.graph.constant(value) {
            return match constant {
                Constant::Str(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
                other => format!("{other:?}"),
            };
        }
        let next = self.names.len();
        let hint = self.graph.value(value).name.clone().unwrap_or_default();
        self.names
            .entry(value)
            .or_insert_with(|| format!("%{hint}.{next}"))
            .clone()
    }

    fn values(&mut self, values: &[ValueId]) -> String {
        let text: Vec<String> = values
            .iter()
            .map(|&v| format!("{} : {}", self.name(v), self.graph.ty(v)))
            .collect();
        text.join(", ")
    }

    fn block(&mut self, block: BlockId, depth: usize) {
        let pad = "  ".repeat(depth);
        for &id in &self.graph.block(block).nodes {
            let node = self.graph.node(id);
            let what = match &node.op {
                Op::Constant(_) => continue,
                Op::Operator(schema) if schema.overload().is_empty() => schema.name().to_string(),
                Op::Operator(schema) => format!("{}.{}", schema.name(), schema.overload()),
                Op::Opaque(op) => format!("opaque {}", op.name),
                other => format!("{other:?}"),
            };
            let inputs: Vec<String> = node.inputs.iter().map(|&v| self.name(v)).collect();
            let outputs = self.values(&node.outputs);
            writeln!(self.out, "{pad}{outputs} = {what}({})", inputs.join(", ")).unwrap();
            for &inner in &node.blocks {
                let params = self.values(&self.graph.block(inner).params);
                writeln!(self.out, "{pad} block({params})").unwrap();
                self.block(inner, depth + 1);
            }
        }
        let returns = self.graph.block(block).returns.clone();
        let returns = self.values(&returns);
        writeln!(self.out, "{pad}-> {returns}").unwrap();
    }
}
