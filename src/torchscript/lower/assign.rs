//! Assignments.

use super::body::Body;
use super::error::{CONSTRUCT, MISMATCH, Result, fail};
use super::term::{Iterable, Term, Val};
use crate::diag::Span;
use crate::ir::{Op, Type};
use crate::torchscript::ast::{BinaryOp, Expr, ExprKind, Targets};

impl Body<'_, '_> {
    /// `a, b = value`, `a = b = value`
    pub(super) fn assignment(
        &mut self,
        targets: &[Targets],
        value: &Expr,
        span: Option<Span>,
    ) -> Result<()> {
        if let [
            Targets {
                items,
                trailing_comma: false,
            },
        ] = targets
            && let [
                Expr {
                    kind: ExprKind::Attribute(base, name),
                    ..
                },
            ] = &items[..]
        {
            return self.assign_attribute(base, name, value, None, span);
        }
        let binders = targets.first().map_or(1, |t| t.items.len());
        let term = self.term(value, None, binders)?;
        for target in targets {
            self.assign_targets(target, term.clone(), span)?;
        }
        Ok(())
    }

    /// `object.name = value`: the attribute's type directs the value.
    fn assign_attribute(
        &mut self,
        base: &Expr,
        name: &smol_str::SmolStr,
        value: &Expr,
        annotated: Option<Type>,
        span: Option<Span>,
    ) -> Result<()> {
        let object = self.value(base, None)?;
        let id = object
            .ty
            .class_name()
            .and_then(|class| self.unit.class(class));
        let declared = id
            .and_then(|id| self.unit.attribute(id, name))
            .map(|a| a.ty.clone());
        let value = self.value(value, annotated.or(declared).as_ref())?;
        self.set_attribute(&object, name, value, span)
    }

    /// Binds what stands on the left of `=` or in a `for`.
    pub(super) fn assign_targets(
        &mut self,
        targets: &Targets,
        term: Term,
        span: Option<Span>,
    ) -> Result<()> {
        match &targets.items[..] {
            [single] if !targets.trailing_comma => self.assign_target(single, term, span),
            items => self.unpack(items, term, span),
        }
    }

    fn assign_target(&mut self, target: &Expr, term: Term, span: Option<Span>) -> Result<()> {
        crate::torchscript::deep(|| match &target.kind {
            ExprKind::Name(name) => {
                let term = match term {
                    Term::Many(_) => Term::Val(self.term_value(term, span)?),
                    other => other,
                };
                self.assign(name, term, None, span)
            }
            ExprKind::Attribute(base, name) => {
                let value = self.term_value(term, span)?;
                let object = self.value(base, None)?;
                self.set_attribute(&object, name, value, span)
            }
            ExprKind::Subscript(base, indices) => {
                let value = self.term_value(term, span)?;
                self.assign_subscript(base, indices, value, span)
            }
            ExprKind::Paren(inner) => self.assign_target(inner, term, span),
            ExprKind::Tuple { items, .. } | ExprKind::List { items, .. } => {
                self.unpack(items, term, span)
            }
            _ => fail(
                CONSTRUCT,
                "expected a name, attribute or subscript to assign to",
                span,
            ),
        })
    }

    /// `a, b, = t`
    fn unpack(&mut self, targets: &[Expr], term: Term, span: Option<Span>) -> Result<()> {
        let star = targets
            .iter()
            .position(|target| matches!(target.kind, ExprKind::Starred(_)));
        let mut items = self.parts(term, targets.len(), star.is_some(), span)?;
        let wrong = match star {
            Some(_) => items.len() + 1 < targets.len(),
            None => items.len() != targets.len(),
        };
        if wrong {
            let message = format!(
                "expected {} values to unpack, found {}",
                targets.len(),
                items.len()
            );
            return fail(MISMATCH, message, span);
        }
        if let Some(star) = star {
            let after = items.split_off(items.len() - (targets.len() - star - 1));
            let middle = items.split_off(star);
            items.push(Term::Many(middle));
            items.extend(after);
        }
        for (target, item) in targets.iter().zip(items) {
            match &target.kind {
                ExprKind::Starred(inner) => self.assign_target(inner, item, span)?,
                _ => self.assign_target(target, item, span)?,
            }
        }
        Ok(())
    }

