//! What the model records about its inputs, which data must fit.

use crate::exec::Value;
use crate::inputs::{InputError, recorded, traced};
use crate::model::Model;
use crate::tensor::DType;

/// The example inputs of a method, without their values. The first axis counts rows and is free.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// The record that they come from.
    origin: String,
    /// One for each parameter without `self`; none for what is no tensor of rows.
    items: Vec<Option<Example>>,
}

/// One input.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Example {
    name: String,
    pub(super) dtype: DType,
    /// The shape without the first axis.
    pub(super) row: Vec<i64>,
}

impl Examples {
    /// What a model records for one of its methods; nothing if it records none.
    pub fn of(model: &Model, method: &str) -> Result<Examples, InputError> {
        let function = model.method(method).map(|(_, function)| function);
        let params = function
            .and_then(|it| it.params.get(1..))
            .unwrap_or_default();
        let example = |name: &str, dtype: DType, shape: &[i64]| {
            let (_, row) = shape.split_first()?;
            Some(Example {
                name: name.to_owned(),
                dtype,
                row: row.to_vec(),
            })
        };
        if let Some((arrays, record)) = recorded::of(model, method)? {
            let item = |name: &str| {
                let named = arrays
                    .items
                    .iter()
                    .find(|it| it.name.as_deref() == Some(name));
                match &named?.value {
                    Value::Tensor(tensor) => example(name, tensor.dtype, &tensor.shape),
                    _ => None,
                }
            };
            return Ok(Examples {
                items: params.iter().map(|it| item(&it.name)).collect(),
                origin: record,
            });
        }
        let layouts = traced::layouts(model, method).unwrap_or_default();
        let items = params.iter().zip(layouts);
        let items = items.map(|(param, layout)| {
            let (dtype, shape) = layout?;
            example(&param.name, dtype, &shape)
        });
        Ok(Examples {
            items: items.collect(),
            origin: "traced_inputs.pkl".to_owned(),
        })
    }

    /// The examples of arrays of these names, in their order: by name if a name fits, else in order.
    pub(super) fn fitting(&self, names: &[Option<&str>]) -> Vec<Option<&Example>> {
        let by_name = |name: &Option<&str>| {
            let mut items = self.items.iter().flatten();
            items.find(|it| *name == Some(it.name.as_str()))
        };
        match names.iter().any(|it| by_name(it).is_some()) {
            true => names.iter().map(by_name).collect(),
            false => {
                let item = |at| self.items.get(at).and_then(Option::as_ref);
                (0..names.len()).map(item).collect()
            }
        }
    }

    /// `as the model records in …`
    pub(super) fn source(&self) -> String {
        format!("as the model records in `{}`", self.origin)
    }
}
