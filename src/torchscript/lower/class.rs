//! Class bodies (`torchscript.md` 3.5).

use super::error::{CLASS, CONSTRUCT, LITERAL, MISMATCH, Result, error, fail};
use super::literal;
use super::subtype;
use super::types::dotted;
use super::unit::{LoadedFile, Place, Unit, span};
use crate::diag::FileId;
use crate::ir::entity::Entity;
use crate::ir::{Attribute, ClassId, ClassKind, Constant, Param, Type};
use crate::torchscript::ast::{self, Expr, ExprKind, Member, Range};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use std::sync::Arc;

/// Name lists of one class body.
#[derive(Default)]
struct Roles {
    parameters: FxHashSet<SmolStr>,
    buffers: FxHashSet<SmolStr>,
}

impl Unit<'_> {
    /// Fills in attributes, constants, hooks and method signatures; every error is reported, the rest is kept.
    pub(super) fn define_class(&mut self, id: ClassId, file: &Arc<LoadedFile>, position: usize) {
        let Some(def) = file.class(position) else {
            return;
        };
        let mut roles = Roles::default();
        for (index, member) in def.members.iter().enumerate() {
            if let Err(diagnostic) =
                self.define_member(id, file, position, index, member, &mut roles)
            {
                self.diagnostics.push(*diagnostic);
            }
        }
        let class = &mut self.program.classes[id];
        for attribute in &mut class.attributes {
            attribute.is_parameter = roles.parameters.contains(&attribute.name);
            attribute.is_buffer = roles.buffers.contains(&attribute.name);
        }
        let missing = class
            .pre_hooks
            .iter()
            .chain(&class.hooks)
            .find(|name| !self.members[id.index()].methods.contains_key(*name));
        if let Some(name) = missing {
            let message = format!(
                "expected the hook `{name}` as a method of `{}`, found none",
                class.name
            );
            self.diagnostics
                .push(*error(CLASS, message, file.span(def.range)));
        }
    }

    fn define_member(
        &mut self,
        id: ClassId,
        file: &Arc<LoadedFile>,
        position: usize,
        index: usize,
        member: &Member,
        roles: &mut Roles,
    ) -> Result<()> {
        match member {
            Member::Assign { name, value, range } => {
                self.define_assignment(id, file, name, value, *range, roles)
            }
            Member::Attribute {
                name,
                ty,
                value,
                range,
            } => self.define_attribute(id, file, name, ty, value.as_ref(), *range),
            Member::OddAttribute { name, ty, range } => {
                self.define_attribute(id, file, name, ty, None, *range)
            }
            Member::Method(def) => {
                self.define_method(id, file, def, Place::Member(file.clone(), position, index))
            }
            Member::Pass(_) => Ok(()),
        }
    }

    fn define_assignment(
        &mut self,
        id: ClassId,
        file: &LoadedFile,
        name: &SmolStr,
        value: &Expr,
        range: Range,
        roles: &mut Roles,
    ) -> Result<()> {
        match name.as_str() {
            "__annotations__" => {}
            "__parameters__" => roles.parameters.extend(name_list(file, value)?),
            "__buffers__" => roles.buffers.extend(name_list(file, value)?),
            "__forward_pre_hooks__" => self.program.classes[id].pre_hooks = name_list(file, value)?,
            "__forward_hooks__" => self.program.classes[id].hooks = name_list(file, value)?,
            _ => return self.define_enum_member(id, file, name, value, range),
        }
        Ok(())
    }

    fn define_enum_member(
        &mut self,
        id: ClassId,
        file: &LoadedFile,
        name: &SmolStr,
        value: &Expr,
        range: Range,
    ) -> Result<()> {
        let span = file.span(range);
        let constant = self.constant_expr(file.id, value, None)?;
        let class = &mut self.program.classes[id];
        let ClassKind::Enum(members) = &mut class.kind else {
            return fail(
                CONSTRUCT,
                format!("expected a type for `{name}`, found an assignment"),
                span,
            );
        };
        if !matches!(
            constant,
            Constant::Int(_) | Constant::Float(_) | Constant::Str(_)
        ) {
            return fail(
                CLASS,
                format!("expected an int, float or str as the value of `{name}`"),
                span,
            );
        }
        let same_kind =
            |other: &Constant| std::mem::discriminant(other) == std::mem::discriminant(&constant);
        if !members.first().is_none_or(|(_, first)| same_kind(first)) {
            return fail(
                CLASS,
                format!("expected members of one type in the enum `{}`", class.name),
                span,
            );
        }
        members.push((name.clone(), constant));
        Ok(())
    }

    fn define_attribute(
        &mut self,
        id: ClassId,
        file: &LoadedFile,
        name: &SmolStr,
        annotation: &Expr,
        value: Option<&Expr>,
        range: Range,
    ) -> Result<()> {
        let span = file.span(range);
        let mut ty = self.annotation(file.id, annotation)?;
        if let Some(value) = value {
            if !is_final(annotation) {
                return fail(
                    CLASS,
                    format!("expected `Final[…]` on `{name}`, which has a value"),
                    span,
                );
            }
            let constant = self.constant_expr(file.id, value, Some(&ty))?;
            self.program.classes[id]
                .constants
                .push((name.clone(), ty, constant));
            return Ok(());
        }
        let class = &mut self.program.classes[id];
        if matches!(
            class.kind,
            ClassKind::Interface | ClassKind::ModuleInterface | ClassKind::Enum(_)
        ) {
            return fail(
                CLASS,
                format!("expected no attribute in `{}`, found `{name}`", class.name),
                span,
            );
        }
        if self.members[id.index()].attributes.contains_key(name) {
            return fail(
                CLASS,
                format!("expected `{name}` once in `{}`, found it twice", class.name),
                span,
            );
        }
        if let Some(packed) = packed_params(&class.name, name, &ty) {
            ty = packed;
        }
        let position = class.attributes.len() as u32;
        self.members[id.index()]
            .attributes
            .insert(name.clone(), position);
        class.attributes.push(Attribute {
            name: name.clone(),
            ty,
            is_parameter: false,
            is_buffer: false,
        });
        Ok(())
    }

    fn define_method(
        &mut self,
        id: ClassId,
        file: &LoadedFile,
        def: &ast::FunctionDef,
        place: Place,
    ) -> Result<()> {
        let class = &self.program.classes[id];
        let class_name = class.name.clone();
        let interface = matches!(
            class.kind,
            ClassKind::Interface | ClassKind::ModuleInterface
        );
        if self.members[id.index()].methods.contains_key(&def.name) {
            let message = format!(
                "expected one method `{}` in `{class_name}`, found two",
                def.name
            );
            return fail(CLASS, message, file.span(def.range));
        }
        let name = SmolStr::from(format!("{class_name}.{}", def.name));
        let place = if interface { Place::Interface } else { place };
        let function = self.declare_function(name, file, def, Some(&class_name), place)?;
        self.program.classes[id]
            .methods
            .push((def.name.clone(), function));
        self.members[id.index()]
            .methods
            .insert(def.name.clone(), function);
        Ok(())
    }

    /// The parameters of a definition; without annotation they are tensors, the first of a method its class.
    pub(super) fn signature(
        &mut self,
        file: &LoadedFile,
        def: &ast::FunctionDef,
        class: Option<&SmolStr>,
    ) -> Result<Vec<Param>> {
        let mut params: Vec<Param> = Vec::with_capacity(def.params.len());
        if class.is_some() && def.params.is_empty() {
            return fail(
                CLASS,
                format!("expected `self` in `{}`, found no parameter", def.name),
                file.span(def.range),
            );
        }
        let mut names = FxHashSet::default();
        for (i, param) in def.params.iter().enumerate() {
            let ty = match (&param.ty, class) {
                (_, Some(class)) if i == 0 => Type::Class(class.clone()),
                (Some(annotation), _) => self.annotation(file.id, annotation)?,
                (None, _) => Type::Tensor,
            };
            if !names.insert(&param.name) {
                let message = format!("expected one parameter `{}`, found two", param.name);
                return fail(CLASS, message, file.span(param.range));
            }
            let default = match &param.default {
                Some(value) => Some(self.default_value(file.id, value, &ty)?),
                None => None,
            };
            params.push(Param {
                name: param.name.clone(),
                ty,
                default,
                kwarg_only: param.kwarg_only,
            });
        }
        Ok(params)
    }

    fn default_value(&mut self, file: FileId, value: &Expr, ty: &Type) -> Result<Constant> {
        let constant = self.constant_expr(file, value, Some(ty))?;
        let actual = literal::type_of(&constant, ty);
        if subtype::is_subtype(&self.program, &actual, ty) {
            return Ok(constant);
        }
        let message = format!("expected a default of type `{ty}`, found `{actual}`");
        fail(MISMATCH, message, span(file, value.range))
    }
}

