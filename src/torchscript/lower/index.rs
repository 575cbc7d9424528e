//! Subscripts, read and written.

use super::body::Body;
use super::error::{CONSTRUCT, MISMATCH, Result, fail};
use super::term::{Term, Val};
use crate::diag::Span;
use crate::ir::{Constant, Op, Type};
use crate::torchscript::ast::{Expr, ExprKind};

/// A tensor after its ints, slices and `None`s, and the tensors that index what is left.
pub(super) struct TensorView {
    pub(super) base: Val,
    /// `List[Optional[Tensor]]`, if some index is a tensor.
    pub(super) indices: Option<Val>,
}

/// How far a tensor subscript has been applied.
struct Cursor {
    base: Val,
    /// The next dimension.
    dim: i64,
    /// After `...`: dimensions are counted from the end.
    from_end: bool,
    /// Tensors that index dimensions.
    tensors: Vec<(i64, Val)>,
}

impl Cursor {
    /// `...` leaves as many dimensions as the indices after it need.
    fn skip_to_end(&mut self, rest: &[&Expr], span: Option<Span>) -> Result<()> {
        if !self.tensors.is_empty() || self.from_end {
            return fail(
                CONSTRUCT,
                "expected one `...` and no tensor before it in a subscript",
                span,
            );
        }
        let needed = rest.iter().filter(|e| !matches!(e.kind, ExprKind::None));
        self.dim = -(needed.count() as i64);
        self.from_end = true;
        Ok(())
    }
}

