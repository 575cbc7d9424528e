//! The statements of one function.

use super::build::{assign, bare, length, name, path, stmt, subscript};
use super::inline::{self, Uses};
use super::names::{self, Names};
use super::split::User;
use super::types::annotation;
use super::{Counters, RaiseError};
use crate::ir::{BlockId, Function, Graph, Node, NodeId, Op, Program, SideMap, Type, ValueId};
use crate::torchscript::ast::{Expr, FunctionDef, Param, Range, Stmt, StmtKind};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

/// From this column on an inlined expression gets its own line.
const LONG_LINE: usize = 40;

pub(super) struct Body<'a> {
    pub(super) program: &'a Program,
    function: &'a Function,
    pub(super) graph: &'a Graph,
    pub(super) uses: Uses,
    pub(super) inlined: SideMap<NodeId, bool>,
    pub(super) visited: FxHashMap<User, i64>,
    names: Names<'a>,
    pub(super) level: usize,
    suites: Vec<Vec<Stmt>>,
    /// How a value is written where it has no variable.
    exprs: SideMap<ValueId, Option<Expr>>,
    variables: SideMap<ValueId, Option<SmolStr>>,
    /// Variables whose optional or union type has been written.
    pub(super) annotated: FxHashSet<ValueId>,
    functions: FxHashMap<SmolStr, Expr>,
    /// Open `with` statements: depth, manager, target.
    pub(super) withs: Vec<(usize, Expr, Option<Expr>)>,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        program: &'a Program,
        function: &'a Function,
        level: usize,
        counters: &'a mut Counters,
    ) -> Body<'a> {
        let graph = &function.graph;
        let uses = graph.uses();
        Body {
            program,
            function,
            graph,
            inlined: inline::inlined(graph, &uses),
            uses,
            visited: FxHashMap::default(),
            names: Names::new(counters, names::called(graph)),
            level,
            suites: vec![Vec::new()],
            exprs: SideMap::new(),
            variables: SideMap::new(),
            annotated: FxHashSet::default(),
            functions: FxHashMap::default(),
            withs: Vec::new(),
        }
    }

    pub(super) fn raise(mut self) -> Result<FunctionDef, RaiseError> {
        let root = self.graph.root();
        let block = self.graph.block(root);
        let (&[result], true) = (
            &block.returns[..],
            block.params.len() == self.function.params.len(),
        ) else {
            return Err(RaiseError::Results {
                function: self.function.name.clone(),
                found: block.returns.len(),
            });
        };
        let params = self.params();
        self.level += 1;
        self.hoist_constants();
        self.block(root)?;
        let value = self.use_of(result)?;
        self.push(stmt(StmtKind::Return(Some(value)), Range::NONE));
        Ok(FunctionDef {
            name: last_atom(&self.function.name).into(),
            params,
            returns: Some(annotation(&self.function.returns)),
            body: self.suites.pop().unwrap_or_default(),
            range: Range::NONE,
        })
    }

    fn params(&mut self) -> Vec<Param> {
        let values = &self.graph.block(self.graph.root()).params;
        let mut params = Vec::with_capacity(values.len());
        for (param, &value) in self.function.params.iter().zip(values) {
            let name = self.names.unique(&param.name);
            self.variables[value] = Some(name.clone());
            params.push(super::item::param(self.program, param, name));
        }
        params
    }

    /// Nodes of a block as statements of the innermost suite.
    pub(super) fn block(&mut self, block: BlockId) -> Result<(), RaiseError> {
        let graph = self.graph;
        for &id in &graph.block(block).nodes {
            if !matches!(graph.node(id).op, Op::Constant(_)) {
                self.node(id)?;
            }
        }
        Ok(())
    }

    fn node(&mut self, id: NodeId) -> Result<(), RaiseError> {
        let graph = self.graph;
        let node = graph.node(id);
        match &node.op {
            Op::If => self.if_node(node),
            Op::Loop => self.loop_node(node),
            Op::Fork | Op::Awaitable => self.fork(id),
            Op::Enter => self.enter(id),
            Op::Exit => self.exit(node),
            Op::SetAttr(field) => self.set_attribute(node, field),
            Op::TupleUnpack | Op::ListUnpack => self.unpack(id),
            op if op.kind() == inline::CONTAINER_INDEX => self.container_index(node),
            _ => {
                let expr = self.rhs(id)?;
                if !self.inlined[id] {
                    self.define(id, expr);
                    return Ok(());
                }
                let long = self.is_long(&expr);
                let value = self.output(node)?;
                self.exprs[value] = Some(expr);
                if long { self.split(value) } else { Ok(()) }
            }
        }
    }

    fn is_long(&self, expr: &Expr) -> bool {
        length(expr) + 2 * self.level >= LONG_LINE
    }

    /// Constants too long to repeat, and functions, are written first, in the order of their use.
    fn hoist_constants(&mut self) {
        let graph = self.graph;
        let mut seen: FxHashSet<ValueId> = FxHashSet::default();
        for step in constants_in_order(graph) {
            match step {
                Hoist::Function(function) => {
                    if !self.functions.contains_key(function) {
                        let func = self.hoist(path(function), Range::NONE);
                        self.functions.insert(function.clone(), func);
                    }
                }
                Hoist::Constant(value) => {
                    let Some(node) = graph.producer(value).filter(|_| seen.insert(value)) else {
                        continue;
                    };
                    let Ok(literal) = self.rhs(node) else {
                        continue;
                    };
                    let range = literal.range;
                    self.exprs[value] = Some(self.hoist(literal, range));
                }
            }
        }
    }

    /// The expression itself, or a new variable for it if it is long.
    fn hoist(&mut self, expr: Expr, range: Range) -> Expr {
        if !self.is_long(&expr) {
            return expr;
        }
        let variable = self.names.unique("_");
        self.push(assign(vec![name(variable.clone())], false, expr, range));
        name(variable)
    }

    pub(super) fn function_value(&self, function: &SmolStr) -> Expr {
        match self.functions.get(function) {
            Some(value) => value.clone(),
            None => path(function),
        }
    }

    pub(super) fn unique(&mut self, candidate: &str) -> SmolStr {
        self.names.unique(candidate)
    }

    /// A new variable for a value.
    pub(super) fn declare(&mut self, value: ValueId) -> Expr {
        let base = names::base(self.graph.value(value).name.as_ref());
        let variable = self.names.unique(base.as_deref().unwrap_or("_"));
        self.variables[value] = Some(variable.clone());
        name(variable)
    }

    /// Lets `value` share the variable of `other`.
    pub(super) fn alias(&mut self, value: ValueId, other: ValueId) {
        self.variables[value] = self.variables[other].clone();
        self.annotated.insert(value);
    }

    /// `a, b = expr`, or the expression alone if the node has no outputs.
    pub(super) fn define(&mut self, id: NodeId, expr: Expr) {
        let graph = self.graph;
        let node = graph.node(id);
        let range = self.range(node);
        let targets: Vec<Expr> = node.outputs.iter().map(|&v| self.declare(v)).collect();
        self.push(match targets.is_empty() {
            true => stmt(StmtKind::Expr(expr), range),
            false => assign(targets, false, expr, range),
        });
    }

    fn unpack(&mut self, id: NodeId) -> Result<(), RaiseError> {
        let graph = self.graph;
        let node = graph.node(id);
        let targets: Vec<Expr> = node.outputs.iter().map(|&v| self.declare(v)).collect();
        let value = self.input(node, 0)?;
        let range = self.range(node);
        self.push(match targets.is_empty() {
            true => stmt(StmtKind::Expr(value), range),
            false => assign(targets, true, value, range),
        });
        Ok(())
    }

    /// `s : Interface = stages[i]`: the annotation says under which interface a module of the list is used.
    fn container_index(&mut self, node: &Node) -> Result<(), RaiseError> {
        let output = self.output(node)?;
        let base = self.input(node, 0)?;
        let value = subscript(base, vec![self.input(node, 1)?]);
        let kind = StmtKind::AnnAssign {
            target: self.declare(output),
            ty: annotation(self.graph.ty(output)),
            value: Some(value),
            spaced: true,
        };
        let range = self.range(node);
        self.push(stmt(kind, range));
        Ok(())
    }

    /// How a value is written. An inlined expression is given out once.
    pub(super) fn use_of(&mut self, value: ValueId) -> Result<Expr, RaiseError> {
        if let Some(variable) = &self.variables[value] {
            return Ok(name(variable.clone()));
        }
        let once = self.uses[value].len() == 1;
        let expr = match once {
            true => self.exprs[value].take(),
            false => self.exprs[value].clone(),
        };
        expr.ok_or_else(|| RaiseError::Undefined {
            function: self.function.name.clone(),
            value: format_smolstr!("{value}"),
        })
    }

    pub(super) fn uses_of(&mut self, values: &[ValueId]) -> Result<Vec<Expr>, RaiseError> {
        values.iter().map(|&value| self.use_of(value)).collect()
    }

    pub(super) fn input(&mut self, node: &Node, index: usize) -> Result<Expr, RaiseError> {
        match node.inputs.get(index) {
            Some(&value) => self.use_of(value),
            None => Err(self.malformed(node, "an input is missing")),
        }
    }

    pub(super) fn inputs(&mut self, node: &Node, from: usize) -> Result<Vec<Expr>, RaiseError> {
        self.uses_of(node.inputs.get(from..).unwrap_or_default())
    }

    pub(super) fn output(&self, node: &Node) -> Result<ValueId, RaiseError> {
        let first = node.outputs.first().copied();
        first.ok_or_else(|| self.malformed(node, "it has no output"))
    }

    pub(super) fn output_type(&self, node: &Node) -> Result<&'a Type, RaiseError> {
        Ok(self.graph.ty(self.output(node)?))
    }

    pub(super) fn malformed(&self, node: &Node, what: &'static str) -> RaiseError {
        RaiseError::Malformed {
            function: self.function.name.clone(),
            node: node.op.kind().into(),
            what,
        }
    }

    /// The node's place, if it was written in the file of this function.
    pub(super) fn range(&self, node: &Node) -> Range {
        match (node.span, self.function.span) {
            (Some(span), Some(own)) if span.file == own.file => Range {
                start: span.start,
                end: span.end,
            },
            _ => Range::NONE,
        }
    }

    pub(super) fn push(&mut self, stmt: Stmt) {
        if let Some(suite) = self.suites.last_mut() {
            suite.push(stmt);
        }
    }

    pub(super) fn open_suite(&mut self) {
        self.level += 1;
        self.suites.push(Vec::new());
    }

    /// The innermost suite, `pass` if it is empty.
    pub(super) fn close_suite(&mut self) -> Vec<Stmt> {
        self.level -= 1;
        let suite = self.suites.pop().unwrap_or_default();
        match suite.is_empty() {
            true => vec![stmt(StmtKind::Pass, Range::NONE)],
            false => suite,
        }
    }

    /// How many suites are open.
    pub(super) fn depth(&self) -> usize {
        self.suites.len()
    }

    /// `a, b = x, y`; a single optional target is annotated where it first stands.
    pub(super) fn parallel_assign(
        &mut self,
        targets: &[ValueId],
        values: &[ValueId],
    ) -> Result<(), RaiseError> {
        if targets.is_empty() {
            return Ok(());
        }
        let left = self.uses_of(targets)?;
        let right = self.uses_of(values)?;
        if let (&[single], [target], [value]) = (targets, &left[..], &right[..]) {
            let ty = self.graph.ty(single);
            let wide = matches!(ty, Type::Union(_) | Type::Optional(_));
            if wide && self.annotated.insert(single) {
                let kind = StmtKind::AnnAssign {
                    target: target.clone(),
                    ty: annotation(ty),
                    value: Some(value.clone()),
                    spaced: true,
                };
                self.push(stmt(kind, Range::NONE));
                return Ok(());
            }
        }
        self.push(assign(left, false, bare(right), Range::NONE));
        Ok(())
    }
}

