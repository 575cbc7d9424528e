//! Constants and inputs into the Vm.

use super::super::error::ExecError;
use super::super::value::{HostTensor, Quantizer, Value};
use super::ffi::{Failure, TensorSpec, Vm};
use super::types::Types;
use crate::ir::{Constant, Type};

/// How deep constants and inputs may nest.
const MAX_DEPTH: usize = 200;

fn internal(failure: Failure) -> ExecError {
    ExecError::Internal(failure.message)
}

/// Pushes a constant of a type. Table entries are pushed by the loader.
pub(super) fn push_constant(
    vm: &mut Vm,
    types: &mut Types<'_>,
    constant: &Constant,
    ty: &Type,
) -> Result<(), ExecError> {
    push_constant_at(vm, types, constant, ty, 0)
}

fn push_constant_at(
    vm: &mut Vm,
    types: &mut Types<'_>,
    constant: &Constant,
    ty: &Type,
    depth: usize,
) -> Result<(), ExecError> {
    if depth == MAX_DEPTH {
        return Err(ExecError::Malformed(format!(
            "a constant nests deeper than {MAX_DEPTH}"
        )));
    }
    match constant {
        Constant::None | Constant::Function(_) => vm.push_none(),
        Constant::Bool(v) => vm.push_bool(*v),
        Constant::Int(v) => vm.push_int(*v),
        Constant::Float(v) => vm.push_float(*v),
        Constant::Complex(re, im) => vm.push_complex(*re, *im),
        Constant::Str(bytes) => vm.push_str(bytes),
        Constant::Device(text) => vm.push_device(text),
        Constant::Enum { class, member } => {
            let id = types.id(vm, &Type::Class(class.clone()))?;
            vm.push_enum(id, member)
        }
        Constant::List(items) => {
            let list = list_type(ty, || items.first().map_or(Type::Tensor, constant_type));
            let element = list_element(&list);
            for item in items {
                push_constant_at(vm, types, item, &element, depth + 1)?;
            }
            let id = types.id(vm, &list)?;
            vm.make_list(id, items.len())
        }
        Constant::Tuple(items) => {
            for (i, item) in items.iter().enumerate() {
                let element = tuple_element(types, ty, i).unwrap_or_else(|| constant_type(item));
                push_constant_at(vm, types, item, &element, depth + 1)?;
            }
            let id = tuple_type(types, vm, ty)?;
            vm.make_tuple(id, items.len())
        }
        Constant::Dict(items) => {
            let dict = dict_type(ty, || {
                let (k, v) = items.first().map_or((Type::Str, Type::Tensor), |(k, v)| {
                    (constant_type(k), constant_type(v))
                });
                Type::dict(k, v)
            });
            let (key, value) = dict_parts(&dict);
            for (k, v) in items {
                push_constant_at(vm, types, k, &key, depth + 1)?;
                push_constant_at(vm, types, v, &value, depth + 1)?;
            }
            let id = types.id(vm, &dict)?;
            vm.make_dict(id, items.len())
        }
        Constant::Table(index) => {
            return Err(ExecError::Malformed(format!(
                "constant `c{index}` inside a constant"
            )));
        }
    }
    .map_err(internal)
}

/// Pushes an input for a parameter of a type.
pub(super) fn push_value(
    vm: &mut Vm,
    types: &mut Types<'_>,
    value: &Value,
    ty: &Type,
) -> Result<(), ExecError> {
    push_value_at(vm, types, value, ty, 0)
}

