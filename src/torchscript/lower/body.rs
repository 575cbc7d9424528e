//! The state of lowering one body.

use super::constant::Pool;
use super::error::{MISMATCH, Result, fail};
use super::scope::Frame;
use super::subtype;
use super::term::{Term, Val};
use super::unit::{self, LoadedFile, Unit};
use crate::diag::{FileId, Span};
use crate::ir::entity::Entity;
use crate::ir::{BlockId, Constant, FuncId, Graph, NodeId, Op, Type, ValueId};
use crate::torchscript::ast::{FunctionDef, Range};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

/// The definition whose statements are being lowered: the function, or a closure in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Definition {
    /// The written result type.
    pub(super) declared: Option<Type>,
    /// What the returns seen so far agree on.
    pub(super) merged: Option<Type>,
    /// The value of a return at the very end.
    pub(super) result: Option<Val>,
    /// Some return stands elsewhere: returns set flags instead (`exit.rs`).
    pub(super) flagged: bool,
    /// The loops around the statement, innermost last: whether they may be left early.
    pub(super) loops: Vec<super::exit::LoopKind>,
}

/// One body while it is lowered.
pub(super) struct Body<'u, 'a> {
    pub(super) unit: &'u mut Unit<'a>,
    pub(super) graph: Graph,
    /// Where nodes are appended.
    pub(super) block: BlockId,
    pub(super) frames: Vec<Frame>,
    pub(super) pool: Pool,
    pub(super) def: Definition,
    /// Why names are not defined here although they are assigned somewhere.
    pub(super) lost: FxHashMap<SmolStr, String>,
    /// `[]` literals that no variable holds yet: they match any list type.
    pub(super) empty_lists: FxHashSet<ValueId>,
    /// Results of opaque operators whose type no context has decided yet.
    pub(super) undecided: FxHashSet<ValueId>,
    /// Whether `undecided` ever had an element.
    pub(super) any_opaque: bool,
    /// Set while code that is not the user's is inlined: where it is called.
    pub(super) call_site: Option<Span>,
    pub(super) file: FileId,
    /// The name of the function, for messages.
    pub(super) name: SmolStr,
}

/// Lowers the body of a function.
pub(super) fn lower(
    unit: &mut Unit,
    id: FuncId,
    file: &LoadedFile,
    def: &FunctionDef,
) -> Result<(Graph, Type)> {
    let function = &unit.program.functions[id];
    let declared = function.returns.clone();
    let declared = unit.returns_written(id).then_some(declared);
    if declared.is_some() || !super::exit::has_early_return(&def.body) {
        return lower_as(unit, id, file, def, declared);
    }
    // What is carried out of branches and loops needs a type, which a first pass finds.
    let reported = unit.diagnostics.len();
    let (_, inferred) = lower_as(unit, id, file, def, None)?;
    unit.diagnostics.truncate(reported);
    lower_as(unit, id, file, def, Some(inferred))
}

fn lower_as(
    unit: &mut Unit,
    id: FuncId,
    file: &LoadedFile,
    def: &FunctionDef,
    declared: Option<Type>,
) -> Result<(Graph, Type)> {
    let function = &unit.program.functions[id];
    let params = function.params.clone();
    let name = function.name.clone();
    let graph = Graph::new();
    let mut body = Body {
        unit,
        block: graph.root(),
        graph,
        frames: vec![Frame::default()],
        pool: Pool::default(),
        def: Definition::default(),
        lost: FxHashMap::default(),
        empty_lists: FxHashSet::default(),
        undecided: FxHashSet::default(),
        any_opaque: false,
        call_site: None,
        file: file.id,
        name,
    };
    let root = body.block;
    for param in params {
        let id = body
            .graph
            .add_param(root, param.ty.clone(), Some(param.name.clone()));
        body.bind(param.name, Term::Val(Val { id, ty: param.ty }));
    }
    let (result, returns) = body.definition(def, declared)?;
    body.graph.block_mut(root).returns.push(result.id);
    Ok((body.finish(), returns))
}

impl Body<'_, '_> {
    /// Lowers the statements of a definition into the current block; its result and result type.
    pub(super) fn definition(
        &mut self,
        def: &FunctionDef,
        declared: Option<Type>,
    ) -> Result<(Val, Type)> {
        let definition = Definition {
            declared,
            flagged: super::exit::has_early_return(&def.body),
            ..Definition::default()
        };
        let outer = std::mem::replace(&mut self.def, definition);
        let lowered = self.statements_of(def);
        self.def = outer;
        lowered
    }

    fn statements_of(&mut self, def: &FunctionDef) -> Result<(Val, Type)> {
        let span = self.span(def.range);
        self.start_flags(span);
        let exit = self.suite(&def.body)?;
        if !exit.ends() {
            self.fall_off_the_end(def)?;
        }
        let result = self.end_flags(span);
        // A function that always raises returns what it says, or nothing.
        let returns = self
            .def
            .merged
            .take()
            .or(self.def.declared.take())
            .unwrap_or(Type::None);
        let result = match result {
            Some(result) => result,
            None => self.uninitialized(returns.clone(), span),
        };
        Ok((result, returns))
    }

