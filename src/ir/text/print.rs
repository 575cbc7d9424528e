//! Graph to text.

use super::constant::{quoted_text, write_value};
use super::names::ValueNames;
use super::types::type_text;
use crate::ir::{BlockId, Constant, Graph, Node, NodeId, Op, SourceFile, Type, ValueId};
use std::fmt::Write;

/// What a listing shows besides nodes and names.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The files to print ` # code/__torch__/net.py:5:8` from; none: no locations.
    pub files: &'a [SourceFile],
    /// `, scope: layer1.0.conv1` on nodes that have one.
    pub scopes: bool,
    /// ` : Tensor` after each definition. A listing without types cannot be read back.
    pub types: bool,
    /// `aten::add.Tensor` instead of `aten::add`.
    pub overloads: bool,
    /// Values without a source name are called by their id, as in diagnostics.
    pub ids: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            files: &[],
            scopes: true,
            types: true,
            overloads: false,
            ids: false,
        }
    }
}

/// The graph as torch prints it.
pub fn print_graph(graph: &Graph, options: &Options) -> String {
    let printer = NodePrinter::new(graph, options);
    let mut out = String::new();
    printer.write_graph(&mut out);
    out
}

/// Prints single nodes of a graph; reports use it for excerpts.
pub struct NodePrinter<'a> {
    graph: &'a Graph,
    options: &'a Options<'a>,
    names: ValueNames,
    lines: Vec<Vec<u32>>,
}

/// One pending piece of a listing.
enum Step {
    Node(NodeId, usize),
    Block(BlockId, usize, usize),
    Returns(BlockId, usize),
}

impl<'a> NodePrinter<'a> {
    /// A printer for this graph; naming the values walks it once.
    pub fn new(graph: &'a Graph, options: &'a Options<'a>) -> NodePrinter<'a> {
        let names = if options.ids {
            ValueNames::by_id(graph)
        } else {
            ValueNames::new(graph)
        };
        NodePrinter {
            graph,
            options,
            names,
            lines: options.files.iter().map(line_starts).collect(),
        }
    }

    /// The value as it is written in the listing, with its `%`.
    pub fn value(&self, value: ValueId) -> String {
        format!("%{}", self.names.get(value))
    }

    /// The node's line without indentation and line break.
    pub fn node(&self, node: NodeId) -> String {
        let mut out = String::new();
        self.write_node(&mut out, self.graph.node(node));
        out
    }

    pub(super) fn write_graph(&self, out: &mut String) {
        out.push_str("graph(");
        let root = self.graph.root();
        for (i, &param) in self.graph.block(root).params.iter().enumerate() {
            if i > 0 {
                out.push_str(",\n      ");
            }
            self.write_definition(out, param);
        }
        out.push_str("):\n");
        let mut stack = Vec::new();
        self.push_nodes(&mut stack, root, 2);
        while let Some(step) = stack.pop() {
            self.write_step(out, step, &mut stack);
        }
        out.push_str("  return (");
        self.write_uses(out, &self.graph.block(root).returns);
        out.push_str(")\n");
    }

    fn push_nodes(&self, stack: &mut Vec<Step>, block: BlockId, indent: usize) {
        let nodes = self.graph.block(block).nodes.iter().rev();
        stack.extend(nodes.map(|&node| Step::Node(node, indent)));
    }

    fn write_step(&self, out: &mut String, step: Step, stack: &mut Vec<Step>) {
        match step {
            Step::Node(id, indent) => {
                let node = self.graph.node(id);
                out.extend(std::iter::repeat_n(' ', indent));
                self.write_node(out, node);
                out.push('\n');
                let blocks = node.blocks.iter().enumerate().rev();
                stack.extend(blocks.map(|(i, &block)| Step::Block(block, i, indent + 2)));
            }
            Step::Block(block, number, indent) => {
                out.extend(std::iter::repeat_n(' ', indent));
                let _ = write!(out, "block{number}(");
                for (i, &param) in self.graph.block(block).params.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    self.write_definition(out, param);
                }
                out.push_str("):\n");
                stack.push(Step::Returns(block, indent + 2));
                self.push_nodes(stack, block, indent + 2);
            }
            Step::Returns(block, indent) => {
                out.extend(std::iter::repeat_n(' ', indent));
                out.push_str("-> (");
                self.write_uses(out, &self.graph.block(block).returns);
                out.push_str(")\n");
            }
        }
    }

