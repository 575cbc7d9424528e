//! Expressions.

use super::body::Body;
use super::error::{CONSTRUCT, MISMATCH, Result, fail};
use super::literal;
use super::subtype;
use super::term::{Iterable, Term, Val};
use crate::diag::Span;
use crate::ir::{Constant, Op, Type};
use crate::torchscript::ast::{BinaryOp, Comprehension, Expr, ExprKind, UnaryOp};
use crate::torchscript::print::is_complex;

impl Body<'_, '_> {
    /// Lowers an expression; `hint` is the type the context wants, `binders` how many targets the results go to.
    pub(super) fn term(
        &mut self,
        expr: &Expr,
        hint: Option<&Type>,
        binders: usize,
    ) -> Result<Term> {
        crate::torchscript::deep(|| self.term_at(expr, hint, binders))
    }

    fn term_at(&mut self, expr: &Expr, hint: Option<&Type>, binders: usize) -> Result<Term> {
        let span = self.span(expr.range);
        let value = match &expr.kind {
            ExprKind::Name(name) => return self.name_term(name, span),
            ExprKind::Attribute(base, name) => {
                let base = self.term(base, None, 1)?;
                return self.attribute_term(base, name, span);
            }
            ExprKind::Call(call) => return self.call(call, hint, binders, span),
            ExprKind::Paren(inner) => return self.term(inner, hint, binders),
            ExprKind::Tuple { items, .. } => return self.tuple_term(items, hint),
            ExprKind::Subscript(base, indices) => return self.subscript(base, indices, hint, span),
            ExprKind::Number(text) => {
                let constant = literal::number(text, false, span)?;
                self.constant(constant, span)
            }
            ExprKind::Str(bytes) => {
                self.typed_constant(Constant::Str(bytes.clone()), Type::Str, span)
            }
            ExprKind::True => self.bool(true, span),
            ExprKind::False => self.bool(false, span),
            ExprKind::None => self.none(span),
            ExprKind::Unary(op, inner) => self.unary(*op, inner, expr, span)?,
            ExprKind::Binary(BinaryOp::And | BinaryOp::Or | BinaryOp::Is | BinaryOp::IsNot, ..) => {
                self.condition(expr)?.value
            }
            ExprKind::Binary(BinaryOp::Add, re, im) if is_complex(re, im) => {
                let constant = self.unit.constant_expr(self.file, expr, None)?;
                self.constant(constant, span)
            }
            ExprKind::Binary(..) => self.binary_chain(expr)?,
            ExprKind::Conditional(parts) => self.conditional(parts, hint, span)?,
            ExprKind::List { items, .. } => self.list(items, hint, span)?,
            ExprKind::Dict(items) => self.dict(items, hint, span)?,
            ExprKind::ListComp(comp) => self.list_comprehension(comp, hint, span)?,
            ExprKind::DictComp(key, comp) => self.dict_comprehension(key, comp, hint, span)?,
            ExprKind::Ellipsis => {
                return fail(CONSTRUCT, "expected `...` in a subscript only", span);
            }
            ExprKind::Slice(_) => {
                return fail(CONSTRUCT, "expected a slice in a subscript only", span);
            }
            ExprKind::Starred(_) => {
                return fail(
                    CONSTRUCT,
                    "expected `*` before an argument or target only",
                    span,
                );
            }
        };
        Ok(Term::Val(value))
    }

