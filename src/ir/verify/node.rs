//! What each operation asks of its inputs, outputs and blocks.

use super::{COUNT, Checker, TYPE};
use crate::ir::subtype::is_subtype;
use crate::ir::text::type_text;
use crate::ir::{BlockId, ClassKind, Constant, Node, NodeId, Op, Type, ValueId};

impl<'a> Checker<'a> {
    pub(super) fn node(&mut self, id: NodeId) {
        let graph = self.graph;
        let node = graph.node(id);
        if !self.blocks(id, node) {
            return;
        }
        match &node.op {
            Op::Constant(constant) => self.constant(id, node, constant),
            Op::If => self.branches(id, node),
            Op::Loop => self.looping(id, node),
            Op::GetAttr(name) => self.get_attribute(id, node, name),
            Op::SetAttr(name) => self.set_attribute(id, node, name),
            Op::CallMethod(name) => self.call_method(id, node, name),
            Op::CallFunction(name) => self.call_function(id, node, name),
            Op::CreateObject => {
                if self.counts(id, node, 0, 1) && self.output(node, 0).class_name().is_none() {
                    self.mismatch(id, "the result", "a class", self.output(node, 0));
                }
            }
            Op::ListConstruct => self.list(id, node),
            Op::TupleConstruct => self.tuple(id, node),
            Op::DictConstruct => self.dict(id, node),
            Op::ListUnpack => self.list_unpack(id, node),
            Op::TupleUnpack => self.tuple_unpack(id, node),
            Op::TupleIndex => self.tuple_index(id, node),
            Op::TupleSlice { begin, end } => self.tuple_slice(id, node, *begin, *end),
            Op::IsInstance(_) => {
                if self.counts(id, node, 1, 1) {
                    self.is_output(id, node, 0, &Type::Bool);
                }
            }
            Op::UncheckedCast | Op::ToList | Op::EnumValue | Op::Enter => {
                self.counts(id, node, 1, 1);
            }
            Op::EnumName => {
                if self.counts(id, node, 1, 1) {
                    self.is_output(id, node, 0, &Type::Str);
                }
            }
            Op::Uninitialized => {
                self.counts(id, node, 0, 1);
            }
            Op::Exit => {
                self.at_least(id, node, 1);
            }
            Op::Fork | Op::Awaitable => self.closure(id, node),
            Op::Print => {
                self.counts(id, node, node.inputs.len(), 0);
            }
            Op::Operator(schema) => self.operator(id, node, schema),
            Op::Opaque(op) => {
                self.at_least(id, node, op.keywords.len());
            }
        }
    }