    fn write_definition(&self, out: &mut String, value: ValueId) {
        let _ = write!(out, "%{}", self.names.get(value));
        if self.options.types {
            let _ = write!(out, " : {}", type_text(self.graph.ty(value)));
        }
    }

    fn write_uses(&self, out: &mut String, values: &[ValueId]) {
        for (i, &value) in values.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let _ = write!(out, "{comma}%{}", self.names.get(value));
        }
    }

    fn write_node(&self, out: &mut String, node: &Node) {
        for (i, &output) in node.outputs.iter().enumerate() {
            out.push_str(if i > 0 { ", " } else { "" });
            self.write_definition(out, output);
        }
        out.push_str(" = ");
        self.write_kind(out, node);
        out.push('(');
        self.write_uses(out, &node.inputs);
        out.push(')');
        if self.options.scopes && !node.scope.is_empty() {
            let _ = write!(out, ", scope: {}", node.scope);
        }
        self.write_location(out, node);
    }

    fn write_kind(&self, out: &mut String, node: &Node) {
        out.push_str(node.op.kind());
        match &node.op {
            Op::Operator(schema) if self.options.overloads => {
                let several = crate::ir::schema::overloads(schema.name()).len() > 1;
                match schema.overload() {
                    "" if several => out.push_str(".default"),
                    "" => {}
                    overload => {
                        let _ = write!(out, ".{overload}");
                    }
                }
            }
            Op::Constant(constant) => {
                let ty = node.outputs.first().map(|&v| self.graph.ty(v));
                write_constant(out, constant, ty.unwrap_or(&Type::Any));
            }
            Op::GetAttr(name)
            | Op::SetAttr(name)
            | Op::CallMethod(name)
            | Op::CallFunction(name) => {
                let _ = write!(out, "[name={}]", quoted_text(name.as_bytes()));
            }
            Op::TupleSlice { begin, end } => {
                let _ = write!(out, "[beg={begin}, end={end}]");
            }
            Op::IsInstance(types) => {
                let types: Vec<_> = types.iter().map(type_text).collect();
                let _ = write!(out, "[types=[{}]]", types.join(", "));
            }
            Op::Opaque(op) => write_keywords(out, op),
            _ => {}
        }
    }

    fn write_location(&self, out: &mut String, node: &Node) {
        let Some(span) = node.span else { return };
        let file = span.file.0 as usize;
        let (Some(source), Some(lines)) = (self.options.files.get(file), self.lines.get(file))
        else {
            return;
        };
        let line = lines.partition_point(|&start| start <= span.start);
        let column = span.start - lines.get(line.wrapping_sub(1)).unwrap_or(&0);
        let _ = write!(out, " # {}:{line}:{column}", source.name);
    }
}

/// Where each line of a file starts.
fn line_starts(file: &SourceFile) -> Vec<u32> {
    let breaks = file.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
    std::iter::once(0)
        .chain(breaks.map(|(i, _)| i as u32 + 1))
        .collect()
}

fn write_constant(out: &mut String, constant: &Constant, ty: &Type) {
    match constant {
        Constant::None => {}
        Constant::Function(name) => {
            let _ = write!(out, "[name={}]", quoted_text(name.as_bytes()));
        }
        other => {
            out.push_str("[value=");
            write_value(out, other, ty);
            out.push(']');
        }
    }
}

/// Keywords of an opaque call; printed, even if there are none, where the name alone would read as a known operator.
fn write_keywords(out: &mut String, op: &crate::ir::op::OpaqueOp) {
    if op.keywords.is_empty() && !super::resolve::is_known(&op.name) {
        return;
    }
    let names: Vec<_> = op
        .keywords
        .iter()
        .map(|k| quoted_text(k.as_bytes()))
        .collect();
    let _ = write!(out, "[keywords=[{}]]", names.join(", "));
}