    fn tuple_term(&mut self, items: &[Expr], hint: Option<&Type>) -> Result<Term> {
        let hints = match hint {
            Some(Type::Tuple(types)) if types.len() == items.len() => Some(types.clone()),
            _ => None,
        };
        let mut vals = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let hint = hints.as_ref().map(|types| &types[i]);
            vals.push(Term::Val(self.value(item, hint)?));
        }
        Ok(Term::Many(vals))
    }

    fn unary(
        &mut self,
        op: UnaryOp,
        inner: &Expr,
        whole: &Expr,
        span: Option<Span>,
    ) -> Result<Val> {
        match (op, &inner.kind) {
            (UnaryOp::Neg, ExprKind::Number(text)) => {
                let constant = literal::number(text, true, span)?;
                Ok(self.constant(constant, span))
            }
            (UnaryOp::Not, _) => Ok(self.condition(whole)?.value),
            _ => {
                let val = self.value(inner, None)?;
                let negated = self.constant_of(&val).and_then(literal::negated);
                if let (UnaryOp::Neg, Some(constant)) = (op, negated) {
                    return Ok(self.constant(constant, span));
                }
                let (operator, method) = match op {
                    UnaryOp::Neg => ("aten::neg", "__neg__"),
                    _ => ("aten::bitwise_not", "__invert__"),
                };
                self.operation(operator, method, vec![val], span)
            }
        }
    }

    /// `a + b + c`: the left operand is walked without recursion.
    fn binary_chain(&mut self, expr: &Expr) -> Result<Val> {
        let mut chain = Vec::new();
        let mut current = expr;
        while let ExprKind::Binary(op, left, right) = &current.kind {
            if matches!(
                op,
                BinaryOp::And | BinaryOp::Or | BinaryOp::Is | BinaryOp::IsNot
            ) {
                break;
            }
            chain.push((*op, &**right, self.span(current.range)));
            current = left;
        }
        let mut value = self.value(current, None)?;
        for (op, right, span) in chain.into_iter().rev() {
            let right = self.value(right, None)?;
            value = self.binary(op, value, right, span)?;
        }
        Ok(value)
    }

    fn binary(&mut self, op: BinaryOp, left: Val, right: Val, span: Option<Span>) -> Result<Val> {
        match op {
            BinaryOp::In => self.operation(
                "aten::__contains__",
                "__contains__",
                vec![right, left],
                span,
            ),
            BinaryOp::Mod if left.ty == Type::Str => self.percent_format(left, right, span),
            BinaryOp::NotIn => {
                let contained = self.operation(
                    "aten::__contains__",
                    "__contains__",
                    vec![right, left],
                    span,
                )?;
                self.call_operator("aten::__not__", &[contained], span)
            }
            _ => {
                let (operator, method) = operator_names(op);
                self.operation(operator, method, vec![left, right], span)
            }
        }
    }

    /// `"%d of %d" % (a, b)`
    fn percent_format(&mut self, text: Val, right: Val, span: Option<Span>) -> Result<Val> {
        let mut operands = vec![text];
        match self.tuple_items(&right.ty) {
            Some(items) => operands.extend(self.unpacked(&right, &items, span)),
            None => operands.push(right),
        }
        self.call_operator("aten::percentFormat", &operands, span)
    }

    /// An operator, or the method of the first operand's class.
    pub(super) fn operation(
        &mut self,
        operator: &str,
        method: &str,
        mut operands: Vec<Val>,
        span: Option<Span>,
    ) -> Result<Val> {
        let first = operands.first().map(|val| val.ty.clone());
        if let Some(Type::Class(_)) = first
            && self
                .class_method(first.as_ref().unwrap_or(&Type::Any), method)
                .is_some()
        {
            let object = operands.remove(0);
            let term = self.call_method(&object, method, operands, Vec::new(), span)?;
            return self.term_value(term, span);
        }
        let term = self.operator_term(operator, operands, span)?;
        self.term_value(term, span)
    }

    /// `[a, b]`
    fn list(&mut self, items: &[Expr], hint: Option<&Type>, span: Option<Span>) -> Result<Val> {
        if items.is_empty() {
            return Ok(self.empty_list(hint, span));
        }
        let wanted = hint.and_then(list_element).cloned();
        let mut vals = Vec::with_capacity(items.len());
        for item in items {
            vals.push(self.value(item, wanted.as_ref())?);
        }
        let element = match wanted {
            Some(element) if vals.iter().all(|val| self.is_subtype(&val.ty, &element)) => element,
            _ => self.common_type(&vals),
        };
        let ids: Vec<_> = vals.iter().map(|val| val.id).collect();
        Ok(self.emit(Op::ListConstruct, ids, Type::list(element), span))
    }

    /// What values have in common: one type, or a union of all.
    fn common_type(&self, vals: &[Val]) -> Type {
        let Some((first, rest)) = vals.split_first() else {
            return Type::Tensor;
        };
        let unified = rest
            .iter()
            .try_fold(first.ty.clone(), |ty, val| match ty == val.ty {
                true => Some(ty),
                false => self.unify(&ty, &val.ty),
            });
        unified.unwrap_or_else(|| subtype::union(vals.iter().map(|val| val.ty.clone()).collect()))
    }

    /// `[]`, which any list type takes until a variable holds it.
    pub(super) fn empty_list(&mut self, hint: Option<&Type>, span: Option<Span>) -> Val {
        let element = hint.and_then(list_element).cloned();
        let val = self.emit(
            Op::ListConstruct,
            [],
            Type::list(element.clone().unwrap_or(Type::Tensor)),
            span,
        );
        if element.is_none() {
            self.empty_lists.insert(val.id);
        }
        val
    }

    fn dict(
        &mut self,
        items: &[(Expr, Expr)],
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Val> {
        let wanted = hint.and_then(dict_items).cloned();
        let mut vals = Vec::with_capacity(items.len());
        for (key, value) in items {
            let key = self.value(key, wanted.as_ref().map(|kv| &kv.0))?;
            vals.push((key, self.value(value, wanted.as_ref().map(|kv| &kv.1))?));
        }
        self.dict_value(&vals, hint, span)
    }

    /// A dict of values.
    pub(super) fn dict_value(
        &mut self,
        items: &[(Val, Val)],
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Val> {
        let (keys, values): (Vec<Val>, Vec<Val>) = items.iter().cloned().unzip();
        let fits = |vals: &[Val], ty: &Type| vals.iter().all(|val| self.is_subtype(&val.ty, ty));
        let ty = match hint.and_then(dict_items) {
            Some((key, value)) if fits(&keys, key) && fits(&values, value) => {
                Type::dict(key.clone(), value.clone())
            }
            _ if items.is_empty() => Type::dict(Type::Str, Type::Tensor),
            _ => Type::dict(self.common_type(&keys), self.common_type(&values)),
        };
        let ids: Vec<_> = items
            .iter()
            .flat_map(|(key, value)| [key.id, value.id])
            .collect();
        Ok(self.emit(Op::DictConstruct, ids, ty, span))
    }

    fn list_comprehension(
        &mut self,
        comp: &Comprehension,
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Val> {
        let term = self.term(&comp.iter, None, 1)?;
        let iterable = self.iterable(term, span)?;
        let wanted = hint.and_then(list_element).cloned();
        self.collect(iterable, hint, span, |body, element| {
            body.assign_targets(&comp.target, element, span)?;
            Ok(Term::Val(body.value(&comp.element, wanted.as_ref())?))
        })
    }

    /// A list filled by a loop.
    pub(super) fn collect(
        &mut self,
        iterable: Iterable,
        hint: Option<&Type>,
        span: Option<Span>,
        mut element: impl FnMut(&mut Self, Term) -> Result<Term>,
    ) -> Result<Val> {
        let list = self.emit(Op::ListConstruct, [], Type::list(Type::Tensor), span);
        let mut ty = hint.filter(|hint| matches!(hint, Type::List(_))).cloned();
        self.each(iterable, span, |body, item| {
            let item = element(body, item)?;
            let item = body.term_value(item, span)?;
            let ty = ty.get_or_insert_with(|| Type::list(item.ty.clone()));
            body.graph.value_mut(list.id).ty = ty.clone();
            let list = Val {
                id: list.id,
                ty: ty.clone(),
            };
            body.operator_term("aten::append", vec![list, item], span)?;
            Ok(())
        })?;
        let ty = ty.unwrap_or(list.ty);
        self.graph.value_mut(list.id).ty = ty.clone();
        Ok(Val { id: list.id, ty })
    }

    fn dict_comprehension(
        &mut self,
        key: &Expr,
        comp: &Comprehension,
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Val> {
        let term = self.term(&comp.iter, None, 1)?;
        let iterable = self.iterable(term, span)?;
        let dict = self.emit(
            Op::DictConstruct,
            [],
            Type::dict(Type::Str, Type::Tensor),
            span,
        );
        let mut ty = hint.filter(|hint| matches!(hint, Type::Dict(_))).cloned();
        self.each(iterable, span, |body, item| {
            body.assign_targets(&comp.target, item, span)?;
            let key = body.value(key, None)?;
            let value = body.value(&comp.element, None)?;
            let ty = ty.get_or_insert_with(|| Type::dict(key.ty.clone(), value.ty.clone()));
            body.graph.value_mut(dict.id).ty = ty.clone();
            let dict = Val {
                id: dict.id,
                ty: ty.clone(),
            };
            body.operator_term("aten::_set_item", vec![dict, key, value], span)?;
            Ok(())
        })?;
        let ty = ty.unwrap_or(dict.ty);
        self.graph.value_mut(dict.id).ty = ty.clone();
        Ok(Val { id: dict.id, ty })
    }

    /// A loop that hands nothing from one iteration to the next; its variables are its own.
    fn each(
        &mut self,
        iterable: Iterable,
        span: Option<Span>,
        mut step: impl FnMut(&mut Self, Term) -> Result<()>,
    ) -> Result<()> {
        if let Iterable::Elements(items) = iterable {
            self.push_frame();
            let result = items.into_iter().try_for_each(|item| step(self, item));
            self.pop_frame();
            return result;
        }
        let length = self.length(&iterable, span)?;
        let yes = self.bool(true, span);
        let node = self.node(Op::Loop, [length.id, yes.id], [], span);
        let block = self.graph.add_block(node);
        let index = Val {
            id: self.graph.add_param(block, Type::Int, None),
            ty: Type::Int,
        };
        self.push_frame();
        let result = self.within(block, |body| {
            let item = body.element(&iterable, &index, span)?;
            step(body, item)
        });
        self.pop_frame();
        result?;
        self.graph.block_mut(block).returns.push(yes.id);
        if self.constant_of(&length).is_none() && length.ty != Type::Int {
            return fail(
                MISMATCH,
                "expected an int as the number of iterations",
                span,
            );
        }
        Ok(())
    }
}

/// The element type of a list, optional or not.
fn list_element(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List(element) => Some(element),
        Type::Optional(inner) => list_element(inner),
        Type::Union(items) => {
            let mut lists = items.iter().filter_map(list_element);
            let first = lists.next();
            first.filter(|_| lists.next().is_none())
        }
        _ => None,
    }
}

fn dict_items(ty: &Type) -> Option<&(Type, Type)> {
    match ty {
        Type::Dict(kv) => Some(kv),
        Type::Optional(inner) => dict_items(inner),
        Type::Union(items) => items.iter().find_map(dict_items),
        _ => None,
    }
}

/// The operator of an infix operator, and the method of a class that answers it.
fn operator_names(op: BinaryOp) -> (&'static str, &'static str) {
    match op {
        BinaryOp::Lt => ("aten::lt", "__lt__"),
        BinaryOp::Gt => ("aten::gt", "__gt__"),
        BinaryOp::Le => ("aten::le", "__le__"),
        BinaryOp::Ge => ("aten::ge", "__ge__"),
        BinaryOp::Eq => ("aten::eq", "__eq__"),
        BinaryOp::Ne => ("aten::ne", "__ne__"),
        BinaryOp::BitOr => ("aten::__or__", "__or__"),
        BinaryOp::BitXor => ("aten::__xor__", "__xor__"),
        BinaryOp::BitAnd => ("aten::__and__", "__and__"),
        BinaryOp::Shl => ("aten::__lshift__", "__lshift__"),
        BinaryOp::Shr => ("aten::__rshift__", "__rshift__"),
        BinaryOp::Add => ("aten::add", "__add__"),
        BinaryOp::Sub => ("aten::sub", "__sub__"),
        BinaryOp::Mul => ("aten::mul", "__mul__"),
        BinaryOp::Div => ("aten::div", "__truediv__"),
        BinaryOp::FloorDiv => ("aten::floordiv", "__floordiv__"),
        BinaryOp::Mod => ("aten::remainder", "__mod__"),
        BinaryOp::MatMul => ("aten::matmul", "__matmul__"),
        BinaryOp::Pow => ("aten::pow", "__pow__"),
        // Lowered elsewhere: short circuits, identity, containment.
        BinaryOp::And => ("aten::__and__", "__and__"),
        BinaryOp::Or => ("aten::__or__", "__or__"),
        BinaryOp::Is => ("aten::__is__", "__is__"),
        BinaryOp::IsNot => ("aten::__isnot__", "__isnot__"),
        BinaryOp::In | BinaryOp::NotIn => ("aten::__contains__", "__contains__"),
    }
}
