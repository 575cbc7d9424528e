//! `if` and loops.

use super::body::Body;
use super::condition::{Condition, Refinement};
use super::error::{CONSTRUCT, MISMATCH, Result, fail};
use super::exit::{self, Exit, LoopKind};
use super::scope::Branch;
use super::term::{Iterable, Term, Val};
use crate::diag::Span;
use crate::ir::{BlockId, NodeId, Op, Type};
use crate::torchscript::ast::{Expr, ExprKind, Stmt, StmtKind, Targets};
use smol_str::SmolStr;

/// How a loop ends.
enum Until<'e> {
    /// After as many iterations as something has elements.
    Length(Iterable, Val),
    /// When a condition is false.
    While(&'e Expr),
}

impl Body<'_, '_> {
    pub(super) fn if_statement(
        &mut self,
        cond: &Expr,
        then: &[Stmt],
        orelse: &[Stmt],
        span: Option<Span>,
    ) -> Result<Exit> {
        let cond = self.condition(cond)?;
        match cond.fixed {
            Some(true) => {
                self.refine(&cond.when_true, span)?;
                self.suite(then)
            }
            Some(false) => {
                self.refine(&cond.when_false, span)?;
                self.suite(orelse)
            }
            None => self.if_node(&cond, then, orelse, span),
        }
    }

    fn if_node(
        &mut self,
        cond: &Condition,
        then: &[Stmt],
        orelse: &[Stmt],
        span: Option<Span>,
    ) -> Result<Exit> {
        let node = self.node(Op::If, [cond.value.id], [], span);
        let (then, then_exit) = self.refined_branch(node, &cond.when_true, then, span)?;
        let (orelse, orelse_exit) = self.refined_branch(node, &cond.when_false, orelse, span)?;
        self.join(node, then, orelse, span)?;
        Ok(then_exit.join(orelse_exit))
    }

    fn refined_branch(
        &mut self,
        node: NodeId,
        refinements: &[Refinement],
        stmts: &[Stmt],
        span: Option<Span>,
    ) -> Result<(Branch, Exit)> {
        self.branch(node, |body| {
            body.refine(refinements, span)?;
            body.suite(stmts)
        })
    }

    /// Lowers one branch into a new block of a node.
    pub(super) fn branch(
        &mut self,
        node: NodeId,
        lower: impl FnOnce(&mut Self) -> Result<Exit>,
    ) -> Result<(Branch, Exit)> {
        let block = self.graph.add_block(node);
        self.push_frame();
        let exit = self.within(block, lower);
        let frame = self.pop_frame();
        let exit = exit?;
        Ok((Branch { block, frame, exit }, exit))
    }

    pub(super) fn while_statement(
        &mut self,
        cond: &Expr,
        body: &[Stmt],
        span: Option<Span>,
    ) -> Result<Exit> {
        self.loop_node(Until::While(cond), None, body, span)
    }

    pub(super) fn for_statement(
        &mut self,
        targets: &Targets,
        iter: &Expr,
        body: &[Stmt],
        span: Option<Span>,
    ) -> Result<Exit> {
        let term = self.term(iter, None, 1)?;
        match self.iterable(term, self.span(iter.range))? {
            Iterable::Elements(elements) => self.unrolled(targets, elements, body, span),
            iterable => {
                let length = self.length(&iterable, span)?;
                self.loop_node(Until::Length(iterable, length), Some(targets), body, span)
            }
        }
    }

    fn unrolled(
        &mut self,
        targets: &Targets,
        elements: Vec<Term>,
        body: &[Stmt],
        span: Option<Span>,
    ) -> Result<Exit> {
        self.def.loops.push(LoopKind::Unrolled);
        let mut exit = Exit::Never;
        for element in elements {
            self.assign_targets(targets, element, span)?;
            exit = self.suite(body)?;
            if exit != Exit::Never {
                break;
            }
        }
        self.def.loops.pop();
        match exit {
            Exit::Never | Exit::Raises => Ok(exit),
            _ => fail(
                CONSTRUCT,
                "expected no return in a loop over a tuple, which is unrolled",
                span,
            ),
        }
    }

