//! Attributes and methods of values.

use super::body::Body;
use super::convert::Conversion;
use super::error::{ATTRIBUTE, MISMATCH, Result, fail};
use super::term::{Term, Val};
use crate::diag::Span;
use crate::ir::{ClassKind, FuncId, Op, Type, schema};
use smol_str::{SmolStr, format_smolstr};

/// Tensor attributes that are `aten` operators; all others are `prim`.
const ATEN_PROPERTIES: &[&str] = &["is_leaf", "mT", "mH"];
/// Tensor attributes without an operator of their name (`builtin.rs`).
const BUILTIN_PROPERTIES: &[&str] = &["ndim", "T", "H", "shape"];
/// `prim` operators on one tensor that are attributes.
const PRIM_PROPERTIES: &[&str] = &[
    "data",
    "device",
    "dtype",
    "grad",
    "is_cpu",
    "is_cuda",
    "is_ipu",
    "is_maia",
    "is_meta",
    "is_mkldnn",
    "is_mps",
    "is_mtia",
    "is_nested",
    "is_quantized",
    "is_sparse",
    "is_sparse_csr",
    "is_vulkan",
    "is_xla",
    "is_xpu",
    "itemsize",
    "layout",
    "name",
    "nbytes",
    "requires_grad",
];

/// The dtype that `x.float()` and its like convert to.
fn cast_dtype(method: &str) -> Option<i64> {
    Some(match method {
        "byte" => 0,
        "char" => 1,
        "short" => 2,
        "int" => 3,
        "long" => 4,
        "half" => 5,
        "float" => 6,
        "double" => 7,
        "cfloat" => 9,
        "cdouble" => 10,
        _ => return None,
    })
}

impl Body<'_, '_> {
    /// `value.name`
    pub(super) fn value_attribute(
        &mut self,
        val: Val,
        name: &SmolStr,
        span: Option<Span>,
    ) -> Result<Term> {
        match &val.ty {
            Type::Tensor => {
                if let Some(dtype) = cast_dtype(name) {
                    return Ok(Term::TensorCast(val, dtype));
                }
                if let Some(operator) = tensor_property(name) {
                    return self.operator_term(&operator, vec![val], span);
                }
            }
            Type::Device if matches!(name.as_str(), "type" | "index") => {
                return self.operator_term(&format_smolstr!("prim::{name}"), vec![val], span);
            }
            Type::Class(class) => {
                let class = class.clone();
                if let Some(term) = self.object_attribute(&val, &class, name, span)? {
                    return Ok(term);
                }
            }
            _ => {}
        }
        self.method_operator(val, name, span)
    }

    /// Fields, methods and enum properties of an object.
    fn object_attribute(
        &mut self,
        val: &Val,
        class: &str,
        name: &SmolStr,
        span: Option<Span>,
    ) -> Result<Option<Term>> {
        let Some(id) = self.unit.class(class) else {
            return Ok(None);
        };
        let definition = &self.unit.program.classes[id];
        match &definition.kind {
            ClassKind::Enum(members) => {
                let value_type = members
                    .first()
                    .map(|(_, value)| super::literal::type_of(value, &Type::Any));
                return Ok(match name.as_str() {
                    "name" => Some(Term::Val(self.emit(
                        Op::EnumName,
                        [val.id],
                        Type::Str,
                        span,
                    ))),
                    "value" => {
                        let ty = value_type.unwrap_or(Type::Any);
                        Some(Term::Val(self.emit(Op::EnumValue, [val.id], ty, span)))
                    }
                    _ => None,
                });
            }
            ClassKind::NamedTuple => {
                let Some(position) = definition.attributes.iter().position(|a| a.name == *name)
                else {
                    return Ok(None);
                };
                let ty = definition.attributes[position].ty.clone();
                let index = self.int(position as i64, span);
                return Ok(Some(Term::Val(self.emit(
                    Op::TupleIndex,
                    [val.id, index.id],
                    ty,
                    span,
                ))));
            }
            ClassKind::Native => return Ok(Some(Term::Method(val.clone(), name.clone()))),
            _ => {}
        }
        if self.unit.method(id, name).is_some() {
            return Ok(Some(Term::Method(val.clone(), name.clone())));
        }
        let Some(attribute) = self.unit.attribute(id, name) else {
            return Ok(None);
        };
        let ty = attribute.ty.clone();
        Ok(Some(Term::Val(self.emit(
            Op::GetAttr(name.clone()),
            [val.id],
            ty,
            span,
        ))))
    }