    pub(super) fn input(&self, node: &Node, index: usize) -> &'a Type {
        self.graph.ty(node.inputs[index])
    }

    pub(super) fn output(&self, node: &Node, index: usize) -> &'a Type {
        self.graph.ty(node.outputs[index])
    }

    /// Whether `sub` stands for `sup`; a type parameter or class nobody knows is trusted.
    pub(super) fn fits(&self, sub: &Type, sup: &Type) -> bool {
        let unknown = |ty: &Type| {
            ty.class_name()
                .is_some_and(|name| self.program.class(name).is_none())
        };
        unknown(sub) || unknown(sup) || is_subtype(self.program, sub, sup)
    }

    pub(super) fn mismatch(&mut self, id: NodeId, what: &str, expected: &str, found: &Type) {
        let message = format!(
            "expected {expected} for {what}, found `{}`",
            type_text(found)
        );
        self.report(TYPE, Some(id), message);
    }

    /// Reports unless a value of type `found` may be `what`, of type `expected`.
    pub(super) fn expect(&mut self, id: NodeId, what: &str, expected: &Type, found: &Type) {
        if !self.fits(found, expected) {
            self.mismatch(id, what, &format!("`{}`", type_text(expected)), found);
        }
    }

    /// Outputs may forget something of their exact type, or know more, after a refinement.
    pub(super) fn is_output(&mut self, id: NodeId, node: &Node, index: usize, exact: &Type) {
        let found = self.output(node, index);
        if !self.fits(exact, found) && !self.fits(found, exact) {
            let what = format!("output {index}");
            self.mismatch(id, &what, &format!("`{}`", type_text(exact)), found);
        }
    }

    pub(super) fn counts(
        &mut self,
        id: NodeId,
        node: &Node,
        inputs: usize,
        outputs: usize,
    ) -> bool {
        let found = (node.inputs.len(), node.outputs.len());
        if found == (inputs, outputs) {
            return true;
        }
        let message = format!(
            "`{}` takes {inputs} inputs and has {outputs} outputs, found {} and {}",
            node.op.kind(),
            found.0,
            found.1
        );
        self.report(COUNT, Some(id), message);
        false
    }

    pub(super) fn at_least(&mut self, id: NodeId, node: &Node, inputs: usize) -> bool {
        if node.inputs.len() >= inputs {
            return true;
        }
        let message = format!(
            "`{}` takes at least {inputs} inputs, found {}",
            node.op.kind(),
            node.inputs.len()
        );
        self.report(COUNT, Some(id), message);
        false
    }

    fn blocks(&mut self, id: NodeId, node: &Node) -> bool {
        let expected = match node.op {
            Op::If => 2,
            Op::Loop | Op::Fork | Op::Awaitable => 1,
            _ => 0,
        };
        if node.blocks.len() == expected {
            return true;
        }
        let message = format!(
            "`{}` has {expected} blocks, found {}",
            node.op.kind(),
            node.blocks.len()
        );
        self.report(COUNT, Some(id), message);
        false
    }

    fn constant(&mut self, id: NodeId, node: &Node, constant: &Constant) {
        if !self.counts(id, node, 0, 1) {
            return;
        }
        let found = self.output(node, 0);
        let exact = match constant {
            Constant::None => Type::None,
            Constant::Bool(_) => Type::Bool,
            Constant::Int(_) => Type::Int,
            Constant::Float(_) => Type::Float,
            Constant::Complex(..) => Type::Complex,
            Constant::Str(_) => Type::Str,
            Constant::Device(_) => Type::Device,
            Constant::Enum { class, .. } => Type::Class(class.clone()),
            Constant::Function(name) => Type::Function(name.clone()),
            // Their types are on the value.
            Constant::List(_) | Constant::Tuple(_) | Constant::Dict(_) | Constant::Table(_) => {
                return;
            }
        };
        self.expect(id, "the constant", found, &exact);
    }

    /// A block without parameters that returns what the node puts out.
    fn branches(&mut self, id: NodeId, node: &Node) {
        if !self.counts(id, node, 1, node.outputs.len()) {
            return;
        }
        self.expect(id, "the condition", &Type::Bool, self.input(node, 0));
        for &block in &node.blocks {
            self.param_count(id, block, 0);
            let returns = &self.graph.block(block).returns;
            self.results(id, block, returns, &node.outputs);
        }
    }

    fn param_count(&mut self, id: NodeId, block: BlockId, expected: usize) -> bool {
        let found = self.graph.block(block).params.len();
        if found == expected {
            return true;
        }
        let message = format!("expected {expected} parameters of `{block}`, found {found}");
        self.report(COUNT, Some(id), message);
        false
    }

    /// Each of `values`, results of a block, fits the value it becomes.
    fn results(&mut self, id: NodeId, block: BlockId, values: &[ValueId], into: &[ValueId]) {
        if values.len() != into.len() {
            let message = format!(
                "expected {} results of `{block}`, found {}",
                into.len(),
                values.len()
            );
            return self.report(COUNT, Some(id), message);
        }
        for (index, (&value, &target)) in values.iter().zip(into).enumerate() {
            let what = format!("result {index} of `{block}`");
            self.expect(id, &what, self.graph.ty(target), self.graph.ty(value));
        }
    }

    fn looping(&mut self, id: NodeId, node: &Node) {
        let carried = node.outputs.len();
        let block = node.blocks[0];
        if !self.counts(id, node, carried + 2, carried) || !self.param_count(id, block, carried + 1)
        {
            return;
        }
        self.expect(id, "the trip count", &Type::Int, self.input(node, 0));
        self.expect(id, "the condition", &Type::Bool, self.input(node, 1));
        let body = self.graph.block(block);
        self.expect(
            id,
            "the trip index",
            &Type::Int,
            self.graph.ty(body.params[0]),
        );
        for index in 0..carried {
            let what = format!("carried value {index}");
            let ty = self.graph.ty(body.params[index + 1]);
            self.expect(id, &what, ty, self.input(node, index + 2));
            self.expect(id, &what, self.output(node, index), ty);
        }
        let Some((&next, returned)) = body.returns.split_first() else {
            let message = format!("expected {} results of `{block}`, found 0", carried + 1);
            return self.report(COUNT, Some(id), message);
        };
        self.expect(id, "the next condition", &Type::Bool, self.graph.ty(next));
        self.results(id, block, returned, &body.params[1..]);
    }

    fn closure(&mut self, id: NodeId, node: &Node) {
        let block = node.blocks[0];
        if !self.counts(id, node, 0, 1) || !self.param_count(id, block, 0) {
            return;
        }
        let &[result] = &self.graph.block(block).returns[..] else {
            let message = format!("expected one result of `{block}`");
            return self.report(COUNT, Some(id), message);
        };
        match self.output(node, 0) {
            Type::Future(inner) | Type::Await(inner) => {
                let found = self.graph.ty(result);
                self.expect(id, "the closure's result", inner, found);
            }
            other => self.mismatch(id, "the result", "a future", other),
        }
    }

    fn list(&mut self, id: NodeId, node: &Node) {
        if !self.counts(id, node, node.inputs.len(), 1) {
            return;
        }
        let Type::List(element) = self.output(node, 0) else {
            return self.mismatch(id, "the result", "a list", self.output(node, 0));
        };
        for index in 0..node.inputs.len() {
            let what = format!("element {index}");
            self.expect(id, &what, element, self.input(node, index));
        }
    }

    /// The element types of a tuple or named tuple; `None` when the class is not known.
    fn elements(&self, ty: &'a Type) -> Option<Option<Vec<&'a Type>>> {
        match ty {
            Type::Tuple(items) => Some(Some(items.iter().collect())),
            Type::Class(name) => match self.program.class(name) {
                Some(class) if class.kind == ClassKind::NamedTuple => {
                    Some(Some(class.attributes.iter().map(|a| &a.ty).collect()))
                }
                Some(_) => None,
                None => Some(None),
            },
            _ => None,
        }
    }

    fn tuple(&mut self, id: NodeId, node: &Node) {
        if !self.counts(id, node, node.inputs.len(), 1) {
            return;
        }
        match self.elements(self.output(node, 0)) {
            None => self.mismatch(id, "the result", "a tuple", self.output(node, 0)),
            Some(None) => {}
            Some(Some(types)) => {
                if self.counts(id, node, types.len(), 1) {
                    for (index, ty) in types.into_iter().enumerate() {
                        self.expect(id, &format!("element {index}"), ty, self.input(node, index));
                    }
                }
            }
        }
    }

    fn dict(&mut self, id: NodeId, node: &Node) {
        if !node.inputs.len().is_multiple_of(2) {
            let message = format!(
                "expected a value for each key, found {} inputs",
                node.inputs.len()
            );
            return self.report(COUNT, Some(id), message);
        }
        if !self.counts(id, node, node.inputs.len(), 1) {
            return;
        }
        let Type::Dict(kv) = self.output(node, 0) else {
            return self.mismatch(id, "the result", "a dict", self.output(node, 0));
        };
        for index in 0..node.inputs.len() {
            let (what, ty) = match index % 2 {
                0 => ("a key", &kv.0),
                _ => ("a value", &kv.1),
            };
            self.expect(id, what, ty, self.input(node, index));
        }
    }

    fn list_unpack(&mut self, id: NodeId, node: &Node) {
        if !self.counts(id, node, 1, node.outputs.len()) {
            return;
        }
        let Type::List(element) = self.input(node, 0) else {
            return self.mismatch(id, "input 0", "a list", self.input(node, 0));
        };
        for index in 0..node.outputs.len() {
            self.is_output(id, node, index, element);
        }
    }

    fn tuple_unpack(&mut self, id: NodeId, node: &Node) {
        if !self.counts(id, node, 1, node.outputs.len()) {
            return;
        }
        match self.elements(self.input(node, 0)) {
            None => self.mismatch(id, "input 0", "a tuple", self.input(node, 0)),
            Some(None) => {}
            Some(Some(types)) => {
                if self.counts(id, node, 1, types.len()) {
                    for (index, ty) in types.into_iter().enumerate() {
                        self.is_output(id, node, index, ty);
                    }
                }
            }
        }
    }

    fn tuple_index(&mut self, id: NodeId, node: &Node) {
        if !self.counts(id, node, 2, 1) {
            return;
        }
        let Some(types) = self.elements(self.input(node, 0)) else {
            return self.mismatch(id, "input 0", "a tuple", self.input(node, 0));
        };
        let Some(&Constant::Int(index)) = self.graph.constant(node.inputs[1]) else {
            return self.mismatch(id, "the index", "a constant int", self.input(node, 1));
        };
        let Some(types) = types else { return };
        let position = if index < 0 {
            index + types.len() as i64
        } else {
            index
        };
        match usize::try_from(position).ok().and_then(|i| types.get(i)) {
            Some(ty) => self.is_output(id, node, 0, ty),
            None => {
                let message = format!("expected an index below {}, found {index}", types.len());
                self.report(TYPE, Some(id), message);
            }
        }
    }

    fn tuple_slice(&mut self, id: NodeId, node: &Node, begin: i64, end: i64) {
        if !self.counts(id, node, 1, 1) {
            return;
        }
        let Some(types) = self.elements(self.input(node, 0)) else {
            return self.mismatch(id, "input 0", "a tuple", self.input(node, 0));
        };
        let in_range = types.is_none_or(|types| end <= types.len() as i64);
        if begin < 0 || begin > end || !in_range {
            let message = format!("expected a range of the tuple, found {begin} to {end}");
            self.report(TYPE, Some(id), message);
        }
    }
}
