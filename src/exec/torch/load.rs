//! What a file stores, as torch values: module tree, attributes, tensors over the mapped file.
//!
//! libtorch's own loader is not involved. Values that the pickle shares stay shared; tensors of one storage share
//! memory; memory is a private copy-on-write mapping, so that opening reads nothing and in-place operators never
//! reach the file. `__setstate__` runs on our machine, within a budget.

mod tag;
mod tensor;

use super::super::error::ExecError;
use super::ffi::{Failure, Vm};
use super::machine::Machine;
use super::value::{dict_parts, dict_type, list_element, list_type, tuple_element, tuple_type};
use crate::archive::Document;
use crate::archive::pickle::{ListKind, ObjectId, Use, Value, ValueId};
use crate::ir::{Class, ClassKind, Constant, Type};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

/// Loop rounds and calls that all `__setstate__` of a file together may take; real ones set a few attributes.
pub(super) const MAX_LOAD_STEPS: u64 = 1_000_000;

/// Loads the values of one pickle.
pub(super) struct Loader<'l, 'm> {
    machine: &'l mut Machine<'m>,
    document: &'l Document,
    device: Option<&'l str>,
    map: Option<i64>,
    storages: FxHashMap<Vec<u8>, i64>,
    done: FxHashMap<ValueId, u32>,
}

/// A value to load, first or after its parts.
struct Task {
    value: ValueId,
    ty: Type,
    parts_done: bool,
}

impl<'l, 'm> Loader<'l, 'm> {
    pub(super) fn new(
        machine: &'l mut Machine<'m>,
        document: &'l Document,
        device: Option<&'l str>,
    ) -> Loader<'l, 'm> {
        Loader {
            machine,
            document,
            device,
            map: None,
            storages: FxHashMap::default(),
            done: FxHashMap::default(),
        }
    }

    /// Loads a value and everything in it; the operand that reads it.
    pub(super) fn load(&mut self, root: ValueId, ty: &Type) -> Result<u32, ExecError> {
        let mut tasks = vec![Task {
            value: root,
            ty: ty.clone(),
            parts_done: false,
        }];
        let mut open = FxHashSet::default();
        while let Some(task) = tasks.pop() {
            if self.done.contains_key(&task.value) {
                continue;
            }
            let ty = self.refine(task.value, &task.ty);
            if task.parts_done {
                open.remove(&task.value);
                self.make(task.value, &ty)?;
                let operand = self.machine.pop_constant()?;
                self.done.insert(task.value, operand);
                continue;
            }
            if !open.insert(task.value) {
                return Err(self.error("a container that holds itself", "cannot be loaded"));
            }
            let parts = self.parts(task.value, &ty)?;
            tasks.push(Task {
                ty,
                parts_done: true,
                ..task
            });
            tasks.extend(parts.into_iter().rev().map(|(value, ty)| Task {
                value,
                ty,
                parts_done: false,
            }));
        }
        Ok(self.done[&root])
    }

    /// The type a container says it has, else the one its place demands.
    fn refine(&self, value: ValueId, expected: &Type) -> Type {
        let tag = match self.document.value(value) {
            Value::List(id) => {
                let list = self.document.list(id);
                match list.kind {
                    ListKind::Int => return Type::list(Type::Int),
                    ListKind::Float => return Type::list(Type::Float),
                    ListKind::Bool => return Type::list(Type::Bool),
                    ListKind::Tensor => return Type::list(Type::Tensor),
                    ListKind::Plain => list.tag,
                }
            }
            Value::Dict(id) => self.document.dict(id).tag,
            _ => None,
        };
        let text = tag.and_then(|tag| self.document.str_at(tag));
        text.and_then(tag::parse)
            .unwrap_or_else(|| expected.clone())
    }

