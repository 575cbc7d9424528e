//! Conditions: short circuits, `is None`, `isinstance`, and what they say about variables.

use super::body::Body;
use super::error::{CONSTRUCT, MISMATCH, Result, fail};
use super::exit::Exit;
use super::term::{Special, Term, Val};
use crate::diag::Span;
use crate::ir::{Constant, Op, Type};
use crate::torchscript::ast::{BinaryOp, Call, Expr, ExprKind, UnaryOp};
use smol_str::SmolStr;

/// A variable and the type it is known to have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refinement {
    name: SmolStr,
    ty: Type,
}

/// A condition and what holds on either side of it.
pub(super) struct Condition {
    pub(super) value: Val,
    pub(super) when_true: Vec<Refinement>,
    pub(super) when_false: Vec<Refinement>,
    /// Known while reading: only the branch taken is lowered.
    pub(super) fixed: Option<bool>,
}

impl Condition {
    fn plain(value: Val) -> Condition {
        Condition {
            value,
            when_true: Vec::new(),
            when_false: Vec::new(),
            fixed: None,
        }
    }
}

impl Body<'_, '_> {
    /// Lowers an expression used as a condition.
    pub(super) fn condition(&mut self, expr: &Expr) -> Result<Condition> {
        crate::torchscript::deep(|| match &expr.kind {
            ExprKind::Paren(inner) => self.condition(inner),
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
                self.short_circuit(*op == BinaryOp::Or, left, right, self.span(expr.range))
            }
            ExprKind::Binary(op @ (BinaryOp::Is | BinaryOp::IsNot), left, right) => {
                self.identity(*op == BinaryOp::Is, left, right, self.span(expr.range))
            }
            ExprKind::Unary(UnaryOp::Not, inner) => self.negation(inner, self.span(expr.range)),
            ExprKind::Call(call) => match &call.func.kind {
                ExprKind::Name(name) if self.variable(name).is_none() => match Special::named(name)
                {
                    Some(Special::IsInstance) => self.instance_check(call, self.span(expr.range)),
                    Some(Special::HasAttr) => self.has_attribute(call, self.span(expr.range)),
                    _ => self.truth(expr),
                },
                _ => self.truth(expr),
            },
            _ => self.truth(expr),
        })
    }

    fn truth(&mut self, expr: &Expr) -> Result<Condition> {
        let span = self.span(expr.range);
        let value = self.value(expr, None)?;
        let value = self.truth_of(value, span)?;
        let fixed = match (self.constant_of(&value), self.operator_name(&value)) {
            (Some(Constant::Bool(fixed)), _) if is_literal(expr) => Some(*fixed),
            (_, Some("aten::is_scripting")) => Some(true),
            (_, Some("aten::has_torch_function")) => Some(false),
            _ => None,
        };
        Ok(Condition {
            fixed,
            ..Condition::plain(value)
        })
    }

    fn operator_name(&self, value: &Val) -> Option<&str> {
        let node = self.graph.producer(value.id)?;
        Some(self.graph.node(node).op.kind())
    }

    /// `bool(value)`
    pub(super) fn truth_of(&mut self, value: Val, span: Option<Span>) -> Result<Val> {
        if value.ty == Type::Bool {
            return Ok(value);
        }
        let found = value.ty.clone();
        if matches!(found, Type::Class(_)) && self.class_method(&found, "__bool__").is_some() {
            let term = self.call_method(&value, "__bool__", Vec::new(), Vec::new(), span)?;
            return self.term_value(term, span);
        }
        match self.call_operator("aten::Bool", &[value], span) {
            Ok(value) => Ok(value),
            Err(_) => fail(
                MISMATCH,
                format!("expected a condition that converts to bool, found `{found}`"),
                span,
            ),
        }
    }

    fn negation(&mut self, inner: &Expr, span: Option<Span>) -> Result<Condition> {
        let inner = self.condition(inner)?;
        let value = match inner.fixed {
            Some(fixed) => self.bool(!fixed, span),
            None => self.call_operator("aten::__not__", &[inner.value], span)?,
        };
        Ok(Condition {
            value,
            when_true: inner.when_false,
            when_false: inner.when_true,
            fixed: inner.fixed.map(|fixed| !fixed),
        })
    }

    fn identity(
        &mut self,
        is: bool,
        left: &Expr,
        right: &Expr,
        span: Option<Span>,
    ) -> Result<Condition> {
        let lhs = self.value(left, None)?;
        let rhs = self.value(right, None)?;
        let known = match (self.none_status(&lhs), self.none_status(&rhs)) {
            (Some(true), Some(true)) => Some(is),
            (Some(true), Some(false)) | (Some(false), Some(true)) => Some(!is),
            _ => None,
        };
        if let Some(known) = known {
            let value = self.bool(known, span);
            return Ok(Condition {
                fixed: Some(known),
                ..Condition::plain(value)
            });
        }
        let present =
            present_variable(left, &lhs, right).or_else(|| present_variable(right, &rhs, left));
        let name = if is {
            "aten::__is__"
        } else {
            "aten::__isnot__"
        };
        let mut condition = Condition::plain(self.call_operator(name, &[lhs, rhs], span)?);
        match is {
            true => condition.when_false.extend(present),
            false => condition.when_true.extend(present),
        }
        Ok(condition)
    }

    /// Whether a value is always None, or never.
    fn none_status(&self, val: &Val) -> Option<bool> {
        if val.ty == Type::None || self.constant_of(val) == Some(&Constant::None) {
            return Some(true);
        }
        match &val.ty {
            Type::Optional(_) | Type::Any => None,
            Type::Union(items) if items.contains(&Type::None) => None,
            _ => Some(false),
        }
    }

    fn short_circuit(
        &mut self,
        or: bool,
        left: &Expr,
        right: &Expr,
        span: Option<Span>,
    ) -> Result<Condition> {
        let lhs = self.condition(left)?;
        if let Some(fixed) = lhs.fixed {
            // `False and x` and `True or x` do not look at x, the others are x.
            if fixed == or {
                return Ok(Condition {
                    when_true: Vec::new(),
                    when_false: Vec::new(),
                    ..lhs
                });
            }
            let refinements = if or { &lhs.when_false } else { &lhs.when_true };
            let refinements = refinements.clone();
            self.push_frame();
            let rhs = self
                .refine(&refinements, span)
                .and_then(|()| self.condition(right));
            self.pop_frame();
            return rhs.map(|rhs| combine(or, &lhs, &rhs, rhs.value.clone(), rhs.fixed));
        }
        let node = self.node(Op::If, [lhs.value.id], [Type::Bool], span);
        let first = self.graph.add_block(node);
        let second = self.graph.add_block(node);
        let (known, evaluated) = if or { (first, second) } else { (second, first) };
        let constant = self.bool(or, span);
        self.graph.block_mut(known).returns.push(constant.id);
        let refinements = if or { &lhs.when_false } else { &lhs.when_true };
        self.push_frame();
        let rhs = self.within(evaluated, |body| {
            body.refine(refinements, span)?;
            body.condition(right)
        });
        self.pop_frame();
        let rhs = rhs?;
        self.graph.block_mut(evaluated).returns.push(rhs.value.id);
        let value = Val {
            id: self.graph.node(node).outputs[0],
            ty: Type::Bool,
        };
        let fixed = rhs.fixed.filter(|&fixed| fixed == or);
        Ok(combine(or, &lhs, &rhs, value, fixed))
    }

    /// `a if c else b`
    pub(super) fn conditional(
        &mut self,
        parts: &[Expr; 3],
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Val> {
        let [cond, then, orelse] = parts;
        let cond = self.condition(cond)?;
        match cond.fixed {
            Some(true) => return self.value(then, hint),
            Some(false) => return self.value(orelse, hint),
            None => {}
        }
        let node = self.node(Op::If, [cond.value.id], [], span);
        let left = self.expression_branch(node, &cond.when_true, then, hint, span)?;
        let right = self.expression_branch(node, &cond.when_false, orelse, hint, span)?;
        let ty = match self.unify(&left.ty, &right.ty) {
            Some(ty) => ty,
            None if hint.is_some_and(|hint| {
                self.is_subtype(&left.ty, hint) && self.is_subtype(&right.ty, hint)
            }) =>
            {
                hint.cloned().unwrap_or(Type::Any)
            }
            None => {
                let message = format!(
                    "expected both branches to have one type, found `{}` and `{}`",
                    left.ty, right.ty
                );
                return fail(MISMATCH, message, span);
            }
        };
        let id = self.graph.add_output(node, ty.clone());
        Ok(Val { id, ty })
    }

    fn expression_branch(
        &mut self,
        node: crate::ir::NodeId,
        refinements: &[Refinement],
        expr: &Expr,
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Val> {
        let mut value = None;
        let (branch, _) = self.branch(node, |body| {
            body.refine(refinements, span)?;
            value = Some(body.value(expr, hint)?);
            Ok(Exit::Never)
        })?;
        match value {
            Some(value) => {
                self.graph.block_mut(branch.block).returns.push(value.id);
                Ok(value)
            }
            None => fail(CONSTRUCT, "expected an expression", span),
        }
    }

    /// Gives variables the types that a condition has shown.
    pub(super) fn refine(&mut self, refinements: &[Refinement], span: Option<Span>) -> Result<()> {
        for Refinement { name, ty } in refinements {
            let Some(val) = self.variable_value(name) else {
                continue;
            };
            if val.ty != *ty {
                let cast = self.emit(Op::UncheckedCast, [val.id], ty.clone(), span);
                self.bind(name.clone(), Term::Val(cast));
            }
        }
        Ok(())
    }

    /// `isinstance(x, T)`, `isinstance(x, (T, U))`
    pub(super) fn instance_check(&mut self, call: &Call, span: Option<Span>) -> Result<Condition> {
        let [object, classes] = &call.args[..] else {
            return fail(
                CONSTRUCT,
                format!(
                    "expected 2 arguments for `isinstance`, found {}",
                    call.args.len()
                ),
                span,
            );
        };
        let mut types = Vec::new();
        self.gather_types(classes, &mut types)?;
        let val = self.value(object, None)?;
        let mut refinements = Vec::new();
        if let (ExprKind::Name(name), [ty]) = (&object.kind, &types[..])
            && self.is_subtype(ty, &val.ty)
        {
            refinements.push(Refinement {
                name: name.clone(),
                ty: ty.clone(),
            });
        }
        let always = types.iter().any(|ty| self.is_subtype(&val.ty, ty));
        let fixed = match always {
            true => Some(true),
            false if types.iter().any(|ty| self.may_be(&val.ty, ty)) => None,
            false => Some(false),
        };
        let value = match fixed {
            Some(fixed) => self.bool(fixed, span),
            None => self.emit(Op::IsInstance(types), [val.id], Type::Bool, span),
        };
        Ok(Condition {
            value,
            when_true: refinements,
            when_false: Vec::new(),
            fixed,
        })
    }

    fn may_be(&self, actual: &Type, ty: &Type) -> bool {
        let inner = match actual {
            Type::Optional(inner) => inner,
            other => other,
        };
        self.is_subtype(ty, actual)
            || (*ty == Type::AnyList && matches!(inner, Type::List(_) | Type::Any))
            || (*ty == Type::AnyTuple && matches!(inner, Type::Tuple(_) | Type::Any))
            || matches!(actual, Type::Union(items) if items.iter().any(|item| self.is_subtype(item, ty)))
    }

    fn gather_types(&mut self, expr: &Expr, types: &mut Vec<Type>) -> Result<()> {
        match &expr.kind {
            ExprKind::Tuple { items, .. } => items
                .iter()
                .try_for_each(|item| self.gather_types(item, types)),
            ExprKind::Paren(inner) => self.gather_types(inner, types),
            _ => {
                types.push(self.unit.annotation(self.file, expr)?);
                Ok(())
            }
        }
    }
}

fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::True | ExprKind::False | ExprKind::Number(_) => true,
        ExprKind::Paren(inner) => is_literal(inner),
        _ => false,
    }
}

