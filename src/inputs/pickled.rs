//! Pickled values as inputs: torch-saved files and traced inputs.

use super::arrays::{Array, Arrays};
use super::error::InputError;
use crate::archive::pickle::{Quantizer as PickledQuantizer, TensorId, Use, Value as Pickled};
use crate::archive::{Document, torch_save};
use crate::exec::{Device, HostTensor, Quantizer, Value};
use crate::tensor::DType;
use std::path::Path;

/// Values built at most: shared containers unfold into copies.
const MAX_VALUES: usize = 1 << 20;
/// Containers within containers at most.
const MAX_DEPTH: usize = 64;
/// Bytes of all tensors at most; one storage may be shared by many.
const MAX_BYTES: usize = 1 << 36;

/// What stands in for a tensor without data.
pub(super) type MissingData<'a> = &'a mut dyn FnMut(DType, &[i64]) -> Option<HostTensor>;

/// Reads a file of `torch.save`: a tensor, a tuple or list (in order), or a dict (by name; `inputs` holds all).
pub(super) fn read(path: &Path) -> Result<Arrays, InputError> {
    let file = path.display().to_string();
    let error = |message: String| InputError::File {
        file: file.clone(),
        message,
    };
    let document = torch_save::open(path).map_err(|e| error(e.to_string()))?;
    let mut root = document.root();
    if let Pickled::Dict(dict) = document.at(root)
        && let Some(inputs) = document.get(dict, "inputs")
    {
        root = inputs;
    }
    let mut none = |_: DType, _: &[i64]| None;
    let value = value(&document, root, &mut none).map_err(error)?;
    let items = match value {
        Value::Tuple(items) | Value::List(items) => {
            let array = |value| Array { name: None, value };
            items.into_iter().map(array).collect()
        }
        Value::Dict(items) => items.into_iter().map(named).collect(),
        value => vec![Array { name: None, value }],
    };
    Ok(Arrays {
        origin: format!("`{file}`"),
        items,
    })
}

fn named((key, value): (Value, Value)) -> Array {
    let name = match key {
        Value::Str(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    };
    Array { name, value }
}

/// The value of a pickle; `missing` makes up tensors without data.
pub(super) fn value(
    document: &Document,
    it: Use,
    missing: MissingData<'_>,
) -> Result<Value, String> {
    let mut reader = Reader {
        document,
        missing,
        values: 0,
        bytes: 0,
    };
    reader.value(it, 0)
}

struct Reader<'a, 'm> {
    document: &'a Document,
    missing: MissingData<'m>,
    values: usize,
    bytes: usize,
}

impl Reader<'_, '_> {
    fn value(&mut self, it: Use, depth: usize) -> Result<Value, String> {
        self.values += 1;
        if self.values > MAX_VALUES || depth > MAX_DEPTH {
            return Err(format!(
                "more than {MAX_VALUES} values or {MAX_DEPTH} levels"
            ));
        }
        let value = self.document.at(it);
        if let Some(id) = self.document.as_tensor(value) {
            return self.tensor(id).map(Value::Tensor);
        }
        Ok(match value {
            Pickled::None => Value::None,
            Pickled::Bool(value) => Value::Bool(value),
            Pickled::Int(value) => Value::Int(value),
            Pickled::Float(value) => Value::Float(value),
            Pickled::Complex(re, im) => Value::Complex(re, im),
            Pickled::Str(text) => Value::Str(self.document.text(text).into()),
            Pickled::Device(device) => {
                let text = String::from_utf8_lossy(self.document.text(device.text));
                Value::Device(Device::parse(&text).ok_or_else(|| format!("bad device `{text}`"))?)
            }
            Pickled::Tuple(_) => Value::Tuple(self.items(value, depth)?),
            Pickled::List(_) | Pickled::Size(_) => Value::List(self.items(value, depth)?),
            Pickled::Dict(dict) => {
                let items = self.document.dict(dict).items.clone();
                let pair = |(key, item): (Use, Use)| {
                    Ok((self.value(key, depth + 1)?, self.value(item, depth + 1)?))
                };
                Value::Dict(items.into_iter().map(pair).collect::<Result<_, String>>()?)
            }
            other => return Err(format!("{} cannot be an input", other.describe())),
        })
    }

    fn items(&mut self, value: Pickled, depth: usize) -> Result<Vec<Value>, String> {
        let document = self.document;
        let items = document.sequence(value).unwrap_or_default();
        items.iter().map(|it| self.value(*it, depth + 1)).collect()
    }

    fn tensor(&mut self, id: TensorId) -> Result<HostTensor, String> {
        let tensor = self.document.tensor(id);
        let size = tensor.numel().max(0) as usize;
        self.bytes = self
            .bytes
            .saturating_add(size.saturating_mul(tensor.dtype.size()));
        if self.bytes > MAX_BYTES {
            return Err(format!("tensors of more than {} GiB", MAX_BYTES >> 30));
        }
        let Some(view) = self.document.view(id).map_err(|e| e.to_string())? else {
            let made_up = (self.missing)(tensor.dtype, &tensor.sizes);
            return made_up.ok_or_else(|| "has no data".to_owned());
        };
        if view.conj || view.neg {
            return Err(
                "is a lazy conjugate or negation; save `tensor.resolve_conj().resolve_neg()`"
                    .to_owned(),
            );
        }
        let mut host = HostTensor {
            dtype: tensor.dtype,
            shape: tensor.sizes.to_vec(),
            bytes: view.contiguous().map_err(|e| e.to_string())?.into_owned(),
            quantizer: None,
        };
        host.quantizer = match tensor.quantizer {
            None => None,
            Some(PickledQuantizer::PerTensor { scale, zero_point }) => {
                Some(Quantizer::PerTensor { scale, zero_point })
            }
            Some(PickledQuantizer::PerChannel {
                scales,
                zero_points,
                axis,
                float_qparams,
            }) => Some(Quantizer::PerChannel {
                axis,
                scales: self.numbers(scales)?,
                zero_points: self.numbers(zero_points)?,
                float_zero_points: float_qparams,
            }),
        };
        Ok(host)
    }

    fn numbers(&self, it: Use) -> Result<Vec<f64>, String> {
        let id = self.document.as_tensor(self.document.at(it));
        let view = id.map(|id| self.document.view(id)).transpose();
        let view = view.map_err(|e| e.to_string())?.flatten();
        let view = view.ok_or("quantisation parameters are no tensor")?;
        Ok(view.to_f64().map_err(|e| e.to_string())?.collect())
    }
}