    /// The values to unpack; a list is trusted to have as many as there are targets.
    fn parts(
        &mut self,
        term: Term,
        count: usize,
        starred: bool,
        span: Option<Span>,
    ) -> Result<Vec<Term>> {
        let val = match term {
            Term::Many(items) => return Ok(items),
            Term::Iterable(iterable) => match *iterable {
                Iterable::Elements(items) => return Ok(items),
                _ => return fail(CONSTRUCT, "expected a tuple or list to unpack", span),
            },
            other => self.term_value(other, span)?,
        };
        if let Some(items) = self.tuple_items(&val.ty) {
            return Ok(self.tuple_parts(&val, &items, span));
        }
        let Type::List(element) = &val.ty else {
            return fail(
                MISMATCH,
                format!("expected a tuple or list to unpack, found `{}`", val.ty),
                span,
            );
        };
        if starred {
            return fail(
                CONSTRUCT,
                "expected a tuple to unpack into a starred name, found a list",
                span,
            );
        }
        let element = (**element).clone();
        let node = self.node(
            Op::ListUnpack,
            [val.id],
            std::iter::repeat_n(element.clone(), count),
            span,
        );
        let outputs = self.graph.node(node).outputs.clone();
        Ok(outputs
            .into_iter()
            .map(|id| {
                Term::Val(Val {
                    id,
                    ty: element.clone(),
                })
            })
            .collect())
    }

    /// The mark `a, b, = t` is kept as a node, whatever made the tuple.
    fn tuple_parts(&mut self, val: &Val, items: &[Type], span: Option<Span>) -> Vec<Term> {
        let node = self.node(Op::TupleUnpack, [val.id], items.iter().cloned(), span);
        let outputs = self.graph.node(node).outputs.clone();
        outputs
            .into_iter()
            .zip(items)
            .map(|(id, ty)| Term::Val(Val { id, ty: ty.clone() }))
            .collect()
    }

    /// `name : T = value`
    pub(super) fn annotated_assignment(
        &mut self,
        target: &Expr,
        annotation: &Expr,
        value: Option<&Expr>,
        span: Option<Span>,
    ) -> Result<()> {
        let ty = self.unit.annotation(self.file, annotation)?;
        let Some(value) = value else {
            return fail(CONSTRUCT, "expected a value after the annotation", span);
        };
        match &target.kind {
            ExprKind::Name(name) => {
                let val = self.value(value, Some(&ty))?;
                let val = match self.empty_lists.contains(&val.id) {
                    true => self.convert(val, &ty, super::convert::Conversion::Exact, span)?,
                    false => val,
                };
                self.assign(name, Term::Val(val), Some(ty), span)
            }
            ExprKind::Attribute(base, name) => {
                self.assign_attribute(base, name, value, Some(ty), span)
            }
            _ => fail(
                CONSTRUCT,
                "expected a name or attribute before an annotation",
                span,
            ),
        }
    }

    /// `target += value`
    pub(super) fn augmented_assignment(
        &mut self,
        target: &Expr,
        op: BinaryOp,
        value: &Expr,
        span: Option<Span>,
    ) -> Result<()> {
        match &target.kind {
            ExprKind::Name(name) => {
                let left = self.value(target, None)?;
                let result = self.augmented(op, left, value, span)?;
                self.assign(name, Term::Val(result), None, span)
            }
            ExprKind::Attribute(base, name) => {
                let object = self.value(base, None)?;
                let term = self.value_attribute(object.clone(), name, span)?;
                let left = self.term_value(term, span)?;
                let result = self.augmented(op, left, value, span)?;
                self.set_attribute(&object, name, result, span)
            }
            ExprKind::Subscript(base, indices) => {
                self.augmented_subscript(base, indices, op, value, span)
            }
            ExprKind::Paren(inner) => self.augmented_assignment(inner, op, value, span),
            _ => fail(
                CONSTRUCT,
                "expected a name, attribute or subscript to change",
                span,
            ),
        }
    }