    fn loop_node(
        &mut self,
        until: Until,
        targets: Option<&Targets>,
        body: &[Stmt],
        span: Option<Span>,
    ) -> Result<Exit> {
        let returns = exit::contains_return(body);
        let flagged = returns || exit::contains_break(body);
        let carried = self.carried(targets, body, returns);
        let counted = flagged && matches!(until, Until::Length(..));
        let initial = self.initial_condition(&until, counted, span)?;
        let trip_count = match &until {
            Until::Length(_, length) if !counted => length.clone(),
            _ => self.int(i64::MAX, span),
        };
        let node = self.node(Op::Loop, [trip_count.id, initial.id], [], span);
        let block = self.graph.add_block(node);
        let trip = Val {
            id: self.graph.add_param(block, Type::Int, None),
            ty: Type::Int,
        };
        self.push_frame();
        self.loop_parameters(node, block, &carried);
        let counter = counted.then(|| self.counter(node, block, span));
        self.def.loops.push(if flagged {
            LoopKind::Flagged
        } else {
            LoopKind::Plain
        });
        let lowered = self.within(block, |this| {
            let index = counter.clone().unwrap_or(trip);
            this.loop_body(
                &until,
                targets,
                body,
                index,
                counter.as_ref(),
                flagged,
                span,
            )
        });
        self.def.loops.pop();
        let results = self.loop_results(block, &carried);
        self.pop_frame();
        let (next, counter) = lowered?;
        let returned = results?;
        let returns_ids: Vec<_> = std::iter::once(next.id)
            .chain(returned)
            .chain(counter.map(|c| c.id))
            .collect();
        self.graph.block_mut(block).returns = returns_ids;
        for (name, ty) in carried {
            let id = self.graph.add_output(node, ty.clone());
            self.bind(name, Term::Val(Val { id, ty }));
        }
        if counted {
            self.graph.add_output(node, Type::Int);
        }
        if returns {
            self.after_returning_loop(span);
            return Ok(Exit::Maybe);
        }
        Ok(Exit::Never)
    }

    /// Whether the first iteration runs.
    fn initial_condition(
        &mut self,
        until: &Until,
        counted: bool,
        span: Option<Span>,
    ) -> Result<Val> {
        match until {
            Until::While(cond) => {
                let cond = self.value(cond, None)?;
                self.truth_of(cond, span)
            }
            Until::Length(_, length) if counted => {
                let zero = self.int(0, span);
                self.call_operator("aten::lt", &[zero, length.clone()], span)
            }
            Until::Length(..) => Ok(self.bool(true, span)),
        }
    }

    /// The variables a loop hands from one iteration to the next: assigned in its body, defined before it.
    fn carried(
        &self,
        targets: Option<&Targets>,
        body: &[Stmt],
        returns: bool,
    ) -> Vec<(SmolStr, Type)> {
        let mut names = Vec::new();
        for target in targets.into_iter().flat_map(|t| &t.items) {
            target_names(target, &mut names);
        }
        assigned_names(body, &mut names);
        names.sort_unstable();
        names.dedup();
        names.extend(exit::carried_flags(returns));
        let typed = |name: SmolStr| self.variable_value(&name).map(|val| (name, val.ty));
        names.into_iter().filter_map(typed).collect()
    }

    fn loop_parameters(&mut self, node: NodeId, block: BlockId, carried: &[(SmolStr, Type)]) {
        for (name, ty) in carried {
            let Some(initial) = self.variable_value(name) else {
                continue;
            };
            self.graph.node_mut(node).inputs.push(initial.id);
            let id = self.graph.add_param(block, ty.clone(), None);
            self.bind(name.clone(), Term::Val(Val { id, ty: ty.clone() }));
        }
    }

    /// The index of a `for` that may be left early, which runs as a `while`.
    fn counter(&mut self, node: NodeId, block: BlockId, span: Option<Span>) -> Val {
        let zero = self.int(0, span);
        self.graph.node_mut(node).inputs.push(zero.id);
        Val {
            id: self.graph.add_param(block, Type::Int, None),
            ty: Type::Int,
        }
    }

