//! Tensors and plain values of the float file in the new one; what was shared stays shared.

use crate::archive::Document;
use crate::archive::pickle::{DictId, ListKind, Use, Value as Stored};
use crate::emit::{Emit, EmitError, TensorId, Value};
use crate::quant::fuse::ConstTensor;
use rustc_hash::FxHashMap;

/// Nesting of plain values that is copied.
const MAX_DEPTH: usize = 32;

/// Where a tensor's elements are: tensors of the same place are the same.
type Place = (usize, usize, u64, Vec<i64>, Vec<i64>);

/// Tensors written so far.
#[derive(Debug, Default)]
pub(super) struct Tensors {
    known: FxHashMap<Place, TensorId>,
}

impl Tensors {
    /// The tensor in the new file.
    pub(super) fn tensor(
        &mut self,
        emit: &mut Emit,
        tensor: &ConstTensor,
    ) -> Result<Value, EmitError> {
        let view = &tensor.view;
        let storage = view.storage();
        let place = (
            storage.as_ptr() as usize,
            storage.len(),
            view.offset(),
            view.sizes().to_vec(),
            view.strides().to_vec(),
        );
        if let Some(id) = self.known.get(&place) {
            return Ok(Value::Tensor(*id));
        }
        let id = emit.view(view, tensor.requires_grad)?;
        if !storage.is_empty() {
            self.known.insert(place, id);
        }
        Ok(Value::Tensor(id))
    }

    /// A value of a pickle: plain ones and tensors; `ty` is its declared type. None for objects and the like.
    pub(super) fn value(
        &mut self,
        emit: &mut Emit,
        document: &Document,
        item: Stored,
        depth: usize,
    ) -> Result<Option<Value>, EmitError> {
        if depth > MAX_DEPTH {
            return Ok(None);
        }
        Ok(Some(match item {
            Stored::None => Value::None,
            Stored::Bool(it) => Value::Bool(it),
            Stored::Int(it) => Value::Int(it),
            Stored::Float(it) => Value::Float(it),
            Stored::Str(text) => Value::Str(document.text(text).to_vec()),
            Stored::Device(device) => {
                Value::Device(String::from_utf8_lossy(document.text(device.text)).into_owned())
            }
            Stored::Tuple(items) => match self.all(emit, document, document.items(items), depth)? {
                Some(items) => Value::Tuple(items),
                None => return Ok(None),
            },
            Stored::List(id) => {
                let list = document.list(id);
                let tag = list.tag.and_then(|it| document.str_at(it));
                let inner = tag.and_then(|it| it.strip_prefix("List[")?.strip_suffix(']'));
                let element = match list.kind {
                    ListKind::Int => "int",
                    ListKind::Float => "float",
                    ListKind::Bool => "bool",
                    ListKind::Tensor => "Tensor",
                    ListKind::Plain => match inner {
                        Some(inner) if !inner.contains("__torch__") => inner,
                        _ => return Ok(None),
                    },
                };
                match self.all(emit, document, &list.items, depth)? {
                    Some(items) => Value::list(element, items),
                    None => return Ok(None),
                }
            }
            Stored::Dict(id) => match self.dict(emit, document, id, depth)? {
                Some(dict) => dict,
                None => return Ok(None),
            },
            _ => {
                let Some(id) = document.as_tensor(item) else {
                    return Ok(None);
                };
                let Some(view) = document.view(id)? else {
                    return Ok(None);
                };
                let requires_grad = match item {
                    Stored::Parameter { requires_grad, .. } => requires_grad,
                    _ => document.tensor(id).requires_grad,
                };
                self.tensor(
                    emit,
                    &ConstTensor {
                        view,
                        requires_grad,
                    },
                )?
            }
        }))
    }

    fn dict(
        &mut self,
        emit: &mut Emit,
        document: &Document,
        id: DictId,
        depth: usize,
    ) -> Result<Option<Value>, EmitError> {
        let dict = document.dict(id);
        let tag = dict.tag.and_then(|it| document.str_at(it));
        let inner = tag.and_then(|it| it.strip_prefix("Dict[")?.strip_suffix(']'));
        let types = inner.and_then(|it| it.split_once(", "));
        let Some((key, value)) = types.filter(|it| !it.1.contains("__torch__")) else {
            return Ok(None);
        };
        let mut items = Vec::with_capacity(dict.items.len());
        for (key, value) in &dict.items {
            let key = self.value(emit, document, document.at(*key), depth + 1)?;
            let value = self.value(emit, document, document.at(*value), depth + 1)?;
            match (key, value) {
                (Some(key), Some(value)) => items.push((key, value)),
                _ => return Ok(None),
            }
        }
        Ok(Some(Value::Dict {
            key: key.to_owned(),
            value: value.to_owned(),
            items,
        }))
    }

    fn all(
        &mut self,
        emit: &mut Emit,
        document: &Document,
        items: &[Use],
        depth: usize,
    ) -> Result<Option<Vec<Value>>, EmitError> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match self.value(emit, document, document.at(*item), depth + 1)? {
                Some(value) => out.push(value),
                None => return Ok(None),
            }
        }
        Ok(Some(out))
    }
}