    /// Parts that need a value of their own, with their types.
    fn parts(&self, id: ValueId, ty: &Type) -> Result<Vec<(ValueId, Type)>, ExecError> {
        let value = self.document.value(id);
        let mut parts: Vec<(ValueId, Type)> = match value {
            Value::Tuple(items) | Value::Size(items) => {
                let items = self.document.items(items).iter().enumerate();
                let of = |i| tuple_element(&self.machine.types, ty, i).unwrap_or(Type::Any);
                items.map(|(i, item)| (item.value, of(i))).collect()
            }
            Value::List(list) => {
                let element = list_element(&list_type(ty, || Type::Any));
                let items = &self.document.list(list).items;
                items
                    .iter()
                    .map(|item| (item.value, element.clone()))
                    .collect()
            }
            Value::Dict(dict) => {
                let (key, inner) = dict_parts(ty);
                let items = &self.document.dict(dict).items;
                let pair = |(k, v): &(Use, Use)| [(k.value, key.clone()), (v.value, inner.clone())];
                items.iter().flat_map(pair).collect()
            }
            Value::Object(object) => self.object_parts(object)?,
            Value::Tensor(tensor) => self.tensor_parts(tensor),
            Value::Parameter { tensor, .. } => vec![(tensor.value, Type::Tensor)],
            _ => Vec::new(),
        };
        parts.retain(|(value, _)| !is_plain(self.document.value(*value)));
        Ok(parts)
    }

    fn object_parts(&self, id: ObjectId) -> Result<Vec<(ValueId, Type)>, ExecError> {
        let name = self.class_name(id);
        let Some(state) = self.document.object(id).state else {
            return Ok(Vec::new());
        };
        let Some(class) = self.source_class(&name) else {
            return Ok(vec![(state.value, Type::Any)]);
        };
        if let Some(func) = custom_state(class) {
            let params = &self.machine.program().functions[func].params;
            let ty = params.get(1).map_or(Type::Any, |p| p.ty.clone());
            return Ok(vec![(state.value, ty)]);
        }
        let attributes = class.attributes.iter();
        attributes
            .map(|a| Ok((self.attribute(id, &name, &a.name)?.value, a.ty.clone())))
            .collect()
    }

    /// Pushes a value whose parts are loaded.
    fn make(&mut self, id: ValueId, ty: &Type) -> Result<(), ExecError> {
        match self.document.value(id) {
            Value::Tuple(items) | Value::Size(items) => {
                for item in self.document.items(items) {
                    self.push(*item)?;
                }
                let ty = tuple_type(&mut self.machine.types, &mut self.machine.vm, ty)?;
                self.check(|vm| vm.make_tuple(ty, items.len()))
            }
            Value::List(list) => {
                let items = &self.document.list(list).items;
                for item in items {
                    self.push(*item)?;
                }
                let ty = self.type_id(&list_type(ty, || Type::Any))?;
                self.check(|vm| vm.make_list(ty, items.len()))
            }
            Value::Dict(dict) => {
                let items = &self.document.dict(dict).items;
                for (key, value) in items {
                    self.push(*key)?;
                    self.push(*value)?;
                }
                let ty = self.type_id(&dict_type(ty, || Type::dict(Type::Str, Type::Any)))?;
                self.check(|vm| vm.make_dict(ty, items.len()))
            }
            Value::Object(object) => self.make_object(object),
            Value::Enum { class, value } => {
                let name = SmolStr::from(self.document.qualified_name(class));
                self.make_enum(&name, value)
            }
            Value::Tensor(tensor) => self.make_tensor(tensor),
            Value::Parameter { tensor, .. } => self.push(tensor),
            plain => self.push_plain(plain),
        }
    }

    fn make_object(&mut self, id: ObjectId) -> Result<(), ExecError> {
        let name = self.class_name(id);
        let ty = self.type_id(&Type::Class(name.clone()))?;
        let state = self.document.object(id).state;
        let Some(class) = self.source_class(&name) else {
            match state {
                Some(state) => self.push(state)?,
                None => self.check(Vm::push_none)?,
            }
            return self.check(|vm| vm.set_state(ty));
        };
        self.check(|vm| vm.make_object(ty))?;
        let object = self.machine.pop_constant()?;
        if let Some(func) = custom_state(class) {
            match state {
                Some(state) => self.push(state)?,
                None => self.check(Vm::push_none)?,
            }
            let state = self.machine.pop_constant()?;
            self.machine.begin(func, &[object, state])?;
            self.machine.finish()?;
        } else {
            for (slot, attribute) in class.attributes.iter().enumerate() {
                let value = self.attribute(id, &name, &attribute.name)?;
                self.push(value)?;
                self.check(|vm| vm.set_slot(object, slot as u32))?;
            }
        }
        self.check(|vm| vm.push_operand(object))
    }

