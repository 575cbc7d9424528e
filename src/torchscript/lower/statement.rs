//! Statements (`torchscript.md` 3.9).

use super::body::Body;
use super::error::{CONSTRUCT, MISMATCH, Result, fail};
use super::exit::Exit;
use super::term::{Term, Val, describe};
use crate::diag::Span;
use crate::ir::{Constant, Op, Type};
use crate::torchscript::ast::{Expr, ExprKind, FunctionDef, Stmt, StmtKind};

impl Body<'_, '_> {
    /// Lowers statements until one of them ends the block.
    pub(super) fn suite(&mut self, stmts: &[Stmt]) -> Result<Exit> {
        crate::torchscript::deep(|| {
            for (i, stmt) in stmts.iter().enumerate() {
                match self.statement(stmt)? {
                    Exit::Never => {}
                    Exit::Maybe if i + 1 < stmts.len() => {
                        return self.guarded(&stmts[i + 1..], self.span(stmt.range));
                    }
                    exit => return Ok(exit),
                }
            }
            Ok(Exit::Never)
        })
    }

    fn statement(&mut self, stmt: &Stmt) -> Result<Exit> {
        let span = self.span(stmt.range);
        match &stmt.kind {
            StmtKind::Assign { targets, value } => self.assignment(targets, value, span)?,
            StmtKind::AnnAssign {
                target, ty, value, ..
            } => self.annotated_assignment(target, ty, value.as_ref(), span)?,
            StmtKind::AugAssign { target, op, value } => {
                self.augmented_assignment(target, *op, value, span)?
            }
            StmtKind::Expr(expr) => {
                self.term(expr, None, 0)?;
            }
            StmtKind::Return(value) => return self.return_statement(value.as_ref(), span),
            StmtKind::Pass => {}
            StmtKind::If { cond, then, orelse } => {
                return self.if_statement(cond, then, orelse, span);
            }
            StmtKind::While { cond, body } => return self.while_statement(cond, body, span),
            StmtKind::For {
                targets,
                iter,
                body,
            } => return self.for_statement(targets, iter, body, span),
            StmtKind::With { items, body } => return self.with_statement(items, body, span),
            StmtKind::Def(def) => self.closure(def, span)?,
            StmtKind::Raise(value) => return self.raise_statement(value.as_ref(), span),
            StmtKind::Assert(cond, message) => {
                self.assert_statement(cond, message.as_ref(), span)?
            }
            StmtKind::Break => {
                self.leave_iteration(false, span)?;
                return Ok(Exit::Always);
            }
            StmtKind::Continue => {
                self.leave_iteration(true, span)?;
                return Ok(Exit::Always);
            }
            StmtKind::Delete(targets) => {
                for target in targets {
                    self.delete(target)?;
                }
            }
        }
        Ok(Exit::Never)
    }

    fn return_statement(&mut self, value: Option<&Expr>, span: Option<Span>) -> Result<Exit> {
        let value = match value {
            Some(expr) => {
                let declared = self.def.declared.clone();
                self.value(expr, declared.as_ref())?
            }
            None => self.none(span),
        };
        self.return_value(value, span)?;
        Ok(Exit::Always)
    }

    fn with_statement(
        &mut self,
        items: &[(Expr, Option<Expr>)],
        body: &[Stmt],
        span: Option<Span>,
    ) -> Result<Exit> {
        let mut entered = Vec::with_capacity(items.len());
        for (expr, target) in items {
            let object = self.value(expr, None)?;
            let place = self.span(expr.range);
            let result = self.enter_result(&object, place)?;
            let value = self.emit(Op::Enter, [object.id], result, place);
            entered.push(object);
            if let Some(target) = target {
                let ExprKind::Name(name) = &target.kind else {
                    return fail(
                        CONSTRUCT,
                        "expected a name after `as`",
                        self.span(target.range),
                    );
                };
                self.assign(name, Term::Val(value), None, place)?;
            }
        }
        let exit = self.suite(body)?;
        for object in entered.into_iter().rev() {
            self.emit(Op::Exit, [object.id], Type::None, span);
        }
        Ok(exit)
    }

    /// The result type of `__enter__` of a context manager.
    fn enter_result(&mut self, object: &Val, span: Option<Span>) -> Result<Type> {
        let class = object.ty.class_name().cloned();
        let class = class.and_then(|name| self.unit.class(&name));
        let class = class.map(|id| &self.unit.program.classes[id]);
        let methods = class.map(|class| (class.method("__enter__"), class.method("__exit__")));
        let Some((Some(enter), Some(exit))) = methods else {
            let message = format!(
                "expected an object with `__enter__` and `__exit__`, found `{}`",
                object.ty
            );
            return fail(CONSTRUCT, message, span);
        };
        if self.unit.program.functions[enter].params.len() != 1
            || self.unit.program.functions[exit].params.len() != 4
        {
            return fail(
                CONSTRUCT,
                "expected `__enter__` to take self only and `__exit__` three arguments more",
                span,
            );
        }
        self.unit.returns(enter, span)
    }