    /// A body that ends without `return` returns None.
    fn fall_off_the_end(&mut self, def: &FunctionDef) -> Result<()> {
        let span = self.span(def.range);
        match &self.def.declared {
            Some(ty) if *ty != Type::None => {
                let message = format!(
                    "expected `{}` to return `{ty}` on every path, it does not",
                    self.name
                );
                fail(MISMATCH, message, span)
            }
            _ => {
                let none = self.none(span);
                self.return_value(none, span)
            }
        }
    }

    /// Puts the constants in use in front of the root block.
    fn finish(mut self) -> Graph {
        super::prune::prune(&mut self.graph);
        let mut used = vec![false; self.graph.value_count()];
        let mut mark = |values: &[ValueId]| {
            for value in values {
                used[value.index()] = true;
            }
        };
        for block in self.graph.blocks_in_order() {
            for &node in &self.graph.block(block).nodes {
                mark(&self.graph.node(node).inputs);
            }
            mark(&self.graph.block(block).returns);
        }
        self.drop_unread_placeholders(&used);
        let root = self.graph.root();
        let mut nodes = self.pool.into_nodes();
        nodes.retain(|&node| used[self.graph.node(node).outputs[0].index()]);
        for &node in &nodes {
            self.graph.node_mut(node).parent = Some(root);
        }
        nodes.append(&mut self.graph.block_mut(root).nodes);
        self.graph.block_mut(root).nodes = nodes;
        self.graph
    }

    /// Placeholders for results that were pruned.
    fn drop_unread_placeholders(&mut self, used: &[bool]) {
        if self.graph.block_count() == 1 {
            return;
        }
        for block in self.graph.blocks_in_order() {
            let nodes = std::mem::take(&mut self.graph.block_mut(block).nodes);
            let read = |node: &NodeId| {
                let node = self.graph.node(*node);
                node.op != Op::Uninitialized || node.outputs.iter().any(|value| used[value.index()])
            };
            let (kept, dropped): (Vec<_>, Vec<_>) = nodes.into_iter().partition(read);
            self.graph.block_mut(block).nodes = kept;
            for node in dropped {
                self.graph.node_mut(node).parent = None;
            }
        }
    }

    /// The span of a range of the function's record, or the call site of inlined code.
    pub(super) fn span(&self, range: Range) -> Option<Span> {
        self.call_site.or_else(|| unit::span(self.file, range))
    }

    /// Appends a node.
    pub(super) fn node(
        &mut self,
        op: Op,
        inputs: impl IntoIterator<Item = ValueId>,
        types: impl IntoIterator<Item = Type>,
        span: Option<Span>,
    ) -> NodeId {
        let node = self.graph.make_node(op, inputs, types, span);
        self.graph.append(self.block, node);
        node
    }

    /// Appends a node with one output.
    pub(super) fn emit(
        &mut self,
        op: Op,
        inputs: impl IntoIterator<Item = ValueId>,
        ty: Type,
        span: Option<Span>,
    ) -> Val {
        let node = self.node(op, inputs, [ty.clone()], span);
        Val {
            id: self.graph.node(node).outputs[0],
            ty,
        }
    }

    /// `uninitialized(T)`
    pub(super) fn uninitialized(&mut self, ty: Type, span: Option<Span>) -> Val {
        self.emit(Op::Uninitialized, [], ty, span)
    }

    /// Runs `f` with nodes going to another block.
    pub(super) fn within<T>(&mut self, block: BlockId, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.block, block);
        let result = f(self);
        self.block = outer;
        result
    }

    /// How many nodes the current block has, for [`Body::rollback`].
    pub(super) fn mark(&self) -> usize {
        self.graph.block(self.block).nodes.len()
    }

    /// Takes back the nodes appended since a mark.
    pub(super) fn rollback(&mut self, mark: usize) {
        while self.graph.block(self.block).nodes.len() > mark {
            if let Some(node) = self.graph.block_mut(self.block).nodes.pop() {
                self.graph.node_mut(node).parent = None;
            }
        }
    }

    pub(super) fn is_subtype(&self, sub: &Type, sup: &Type) -> bool {
        subtype::is_subtype(&self.unit.program, sub, sup)
    }

    pub(super) fn unify(&self, a: &Type, b: &Type) -> Option<Type> {
        subtype::unify(&self.unit.program, a, b)
    }

    /// A value with the type that the first use of an opaque result has given it.
    pub(super) fn settled(&self, val: Val) -> Val {
        if !self.any_opaque || val.ty != Type::Tensor {
            return val;
        }
        Val {
            ty: self.graph.ty(val.id).clone(),
            id: val.id,
        }
    }

    /// The constant a value is.
    pub(super) fn constant_of(&self, val: &Val) -> Option<&Constant> {
        self.graph.constant(val.id)
    }
}
