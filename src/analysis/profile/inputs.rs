//! Arguments of a model for the front end.

use crate::exec::{HostTensor, Value};
use crate::hbdk::{Array, Input};

/// Values nested deeper than this are no arguments.
const MAX_NESTING: usize = 32;

/// Shapes and types of arguments, nested as they are.
pub fn describe(values: &[Value]) -> Vec<Input> {
    values.iter().map(|v| one(v, 0)).collect()
}

fn one(value: &Value, depth: usize) -> Input {
    if depth > MAX_NESTING {
        return Input::None;
    }
    match value {
        Value::Tensor(tensor) => Input::Tensor {
            shape: tensor.shape.iter().map(|&n| n.max(0) as usize).collect(),
            dtype: tensor.dtype,
        },
        Value::List(items) | Value::Tuple(items) => {
            Input::Seq(items.iter().map(|v| one(v, depth + 1)).collect())
        }
        Value::Dict(items) => {
            let item = |(key, value): &(Value, Value)| (key_text(key), one(value, depth + 1));
            Input::Dict(items.iter().map(item).collect())
        }
        Value::Bool(v) => Input::Bool(*v),
        Value::Int(v) => Input::Int(*v),
        Value::Float(v) => Input::Float(*v),
        _ => Input::None,
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::Str(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Int(value) => value.to_string(),
        other => other.kind().to_owned(),
    }
}

/// Every tensor of the arguments in the order of the front end's placeholders: dicts by sorted key.
pub fn arrays(values: &[Value]) -> Result<Vec<Array>, String> {
    let mut found = Vec::new();
    let mut stack: Vec<&Value> = values.iter().rev().collect();
    while let Some(value) = stack.pop() {
        match value {
            Value::Tensor(tensor) => found.push(to_array(tensor)?),
            Value::List(items) | Value::Tuple(items) => stack.extend(items.iter().rev()),
            Value::Dict(items) => {
                let mut sorted: Vec<_> = items.iter().collect();
                sorted.sort_by_key(|(key, _)| key_text(key));
                stack.extend(sorted.into_iter().rev().map(|(_, v)| v));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// A tensor of an engine as plain numbers.
pub fn to_array(tensor: &HostTensor) -> Result<Array, String> {
    let shape: Vec<usize> = tensor.shape.iter().map(|&n| n.max(0) as usize).collect();
    Array::from_bytes(tensor.dtype, &shape, &tensor.bytes)
}

/// Plain numbers as a tensor.
pub fn to_host(array: &Array) -> HostTensor {
    HostTensor {
        dtype: array.dtype,
        shape: array.shape.iter().map(|&n| n as i64).collect(),
        bytes: array.to_bytes(),
        quantizer: None,
    }
}

/// What a model returns, from the values of its outputs: integers become floats where the model dequantises them.
pub fn result(graph: &crate::hbdk::Graph, outputs: &[Array]) -> Value {
    tree(graph, &graph.result, outputs)
}

fn tree(graph: &crate::hbdk::Graph, it: &crate::hbdk::graph::Tree, outputs: &[Array]) -> Value {
    use crate::hbdk::graph::Tree;
    match it {
        Tree::Tensor(at) => {
            let value = &outputs[*at];
            Value::Tensor(match &graph.outputs[*at].dequantise {
                Some(it) => to_host(&crate::hbdk::eval::dequantised(value, it)),
                None => to_host(value),
            })
        }
        // As deep as the front end's own limit lets it be.
        Tree::Seq(items) => Value::Tuple(items.iter().map(|t| tree(graph, t, outputs)).collect()),
        Tree::Constant(array) => Value::Tensor(to_host(array)),
        Tree::None => Value::None,
    }
}