fn push_value_at(
    vm: &mut Vm,
    types: &mut Types<'_>,
    value: &Value,
    ty: &Type,
    depth: usize,
) -> Result<(), ExecError> {
    if depth == MAX_DEPTH {
        return Err(ExecError::Malformed(format!(
            "a value nests deeper than {MAX_DEPTH}"
        )));
    }
    match value {
        Value::None => vm.push_none(),
        Value::Bool(v) => vm.push_bool(*v),
        Value::Int(v) => vm.push_int(*v),
        Value::Float(v) => vm.push_float(*v),
        Value::Complex(re, im) => vm.push_complex(*re, *im),
        Value::Str(bytes) => vm.push_str(bytes),
        Value::Device(device) => vm.push_device(&device.to_string()),
        Value::Tensor(tensor) => push_tensor(vm, tensor),
        Value::Enum { class, member } => {
            let id = types.id(vm, &Type::Class(class.clone()))?;
            vm.push_enum(id, member)
        }
        Value::List(items) => {
            let list = list_type(ty, || items.first().map_or(Type::Tensor, value_type));
            let element = list_element(&list);
            for item in items {
                push_value_at(vm, types, item, &element, depth + 1)?;
            }
            let id = types.id(vm, &list)?;
            vm.make_list(id, items.len())
        }
        Value::Tuple(items) => {
            for (i, item) in items.iter().enumerate() {
                let element = tuple_element(types, ty, i).unwrap_or_else(|| value_type(item));
                push_value_at(vm, types, item, &element, depth + 1)?;
            }
            let id = tuple_type(types, vm, ty)?;
            vm.make_tuple(id, items.len())
        }
        Value::Dict(items) => {
            let dict = dict_type(ty, || {
                let (k, v) = items.first().map_or((Type::Str, Type::Tensor), |(k, v)| {
                    (value_type(k), value_type(v))
                });
                Type::dict(k, v)
            });
            let (key, inner) = dict_parts(&dict);
            for (k, v) in items {
                push_value_at(vm, types, k, &key, depth + 1)?;
                push_value_at(vm, types, v, &inner, depth + 1)?;
            }
            let id = types.id(vm, &dict)?;
            vm.make_dict(id, items.len())
        }
        Value::Object(name) | Value::Other(name) => {
            return Err(ExecError::Input {
                name: "value".into(),
                expected: ty.to_string(),
                found: format!("opaque `{name}`"),
            });
        }
    }
    .map_err(internal)
}

/// Whether a value can be given for a parameter of a type.
pub(super) fn accepts(types: &Types<'_>, ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::Any, _) => true,
        (Type::Optional(_), Value::None) | (Type::None, Value::None) => true,
        (Type::Optional(inner), _) => accepts(types, inner, value),
        (Type::Union(items), _) => items.iter().any(|item| accepts(types, item, value)),
        (Type::Tensor, Value::Tensor(_))
        | (Type::Int, Value::Int(_))
        | (Type::Float, Value::Float(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Str, Value::Str(_))
        | (Type::Complex, Value::Complex(..))
        | (Type::Device, Value::Device(_))
        | (Type::Number, Value::Int(_) | Value::Float(_) | Value::Complex(..)) => true,
        (Type::List(element), Value::List(items)) => {
            items.iter().all(|item| accepts(types, element, item))
        }
        (Type::Dict(pair), Value::Dict(items)) => items
            .iter()
            .all(|(k, v)| accepts(types, &pair.0, k) && accepts(types, &pair.1, v)),
        (Type::Tuple(elements), Value::Tuple(items)) => {
            elements.len() == items.len()
                && elements
                    .iter()
                    .zip(items)
                    .all(|(e, item)| accepts(types, e, item))
        }
        (Type::Class(name), Value::Tuple(items)) => types.program.class(name).is_some_and(|c| {
            c.attributes.len() == items.len()
                && c.attributes
                    .iter()
                    .zip(items)
                    .all(|(a, item)| accepts(types, &a.ty, item))
        }),
        (Type::Class(name), Value::Enum { class, .. }) => name == class,
        _ => false,
    }
}

fn push_tensor(vm: &mut Vm, tensor: &HostTensor) -> Result<(), Failure> {
    let strides = row_major(&tensor.shape);
    let mut spec = TensorSpec::plain(tensor.dtype);
    match &tensor.quantizer {
        None => {}
        Some(Quantizer::PerTensor { scale, zero_point }) => {
            spec.quantizer = 1;
            spec.scale = *scale;
            spec.zero_point = *zero_point;
        }
        Some(Quantizer::PerChannel {
            axis,
            scales,
            zero_points,
            float_zero_points,
        }) => {
            spec.quantizer = 2;
            spec.axis = *axis;
            push_vector(
                vm,
                crate::tensor::DType::F64,
                scales.iter().map(|v| v.to_ne_bytes()),
            )?;
            if *float_zero_points {
                let points = zero_points.iter().map(|v| v.to_ne_bytes());
                push_vector(vm, crate::tensor::DType::F64, points)?;
            } else {
                let points = zero_points.iter().map(|v| (*v as i64).to_ne_bytes());
                push_vector(vm, crate::tensor::DType::I64, points)?;
            }
        }
    }
    let storage = vm.storage_copied(&tensor.bytes, "cpu")?;
    vm.push_tensor(storage, &tensor.shape, &strides, spec)
}

