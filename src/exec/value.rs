//! Values outside an engine: owned ([`Value`]) and borrowed from it ([`ValueRef`]).

mod tensor;

pub use tensor::{Device, HostTensor, Quantizer, TensorRef, TensorSource};

use super::error::ExecError;
use smol_str::SmolStr;

/// An owned value.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are TorchScript's values")]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Complex(f64, f64),
    /// Bytes: torch does not require UTF-8.
    Str(Box<[u8]>),
    Device(Device),
    Tensor(HostTensor),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    /// In insertion order.
    Dict(Vec<(Value, Value)>),
    /// Member of an enum class.
    Enum {
        class: SmolStr,
        member: SmolStr,
    },
    /// An object of a class, opaque, by qualified class name.
    Object(SmolStr),
    /// Anything else, opaque, by torch's type text.
    Other(SmolStr),
}

impl Value {
    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Complex(..) => "complex",
            Value::Str(_) => "str",
            Value::Device(_) => "Device",
            Value::Tensor(_) => "Tensor",
            Value::List(_) => "List",
            Value::Tuple(_) => "Tuple",
            Value::Dict(_) => "Dict",
            Value::Enum { .. } => "Enum",
            Value::Object(_) => "object",
            Value::Other(_) => "opaque value",
        }
    }
}

/// A value inside an engine, shown for the length of a borrow.
#[derive(Clone)]
#[allow(missing_docs, reason = "the variants are TorchScript's values")]
pub enum ValueRef<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Complex(f64, f64),
    Str(&'a [u8]),
    Device(Device),
    Tensor(TensorRef<'a>),
    List(Vec<ValueRef<'a>>),
    Tuple(Vec<ValueRef<'a>>),
    Dict(Vec<(ValueRef<'a>, ValueRef<'a>)>),
    Enum { class: SmolStr, member: SmolStr },
    Object(SmolStr),
    Other(SmolStr),
}

impl<'a> ValueRef<'a> {
    /// The tensor, if it is one.
    pub fn tensor(&self) -> Option<&TensorRef<'a>> {
        match self {
            ValueRef::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// Every tensor in it, depth first.
    pub fn tensors(&self) -> Vec<&TensorRef<'a>> {
        let mut found = Vec::new();
        let mut stack = vec![self];
        while let Some(value) = stack.pop() {
            match value {
                ValueRef::Tensor(tensor) => found.push(tensor),
                ValueRef::List(items) | ValueRef::Tuple(items) => stack.extend(items.iter().rev()),
                ValueRef::Dict(items) => {
                    stack.extend(items.iter().rev().flat_map(|(k, v)| [v, k]));
                }
                _ => {}
            }
        }
        found
    }

    /// An owned copy; tensors become contiguous bytes in host memory.
    pub fn to_value(&self) -> Result<Value, ExecError> {
        Ok(match self {
            ValueRef::None => Value::None,
            ValueRef::Bool(v) => Value::Bool(*v),
            ValueRef::Int(v) => Value::Int(*v),
            ValueRef::Float(v) => Value::Float(*v),
            ValueRef::Complex(re, im) => Value::Complex(*re, *im),
            ValueRef::Str(bytes) => Value::Str((*bytes).into()),
            ValueRef::Device(device) => Value::Device(device.clone()),
            ValueRef::Tensor(tensor) => Value::Tensor(tensor.to_host()?),
            ValueRef::List(items) => Value::List(owned(items)?),
            ValueRef::Tuple(items) => Value::Tuple(owned(items)?),
            ValueRef::Dict(items) => Value::Dict(
                items
                    .iter()
                    .map(|(k, v)| Ok((k.to_value()?, v.to_value()?)))
                    .collect::<Result<_, ExecError>>()?,
            ),
            ValueRef::Enum { class, member } => Value::Enum {
                class: class.clone(),
                member: member.clone(),
            },
            ValueRef::Object(class) => Value::Object(class.clone()),
            ValueRef::Other(text) => Value::Other(text.clone()),
        })
    }
}

fn owned(items: &[ValueRef<'_>]) -> Result<Vec<Value>, ExecError> {
    items.iter().map(ValueRef::to_value).collect()
}
