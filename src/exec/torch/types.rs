//! torch types made from ptool's, each once.

use super::super::error::ExecError;
use super::ffi::{Failure, Vm};
use super::value::push_constant;
use crate::ir::{Class, ClassId, ClassKind, Constant, Program, Type};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// How deep types may nest; the parser allows less, named tuples could contain themselves.
const MAX_TYPE_DEPTH: usize = 256;

/// Type kinds of `shim.h`.
mod kind {
    pub(super) const OPTIONAL: i32 = 19;
    pub(super) const UNION: i32 = 20;
    pub(super) const LIST: i32 = 21;
    pub(super) const DICT: i32 = 22;
    pub(super) const TUPLE: i32 = 23;
    pub(super) const FUTURE: i32 = 24;
    pub(super) const AWAIT: i32 = 25;
    pub(super) const RREF: i32 = 26;
}

/// The types of one program in one Vm.
pub(super) struct Types<'m> {
    pub(super) program: &'m Program,
    ids: FxHashMap<Type, i32>,
    class_of_identity: FxHashMap<usize, ClassId>,
    incomplete: Vec<ClassId>,
}

impl<'m> Types<'m> {
    pub(super) fn new(program: &'m Program) -> Types<'m> {
        Types {
            program,
            ids: FxHashMap::default(),
            class_of_identity: FxHashMap::default(),
            incomplete: Vec::new(),
        }
    }

    /// The id of a type, made on first use.
    pub(super) fn id(&mut self, vm: &mut Vm, ty: &Type) -> Result<i32, ExecError> {
        let id = self.make(vm, ty, 0)?;
        while let Some(class) = self.incomplete.pop() {
            self.add_attributes(vm, class)?;
        }
        Ok(id)
    }

    /// The class with this run-time identity.
    pub(super) fn class(&self, identity: usize) -> Option<ClassId> {
        self.class_of_identity.get(&identity).copied()
    }

    fn make(&mut self, vm: &mut Vm, ty: &Type, depth: usize) -> Result<i32, ExecError> {
        if let Some(&id) = self.ids.get(ty) {
            return Ok(id);
        }
        if depth == MAX_TYPE_DEPTH {
            return Err(ExecError::Malformed(format!(
                "a type nests deeper than {MAX_TYPE_DEPTH}"
            )));
        }
        let id = match ty {
            Type::Class(name) => self.make_class(vm, name, depth)?,
            _ => self.make_plain(vm, ty, depth)?,
        };
        self.ids.insert(ty.clone(), id);
        Ok(id)
    }

    fn make_plain(&mut self, vm: &mut Vm, ty: &Type, depth: usize) -> Result<i32, ExecError> {
        let (kind, items): (i32, &[Type]) = match ty {
            Type::Optional(inner) => (kind::OPTIONAL, std::slice::from_ref(&**inner)),
            Type::Union(items) => (kind::UNION, items),
            Type::List(element) => (kind::LIST, std::slice::from_ref(&**element)),
            Type::Dict(pair) => {
                let ids = [
                    self.make(vm, &pair.0, depth + 1)?,
                    self.make(vm, &pair.1, depth + 1)?,
                ];
                return vm.make_type(kind::DICT, &ids).map_err(|f| of_type(ty, f));
            }
            Type::Tuple(items) => (kind::TUPLE, items),
            Type::Future(inner) => (kind::FUTURE, std::slice::from_ref(&**inner)),
            Type::Await(inner) => (kind::AWAIT, std::slice::from_ref(&**inner)),
            Type::RRef(inner) => (kind::RREF, std::slice::from_ref(&**inner)),
            _ => (simple_kind(ty), &[]),
        };
        let items = items
            .iter()
            .map(|item| self.make(vm, item, depth + 1))
            .collect::<Result<Vec<_>, _>>()?;
        vm.make_type(kind, &items).map_err(|f| of_type(ty, f))
    }

    fn make_class(&mut self, vm: &mut Vm, name: &SmolStr, depth: usize) -> Result<i32, ExecError> {
        let Some(&class_id) = self.program.class_by_name.get(name) else {
            return vm
                .native_class(name)
                .map_err(|_| ExecError::MissingClass(name.clone()));
        };
        let class = &self.program.classes[class_id];
        let id = match &class.kind {
            ClassKind::Module | ClassKind::Plain => {
                self.incomplete.push(class_id);
                vm.class(name, class.kind == ClassKind::Module)
            }
            ClassKind::Interface => vm.interface(name, false),
            ClassKind::ModuleInterface => vm.interface(name, true),
            ClassKind::NamedTuple => return self.make_named_tuple(vm, class, depth),
            ClassKind::Enum(members) => return self.make_enum(vm, name, members),
            ClassKind::Native => {
                return vm
                    .native_class(name)
                    .map_err(|_| ExecError::MissingClass(name.clone()));
            }
        }
        .map_err(|f| of_class(name, f))?;
        self.class_of_identity
            .insert(vm.type_identity(id), class_id);
        Ok(id)
    }

    fn make_named_tuple(
        &mut self,
        vm: &mut Vm,
        class: &Class,
        depth: usize,
    ) -> Result<i32, ExecError> {
        let types = class
            .attributes
            .iter()
            .map(|field| self.make(vm, &field.ty, depth + 1))
            .collect::<Result<Vec<_>, _>>()?;
        let fields: Vec<_> = class.attributes.iter().map(|f| f.name.clone()).collect();
        vm.named_tuple(&class.name, &fields, &types)
            .map_err(|f| of_class(&class.name, f))
    }

    fn make_enum(
        &mut self,
        vm: &mut Vm,
        name: &SmolStr,
        members: &[(SmolStr, Constant)],
    ) -> Result<i32, ExecError> {
        let value_type = match members.first() {
            Some((_, Constant::Float(_))) => Type::Float,
            Some((_, Constant::Str(_))) => Type::Str,
            _ => Type::Int,
        };
        let value_id = self.make(vm, &value_type, 0)?;
        for (_, value) in members {
            push_constant(vm, self, value, &value_type)?;
        }
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        vm.enum_class(name, value_id, &names)
            .map_err(|f| of_class(name, f))
    }

    fn add_attributes(&mut self, vm: &mut Vm, class: ClassId) -> Result<(), ExecError> {
        let class = &self.program.classes[class];
        let id = self.make(vm, &Type::Class(class.name.clone()), 0)?;
        for attribute in &class.attributes {
            let ty = self.make(vm, &attribute.ty, 0)?;
            vm.class_attribute(
                id,
                &attribute.name,
                ty,
                attribute.is_parameter,
                attribute.is_buffer,
            )
            .map_err(|f| of_class(&class.name, f))?;
        }
        Ok(())
    }
}

fn of_class(name: &str, failure: Failure) -> ExecError {
    ExecError::Load {
        what: format!("class `{name}`"),
        message: failure.message,
    }
}

fn of_type(ty: &Type, failure: Failure) -> ExecError {
    ExecError::Load {
        what: format!("type `{ty}`"),
        message: failure.message,
    }
}

/// Codes of types without parts; what torch cannot name reads as `Any`.
fn simple_kind(ty: &Type) -> i32 {
    match ty {
        Type::Tensor => 0,
        Type::Int => 1,
        Type::Float => 2,
        Type::Bool => 3,
        Type::Str => 4,
        Type::Complex => 5,
        Type::Number => 6,
        Type::None => 7,
        Type::Device => 9,
        Type::Generator => 10,
        Type::Stream => 11,
        Type::Capsule => 12,
        Type::Storage => 13,
        Type::QScheme => 14,
        Type::AnyList => 15,
        Type::AnyTuple => 16,
        Type::AnyEnum => 17,
        Type::AnyClass => 18,
        _ => 8,
    }
}