fn name_list(file: &LoadedFile, value: &Expr) -> Result<Vec<SmolStr>> {
    let wrong = || {
        error(
            LITERAL,
            "expected a list of names in quotes",
            file.span(value.range),
        )
    };
    let ExprKind::List { items, .. } = &value.kind else {
        return Err(wrong());
    };
    let name = |item: &Expr| match &item.kind {
        ExprKind::Str(bytes) => std::str::from_utf8(bytes).ok().map(SmolStr::new),
        _ => None,
    };
    items
        .iter()
        .map(|item| name(item).ok_or_else(wrong))
        .collect()
}

fn is_final(annotation: &Expr) -> bool {
    matches!(&annotation.kind, ExprKind::Subscript(base, _) if dotted(base).as_deref() == Some("Final"))
}

/// Old quantised classes declare their packed parameters as a tensor and hold the C++ object (3.5).
fn packed_params(class: &str, attribute: &str, ty: &Type) -> Option<Type> {
    if attribute != "_packed_params" || *ty != Type::Tensor {
        return None;
    }
    let native = match class.rsplit('.').next()? {
        "Conv2d" | "ConvReLU2d" => "Conv2dPackedParamsBase",
        "Conv3d" | "ConvReLU3d" => "Conv3dPackedParamsBase",
        "Linear" | "LinearReLU" | "LinearPackedParams" => "LinearPackedParamsBase",
        _ => return None,
    };
    let quantized = class.starts_with("__torch__.torch.nn.quantized.")
        || class.starts_with("__torch__.torch.nn.intrinsic.quantized.");
    quantized.then(|| Type::Class(format!("__torch__.torch.classes.quantized.{native}").into()))
}
