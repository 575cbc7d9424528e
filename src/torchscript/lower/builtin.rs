//! Small functions that torch keeps beside the operators and inlines: a scalar on the left of a tensor, `ndim`, `_pair`.

use super::body::Body;
use super::convert::Conversion;
use super::error::Result;
use super::matching::Args;
use super::term::{Term, Val};
use crate::diag::Span;
use crate::ir::{Op, Type};

/// Operators with operands swapped: `2 < t` is `t > 2`.
fn mirrored(name: &str) -> Option<&'static str> {
    Some(match name {
        "aten::mul" => "aten::mul",
        "aten::add" => "aten::add",
        "aten::ne" => "aten::ne",
        "aten::eq" => "aten::eq",
        "aten::lt" => "aten::gt",
        "aten::le" => "aten::ge",
        "aten::gt" => "aten::lt",
        "aten::ge" => "aten::le",
        _ => return None,
    })
}

fn tuple_size(name: &str) -> Option<usize> {
    Some(match name {
        "aten::_single" => 1,
        "aten::_pair" => 2,
        "aten::_triple" => 3,
        "aten::_quadruple" => 4,
        _ => return None,
    })
}

/// Whether a name has such functions.
pub(super) fn exists(name: &str) -> bool {
    mirrored(name).is_some()
        || tuple_size(name).is_some()
        || matches!(
            name,
            "aten::sub"
                | "aten::div"
                | "aten::floordiv"
                | "prim::ndim"
                | "prim::T"
                | "prim::H"
                | "prim::shape"
        )
}

impl Body<'_, '_> {
    /// The function with this name inlined, if the arguments fit it.
    pub(super) fn builtin(
        &mut self,
        name: &str,
        args: &Args,
        conversion: Conversion,
        span: Option<Span>,
    ) -> Result<Option<Term>> {
        if !exists(name) || !args.keywords.is_empty() {
            return Ok(None);
        }
        let all: Vec<&Val> = args.receiver.iter().chain(&args.positional).collect();
        let value = match all[..] {
            [single] => self.builtin_unary(name, single, span)?,
            [left, right] => self.builtin_binary(name, left, right, conversion, span)?,
            _ => None,
        };
        Ok(value.map(Term::Val))
    }

    fn builtin_unary(&mut self, name: &str, val: &Val, span: Option<Span>) -> Result<Option<Val>> {
        let operator = match (name, &val.ty) {
            ("prim::ndim", Type::Tensor) => "aten::dim",
            ("prim::shape", Type::Tensor) => "aten::size",
            ("prim::T", Type::Tensor) => "aten::numpy_T",
            ("prim::H", Type::Tensor) => "aten::matrix_H",
            _ => return Ok(self.ntuple(name, val, span)),
        };
        self.call_operator(operator, std::slice::from_ref(val), span)
            .map(Some)
    }

    /// `_pair(3)` is `[3, 3]`, `_pair([1, 2])` its argument.
    fn ntuple(&mut self, name: &str, val: &Val, span: Option<Span>) -> Option<Val> {
        let size = tuple_size(name)?;
        match &val.ty {
            Type::Int | Type::Float => {
                let items = vec![val.id; size];
                Some(self.emit(Op::ListConstruct, items, Type::list(val.ty.clone()), span))
            }
            Type::List(element) if matches!(**element, Type::Int | Type::Float) => {
                Some(val.clone())
            }
            _ => None,
        }
    }

    fn builtin_binary(
        &mut self,
        name: &str,
        left: &Val,
        right: &Val,
        conversion: Conversion,
        span: Option<Span>,
    ) -> Result<Option<Val>> {
        if name == "aten::floordiv" && left.ty == Type::Tensor {
            let fits = self.is_subtype(&right.ty, &Type::Number) || right.ty == Type::Tensor;
            if fits {
                return self
                    .call_operator("aten::floor_divide", &[left.clone(), right.clone()], span)
                    .map(Some);
            }
        }
        let scalar = matches!(left.ty, Type::Float | Type::Int)
            || (conversion == Conversion::Implicit && matches!(left.ty, Type::Number | Type::Bool));
        if !scalar || right.ty != Type::Tensor {
            return Ok(None);
        }
        let left = self.convert(left.clone(), &Type::Float, conversion_of(&left.ty), span)?;
        let (operator, first) = match name {
            "aten::sub" => (
                "aten::add",
                self.call_operator("aten::neg", std::slice::from_ref(right), span)?,
            ),
            "aten::div" => (
                "aten::mul",
                self.call_operator("aten::reciprocal", std::slice::from_ref(right), span)?,
            ),
            _ => match mirrored(name) {
                Some(operator) => (operator, right.clone()),
                None => return Ok(None),
            },
        };
        self.call_operator(operator, &[first, left], span).map(Some)
    }
}

/// Int and float are taken as they are, other scalars as a float.
fn conversion_of(ty: &Type) -> Conversion {
    match ty {
        Type::Int | Type::Float => Conversion::Exact,
        _ => Conversion::Implicit,
    }
}
