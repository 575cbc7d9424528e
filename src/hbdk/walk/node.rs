//! Nodes in graph order: each is a call, an operator, or moves values about (`horizon.md` 5.3).

use super::super::value::Val;
use super::super::{fold, lower};
use super::{Args, Builder, Fail, MarkKind, Stage};
use crate::ir::entity::Entity;
use crate::ir::{FuncId, Node, NodeId, Op};

/// Methods that call one another deeper than this are refused; TorchScript forbids recursion.
const MAX_CALLS: usize = 128;
/// Nodes walked at most: a module may be called from many places.
const MAX_NODES: usize = 5_000_000;

impl Builder<'_> {
    pub(super) fn method(&mut self, func: FuncId, args: Vec<Val>) -> Val {
        if self.scopes.len() > MAX_CALLS {
            let fail = Fail::new(format!(
                "methods call one another more than {MAX_CALLS} deep"
            ));
            self.problem(Stage::UnsupportedNode, "prim::CallMethod", fail, None);
            return Val::Unknown;
        }
        let graph = &self.model.program.functions[func].graph;
        let mut values = vec![Val::Unknown; graph.value_count()];
        let index = Entity::index;
        for (&param, arg) in graph.block(graph.root()).params.iter().zip(args) {
            values[index(param)] = arg;
        }
        for &id in &graph.block(graph.root()).nodes {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                let fail = Fail::new(format!("more than {MAX_NODES} nodes"));
                self.problem(Stage::UnsupportedNode, "forward", fail, None);
                return Val::Unknown;
            }
            let node = graph.node(id);
            let inputs = node.inputs.iter().map(|&v| values[index(v)].clone());
            let args: Vec<Val> = inputs.collect();
            let results = self.node(func, id, node, args);
            for (&output, value) in node.outputs.iter().zip(results) {
                values[index(output)] = value;
            }
        }
        let returns = graph.block(graph.root()).returns.first();
        returns.map_or(Val::None, |&v| values[index(v)].clone())
    }

    /// The values of a node's outputs; unknown ones after a problem.
    fn node(&mut self, func: FuncId, id: NodeId, node: &Node, args: Vec<Val>) -> Vec<Val> {
        let found = match &node.op {
            Op::CallMethod(name) => self.call_method(node, name, args).map(|v| vec![v]),
            Op::CallFunction(name) => {
                let value = self.call_function(node, name, args);
                let kind = MarkKind::Function(name.clone());
                self.mark(func, id, kind, value.as_slice());
                Some(value)
            }
            Op::Operator(schema) => {
                let names = schema.args.iter().map(|a| a.name.clone()).collect();
                let args = Args::new(args, names);
                Some(self.operator(func, id, node, schema.name(), args))
            }
            Op::Opaque(op) => {
                let args = Args::new(args, vec![]);
                Some(self.operator(func, id, node, &op.name, args))
            }
            op => match self.prim(node, op, args) {
                Ok(values) => Some(values),
                Err(fail) => {
                    self.problem(Stage::UnsupportedNode, op.kind(), fail, node.span);
                    None
                }
            },
        };
        found.unwrap_or_else(|| vec![Val::Unknown; node.outputs.len()])
    }

    fn operator(
        &mut self,
        func: FuncId,
        id: NodeId,
        node: &Node,
        kind: &str,
        args: Args,
    ) -> Vec<Val> {
        let outputs = node.outputs.len();
        let unknown = vec![Val::Unknown; outputs];
        let kind = stripped(kind);
        if args.is_constant() {
            return match fold::eval(kind, &args) {
                Ok(value) => {
                    let values = spread(value, outputs);
                    // A method may be called again with what is not constant: its marks are counted by call.
                    self.mark(func, id, MarkKind::Operator, &values);
                    values
                }
                Err(message) => {
                    let fail = Fail::new(message);
                    self.problem(Stage::ConstantPropagation, kind, fail, node.span);
                    vec![Val::Lost; outputs]
                }
            };
        }
        if args.is_lost() {
            return vec![Val::Lost; outputs];
        }
        let Some(op) = lower::operator(kind) else {
            let fail = Fail::new("").advise(lower::operator_advice(kind, self.march()));
            self.problem(Stage::UnsupportedNode, kind, fail, node.span);
            return unknown;
        };
        if args.is_unknown() {
            // Shapes are constants, had the tensor been made.
            return match kind {
                "aten::size" | "aten::zeros_like" | "aten::ones_like" => vec![Val::Lost; outputs],
                _ => unknown,
            };
        }
        self.annotate(&kind.replace("::", "_"));
        self.begin(kind, node.span);
        let fits = match kind {
            "aten::alias" | "aten::detach" | "aten::contiguous" => Ok(()),
            _ => self.fixed(&args),
        };
        let made = fits.and_then(|()| op(self, &args));
        let made = made.and_then(|value| self.carry_scale(kind, &args, value));
        match made {
            Ok(value) => {
                let values = spread(value, outputs);
                if kind != "aten::alias" {
                    self.mark(func, id, MarkKind::Operator, &values);
                }
                values
            }
            Err(fail) => {
                self.problem(Stage::ParsingNode, kind, fail, node.span);
                unknown
            }
        }
    }
}

/// `aten::relu_` is `aten::relu`; `aten::__and__` stays (5.3).
fn stripped(kind: &str) -> &str {
    match kind.strip_suffix('_') {
        Some(rest) if kind.starts_with("aten::") && !kind.ends_with("__") => rest,
        _ => kind,
    }
}

/// One value for each output.
fn spread(value: Val, outputs: usize) -> Vec<Val> {
    match value {
        Val::Seq(items) if outputs > 1 => {
            let mut items = items.to_vec();
            items.resize(outputs, Val::Unknown);
            items
        }
        value => vec![value],
    }
}
