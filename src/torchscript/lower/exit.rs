//! Returns, breaks and continues that do not stand at the very end: torch's exit transform.
//!
//! Emitted code has none, hand-written code may. They set flags, which are variables like any other and so flow
//! through branches and loops: `$exit` says to skip the rest of the loop body or function, `$returned` and `$result`
//! hold what the function will return, `$go` whether the innermost loop goes on.

use super::body::Body;
use super::convert::Conversion;
use super::error::{CONSTRUCT, MISMATCH, Result, fail};
use super::scope::Branch;
use super::term::{Term, Val};
use crate::diag::Span;
use crate::ir::{Op, Type};
use crate::torchscript::ast::{Stmt, StmtKind};
use smol_str::SmolStr;

const EXIT: SmolStr = SmolStr::new_static("$exit");
const RETURNED: SmolStr = SmolStr::new_static("$returned");
const RESULT: SmolStr = SmolStr::new_static("$result");
const GO: SmolStr = SmolStr::new_static("$go");

/// How control leaves a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// At its end.
    Never,
    /// Some paths have set `$exit`.
    Maybe,
    /// Every path has set `$exit`.
    Always,
    /// Every path raises.
    Raises,
}

impl Exit {
    /// Whether the statement after it is unreachable.
    pub(super) fn ends(self) -> bool {
        matches!(self, Exit::Always | Exit::Raises)
    }

    /// What two branches do together.
    pub(super) fn join(self, other: Exit) -> Exit {
        match (self, other) {
            (Exit::Raises, other) | (other, Exit::Raises) => other,
            (a, b) if a == b => a,
            _ => Exit::Maybe,
        }
    }
}

/// What may leave the loop being lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoopKind {
    /// Neither break nor return: no flags.
    Plain,
    /// Flags are kept.
    Flagged,
    /// The iterations are written out one after the other: break and continue are refused.
    Unrolled,
}

/// Whether a return stands anywhere but at the end.
pub(super) fn has_early_return(body: &[Stmt]) -> bool {
    let Some((last, before)) = body.split_last() else {
        return false;
    };
    before
        .iter()
        .any(|stmt| contains_return(std::slice::from_ref(stmt)))
        || (!matches!(last.kind, StmtKind::Return(_))
            && contains_return(std::slice::from_ref(last)))
}

/// Whether a return stands in the statements, closures aside.
pub(super) fn contains_return(body: &[Stmt]) -> bool {
    contains(body, false, &|kind| matches!(kind, StmtKind::Return(_)))
}

/// Whether a break or continue of this loop body stands in it.
pub(super) fn contains_break(body: &[Stmt]) -> bool {
    contains(body, true, &|kind| {
        matches!(kind, StmtKind::Break | StmtKind::Continue)
    })
}

fn contains(body: &[Stmt], skip_loops: bool, wanted: &dyn Fn(&StmtKind) -> bool) -> bool {
    crate::torchscript::deep(|| {
        body.iter().any(|stmt| match &stmt.kind {
            kind if wanted(kind) => true,
            StmtKind::If { then, orelse, .. } => {
                contains(then, skip_loops, wanted) || contains(orelse, skip_loops, wanted)
            }
            StmtKind::While { body, .. } | StmtKind::For { body, .. } => {
                !skip_loops && contains(body, skip_loops, wanted)
            }
            StmtKind::With { body, .. } => contains(body, skip_loops, wanted),
            _ => false,
        })
    })
}

/// The flags a loop carries from one iteration to the next.
pub(super) fn carried_flags(returns: bool) -> Vec<SmolStr> {
    if returns {
        vec![RESULT, RETURNED]
    } else {
        Vec::new()
    }
}

impl Body<'_, '_> {
    /// Defines the flags of a definition that needs them.
    pub(super) fn start_flags(&mut self, span: Option<Span>) {
        if !self.def.flagged {
            return;
        }
        let no = self.bool(false, span);
        self.bind(EXIT, Term::Val(no.clone()));
        self.bind(RETURNED, Term::Val(no));
        if let Some(ty) = self.def.declared.clone() {
            let unset = self.uninitialized(ty, span);
            self.bind(RESULT, Term::Val(unset));
        }
    }

    /// The value the definition returns.
    pub(super) fn end_flags(&mut self, _span: Option<Span>) -> Option<Val> {
        match self.def.flagged {
            true => self.variable_value(&RESULT),
            false => self.def.result.take(),
        }
    }

