//! Example inputs that ptool records in a model file.
//!
//! They are one `.safetensors` record. A tensor argument is named after its parameter; elements of lists, tuples and
//! dicts are `name.0` and `name.key`; numbers are tensors without dimensions. `bind` reads them back.

use super::arrays::{Array, Arrays};
use super::error::InputError;
use super::safetensors;
use crate::exec::{HostTensor, Value};
use crate::ir::program::Param;
use crate::model::Model;
use crate::tensor::DType;

/// The record, below the archive's folder, with the example inputs of a method.
pub fn record_name(method: &str) -> String {
    match method {
        "forward" => "extra/ptool_inputs.safetensors".to_owned(),
        _ => format!("extra/ptool_inputs.{method}.safetensors"),
    }
}

/// The record's bytes for these arguments of a method; `params` are its parameters without `self`.
pub fn encode(params: &[Param], values: &[Value]) -> Result<Vec<u8>, InputError> {
    let mut tensors = Vec::new();
    for (param, value) in params.iter().zip(values) {
        flatten(param.name.to_string(), value, &mut tensors)?;
    }
    safetensors::write(&tensors)
}

/// The arrays that a model records for a method, and their record; none if it records none.
pub(super) fn of(model: &Model, method: &str) -> Result<Option<(Arrays, String)>, InputError> {
    let record = record_name(method);
    let Some(entry) = model.archive.find(&record) else {
        return Ok(None);
    };
    let bytes = model.archive.read(entry).map_err(|e| InputError::File {
        file: record.clone(),
        message: e.to_string(),
    })?;
    Ok(Some((decode(&bytes, &record)?, record)))
}

/// The arrays of a record.
pub fn decode(bytes: &[u8], record: &str) -> Result<Arrays, InputError> {
    let array = |(name, tensor)| Array {
        name: Some(name),
        value: Value::Tensor(tensor),
    };
    let tensors = safetensors::read(bytes, record)?;
    Ok(Arrays {
        origin: format!("`{record}`"),
        items: tensors.into_iter().map(array).collect(),
    })
}

/// Appends the tensors of a value; nesting is as deep as the value is, which its maker bounds.
fn flatten(
    name: String,
    value: &Value,
    tensors: &mut Vec<(String, HostTensor)>,
) -> Result<(), InputError> {
    let scalar = |dtype, bytes: &[u8]| HostTensor {
        dtype,
        shape: Vec::new(),
        bytes: bytes.to_vec(),
        quantizer: None,
    };
    let tensor = match value {
        Value::None => return Ok(()),
        Value::Tensor(tensor) => tensor.clone(),
        Value::Bool(value) => scalar(DType::Bool, &[u8::from(*value)]),
        Value::Int(value) => scalar(DType::I64, &value.to_le_bytes()),
        Value::Float(value) => scalar(DType::F64, &value.to_le_bytes()),
        Value::List(items) | Value::Tuple(items) => {
            let mut items = items.iter().enumerate();
            return items.try_for_each(|(i, item)| flatten(format!("{name}.{i}"), item, tensors));
        }
        Value::Dict(items) => {
            for (key, item) in items {
                flatten(format!("{name}.{}", key_text(key, &name)?), item, tensors)?;
            }
            return Ok(());
        }
        other => return Err(unsupported(&name, other.kind())),
    };
    tensors.push((name, tensor));
    Ok(())
}

fn key_text(key: &Value, name: &str) -> Result<String, InputError> {
    match key {
        Value::Str(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(key) => Ok(key.to_string()),
        other => Err(unsupported(name, other.kind())),
    }
}

fn unsupported(name: &str, kind: &str) -> InputError {
    InputError::Array {
        file: "example inputs".to_owned(),
        array: name.to_owned(),
        message: format!(
            "is {kind}; only tensors, numbers, lists, tuples and dicts can be recorded"
        ),
    }
}