pub(super) fn last_atom(qualified: &str) -> &str {
    qualified.rsplit('.').next().unwrap_or(qualified)
}

enum Hoist<'g> {
    Constant(ValueId),
    Function(&'g SmolStr),
}

/// Constants and called functions in the order a reader meets them, with repetition.
fn constants_in_order(graph: &Graph) -> Vec<Hoist<'_>> {
    enum Step {
        Block(BlockId),
        Node(NodeId),
        Returns(BlockId),
    }
    let mut order = Vec::new();
    let mut stack = vec![Step::Block(graph.root())];
    while let Some(step) = stack.pop() {
        let values: &[ValueId] = match step {
            Step::Block(block) => {
                stack.push(Step::Returns(block));
                let nodes = graph.block(block).nodes.iter().rev();
                stack.extend(nodes.map(|&node| Step::Node(node)));
                continue;
            }
            Step::Node(node) => {
                let node = graph.node(node);
                stack.extend(node.blocks.iter().rev().map(|&block| Step::Block(block)));
                if let Op::CallFunction(function) = &node.op {
                    order.push(Hoist::Function(function));
                }
                &node.inputs
            }
            Step::Returns(block) => &graph.block(block).returns,
        };
        let constants = values.iter().filter(|&&v| graph.constant(v).is_some());
        order.extend(constants.map(|&v| Hoist::Constant(v)));
    }
    order
}
