//! Values of attributes and constants.

use super::class::ClassId;
use super::tensor::TensorId;

/// An object of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub(super) u32);

impl ObjectId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A class and its attribute values, in the class's order.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) class: ClassId,
    pub(super) values: Vec<Value>,
}

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// A bool.
    Bool(bool),
    /// An int; dtypes, layouts and memory formats are ints (section 2.5).
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(Vec<u8>),
    /// A device, `cuda:0`.
    Device(String),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A list with its element type as annotations spell it, `int`, `Tensor`, `Optional[int]`.
    List {
        /// Type of the elements.
        element: String,
        /// Elements.
        items: Vec<Value>,
    },
    /// A dict with its type as annotations spell it.
    Dict {
        /// Type of the keys.
        key: String,
        /// Type of the values.
        value: String,
        /// Keys and values in order.
        items: Vec<(Value, Value)>,
    },
    /// A tensor.
    Tensor(TensorId),
    /// An object.
    Object(ObjectId),
}

impl Value {
    /// A string.
    pub fn str(text: impl Into<String>) -> Value {
        Value::Str(text.into().into_bytes())
    }

    /// A tuple of ints, such as a stride.
    pub fn int_tuple(values: &[i64]) -> Value {
        Value::Tuple(values.iter().map(|it| Value::Int(*it)).collect())
    }

    /// `List[int]`.
    pub fn ints(values: &[i64]) -> Value {
        let items = values.iter().map(|it| Value::Int(*it)).collect();
        Value::list("int", items)
    }

    /// `List[float]`.
    pub fn floats(values: &[f64]) -> Value {
        let items = values.iter().map(|it| Value::Float(*it)).collect();
        Value::list("float", items)
    }

    /// A list of one element type.
    pub fn list(element: &str, items: Vec<Value>) -> Value {
        Value::List {
            element: element.to_owned(),
            items,
        }
    }
}