    fn augmented(
        &mut self,
        op: BinaryOp,
        left: Val,
        value: &Expr,
        span: Option<Span>,
    ) -> Result<Val> {
        let right = self.value(value, None)?;
        self.augment(op, left, right, span)
    }

    fn augment(&mut self, op: BinaryOp, left: Val, right: Val, span: Option<Span>) -> Result<Val> {
        let in_place = matches!(left.ty, Type::Tensor | Type::List(_));
        let Some((operator, method, plain)) = augmented_names(op, in_place) else {
            return fail(
                CONSTRUCT,
                "expected an operator that has an augmented form",
                span,
            );
        };
        let method = match self.class_method(&left.ty, method) {
            Some(_) => method,
            None => plain,
        };
        self.operation(operator, method, vec![left, right], span)
    }

    fn augmented_subscript(
        &mut self,
        base: &Expr,
        indices: &[Expr],
        op: BinaryOp,
        value: &Expr,
        span: Option<Span>,
    ) -> Result<()> {
        let object = self.value(base, None)?;
        if object.ty == Type::Tensor {
            let view = self.tensor_view(object, indices, span)?;
            let Some(indices) = view.indices else {
                self.augmented(op, view.base, value, span)?;
                return Ok(());
            };
            let element =
                self.call_operator("aten::index", &[view.base.clone(), indices.clone()], span)?;
            let result = self.augmented(op, element, value, span)?;
            self.call_operator("aten::index_put_", &[view.base, indices, result], span)?;
            return Ok(());
        }
        let [index] = indices else {
            return fail(CONSTRUCT, "expected one index to change", span);
        };
        let index = self.value(index, None)?;
        let element = match object.ty {
            Type::Class(_) => self.call_method(
                &object,
                "__getitem__",
                vec![index.clone()],
                Vec::new(),
                span,
            )?,
            _ => self.operator_term(
                "aten::__getitem__",
                vec![object.clone(), index.clone()],
                span,
            )?,
        };
        let element = self.term_value(element, span)?;
        let result = self.augmented(op, element, value, span)?;
        match object.ty {
            Type::Class(_) => self.call_method(
                &object,
                "__setitem__",
                vec![index, result],
                Vec::new(),
                span,
            )?,
            _ => self.operator_term("aten::_set_item", vec![object, index, result], span)?,
        };
        Ok(())
    }
}

/// The operator of an augmented assignment, and the methods of a class that answer it.
fn augmented_names(
    op: BinaryOp,
    in_place: bool,
) -> Option<(&'static str, &'static str, &'static str)> {
    let (tensor, other, method, plain) = match op {
        BinaryOp::Add => ("aten::add_", "aten::add", "__iadd__", "__add__"),
        BinaryOp::Sub => ("aten::sub_", "aten::sub", "__isub__", "__sub__"),
        BinaryOp::Mul => ("aten::mul_", "aten::mul", "__imul__", "__mul__"),
        BinaryOp::Div => ("aten::div_", "aten::div", "__itruediv__", "__truediv__"),
        BinaryOp::Mod => ("aten::fmod_", "aten::fmod", "__imod__", "__mod__"),
        BinaryOp::BitOr => ("aten::bitwise_or", "aten::__or__", "__ior__", "__or__"),
        BinaryOp::BitAnd => ("aten::bitwise_and", "aten::__and__", "__iand__", "__and__"),
        BinaryOp::BitXor => ("aten::bitwise_xor", "aten::__xor__", "__ixor__", "__xor__"),
        BinaryOp::Shl => (
            "aten::__lshift__",
            "aten::__lshift__",
            "__ilshift__",
            "__lshift__",
        ),
        BinaryOp::Shr => (
            "aten::__irshift__",
            "aten::__rshift__",
            "__irshift__",
            "__rshift__",
        ),
        BinaryOp::Pow => ("aten::pow", "aten::pow", "__ipow__", "__pow__"),
        _ => return None,
    };
    Some((if in_place { tensor } else { other }, method, plain))
}