    fn make_enum(&mut self, name: &SmolStr, value: Use) -> Result<(), ExecError> {
        let ty = self.type_id(&Type::Class(name.clone()))?;
        let document = self.document;
        let found = document.at(value);
        let class = self.machine.program().class(name);
        let Some(Class {
            kind: ClassKind::Enum(members),
            ..
        }) = class
        else {
            return Err(self.error(&format!("`{name}`"), "is no enum class"));
        };
        let same = |constant: &Constant| match (constant, found) {
            (Constant::Int(a), Value::Int(b)) => *a == b,
            (Constant::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Constant::Str(a), Value::Str(b)) => **a == *document.text(b),
            _ => false,
        };
        match members.iter().find(|(_, constant)| same(constant)) {
            Some((member, _)) => self.check(|vm| vm.push_enum(ty, member)),
            None => Err(self.error(
                &format!("enum `{name}`"),
                "has no member with the stored value",
            )),
        }
    }

    /// Pushes a part: a plain value, or one that is loaded already.
    fn push(&mut self, it: Use) -> Result<(), ExecError> {
        match self.document.at(it) {
            value if is_plain(value) => self.push_plain(value),
            _ => {
                let operand = self.done[&it.value];
                self.check(|vm| vm.push_operand(operand))
            }
        }
    }

    fn push_plain(&mut self, value: Value) -> Result<(), ExecError> {
        let document = self.document;
        match value {
            Value::None => self.check(Vm::push_none),
            Value::Bool(v) => self.check(|vm| vm.push_bool(v)),
            Value::Int(v) => self.check(|vm| vm.push_int(v)),
            Value::Float(v) => self.check(|vm| vm.push_float(v)),
            Value::Complex(re, im) => self.check(|vm| vm.push_complex(re, im)),
            Value::Str(text) => self.check(|vm| vm.push_str(document.text(text))),
            Value::Device(device) => {
                let text = String::from_utf8_lossy(document.text(device.text));
                self.check(|vm| vm.push_device(&text))
            }
            other => Err(self.error(other.describe(), "is no TorchScript value")),
        }
    }

    /// An attribute's stored value.
    fn attribute(&self, id: ObjectId, class: &str, name: &str) -> Result<Use, ExecError> {
        let missing = || self.error(&format!("attribute `{name}` of `{class}`"), "is not stored");
        self.document.attribute(id, name).ok_or_else(missing)
    }

    fn class_name(&self, id: ObjectId) -> SmolStr {
        self.document
            .qualified_name(self.document.object(id).class)
            .into()
    }

    /// The class, unless it is a C++ one.
    fn source_class(&self, name: &str) -> Option<&'m Class> {
        let class = self.machine.program().class(name)?;
        (class.kind != ClassKind::Native).then_some(class)
    }

    fn type_id(&mut self, ty: &Type) -> Result<i32, ExecError> {
        self.machine.types.id(&mut self.machine.vm, ty)
    }

    fn check<R>(
        &mut self,
        call: impl FnOnce(&mut Vm) -> Result<R, Failure>,
    ) -> Result<R, ExecError> {
        call(&mut self.machine.vm).map_err(|f| self.error("a stored value", &f.message))
    }

    fn error(&self, what: &str, message: &str) -> ExecError {
        ExecError::Load {
            what: format!("`{}`: {what}", self.document.record()),
            message: message.into(),
        }
    }
}

/// `__setstate__`, when the class has both halves.
fn custom_state(class: &Class) -> Option<crate::ir::FuncId> {
    class.method("__getstate__")?;
    class.method("__setstate__")
}

/// Values without identity: made anew wherever they are used.
fn is_plain(value: Value) -> bool {
    matches!(
        value,
        Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Complex(..)
            | Value::Str(_)
            | Value::Device(_)
    )
}