    /// `return value`
    pub(super) fn return_value(&mut self, value: Val, span: Option<Span>) -> Result<()> {
        let mut value = value;
        let ty = match self.def.declared.clone() {
            Some(ty) => {
                // A forgotten `return` must not turn None into a tensor.
                if ty != Type::Tensor || value.ty != Type::None {
                    value = self.convert(value, &ty, Conversion::Implicit, span)?;
                }
                if !self.is_subtype(&value.ty, &ty) {
                    let message = format!("expected a result of type `{ty}`, found `{}`", value.ty);
                    return fail(MISMATCH, message, span);
                }
                ty
            }
            None => {
                let before = self.def.merged.clone().unwrap_or_else(|| value.ty.clone());
                match self.unify(&before, &value.ty) {
                    Some(ty) => ty,
                    None => {
                        let message = format!(
                            "expected a result of type `{before}` as returned before, found `{}`",
                            value.ty
                        );
                        return fail(MISMATCH, message, span);
                    }
                }
            }
        };
        if ty == Type::Any && value.ty != Type::Any {
            value = self.emit(Op::UncheckedCast, [value.id], Type::Any, span);
        }
        self.def.merged = Some(ty.clone());
        if !self.def.flagged {
            self.def.result = Some(value);
            return Ok(());
        }
        self.bind(RESULT, Term::Val(Val { id: value.id, ty }));
        self.set_flag(RETURNED, true, span);
        self.set_flag(EXIT, true, span);
        if !self.def.loops.is_empty() {
            self.set_flag(GO, false, span);
        }
        Ok(())
    }

    /// `break` and `continue`
    pub(super) fn leave_iteration(&mut self, go_on: bool, span: Option<Span>) -> Result<()> {
        match self.def.loops.last() {
            Some(LoopKind::Flagged | LoopKind::Plain) => {
                self.set_flag(EXIT, true, span);
                self.set_flag(GO, go_on, span);
                Ok(())
            }
            Some(LoopKind::Unrolled) => fail(
                CONSTRUCT,
                "expected no break or continue in a loop over a tuple, which is unrolled",
                span,
            ),
            None => fail(
                CONSTRUCT,
                "expected break and continue in a loop only",
                span,
            ),
        }
    }

    /// Whether flags must survive branches.
    pub(super) fn keeps_flags(&self) -> bool {
        self.def.flagged || self.def.loops.contains(&LoopKind::Flagged)
    }

    fn set_flag(&mut self, name: SmolStr, value: bool, span: Option<Span>) {
        let value = self.bool(value, span);
        self.bind(name, Term::Val(value));
    }

    /// At the start of a loop body: nothing has happened yet.
    pub(super) fn start_iteration(&mut self, span: Option<Span>) {
        self.set_flag(EXIT, false, span);
        self.set_flag(GO, true, span);
    }

    /// Whether the loop goes on after this iteration.
    pub(super) fn goes_on(&self) -> Option<Val> {
        self.variable_value(&GO)
    }

    /// After a loop that may have returned: the rest is skipped if it has.
    pub(super) fn after_returning_loop(&mut self, span: Option<Span>) {
        let Some(returned) = self.variable_value(&RETURNED) else {
            return;
        };
        if self.def.loops.last() == Some(&LoopKind::Flagged) {
            let no = self.call_operator("aten::__not__", std::slice::from_ref(&returned), span);
            if let Ok(go) = no {
                self.bind(GO, Term::Val(go));
            }
        }
        self.bind(EXIT, Term::Val(returned));
    }

    /// Lowers the statements after one that may have exited: only if it has not.
    pub(super) fn guarded(&mut self, rest: &[Stmt], span: Option<Span>) -> Result<Exit> {
        let Some(exited) = self.variable_value(&EXIT) else {
            return self.suite(rest);
        };
        let node = self.node(Op::If, [exited.id], [], span);
        let skipped = self.graph.add_block(node);
        let taken = self.graph.add_block(node);
        self.push_frame();
        let exit = self.within(taken, |body| body.suite(rest))?;
        let frame = self.pop_frame();
        let then = Branch {
            block: skipped,
            frame: Default::default(),
            exit: Exit::Always,
        };
        let orelse = Branch {
            block: taken,
            frame,
            exit,
        };
        self.join(node, then, orelse, span)?;
        Ok(match exit {
            Exit::Always | Exit::Raises => Exit::Always,
            _ => Exit::Maybe,
        })
    }
}
