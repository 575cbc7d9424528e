//! The example inputs in `traced_inputs.pkl`: every traced file has their shapes, some their data.

use super::arrays::{Array, Arrays};
use super::error::InputError;
use super::pickled;
use super::random::Random;
use super::shape::make_up;
use crate::archive::Document;
use crate::archive::pickle::{Use, Value as Pickled};
use crate::exec::Value;
use crate::model::Model;
use crate::tensor::DType;

/// The inputs of a method; tensors without data are made up by the seed. The flag tells whether any was.
pub fn read(model: &Model, method: &str, seed: u64) -> Result<Option<(Arrays, bool)>, InputError> {
    let Some((document, items)) = find(model, method) else {
        return Ok(None);
    };
    let mut random = Random::new(seed);
    let mut is_made_up = false;
    let mut arrays = Vec::new();
    for (i, &item) in items.iter().enumerate() {
        let value = pickled::value(document, item, &mut |dtype, sizes| {
            is_made_up = true;
            Some(make_up(dtype, sizes, &mut random))
        });
        let value = value.map_err(|message| InputError::Array {
            file: "traced_inputs.pkl".to_owned(),
            array: format!("input {i}"),
            message,
        })?;
        arrays.push(Array { name: None, value });
    }
    let arrays = Arrays {
        origin: "`traced_inputs.pkl`".to_owned(),
        items: arrays,
    };
    Ok(Some((arrays, is_made_up)))
}

/// The shape and dtype of each input, as text; `None` when the file records none.
pub fn shapes(model: &Model, method: &str) -> Option<Vec<String>> {
    let (document, items) = find(model, method)?;
    let text = |it: &Use| match document.as_tensor(document.at(*it)) {
        Some(id) => {
            let tensor = document.tensor(id);
            format!("{} {:?}", tensor.dtype, tensor.sizes.as_slice())
        }
        None => document.at(*it).describe().to_owned(),
    };
    Some(items.iter().map(text).collect())
}

/// Dtype and shape of an input that is a tensor.
type Layout = Option<(DType, Vec<i64>)>;

/// Those of each input; `None` when the file records none.
pub(super) fn layouts(model: &Model, method: &str) -> Option<Vec<Layout>> {
    let (document, items) = find(model, method)?;
    let layout = |it: &Use| {
        let tensor = document.tensor(document.as_tensor(document.at(*it))?);
        Some((tensor.dtype, tensor.sizes.to_vec()))
    };
    Some(items.iter().map(layout).collect())
}

/// Shape and dtype of a tensor, the kind of anything else.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Tensor(tensor) => format!("{} {:?}", tensor.dtype, tensor.shape),
        other => other.kind().to_owned(),
    }
}

fn find<'m>(model: &'m Model, method: &str) -> Option<(&'m Document, &'m [Use])> {
    let document = model.archive.traced_inputs().ok()??;
    let Pickled::Dict(methods) = document.at(document.root()) else {
        return None;
    };
    let inputs = document.get(methods, method)?;
    Some((document, document.sequence(document.at(inputs))?))
}
