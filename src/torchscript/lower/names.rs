//! Names and dotted names (`torchscript.md` 3.7).

use super::body::Body;
use super::error::{ATTRIBUTE, LITERAL, Result, fail};
use super::literal;
use super::term::{Special, Term, builtin_operator, describe};
use super::unit::is_native;
use crate::diag::Span;
use crate::ir::{ClassKind, Constant, Type};
use smol_str::{SmolStr, format_smolstr};

impl Body<'_, '_> {
    /// What a name stands for: a variable, a built-in name, a name of the importer.
    pub(super) fn name_term(&mut self, name: &SmolStr, span: Option<Span>) -> Result<Term> {
        match self.variable(name) {
            Some(Term::Val(val)) => return Ok(Term::Val(self.settled(val.clone()))),
            Some(term) => return Ok(term.clone()),
            None => {}
        }
        if let Some(special) = Special::named(name) {
            return Ok(Term::Special(special));
        }
        if let Some(operator) = builtin_operator(name) {
            return Ok(Term::Operator(SmolStr::new_static(operator), None));
        }
        if let Some(number) = literal::named_number(name) {
            return Ok(Term::Val(self.constant(number, span)));
        }
        match name.as_str() {
            "torch" => Ok(Term::Torch),
            "ops" => Ok(Term::Ops),
            "CONSTANTS" => Ok(Term::Constants),
            "__torch__" => Ok(Term::Path(name.clone())),
            _ => Err(self.undefined(name, span)),
        }
    }

    /// `base.name`
    pub(super) fn attribute_term(
        &mut self,
        base: Term,
        name: &SmolStr,
        span: Option<Span>,
    ) -> Result<Term> {
        match base {
            Term::Torch => Ok(Term::Operator(format_smolstr!("aten::{name}"), None)),
            Term::Ops => Ok(Term::Namespace(name.clone())),
            Term::Namespace(namespace) => {
                Ok(Term::Operator(format_smolstr!("{namespace}::{name}"), None))
            }
            Term::Constants => self.table_constant(name, span),
            Term::Path(path) => self.path_term(format_smolstr!("{path}.{name}"), span),
            Term::Class(class) => self.class_attribute(class, name, span),
            // `torch.autograd.grad` and `.backward` are the two names below a name of `torch`.
            Term::Operator(operator, None)
                if operator == "aten::autograd" && matches!(name.as_str(), "grad" | "backward") =>
            {
                Ok(Term::Operator(format_smolstr!("aten::{name}"), None))
            }
            Term::Val(val) => self.value_attribute(val, name, span),
            Term::Many(_) => {
                let val = self.term_value(base, span)?;
                self.value_attribute(val, name, span)
            }
            other => fail(
                ATTRIBUTE,
                format!(
                    "expected a value before `.{name}`, found {}",
                    describe(&other)
                ),
                span,
            ),
        }
    }

    fn table_constant(&mut self, name: &str, span: Option<Span>) -> Result<Term> {
        let index = self.unit.table_index(name, span)?;
        let Some(ty) = self.unit.input.constants.get(index as usize).cloned() else {
            return fail(
                LITERAL,
                format!("expected a constant, found `CONSTANTS.{name}`"),
                span,
            );
        };
        if let Type::Class(class) = &ty {
            self.unit.class(class);
        }
        Ok(Term::Val(self.typed_constant(
            Constant::Table(index),
            ty,
            span,
        )))
    }

    /// A qualified name: a class, a function, or a namespace that goes on.
    fn path_term(&mut self, path: SmolStr, span: Option<Span>) -> Result<Term> {
        if is_native(&path) && path.matches('.').count() < 4 {
            return Ok(Term::Path(path));
        }
        if self.unit.class(&path).is_some() {
            return Ok(Term::Class(path));
        }
        if let Some(id) = self.unit.function(&path)? {
            return Ok(Term::Function(path, id));
        }
        // A wrong last name is reported where the path is used.
        let _ = span;
        Ok(Term::Path(path))
    }

    fn class_attribute(
        &mut self,
        class: SmolStr,
        name: &SmolStr,
        span: Option<Span>,
    ) -> Result<Term> {
        if name == "__new__" {
            return Ok(Term::New(class));
        }
        let id = self.unit.class(&class);
        let kind = id.map(|id| &self.unit.program.classes[id].kind);
        match kind {
            Some(ClassKind::Enum(members)) if members.iter().any(|(member, _)| member == name) => {
                let constant = Constant::Enum {
                    class: class.clone(),
                    member: name.clone(),
                };
                Ok(Term::Val(self.typed_constant(
                    constant,
                    Type::Class(class),
                    span,
                )))
            }
            Some(ClassKind::Enum(_)) => fail(
                ATTRIBUTE,
                format!("expected a member of the enum `{class}`, found `{name}`"),
                span,
            ),
            // A function in the file named like the class: `__torch__.m.C.pre`.
            _ => self.path_term(format_smolstr!("{class}.{name}"), span),
        }
    }
}