impl Body<'_, '_> {
    /// `base[indices]`
    pub(super) fn subscript(
        &mut self,
        base: &Expr,
        indices: &[Expr],
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Term> {
        let val = self.value(base, None)?;
        if val.ty == Type::Tensor {
            let view = self.tensor_view(val, indices, span)?;
            return Ok(Term::Val(match view.indices {
                Some(indices) => self.call_operator("aten::index", &[view.base, indices], span)?,
                None => view.base,
            }));
        }
        let [index] = indices else {
            return fail(
                CONSTRUCT,
                format!(
                    "expected one index for `{}`, found {}",
                    val.ty,
                    indices.len()
                ),
                span,
            );
        };
        if let Some(items) = self.tuple_items(&val.ty) {
            return self
                .tuple_subscript(val, &items, index, span)
                .map(Term::Val);
        }
        if let ExprKind::Slice(parts) = &index.kind {
            return self.sequence_slice(val, parts, span);
        }
        let index = self.value(index, None)?;
        match val.ty {
            Type::Class(_) => match hint {
                Some(hint) if self.class_method(&val.ty, "__getitem__").is_none() => {
                    self.container_index(val, index, hint, span)
                }
                _ => self.call_method(&val, "__getitem__", vec![index], Vec::new(), span),
            },
            _ => self.operator_term("aten::__getitem__", vec![val, index], span),
        }
    }

    /// `s : Stage = stages[i]`: a module of a container by an index that is computed, under its interface.
    fn container_index(
        &mut self,
        container: Val,
        index: Val,
        interface: &Type,
        span: Option<Span>,
    ) -> Result<Term> {
        let term =
            self.operator_term("prim::ModuleContainerIndex", vec![container, index], span)?;
        let val = self.term_value(term, span)?;
        self.graph.value_mut(val.id).ty = interface.clone();
        Ok(Term::Val(Val {
            id: val.id,
            ty: interface.clone(),
        }))
    }

    /// `items[a:b:c]`
    fn sequence_slice(
        &mut self,
        val: Val,
        parts: &[Option<Expr>; 3],
        span: Option<Span>,
    ) -> Result<Term> {
        if !matches!(val.ty, Type::List(_) | Type::Str) {
            return fail(
                MISMATCH,
                format!(
                    "expected a list, string, tuple or tensor to slice, found `{}`",
                    val.ty
                ),
                span,
            );
        }
        let [start, end, step] = self.slice_parts(parts, span)?;
        self.operator_term("aten::slice", vec![val, start, end, step], span)
    }

    fn slice_parts(&mut self, parts: &[Option<Expr>; 3], span: Option<Span>) -> Result<[Val; 3]> {
        let [start, end, step] = parts;
        let start = match start {
            Some(start) => self.value(start, None)?,
            None => self.none(span),
        };
        let end = match end {
            Some(end) => self.value(end, None)?,
            None => self.none(span),
        };
        let step = match step {
            Some(step) => self.value(step, None)?,
            None => self.int(1, span),
        };
        Ok([start, end, step])
    }

    /// `(t)[0]`, `(t)[1:3]`: known while reading.
    fn tuple_subscript(
        &mut self,
        val: Val,
        items: &[Type],
        index: &Expr,
        span: Option<Span>,
    ) -> Result<Val> {
        if let ExprKind::Slice(parts) = &index.kind {
            return self.tuple_slice(val, items, parts, span);
        }
        let index = self.value(index, None)?;
        let Some(Constant::Int(position)) = self.constant_of(&index).cloned() else {
            // Any index does when all elements are of one type.
            return match items.split_first() {
                Some((first, rest))
                    if index.ty == Type::Int && rest.iter().all(|item| item == first) =>
                {
                    Ok(self.emit(Op::TupleIndex, [val.id, index.id], first.clone(), span))
                }
                _ => fail(
                    CONSTRUCT,
                    "expected an integer literal as the index of a tuple",
                    span,
                ),
            };
        };
        let count = items.len() as i64;
        let position = if position < 0 {
            position.saturating_add(count)
        } else {
            position
        };
        match usize::try_from(position)
            .ok()
            .and_then(|position| items.get(position))
        {
            Some(ty) => {
                let index = self.int(position, span);
                Ok(self.emit(Op::TupleIndex, [val.id, index.id], ty.clone(), span))
            }
            None => fail(
                MISMATCH,
                format!("expected an index of a tuple of {count} elements, found `{position}`"),
                span,
            ),
        }
    }

    fn tuple_slice(
        &mut self,
        val: Val,
        items: &[Type],
        parts: &[Option<Expr>; 3],
        span: Option<Span>,
    ) -> Result<Val> {
        let count = items.len() as i64;
        let [start, end, step] = self.slice_parts(parts, span)?;
        let known = |val: &Val, default: i64| match (self.constant_of(val), &val.ty) {
            (Some(Constant::Int(value)), _) => Ok(*value),
            (Some(Constant::None), _) => Ok(default),
            _ => fail(
                CONSTRUCT,
                "expected integer literals in the slice of a tuple",
                span,
            ),
        };
        let clamp = |index: i64| {
            if index < 0 {
                (index.saturating_add(count)).max(0)
            } else {
                index.min(count)
            }
        };
        let step = known(&step, 1)?;
        if step != 1 {
            return fail(CONSTRUCT, "expected no step in the slice of a tuple", span);
        }
        let begin = clamp(known(&start, 0)?);
        let end = clamp(known(&end, count)?).max(begin);
        let ty = Type::tuple(items[begin as usize..end as usize].iter().cloned());
        Ok(self.emit(Op::TupleSlice { begin, end }, [val.id], ty, span))
    }

    /// Applies the ints, slices and `None`s of a tensor subscript.
    pub(super) fn tensor_view(
        &mut self,
        base: Val,
        indices: &[Expr],
        span: Option<Span>,
    ) -> Result<TensorView> {
        let mut flat = Vec::with_capacity(indices.len());
        for index in indices {
            match &index.kind {
                ExprKind::Tuple { items, .. } => flat.extend(items),
                _ => flat.push(index),
            }
        }
        let mut cursor = Cursor {
            base,
            dim: 0,
            from_end: false,
            tensors: Vec::new(),
        };
        for (i, index) in flat.iter().enumerate() {
            match &index.kind {
                ExprKind::Ellipsis => cursor.skip_to_end(&flat[i + 1..], span)?,
                ExprKind::Slice(parts) => {
                    let [start, end, step] = self.slice_parts(parts, span)?;
                    let inputs = [cursor.base, self.int(cursor.dim, span), start, end, step];
                    cursor.base = self.call_operator("aten::slice", &inputs, span)?;
                    cursor.dim += 1;
                }
                ExprKind::None => {
                    let at = cursor.dim - i64::from(cursor.from_end);
                    let inputs = [cursor.base, self.int(at, span)];
                    cursor.base = self.call_operator("aten::unsqueeze", &inputs, span)?;
                    cursor.dim += i64::from(!cursor.from_end);
                }
                _ => cursor = self.index_dimension(cursor, index, span)?,
            }
        }
        let indices = self.index_list(&cursor.tensors, span)?;
        Ok(TensorView {
            base: cursor.base,
            indices,
        })
    }

    /// One index that is computed: an int selects, a tensor is kept for `aten::index`.
    fn index_dimension(
        &mut self,
        mut cursor: Cursor,
        index: &Expr,
        span: Option<Span>,
    ) -> Result<Cursor> {
        let val = self.value(index, None)?;
        let val = match val.ty {
            Type::Int => {
                let inputs = [cursor.base, self.int(cursor.dim, span), val];
                cursor.base = self.call_operator("aten::select", &inputs, span)?;
                // Counted from the end, the next dimension is one nearer to it.
                cursor.dim += i64::from(cursor.from_end);
                return Ok(cursor);
            }
            Type::List(_) => self.call_operator("aten::tensor", &[val], span)?,
            Type::Tensor => val,
            Type::Optional(ref inner) if **inner == Type::Tensor => val,
            ref ty => {
                let message = format!("expected an int, slice or tensor as index, found `{ty}`");
                return fail(MISMATCH, message, span);
            }
        };
        cursor.tensors.push((cursor.dim, val));
        cursor.dim += 1;
        Ok(cursor)
    }

    /// `[None, t]` for the tensors at their dimensions.
    fn index_list(&mut self, tensors: &[(i64, Val)], span: Option<Span>) -> Result<Option<Val>> {
        let Some((last, _)) = tensors.last() else {
            return Ok(None);
        };
        if tensors.iter().any(|(dim, _)| *dim < 0) {
            return fail(
                CONSTRUCT,
                "expected no tensor after `...` in a subscript",
                span,
            );
        }
        let mut ids = vec![self.none(span).id; *last as usize + 1];
        for (dim, val) in tensors {
            if let Some(slot) = ids.get_mut(*dim as usize) {
                *slot = val.id;
            }
        }
        let ty = Type::list(Type::optional(Type::Tensor));
        Ok(Some(self.emit(Op::ListConstruct, ids, ty, span)))
    }

    /// `base[indices] = value`
    pub(super) fn assign_subscript(
        &mut self,
        base: &Expr,
        indices: &[Expr],
        value: Val,
        span: Option<Span>,
    ) -> Result<()> {
        let object = self.value(base, None)?;
        if object.ty == Type::Tensor {
            let view = self.tensor_view(object, indices, span)?;
            return self.assign_view(view, value, span);
        }
        let [index] = indices else {
            return fail(
                CONSTRUCT,
                format!(
                    "expected one index for `{}`, found {}",
                    object.ty,
                    indices.len()
                ),
                span,
            );
        };
        if matches!(index.kind, ExprKind::Slice(_)) {
            return fail(
                CONSTRUCT,
                "expected a single index to assign to, found a slice",
                span,
            );
        }
        let index = self.value(index, None)?;
        match object.ty {
            Type::Class(_) => {
                self.call_method(&object, "__setitem__", vec![index, value], Vec::new(), span)?;
            }
            _ => {
                self.operator_term("aten::_set_item", vec![object, index, value], span)?;
            }
        }
        Ok(())
    }

    pub(super) fn assign_view(
        &mut self,
        view: TensorView,
        value: Val,
        span: Option<Span>,
    ) -> Result<()> {
        let value = self.like(value, &view.base, span)?;
        match view.indices {
            Some(indices) => {
                self.call_operator("aten::index_put_", &[view.base, indices, value], span)?
            }
            None => self.call_operator("aten::copy_", &[view.base, value], span)?,
        };
        Ok(())
    }

    /// A number as a tensor of the dtype and device of another.
    fn like(&mut self, value: Val, other: &Val, span: Option<Span>) -> Result<Val> {
        if !matches!(
            value.ty,
            Type::Int | Type::Float | Type::Bool | Type::Complex | Type::Number
        ) {
            return Ok(value);
        }
        let dtype = self.call_operator("prim::dtype", std::slice::from_ref(other), span)?;
        let device = self.call_operator("prim::device", std::slice::from_ref(other), span)?;
        let args = super::matching::Args {
            positional: [value].into_iter().collect(),
            keywords: [("dtype".into(), dtype), ("device".into(), device)]
                .into_iter()
                .collect(),
            receiver: None,
        };
        let term = self.operator("aten::tensor", args, 1, None, span)?;
        self.term_value(term, span)
    }
}