fn push_vector(
    vm: &mut Vm,
    dtype: crate::tensor::DType,
    items: impl Iterator<Item = [u8; 8]>,
) -> Result<(), Failure> {
    let bytes: Vec<u8> = items.flatten().collect();
    let storage = vm.storage_copied(&bytes, "cpu")?;
    vm.push_tensor(
        storage,
        &[(bytes.len() / 8) as i64],
        &[1],
        TensorSpec::plain(dtype),
    )
}

fn row_major(shape: &[i64]) -> Vec<i64> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i].max(1);
    }
    strides
}

/// The list type a list value takes: its parameter's, or one made of its elements.
pub(super) fn list_type(ty: &Type, otherwise: impl Fn() -> Type) -> Type {
    match ty {
        Type::List(_) => ty.clone(),
        Type::Optional(inner) => list_type(inner, otherwise),
        Type::Union(items) => match items.iter().find(|t| matches!(t, Type::List(_))) {
            Some(list) => list.clone(),
            None => Type::list(otherwise()),
        },
        _ => Type::list(otherwise()),
    }
}

pub(super) fn list_element(list: &Type) -> Type {
    match list {
        Type::List(element) => (**element).clone(),
        _ => Type::Any,
    }
}

pub(super) fn dict_type(ty: &Type, otherwise: impl Fn() -> Type) -> Type {
    match ty {
        Type::Dict(_) => ty.clone(),
        Type::Optional(inner) => dict_type(inner, otherwise),
        Type::Union(items) => match items.iter().find(|t| matches!(t, Type::Dict(_))) {
            Some(dict) => dict.clone(),
            None => otherwise(),
        },
        _ => otherwise(),
    }
}

pub(super) fn dict_parts(dict: &Type) -> (Type, Type) {
    match dict {
        Type::Dict(pair) => (pair.0.clone(), pair.1.clone()),
        _ => (Type::Any, Type::Any),
    }
}

pub(super) fn tuple_element(types: &Types<'_>, ty: &Type, index: usize) -> Option<Type> {
    match ty {
        Type::Tuple(items) => items.get(index).cloned(),
        Type::Optional(inner) => tuple_element(types, inner, index),
        Type::Class(name) => {
            let class = types.program.class(name)?;
            class.attributes.get(index).map(|field| field.ty.clone())
        }
        _ => None,
    }
}

/// The type id of a named tuple; -1 for unnamed ones.
pub(super) fn tuple_type(types: &mut Types<'_>, vm: &mut Vm, ty: &Type) -> Result<i32, ExecError> {
    match ty {
        Type::Class(_) => types.id(vm, ty),
        Type::Optional(inner) => tuple_type(types, vm, inner),
        _ => Ok(-1),
    }
}

/// The type of a constant on its own.
fn constant_type(constant: &Constant) -> Type {
    match constant {
        Constant::None | Constant::Function(_) => Type::None,
        Constant::Bool(_) => Type::Bool,
        Constant::Int(_) => Type::Int,
        Constant::Float(_) => Type::Float,
        Constant::Complex(..) => Type::Complex,
        Constant::Str(_) => Type::Str,
        Constant::Device(_) => Type::Device,
        Constant::List(items) => Type::list(items.first().map_or(Type::Tensor, constant_type)),
        Constant::Tuple(items) => Type::tuple(items.iter().map(constant_type)),
        Constant::Dict(items) => match items.first() {
            Some((k, v)) => Type::dict(constant_type(k), constant_type(v)),
            None => Type::dict(Type::Str, Type::Tensor),
        },
        Constant::Enum { class, .. } => Type::Class(class.clone()),
        Constant::Table(_) => Type::Any,
    }
}

/// The type of a value on its own.
fn value_type(value: &Value) -> Type {
    match value {
        Value::None => Type::None,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Float(_) => Type::Float,
        Value::Complex(..) => Type::Complex,
        Value::Str(_) => Type::Str,
        Value::Device(_) => Type::Device,
        Value::Tensor(_) => Type::Tensor,
        Value::List(items) => Type::list(items.first().map_or(Type::Tensor, value_type)),
        Value::Tuple(items) => Type::tuple(items.iter().map(value_type)),
        Value::Dict(items) => match items.first() {
            Some((k, v)) => Type::dict(value_type(k), value_type(v)),
            None => Type::dict(Type::Str, Type::Tensor),
        },
        Value::Enum { class, .. } => Type::Class(class.clone()),
        Value::Object(_) | Value::Other(_) => Type::Any,
    }
}