    /// One iteration; the condition of the next, and the counter of the next if there is one.
    #[allow(clippy::too_many_arguments, reason = "the parts of a loop")]
    fn loop_body(
        &mut self,
        until: &Until,
        targets: Option<&Targets>,
        body: &[Stmt],
        index: Val,
        counter: Option<&Val>,
        flagged: bool,
        span: Option<Span>,
    ) -> Result<(Val, Option<Val>)> {
        if flagged {
            self.start_iteration(span);
        }
        if let (Until::Length(iterable, _), Some(targets)) = (until, targets) {
            let element = self.element(iterable, &index, span)?;
            self.assign_targets(targets, element, span)?;
        }
        let exit = self.suite(body)?;
        let next = match until {
            _ if exit == Exit::Raises => self.bool(false, span),
            Until::While(cond) if !flagged => {
                let cond = self.value(cond, None)?;
                self.truth_of(cond, span)?
            }
            Until::While(cond) => self.condition_if_going(cond, span)?,
            Until::Length(..) => self.bool(true, span),
        };
        let (Some(counter), Until::Length(_, length)) = (counter, until) else {
            return Ok((next, None));
        };
        let one = self.int(1, span);
        let following = self.call_operator("aten::add", &[counter.clone(), one], span)?;
        let more = self.call_operator("aten::lt", &[following.clone(), length.clone()], span)?;
        let go = match self.goes_on() {
            Some(go) => self.call_operator("aten::__and__", &[more, go], span)?,
            None => more,
        };
        Ok((go, Some(following)))
    }

    /// The condition of a `while`, evaluated only if the body has not broken out.
    fn condition_if_going(&mut self, cond: &Expr, span: Option<Span>) -> Result<Val> {
        let Some(go) = self.goes_on() else {
            let cond = self.value(cond, None)?;
            return self.truth_of(cond, span);
        };
        let node = self.node(Op::If, [go.id], [Type::Bool], span);
        let taken = self.graph.add_block(node);
        let skipped = self.graph.add_block(node);
        let value = self.within(taken, |body| {
            let cond = body.value(cond, None)?;
            body.truth_of(cond, span)
        })?;
        let no = self.bool(false, span);
        self.graph.block_mut(taken).returns.push(value.id);
        self.graph.block_mut(skipped).returns.push(no.id);
        Ok(Val {
            id: self.graph.node(node).outputs[0],
            ty: Type::Bool,
        })
    }

    fn loop_results(
        &mut self,
        block: BlockId,
        carried: &[(SmolStr, Type)],
    ) -> Result<Vec<crate::ir::ValueId>> {
        let mut results = Vec::with_capacity(carried.len());
        for (name, ty) in carried {
            match self.variable_value(name) {
                Some(val) if self.is_subtype(&val.ty, ty) => results.push(val.id),
                Some(val) => {
                    let message = format!(
                        "expected `{name}` to stay `{ty}` in the loop, found `{}`",
                        val.ty
                    );
                    return fail(MISMATCH, message, None);
                }
                // Deleted in the body.
                None => {
                    let unset = self.within(block, |body| body.uninitialized(ty.clone(), None));
                    results.push(unset.id);
                }
            }
        }
        Ok(results)
    }
}

/// Names that statements assign, closures aside.
fn assigned_names(body: &[Stmt], names: &mut Vec<SmolStr>) {
    crate::torchscript::deep(|| {
        for stmt in body {
            match &stmt.kind {
                StmtKind::Assign { targets, .. } => {
                    targets
                        .iter()
                        .flat_map(|t| &t.items)
                        .for_each(|t| target_names(t, names));
                }
                StmtKind::AnnAssign { target, .. } | StmtKind::AugAssign { target, .. } => {
                    target_names(target, names)
                }
                StmtKind::If { then, orelse, .. } => {
                    assigned_names(then, names);
                    assigned_names(orelse, names);
                }
                StmtKind::While { body, .. } => assigned_names(body, names),
                StmtKind::For { targets, body, .. } => {
                    targets.items.iter().for_each(|t| target_names(t, names));
                    assigned_names(body, names);
                }
                StmtKind::With { items, body } => {
                    items
                        .iter()
                        .filter_map(|(_, t)| t.as_ref())
                        .for_each(|t| target_names(t, names));
                    assigned_names(body, names);
                }
                _ => {}
            }
        }
    });
}

fn target_names(target: &Expr, names: &mut Vec<SmolStr>) {
    crate::torchscript::deep(|| match &target.kind {
        ExprKind::Name(name) => names.push(name.clone()),
        ExprKind::Tuple { items, .. } | ExprKind::List { items, .. } => {
            items.iter().for_each(|item| target_names(item, names));
        }
        ExprKind::Paren(inner) | ExprKind::Starred(inner) => target_names(inner, names),
        _ => {}
    });
}
