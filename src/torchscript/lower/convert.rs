//! Implicit conversions, which insert operators (`torchscript.md` 3.10).

use super::body::Body;
use super::error::Result;
use super::term::Val;
use crate::diag::Span;
use crate::ir::{Op, Type, ValueId};

/// Which conversions may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Containers only: tuples to lists.
    Exact,
    /// Also tensors, bools and scalars to numbers, strings to devices.
    Implicit,
}

impl Body<'_, '_> {
    /// The value converted towards a type, as far as the rules go; the caller checks the result's type.
    pub(super) fn convert(
        &mut self,
        val: Val,
        ty: &Type,
        conversion: Conversion,
        span: Option<Span>,
    ) -> Result<Val> {
        if let Type::Optional(inner) = ty
            && !matches!(val.ty, Type::Optional(_) | Type::None)
        {
            return self.convert(val, inner, conversion, span);
        }
        if let (true, Type::List(_)) = (self.empty_lists.contains(&val.id), ty) {
            return Ok(self.retyped_empty_list(val, ty));
        }
        let val = match val.ty {
            Type::Tuple(_) => self.convert_tuple(val, ty, conversion, span)?,
            _ => val,
        };
        match conversion {
            Conversion::Exact => Ok(val),
            Conversion::Implicit => self.convert_scalar(val, ty, span),
        }
    }

    /// An empty list literal becomes a list of the wanted type where it stands.
    fn retyped_empty_list(&mut self, val: Val, ty: &Type) -> Val {
        if val.ty == *ty {
            return val;
        }
        self.graph.value_mut(val.id).ty = ty.clone();
        Val {
            id: val.id,
            ty: ty.clone(),
        }
    }

    fn convert_tuple(
        &mut self,
        val: Val,
        ty: &Type,
        conversion: Conversion,
        span: Option<Span>,
    ) -> Result<Val> {
        let Type::Tuple(items) = val.ty.clone() else {
            return Ok(val);
        };
        match ty {
            Type::List(element) if items.iter().all(|item| self.is_subtype(item, element)) => {
                let parts = self.unpacked(&val, &items, span);
                Ok(self.emit(
                    Op::ListConstruct,
                    parts.iter().map(|v| v.id).collect::<Vec<_>>(),
                    ty.clone(),
                    span,
                ))
            }
            Type::Tuple(wanted) if wanted.len() == items.len() && !self.is_subtype(&val.ty, ty) => {
                let parts = self.unpacked(&val, &items, span);
                let mut converted = Vec::with_capacity(parts.len());
                for (part, ty) in parts.into_iter().zip(wanted.iter()) {
                    converted.push(self.convert(part, ty, conversion, span)?);
                }
                Ok(self.tuple(converted, span))
            }
            _ => Ok(val),
        }
    }

    /// The elements of a tuple; those of a tuple just constructed are its inputs.
    pub(super) fn unpacked(&mut self, val: &Val, items: &[Type], span: Option<Span>) -> Vec<Val> {
        if let Some(parts) = self.construction(val) {
            return parts
                .into_iter()
                .zip(items)
                .map(|(id, ty)| Val { id, ty: ty.clone() })
                .collect();
        }
        let node = self.node(Op::TupleUnpack, [val.id], items.iter().cloned(), span);
        let outputs = self.graph.node(node).outputs.iter();
        outputs
            .zip(items)
            .map(|(&id, ty)| Val { id, ty: ty.clone() })
            .collect()
    }

    /// The inputs of a tuple that was constructed just now, for this use only: the construction is taken back.
    fn construction(&mut self, val: &Val) -> Option<Vec<ValueId>> {
        let producer = self.graph.producer(val.id)?;
        let node = self.graph.node(producer);
        if node.op != Op::TupleConstruct
            || self.graph.block(self.block).nodes.last() != Some(&producer)
        {
            return None;
        }
        if self.graph.value(val.id).name.is_some() {
            return None;
        }
        let inputs = node.inputs.to_vec();
        let mark = self.mark();
        self.rollback(mark - 1);
        Some(inputs)
    }

    /// A tuple of values.
    pub(super) fn tuple(&mut self, items: Vec<Val>, span: Option<Span>) -> Val {
        let ty = Type::tuple(items.iter().map(|item| item.ty.clone()));
        self.emit(
            Op::TupleConstruct,
            items.iter().map(|item| item.id).collect::<Vec<_>>(),
            ty,
            span,
        )
    }

    fn convert_scalar(&mut self, val: Val, ty: &Type, span: Option<Span>) -> Result<Val> {
        let operator = match (&val.ty, ty) {
            (Type::Tensor, Type::Float) => "aten::FloatImplicit",
            (Type::Tensor, Type::Complex) => "aten::ComplexImplicit",
            (Type::Tensor, Type::Int) => "aten::IntImplicit",
            (Type::Tensor, Type::Number) => "aten::ScalarImplicit",
            (Type::Number | Type::Bool, Type::Float) => "aten::Float",
            (Type::Number, Type::Complex) => "aten::Complex",
            (Type::Number, Type::Int) | (Type::Bool, Type::Int | Type::Number) => "aten::Int",
            (Type::Str, Type::Device) => "aten::device",
            _ => return Ok(val),
        };
        self.call_operator(operator, &[val], span)
    }
}
