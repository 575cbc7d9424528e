//! New nodes in the place of others.

use crate::ir::schema;
use crate::ir::{Constant, Graph, NodeId, Op, Type, ValueId};

/// Writes the nodes of a root block anew, in order.
pub(in crate::quant) struct Builder<'g> {
    /// The graph.
    pub(in crate::quant) graph: &'g mut Graph,
    nodes: Vec<NodeId>,
    /// The node whose scope and span new ones get.
    model: NodeId,
    /// Values of 16 bits where the march has them.
    wide: Vec<ValueId>,
}

impl<'g> Builder<'g> {
    /// Takes all nodes out of the root block; the result holds them in order.
    pub(in crate::quant) fn new(graph: &'g mut Graph) -> (Builder<'g>, Vec<NodeId>) {
        let root = graph.root();
        let old = graph.block(root).nodes.clone();
        graph.retain(root, |_| false);
        let model = old
            .first()
            .copied()
            .unwrap_or_else(|| graph.make_node(Op::Constant(Constant::None), [], [], None));
        let nodes = Vec::with_capacity(old.len());
        (
            Builder {
                graph,
                nodes,
                model,
                wide: Vec::new(),
            },
            old,
        )
    }

    /// New nodes stand for this one: they get its scope and span.
    pub(in crate::quant) fn at(&mut self, node: NodeId) {
        self.model = node;
    }

    /// Puts an old node at the end.
    pub(in crate::quant) fn keep(&mut self, node: NodeId) {
        self.nodes.push(node);
    }

    /// Puts a new node at the end.
    pub(in crate::quant) fn node(&mut self, op: Op, inputs: &[ValueId], types: &[Type]) -> NodeId {
        let (span, scope) = {
            let model = self.graph.node(self.model);
            (model.span, model.scope.clone())
        };
        let node = self
            .graph
            .make_node(op, inputs.iter().copied(), types.iter().cloned(), span);
        self.graph.node_mut(node).scope = scope;
        self.nodes.push(node);
        node
    }

    /// Puts a new node with one output at the end.
    pub(in crate::quant) fn value(&mut self, op: Op, inputs: &[ValueId], ty: Type) -> ValueId {
        let node = self.node(op, inputs, &[ty]);
        self.graph.node(node).outputs[0]
    }

    /// A constant.
    pub(in crate::quant) fn constant(&mut self, constant: Constant, ty: Type) -> ValueId {
        self.value(Op::Constant(constant), &[], ty)
    }

    /// An int.
    pub(in crate::quant) fn int(&mut self, value: i64) -> ValueId {
        self.constant(Constant::Int(value), Type::Int)
    }

    /// A float.
    pub(in crate::quant) fn float(&mut self, value: f64) -> ValueId {
        self.constant(Constant::Float(value), Type::Float)
    }

    /// A bool.
    pub(in crate::quant) fn bool(&mut self, value: bool) -> ValueId {
        self.constant(Constant::Bool(value), Type::Bool)
    }

    /// A list of tensors.
    pub(in crate::quant) fn tensors(&mut self, items: &[ValueId]) -> ValueId {
        self.value(Op::ListConstruct, items, Type::list(Type::Tensor))
    }

    /// A list of ints that nodes compute.
    pub(in crate::quant) fn int_list(&mut self, items: &[ValueId]) -> ValueId {
        self.value(Op::ListConstruct, items, Type::list(Type::Int))
    }

    /// A list of ints.
    pub(in crate::quant) fn ints(&mut self, values: &[i64]) -> ValueId {
        let items: Vec<ValueId> = values.iter().map(|it| self.int(*it)).collect();
        self.int_list(&items)
    }

    /// The first result of an operator; arguments that are left out have their defaults. None if the table has no such
    /// overload, or an argument without default is missing.
    pub(in crate::quant) fn aten(
        &mut self,
        name: &str,
        overload: &str,
        inputs: &[ValueId],
    ) -> Option<ValueId> {
        self.aten_all(name, overload, inputs)?.first().copied()
    }

    /// An operator with all its results.
    pub(in crate::quant) fn aten_all(
        &mut self,
        name: &str,
        overload: &str,
        inputs: &[ValueId],
    ) -> Option<Vec<ValueId>> {
        let schema = schema::find(&format!("aten::{name}"), overload)?;
        let mut all = inputs.to_vec();
        for arg in schema.args.get(inputs.len()..)? {
            let default = arg.default.clone()?;
            let ty = match &default {
                Constant::None => Type::None,
                _ => match &arg.ty {
                    Type::Optional(inner) => (**inner).clone(),
                    ty => ty.clone(),
                },
            };
            let value = self.constant(default, ty);
            all.push(value);
        }
        let types: Vec<Type> = schema.returns.iter().map(|it| it.ty.clone()).collect();
        let node = self.node(Op::Operator(schema), &all, &types);
        Some(self.graph.node(node).outputs.to_vec())
    }

    /// One tensor of a list of some.
    pub(in crate::quant) fn element(&mut self, list: ValueId, index: i64) -> Option<ValueId> {
        let schema = schema::find("aten::__getitem__", "t")?;
        let index = self.int(index);
        Some(self.value(Op::Operator(schema), &[list, index], Type::Tensor))
    }

    /// A step inside a composite operator: it is quantised to 16 bits where the march has them.
    pub(in crate::quant) fn wide(&mut self, value: ValueId) -> ValueId {
        self.wide.push(value);
        value
    }

    /// How many nodes there are so far.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Makes wide what nodes from a place on give.
    pub(super) fn widen_from(&mut self, start: usize) {
        for &node in &self.nodes[start..] {
            self.wide.extend(&self.graph.node(node).outputs);
        }
    }

    /// Puts the nodes into the root block; the result are the wide values.
    pub(in crate::quant) fn finish(self) -> Vec<ValueId> {
        let root = self.graph.root();
        for node in self.nodes {
            self.graph.append(root, node);
        }
        self.wide
    }
}