    /// A nested `def`: its body becomes the block of a fork that stands nowhere yet.
    fn closure(&mut self, def: &FunctionDef, span: Option<Span>) -> Result<()> {
        if !def.params.is_empty() {
            return fail(
                CONSTRUCT,
                format!(
                    "expected no parameter in the nested function `{}`",
                    def.name
                ),
                span,
            );
        }
        let declared = match &def.returns {
            Some(ty) => Some(self.unit.annotation(self.file, ty)?),
            None => None,
        };
        let node = self.graph.make_node(Op::Fork, [], [], span);
        let block = self.graph.add_block(node);
        self.push_frame();
        let lowered = self.within(block, |body| body.definition(def, declared));
        self.pop_frame();
        let (result, returns) = lowered?;
        self.graph.block_mut(block).returns.push(result.id);
        self.graph.add_output(node, Type::Future(returns.into()));
        self.assign(&def.name, Term::Closure(node), None, span)
    }

    fn raise_statement(&mut self, value: Option<&Expr>, span: Option<Span>) -> Result<Exit> {
        let term = match value {
            Some(expr) => self.term(expr, None, 1)?,
            None => return fail(CONSTRUCT, "expected an exception after `raise`", span),
        };
        let message = match term {
            Term::Exception(Some(message)) => message,
            Term::Exception(None) | Term::Special(super::term::Special::Exception) => {
                self.constant(Constant::str(""), span)
            }
            other => {
                return fail(
                    CONSTRUCT,
                    format!(
                        "expected an exception after `raise`, found {}",
                        describe(&other)
                    ),
                    span,
                );
            }
        };
        self.raise(message, span)?;
        Ok(Exit::Raises)
    }

    fn raise(&mut self, message: Val, span: Option<Span>) -> Result<()> {
        let message = match message.ty {
            Type::Str => message,
            _ => self.call_operator("aten::str", &[message], span)?,
        };
        self.operator_term("prim::RaiseException", vec![message], span)?;
        Ok(())
    }

    /// `assert c, m` is `if c: pass` with a raise otherwise.
    fn assert_statement(
        &mut self,
        cond: &Expr,
        message: Option<&Expr>,
        span: Option<Span>,
    ) -> Result<()> {
        let cond = self.condition(cond)?;
        match cond.fixed {
            Some(true) => {
                self.refine(&cond.when_true, span)?;
                return Ok(());
            }
            Some(false) => {
                let message = self.assert_message(message, span)?;
                return self.raise(message, span);
            }
            None => {}
        }
        let node = self.node(Op::If, [cond.value.id], [], span);
        let then = self.branch(node, |body| {
            body.refine(&cond.when_true, span)?;
            Ok(Exit::Never)
        })?;
        let orelse = self.branch(node, |body| {
            body.refine(&cond.when_false, span)?;
            let message = body.assert_message(message, span)?;
            body.raise(message, span)?;
            Ok(Exit::Raises)
        })?;
        self.join(node, then.0, orelse.0, span)
    }

    fn assert_message(&mut self, message: Option<&Expr>, span: Option<Span>) -> Result<Val> {
        match message {
            Some(expr) => self.value(expr, None),
            None => Ok(self.constant(Constant::str(""), span)),
        }
    }

    fn delete(&mut self, target: &Expr) -> Result<()> {
        let span = self.span(target.range);
        match &target.kind {
            ExprKind::Name(name) => self.forget(name, span),
            ExprKind::Paren(inner) => self.delete(inner),
            ExprKind::Subscript(base, index) => {
                let [index] = &index[..] else {
                    return fail(CONSTRUCT, "expected one index after `del`", span);
                };
                if matches!(index.kind, ExprKind::Slice(_)) {
                    return fail(
                        CONSTRUCT,
                        "expected one index after `del`, found a slice",
                        span,
                    );
                }
                let object = self.value(base, None)?;
                let index = self.value(index, None)?;
                if matches!(object.ty, Type::Class(_)) {
                    return self
                        .call_method(&object, "__delitem__", vec![index], Vec::new(), span)
                        .map(drop);
                }
                self.operator_term("aten::Delete", vec![object, index], span)
                    .map(drop)
            }
            _ => fail(
                MISMATCH,
                "expected a variable or an element after `del`",
                span,
            ),
        }
    }
}
