//! Variables: frames of names, and how branches join.

use super::body::Body;
use super::convert::Conversion;
use super::error::{CONSTRUCT, MISMATCH, NAME, Result, error, fail};
use super::exit::Exit;
use super::term::{Term, Val, describe};
use crate::diag::Span;
use crate::ir::{BlockId, Op, Type, ValueDef};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// Names assigned in one block.
#[derive(Debug, Default)]
pub(super) struct Frame {
    vars: FxHashMap<SmolStr, Term>,
}

impl Frame {
    /// Names of first-class values, sorted.
    fn names(&self) -> Vec<SmolStr> {
        let values = self
            .vars
            .iter()
            .filter(|(_, term)| matches!(term, Term::Val(_)));
        let mut names: Vec<SmolStr> = values.map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }
}

/// One finished branch of an `if`.
pub(super) struct Branch {
    pub(super) block: BlockId,
    pub(super) frame: Frame,
    /// How control leaves it.
    pub(super) exit: Exit,
}

impl Body<'_, '_> {
    pub(super) fn push_frame(&mut self) {
        self.frames.push(Frame::default());
    }

    pub(super) fn pop_frame(&mut self) -> Frame {
        self.frames.pop().unwrap_or_default()
    }

    /// What a name stands for, innermost first.
    pub(super) fn variable(&self, name: &str) -> Option<&Term> {
        self.frames
            .iter()
            .rev()
            .find_map(|frame| frame.vars.get(name))
    }

    /// The value of a variable, with the type an opaque operator's result has taken since.
    pub(super) fn variable_value(&self, name: &str) -> Option<Val> {
        match self.variable(name)? {
            Term::Val(val) => Some(self.settled(val.clone())),
            _ => None,
        }
    }

    fn outer_variable(&self, name: &str) -> Option<&Term> {
        let outer = self.frames.len().saturating_sub(1);
        self.frames[..outer]
            .iter()
            .rev()
            .find_map(|frame| frame.vars.get(name))
    }

    /// Binds a name without any check: parameters, loop counters, internal flags.
    pub(super) fn bind(&mut self, name: SmolStr, term: Term) {
        if let Term::Val(val) = &term {
            self.empty_lists.remove(&val.id);
            self.name_value(val, &name);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.vars.insert(name, term);
        }
    }

    /// Gives a value its first name; numbered temporaries and constants stay without.
    fn name_value(&mut self, val: &Val, name: &SmolStr) {
        let temporary = name
            .strip_prefix('_')
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
        let value = self.graph.value(val.id);
        if temporary && !self.is_numbered_child(value.def, &name[1..]) || name.starts_with('$') {
            return;
        }
        // In another block the name is only a copy's.
        let own = match value.def {
            ValueDef::Output { node, .. } => {
                let node = self.graph.node(node);
                !matches!(node.op, Op::Constant(_)) && node.parent == Some(self.block)
            }
            ValueDef::Param { block, .. } => block == self.block,
        };
        if value.name.is_none() && own {
            self.graph.value_mut(val.id).name = Some(name.clone());
        }
    }

    /// `_12 = getattr(self, "12")`: not a temporary, but how torch names the twelfth child of a container.
    fn is_numbered_child(&self, def: ValueDef, number: &str) -> bool {
        match def {
            ValueDef::Output { node, .. } => {
                matches!(&self.graph.node(node).op, Op::GetAttr(field) if field == number)
            }
            ValueDef::Param { .. } => false,
        }
    }

    /// An assignment to a name: inside a nested block the type in the outer block is binding.
    pub(super) fn assign(
        &mut self,
        name: &SmolStr,
        term: Term,
        annotated: Option<Type>,
        span: Option<Span>,
    ) -> Result<()> {
        let term = match self.outer_variable(name).cloned() {
            Some(outer) => self.assign_outer(name, term, &outer, annotated.is_some(), span)?,
            None => term,
        };
        let term = match (annotated, term) {
            (Some(ty), Term::Val(val)) => {
                if !self.is_subtype(&val.ty, &ty) {
                    let message = format!("expected `{ty}` for `{name}`, found `{}`", val.ty);
                    return fail(MISMATCH, message, span);
                }
                Term::Val(Val { id: val.id, ty })
            }
            (_, term) => term,
        };
        self.bind(name.clone(), term);
        Ok(())
    }

    fn assign_outer(
        &mut self,
        name: &SmolStr,
        term: Term,
        outer: &Term,
        annotated: bool,
        span: Option<Span>,
    ) -> Result<Term> {
        if annotated {
            let message =
                format!("expected no annotation for `{name}`, which an outer block defines");
            return fail(MISMATCH, message, span);
        }
        let (Term::Val(val), Term::Val(outer)) = (term, outer) else {
            let message = format!(
                "expected `{name}` to stay what it is in the outer block, {}",
                describe(outer)
            );
            return fail(CONSTRUCT, message, span);
        };
        let found = val.ty.clone();
        let converted = self.convert(val, &outer.ty, Conversion::Implicit, span)?;
        if !self.is_subtype(&converted.ty, &outer.ty) {
            let message = format!(
                "expected `{}` for `{name}` as in the outer block, found `{found}`",
                outer.ty
            );
            return fail(MISMATCH, message, span);
        }
        Ok(Term::Val(converted))
    }