    /// `x.add`, `text.split`, `items.append`: an operator that takes the value as `self`.
    fn method_operator(&mut self, val: Val, name: &SmolStr, span: Option<Span>) -> Result<Term> {
        let operator = match name.as_str() {
            "type" => SmolStr::new_static("aten::to"),
            _ => format_smolstr!("aten::{name}"),
        };
        let overloads = schema::overloads(&operator);
        if overloads.iter().any(|s| s.arg_index("self").is_some()) {
            return Ok(Term::Operator(operator, Some(val)));
        }
        if val.ty == Type::Tensor && name == "tolist" {
            return Ok(Term::ToList(val));
        }
        fail(
            ATTRIBUTE,
            format!(
                "expected an attribute or method of `{}`, found `{name}`",
                val.ty
            ),
            span,
        )
    }

    /// The method of a class type.
    pub(super) fn class_method(&mut self, ty: &Type, name: &str) -> Option<FuncId> {
        let id = self.unit.class(ty.class_name()?)?;
        self.unit.method(id, name)
    }

    /// `hasattr(object, name)` is known from the class.
    pub(super) fn knows_attribute(
        &mut self,
        val: &Val,
        name: &str,
        span: Option<Span>,
    ) -> Result<bool> {
        let id = val.ty.class_name().and_then(|class| self.unit.class(class));
        let Some(id) = id else {
            return fail(
                MISMATCH,
                format!("expected an object for `hasattr`, found `{}`", val.ty),
                span,
            );
        };
        let class = &self.unit.program.classes[id];
        Ok(self.unit.method(id, name).is_some()
            || self.unit.attribute(id, name).is_some()
            || class.constants.iter().any(|(n, ..)| n == name))
    }

    /// `object.name = value`
    pub(super) fn set_attribute(
        &mut self,
        object: &Val,
        name: &SmolStr,
        value: Val,
        span: Option<Span>,
    ) -> Result<()> {
        let id = object
            .ty
            .class_name()
            .and_then(|class| self.unit.class(class));
        let attribute = id.and_then(|id| self.unit.attribute(id, name));
        let Some(ty) = attribute.map(|a| a.ty.clone()) else {
            return fail(
                ATTRIBUTE,
                format!("expected an attribute of `{}`, found `{name}`", object.ty),
                span,
            );
        };
        let found = value.ty.clone();
        let value = self.convert(value, &ty, Conversion::Exact, span)?;
        if !self.is_subtype(&value.ty, &ty) {
            return fail(
                MISMATCH,
                format!("expected `{ty}` for the attribute `{name}`, found `{found}`"),
                span,
            );
        }
        self.node(Op::SetAttr(name.clone()), [object.id, value.id], [], span);
        Ok(())
    }
}

fn tensor_property(name: &str) -> Option<SmolStr> {
    if ATEN_PROPERTIES.contains(&name) {
        return Some(format_smolstr!("aten::{name}"));
    }
    (BUILTIN_PROPERTIES.contains(&name) || PRIM_PROPERTIES.binary_search(&name).is_ok())
        .then(|| format_smolstr!("prim::{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_operators() {
        assert!(PRIM_PROPERTIES.is_sorted());
        for name in PRIM_PROPERTIES {
            assert!(
                !schema::overloads(&format!("prim::{name}")).is_empty(),
                "{name}"
            );
        }
        for name in ATEN_PROPERTIES {
            assert!(
                !schema::overloads(&format!("aten::{name}")).is_empty(),
                "{name}"
            );
        }
    }
}
