//! Stored tensors.

use super::super::super::error::ExecError;
use super::super::ffi::TensorSpec;
use super::Loader;
use crate::archive::pickle::{Layout, Quantizer, StorageId, Tensor, TensorId, ValueId};
use crate::ir::Type;
use crate::tensor::DType;
use std::os::fd::AsFd;

/// Below this alignment torch's kernels are slower and some refuse; torch itself writes 64.
const MIN_ALIGNMENT: u64 = 64;

impl Loader<'_, '_> {
    /// Tensors that a tensor is made of.
    pub(super) fn tensor_parts(&self, id: TensorId) -> Vec<(ValueId, Type)> {
        let tensor = self.document.tensor(id);
        let mut parts = Vec::new();
        if let Some(Quantizer::PerChannel {
            scales,
            zero_points,
            ..
        }) = &tensor.quantizer
        {
            parts.extend([scales.value, zero_points.value]);
        }
        match &tensor.layout {
            Layout::SparseCoo {
                indices, values, ..
            } => parts.extend([indices.value, values.value]),
            Layout::SparseCompressed {
                compressed,
                plain,
                values,
                ..
            } => parts.extend([compressed.value, plain.value, values.value]),
            Layout::Strided { .. } | Layout::Meta { .. } => {}
        }
        parts
            .into_iter()
            .map(|value| (value, Type::Tensor))
            .collect()
    }

    /// Pushes a tensor.
    pub(super) fn make_tensor(&mut self, id: TensorId) -> Result<(), ExecError> {
        let document = self.document;
        let tensor = document.tensor(id);
        match &tensor.layout {
            Layout::Strided {
                storage,
                offset,
                strides,
            } => {
                document
                    .view(id)
                    .map_err(|e| self.error("a tensor", &e.to_string()))?;
                let storage = self.storage(*storage)?;
                let mut spec = self.spec(tensor)?;
                spec.offset = *offset;
                self.check(|vm| vm.push_tensor(storage, &tensor.sizes, strides, spec))
            }
            Layout::Meta { strides } => {
                let spec = self.spec(tensor)?;
                let storage = self.check(|vm| vm.storage_empty(0, "meta"))?;
                self.check(|vm| vm.push_tensor(storage, &tensor.sizes, strides, spec))
            }
            Layout::SparseCoo {
                indices, values, ..
            } => {
                self.push(*indices)?;
                self.push(*values)?;
                self.check(|vm| vm.push_sparse(1, &tensor.sizes, tensor.requires_grad))
            }
            Layout::SparseCompressed {
                layout,
                compressed,
                plain,
                values,
            } => {
                self.push(*compressed)?;
                self.push(*plain)?;
                self.push(*values)?;
                let layout = torch_layout(*layout);
                self.check(|vm| vm.push_sparse(layout, &tensor.sizes, tensor.requires_grad))
            }
        }
    }

    fn spec(&mut self, tensor: &Tensor) -> Result<TensorSpec, ExecError> {
        let mut spec = TensorSpec::plain(tensor.dtype);
        spec.requires_grad = (tensor.requires_grad && has_gradient(tensor.dtype)).into();
        spec.conj = tensor.conj.into();
        spec.neg = tensor.neg.into();
        match &tensor.quantizer {
            None => {}
            Some(Quantizer::PerTensor { scale, zero_point }) => {
                spec.quantizer = 1;
                spec.scale = *scale;
                spec.zero_point = *zero_point;
            }
            Some(Quantizer::PerChannel {
                scales,
                zero_points,
                axis,
                ..
            }) => {
                spec.quantizer = 2;
                spec.axis = *axis;
                self.push(*scales)?;
                self.push(*zero_points)?;
            }
        }
        Ok(spec)
    }

    /// The torch storage of a record; mapped when it lies in the file as it is.
    fn storage(&mut self, id: StorageId) -> Result<i64, ExecError> {
        let document = self.document;
        let storage = document.storage(id);
        let key = document.text(storage.key).to_vec();
        if let Some(&known) = self.storages.get(&key) {
            return Ok(known);
        }
        let location = String::from_utf8_lossy(document.text(storage.location));
        let device = self.device.unwrap_or(&location);
        let bytes = document
            .storage_bytes(id)
            .map_err(|e| self.error("a storage", &e.to_string()))?;
        let made = match bytes {
            None => {
                let size = storage.size_bytes();
                self.check(|vm| vm.storage_empty(size, device))?
            }
            Some(_) if device == "meta" => {
                let size = storage.size_bytes();
                self.check(|vm| vm.storage_empty(size, device))?
            }
            Some(bytes) => match bytes.file() {
                Some((file, offset)) if offset % MIN_ALIGNMENT == 0 => {
                    let map = self.mapping(file)?;
                    let size = bytes.len() as u64;
                    self.check(|vm| vm.storage_mapped(map, offset, size, device))?
                }
                _ => self.check(|vm| vm.storage_copied(&bytes, device))?,
            },
        };
        self.storages.insert(key, made);
        Ok(made)
    }

    fn mapping(&mut self, file: &std::sync::Mutex<std::fs::File>) -> Result<i64, ExecError> {
        if let Some(map) = self.map {
            return Ok(map);
        }
        let file = file
            .lock()
            .map_err(|e| self.error("the file", &e.to_string()))?;
        let size = file
            .metadata()
            .map_err(|e| self.error("the file", &e.to_string()))?
            .len();
        let map = self.check(|vm| vm.map_file(file.as_fd(), size))?;
        self.map = Some(map);
        Ok(map)
    }
}

fn has_gradient(dtype: DType) -> bool {
    use DType::*;
    matches!(dtype, F16 | F32 | F64 | BF16 | C32 | C64 | C128)
}

/// `c10::Layout` of a pickled layout code, which leaves out mkldnn.
fn torch_layout(code: i64) -> i32 {
    match code {
        2 => 2,
        3 => 4,
        4 => 5,
        5 => 6,
        _ => 1,
    }
}