/// The variable of `x is None`, which is not None on the other side.
fn present_variable(variable: &Expr, value: &Val, none: &Expr) -> Option<Refinement> {
    match (&variable.kind, &value.ty, &none.kind) {
        (ExprKind::Name(name), Type::Optional(inner), ExprKind::None) => Some(Refinement {
            name: name.clone(),
            ty: (**inner).clone(),
        }),
        _ => None,
    }
}

fn combine(
    or: bool,
    lhs: &Condition,
    rhs: &Condition,
    value: Val,
    fixed: Option<bool>,
) -> Condition {
    let (when_true, when_false) = match or {
        true => (
            both(&lhs.when_true, &rhs.when_true),
            either(&lhs.when_false, &rhs.when_false),
        ),
        false => (
            either(&lhs.when_true, &rhs.when_true),
            both(&lhs.when_false, &rhs.when_false),
        ),
    };
    Condition {
        value,
        when_true,
        when_false,
        fixed,
    }
}

/// What holds when one of two conditions held, which one is not known.
fn both(a: &[Refinement], b: &[Refinement]) -> Vec<Refinement> {
    a.iter().filter(|r| b.contains(r)).cloned().collect()
}

/// What holds when two conditions held; contradictions say nothing.
fn either(a: &[Refinement], b: &[Refinement]) -> Vec<Refinement> {
    let contradicts = |r: &Refinement, others: &[Refinement]| {
        others.iter().any(|o| o.name == r.name && o.ty != r.ty)
    };
    let mut all: Vec<Refinement> = a.iter().filter(|r| !contradicts(r, b)).cloned().collect();
    let more: Vec<Refinement> = b
        .iter()
        .filter(|r| !contradicts(r, a) && !all.contains(r))
        .cloned()
        .collect();
    all.extend(more);
    all
}
