//! The fixed-point root's `forward` in the making.

use super::FUNCTIONAL;
use crate::diag::Span;
use crate::ir::schema::find;
use crate::ir::{BlockId, Constant, Graph, NodeId, Op, Type, ValueId};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

/// A graph that grows at the end of its current block.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) graph: Graph,
    /// Where nodes go.
    pub(super) block: BlockId,
    /// The root module.
    pub(super) this: ValueId,
    /// The place in the source that new nodes stand for.
    pub(super) span: Option<Span>,
    /// Where the fixed-point modules lie below the root; empty for the root itself.
    prefix: &'static str,
    /// Modules read so far, by full path; reading is done in the root block.
    modules: FxHashMap<SmolStr, ValueId>,
}

impl Body {
    pub(super) fn new(class: &str, prefix: &'static str) -> Body {
        let mut graph = Graph::new();
        let block = graph.root();
        let this = graph.add_param(block, Type::Class(class.into()), Some("self".into()));
        Body {
            graph,
            block,
            this,
            span: None,
            prefix,
            modules: FxHashMap::default(),
        }
    }

    /// A node at the end of the current block.
    pub(super) fn push(&mut self, op: Op, inputs: &[ValueId], outputs: &[Type]) -> NodeId {
        let inputs = inputs.iter().copied();
        let outputs = outputs.iter().cloned();
        let node = self.graph.make_node(op, inputs, outputs, self.span);
        self.graph.append(self.block, node);
        node
    }

    /// A node with one output.
    pub(super) fn value(&mut self, op: Op, inputs: &[ValueId], ty: Type) -> ValueId {
        let node = self.push(op, inputs, &[ty]);
        self.graph.node(node).outputs[0]
    }

    pub(super) fn constant(&mut self, constant: Constant, ty: Type) -> ValueId {
        self.value(Op::Constant(constant), &[], ty)
    }

    pub(super) fn int(&mut self, value: i64) -> ValueId {
        self.constant(Constant::Int(value), Type::Int)
    }

    pub(super) fn float(&mut self, value: f64) -> ValueId {
        self.constant(Constant::Float(value), Type::Float)
    }

    pub(super) fn bool(&mut self, value: bool) -> ValueId {
        self.constant(Constant::Bool(value), Type::Bool)
    }

    pub(super) fn str(&mut self, text: &str) -> ValueId {
        self.constant(Constant::str(text), Type::Str)
    }

    pub(super) fn none(&mut self) -> ValueId {
        self.constant(Constant::None, Type::None)
    }

    pub(super) fn list(&mut self, items: &[ValueId], element: Type) -> ValueId {
        self.value(Op::ListConstruct, items, Type::list(element))
    }

    /// The fixed-point module at a path.
    pub(super) fn module(&mut self, path: &str) -> ValueId {
        self.at(self.prefix, path)
    }

    /// The module at a path below a child of the root.
    pub(super) fn at(&mut self, prefix: &str, path: &str) -> ValueId {
        match (prefix.is_empty(), path.is_empty()) {
            (true, _) => self.absolute(path),
            (_, true) => self.absolute(prefix),
            _ => self.absolute(&format!("{prefix}.{path}")),
        }
    }

    fn absolute(&mut self, path: &str) -> ValueId {
        if path.is_empty() {
            return self.this;
        }
        if let Some(&known) = self.modules.get(path) {
            return known;
        }
        let (owner, name) = match path.rsplit_once('.') {
            Some((owner, name)) => (self.absolute(owner), name),
            None => (self.this, path),
        };
        let block = std::mem::replace(&mut self.block, self.graph.root());
        let ty = Type::Class(format_smolstr!("__torch__.{path}"));
        let value = self.value(Op::GetAttr(name.into()), &[owner], ty);
        self.block = block;
        self.modules.insert(path.into(), value);
        value
    }

    /// A tensor of the module at a path.
    pub(super) fn buffer(&mut self, path: &str, name: &str) -> ValueId {
        let owner = self.module(path);
        self.value(Op::GetAttr(name.into()), &[owner], Type::Tensor)
    }

    /// `zeros_like(scale, dtype=int64)`: the zero point that goes with a scale.
    pub(super) fn zero_point(&mut self, scale: ValueId) -> ValueId {
        let dtype = self.int(4);
        let none = self.none();
        let inputs = [scale, dtype, none, none, none, none];
        self.aten("aten::zeros_like", "", &inputs)
    }

    /// An operator with one tensor result.
    pub(super) fn aten(&mut self, name: &str, overload: &str, inputs: &[ValueId]) -> ValueId {
        self.value(operator(name, overload), inputs, Type::Tensor)
    }

    /// A function of `functional` with one tensor result.
    pub(super) fn functional(&mut self, name: &str, inputs: &[ValueId]) -> ValueId {
        let op = Op::CallFunction(format_smolstr!("{FUNCTIONAL}.{name}"));
        self.value(op, inputs, Type::Tensor)
    }

    /// A method of the module at a path with `results` tensors as its result.
    pub(super) fn call(&mut self, path: &str, inputs: &[ValueId], results: usize) -> Vec<ValueId> {
        let module = self.module(path);
        let mut all = vec![module];
        all.extend_from_slice(inputs);
        let op = Op::CallMethod("forward".into());
        if results == 1 {
            return vec![self.value(op, &all, Type::Tensor)];
        }
        let types = vec![Type::Tensor; results];
        let tuple = self.value(op, &all, Type::tuple(types.clone()));
        let node = self.push(Op::TupleUnpack, &[tuple], &types);
        self.graph.node(node).outputs.to_vec()
    }
}

/// The operator with this name and overload; opaque where no schema is known.
pub(super) fn operator(name: &str, overload: &str) -> Op {
    match find(name, overload) {
        Some(schema) => Op::Operator(schema),
        None => Op::Opaque(Box::new(crate::ir::op::OpaqueOp {
            name: name.into(),
            keywords: Vec::new(),
        })),
    }
}