    /// Forgets a variable: `del x`.
    pub(super) fn forget(&mut self, name: &str, span: Option<Span>) -> Result<()> {
        let mut removed = false;
        for frame in &mut self.frames {
            removed |= frame.vars.remove(name).is_some();
        }
        match removed {
            true => Ok(()),
            false => Err(self.undefined(name, span)),
        }
    }

    /// The error for a name that stands for nothing here.
    pub(super) fn undefined(&self, name: &str, span: Option<Span>) -> Box<crate::diag::Diagnostic> {
        match self.lost.get(name) {
            Some(reason) => error(NAME, reason.clone(), span),
            None => error(
                NAME,
                format!("expected a defined name, found `{name}`"),
                span,
            ),
        }
    }

    /// Makes the variables that both branches leave behind outputs of the `If`.
    pub(super) fn join(
        &mut self,
        node: crate::ir::NodeId,
        then: Branch,
        orelse: Branch,
        span: Option<Span>,
    ) -> Result<()> {
        if then.exit.ends() && orelse.exit.ends() && !self.keeps_flags() {
            return Ok(());
        }
        let mut names = then.frame.names();
        names.extend(orelse.frame.names());
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.join_variable(node, &name, &then, &orelse, span)?;
        }
        Ok(())
    }

    fn join_variable(
        &mut self,
        node: crate::ir::NodeId,
        name: &SmolStr,
        then: &Branch,
        orelse: &Branch,
        span: Option<Span>,
    ) -> Result<()> {
        let left = self.seen_from(&then.frame, name);
        let right = self.seen_from(&orelse.frame, name);
        let flag = name.starts_with('$');
        let both_end = then.exit.ends() && orelse.exit.ends();
        let (left, right) = match (left, right) {
            (Some(left), Some(right)) if flag => (left, right),
            (None, Some(right)) if flag => (self.unset(then.block, &right.ty, span), right),
            (Some(left), None) if flag => {
                let right = self.unset(orelse.block, &left.ty, span);
                (left, right)
            }
            _ if both_end && !self.keeps_flags() => return Ok(()),
            (left, Some(right)) if then.exit.ends() => {
                let left = self.left_behind(then, left, &right.ty, span);
                (left, right)
            }
            (Some(left), right) if orelse.exit.ends() => {
                let right = self.left_behind(orelse, right, &left.ty, span);
                (left, right)
            }
            (Some(left), Some(right)) => (left, right),
            _ if both_end => return Ok(()),
            (left, _) => {
                let missing = if left.is_some() { "false" } else { "true" };
                let reason = format!(
                    "expected `{name}` to be defined in both branches, it is not in the {missing} branch"
                );
                self.lost.insert(name.clone(), reason);
                return Ok(());
            }
        };
        let Some(ty) = self.unify(&left.ty, &right.ty) else {
            return self.join_mismatch(name, &left.ty, &right.ty, span);
        };
        self.graph.block_mut(then.block).returns.push(left.id);
        self.graph.block_mut(orelse.block).returns.push(right.id);
        let id = self.graph.add_output(node, ty.clone());
        self.bind(name.clone(), Term::Val(Val { id, ty }));
        Ok(())
    }

    fn join_mismatch(
        &mut self,
        name: &SmolStr,
        left: &Type,
        right: &Type,
        span: Option<Span>,
    ) -> Result<()> {
        let reason = format!(
            "expected one type for `{name}`, found `{left}` in the true branch and `{right}` in the false branch"
        );
        if self.variable(name).is_some() {
            return fail(MISMATCH, reason, span);
        }
        self.lost.insert(name.clone(), reason);
        Ok(())
    }

    /// A variable as it is at the end of a branch.
    fn seen_from(&self, frame: &Frame, name: &str) -> Option<Val> {
        match frame.vars.get(name).or_else(|| self.variable(name))? {
            Term::Val(val) => Some(self.settled(val.clone())),
            _ => None,
        }
    }

    /// What a variable is after a branch that exits: after a break its value there, if it has one that fits.
    fn left_behind(
        &mut self,
        branch: &Branch,
        value: Option<Val>,
        ty: &Type,
        span: Option<Span>,
    ) -> Val {
        match value {
            Some(value) if branch.exit != Exit::Raises && self.unify(&value.ty, ty).is_some() => {
                value
            }
            _ => self.unset(branch.block, ty, span),
        }
    }

    /// A placeholder at the end of a block that control does not leave.
    fn unset(&mut self, block: BlockId, ty: &Type, span: Option<Span>) -> Val {
        let node = self
            .graph
            .make_node(Op::Uninitialized, [], [ty.clone()], span);
        self.graph.append(block, node);
        Val {
            id: self.graph.node(node).outputs[0],
            ty: ty.clone(),
        }
    }
}
