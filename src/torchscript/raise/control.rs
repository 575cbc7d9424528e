//! Statements with suites: branches, loops, `with`, forks (`torchscript.md` 3.9).

use super::RaiseError;
use super::body::Body;
use super::build::{assign, attribute, bare, call, expr, is_identifier, name, stmt};
use super::types::annotation;
use crate::ir::{BlockId, Constant, Node, NodeId, Op, Type, ValueId};
use crate::torchscript::ast::{Expr, ExprKind, FunctionDef, Range, Stmt, StmtKind, Targets};
use crate::torchscript::deep;

/// How a loop is written.
#[derive(PartialEq)]
enum LoopForm {
    /// `for i in range(n)`
    For,
    /// `while c`
    While,
    /// Both a trip count and a condition: a `while` with a counter.
    Counted,
}

impl Body<'_> {
    pub(super) fn if_node(&mut self, node: &Node) -> Result<(), RaiseError> {
        let &[then, orelse] = &node.blocks[..] else {
            return Err(self.malformed(node, "it does not have two blocks"));
        };
        for &output in &node.outputs {
            self.declare(output);
        }
        let cond = self.input(node, 0)?;
        let then = self.branch(then, &node.outputs)?;
        let orelse = self.branch(orelse, &node.outputs)?;
        let range = self.range(node);
        self.push(stmt(StmtKind::If { cond, then, orelse }, range));
        Ok(())
    }

    fn branch(&mut self, block: BlockId, outputs: &[ValueId]) -> Result<Vec<Stmt>, RaiseError> {
        let graph = self.graph;
        self.open_suite();
        deep(|| self.block(block))?;
        self.parallel_assign(outputs, &graph.block(block).returns)?;
        Ok(self.close_suite())
    }

    pub(super) fn loop_node(&mut self, node: &Node) -> Result<(), RaiseError> {
        let graph = self.graph;
        let carried = node.outputs.len();
        let &[block] = &node.blocks[..] else {
            return Err(self.malformed(node, "it does not have one block"));
        };
        let body = graph.block(block);
        let counts = [body.params.len(), body.returns.len(), node.inputs.len()];
        if counts != [carried + 1, carried + 1, carried + 2] {
            return Err(self.malformed(node, "the numbers of carried values differ"));
        }
        let form = self.loop_form(node, block);
        for (&output, &param) in node.outputs.iter().zip(&body.params[1..]) {
            self.declare(output);
            self.alias(param, output);
        }
        for (&output, &initial) in node.outputs.iter().zip(&node.inputs[2..]) {
            self.initialise(output, initial)?;
        }
        match form {
            LoopForm::For => self.for_loop(node, block),
            LoopForm::While => self.while_loop(node, block),
            LoopForm::Counted => self.counted_loop(node, block),
        }
    }

    fn loop_form(&self, node: &Node, block: BlockId) -> LoopForm {
        let graph = self.graph;
        let body = graph.block(block);
        let is_true = |value| graph.constant(value) == Some(&Constant::Bool(true));
        let endless = graph.constant(node.inputs[0]) == Some(&Constant::Int(i64::MAX));
        let counted = !endless || !self.uses[body.params[0]].is_empty();
        match (counted, is_true(node.inputs[1]) && is_true(body.returns[0])) {
            (true, true) => LoopForm::For,
            (true, false) => LoopForm::Counted,
            (false, _) => LoopForm::While,
        }
    }

    /// What a loop carries starts as a copy, annotated where the types differ.
    fn initialise(&mut self, output: ValueId, initial: ValueId) -> Result<(), RaiseError> {
        let (ty, from) = (self.graph.ty(output), self.graph.ty(initial));
        let wide = matches!(ty, Type::Union(_) | Type::Optional(_));
        let annotate = match wide {
            true => self.annotated.insert(output),
            false => ty != from,
        };
        let target = self.use_of(output)?;
        let value = self.use_of(initial)?;
        self.push(match annotate {
            true => stmt(
                StmtKind::AnnAssign {
                    target,
                    ty: annotation(ty),
                    value: Some(value),
                    spaced: false,
                },
                Range::NONE,
            ),
            false => assign(vec![target], false, value, Range::NONE),
        });
        Ok(())
    }

    fn for_loop(&mut self, node: &Node, block: BlockId) -> Result<(), RaiseError> {
        let body = self.graph.block(block);
        let index = self.declare(body.params[0]);
        let iter = call(name("range"), vec![self.input(node, 0)?], vec![]);
        self.open_suite();
        deep(|| self.block(block))?;
        self.parallel_assign(&body.params[1..], &body.returns[1..])?;
        let kind = StmtKind::For {
            targets: Targets {
                items: vec![index],
                trailing_comma: false,
            },
            iter,
            body: self.close_suite(),
        };
        let range = self.range(node);
        self.push(stmt(kind, range));
        Ok(())
    }

    /// The unused trip index lends its variable to the condition.
    fn while_loop(&mut self, node: &Node, block: BlockId) -> Result<(), RaiseError> {
        let body = self.graph.block(block);
        let cond = self.declare(body.params[0]);
        let initial = self.input(node, 1)?;
        self.push(assign(vec![cond.clone()], false, initial, Range::NONE));
        self.open_suite();
        deep(|| self.block(block))?;
        self.parallel_assign(&body.params, &body.returns)?;
        let body = self.close_suite();
        let range = self.range(node);
        self.push(stmt(StmtKind::While { cond, body }, range));
        Ok(())
    }

    /// `c, i = cond and 0 < n, 0`, then at the end of each trip `c, i, … = cond and i + 1 < n, i + 1, …`.
    fn counted_loop(&mut self, node: &Node, block: BlockId) -> Result<(), RaiseError> {
        let body = self.graph.block(block);
        let (count, initial) = (self.input(node, 0)?, self.input(node, 1)?);
        let count = self.simple(count);
        let initial = self.simple(initial);
        let index = self.declare(body.params[0]);
        let cond = name(self.unique("_"));
        let zero = || expr(ExprKind::Number("0".into()));
        self.push(assign(vec![index.clone()], false, zero(), Range::NONE));
        let enters = both(torch("lt", vec![zero(), count.clone()]), initial);
        self.push(assign(vec![cond.clone()], false, enters, Range::NONE));
        self.open_suite();
        deep(|| self.block(block))?;
        let next_cond = self.use_of(body.returns[0])?;
        let next_cond = self.simple(next_cond);
        let carried = self.uses_of(&body.returns[1..])?;
        let one = expr(ExprKind::Number("1".into()));
        let next_index = self.simple(torch("add", vec![index.clone(), one]));
        let repeats = both(torch("lt", vec![next_index.clone(), count]), next_cond);
        let mut targets = vec![cond.clone(), index];
        targets.extend(self.uses_of(&body.params[1..])?);
        let values = [repeats, next_index].into_iter().chain(carried).collect();
        self.push(assign(targets, false, bare(values), Range::NONE));
        let body = self.close_suite();
        let range = self.range(node);
        self.push(stmt(StmtKind::While { cond, body }, range));
        Ok(())
    }

    /// A variable for anything but a variable or a literal, so that it can be repeated.
    fn simple(&mut self, value: Expr) -> Expr {
        use ExprKind::{False, Name, Number, True};
        if matches!(value.kind, Name(_) | Number(_) | True | False) {
            return value;
        }
        let variable = name(self.unique("_"));
        self.push(assign(vec![variable.clone()], false, value, Range::NONE));
        variable
    }

    pub(super) fn set_attribute(&mut self, node: &Node, field: &str) -> Result<(), RaiseError> {
        if !is_identifier(field) {
            return Err(self.malformed(node, "the attribute's name is no identifier"));
        }
        let target = attribute(self.input(node, 0)?, field);
        let value = self.input(node, 1)?;
        let range = self.range(node);
        self.push(assign(vec![target], false, value, range));
        Ok(())
    }

    /// Opens the suite of a `with`; the statement itself is made when it ends.
    pub(super) fn enter(&mut self, id: NodeId) -> Result<(), RaiseError> {
        let node = self.graph.node(id);
        let manager = self.input(node, 0)?;
        let output = self.output(node)?;
        let target = (!self.uses[output].is_empty()).then(|| self.declare(output));
        let depth = self.depth();
        self.withs.push((depth, manager, target));
        self.open_suite();
        Ok(())
    }

    pub(super) fn exit(&mut self, node: &Node) -> Result<(), RaiseError> {
        let matching = self
            .withs
            .pop()
            .filter(|(depth, ..)| depth + 1 == self.depth());
        let Some((_, manager, target)) = matching else {
            return Err(self.malformed(node, "no `prim::Enter` of its block is open"));
        };
        let kind = StmtKind::With {
            body: self.close_suite(),
            items: vec![(manager, target)],
        };
        let range = self.range(node);
        self.push(stmt(kind, range));
        Ok(())
    }

    /// The body becomes a function without parameters that reads the variables around it.
    pub(super) fn fork(&mut self, id: NodeId) -> Result<(), RaiseError> {
        let graph = self.graph;
        let node = graph.node(id);
        let (candidate, starter) = match node.op {
            Op::Awaitable => ("__awaitable_function", "awaitable"),
            _ => ("__forked_function", "fork"),
        };
        let &[block] = &node.blocks[..] else {
            return Err(self.malformed(node, "it does not have one block"));
        };
        let &[result] = &graph.block(block).returns[..] else {
            return Err(self.malformed(node, "its block does not return one value"));
        };
        let closure = self.unique(candidate);
        self.open_suite();
        deep(|| self.block(block))?;
        let value = self.use_of(result)?;
        self.push(stmt(StmtKind::Return(Some(value)), Range::NONE));
        let def = FunctionDef {
            name: closure.clone(),
            params: Vec::new(),
            returns: None,
            body: self.close_suite(),
            range: Range::NONE,
        };
        self.push(stmt(StmtKind::Def(def), Range::NONE));
        let mut started = call(name(starter), vec![name(closure)], vec![]);
        started.range = self.range(node);
        self.define(id, started);
        Ok(())
    }
}

fn torch(operator: &str, args: Vec<Expr>) -> Expr {
    call(attribute(name("torch"), operator), args, vec![])
}

fn both(a: Expr, b: Expr) -> Expr {
    torch("__and__", vec![a, b])
}
