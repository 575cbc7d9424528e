//! Tensors and their storages, shared as the caller shares them.

use super::Emit;
use super::Interned;
use super::error::EmitError;
use crate::archive::pickle::Dims;
use crate::archive::{Blob, TensorView, row_major};
use crate::tensor::DType;

/// A tensor of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub(super) u32);

/// A storage of the file: tensors with the same one are views of the same memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageId(pub(super) u32);

impl TensorId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A strided tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its memory.
    pub storage: StorageId,
    /// Element type.
    pub dtype: DType,
    /// First element.
    pub offset: u64,
    /// Size of each dimension.
    pub sizes: Dims,
    /// Step of each dimension in elements.
    pub strides: Dims,
    /// Whether a gradient is wanted.
    pub requires_grad: bool,
}

#[derive(Debug)]
pub(super) struct Storage {
    pub(super) bytes: Blob,
    pub(super) device: String,
}

#[derive(Debug, Default)]
pub(super) struct Tensors {
    pub(super) tensors: Vec<Tensor>,
    pub(super) storages: Vec<Storage>,
    /// Storages by where their bytes lie, so that views of one mapped storage stay views of one.
    placed: Interned<(usize, usize), StorageId>,
}

impl Emit {
    /// A storage with these bytes. The same range of a file or buffer is one storage, however often it is given.
    pub fn storage(&mut self, bytes: impl Into<Blob>) -> StorageId {
        let bytes = bytes.into();
        let place = (bytes.as_ptr() as usize, bytes.len());
        if let Some(id) = self.tensors.placed.get(&place) {
            return *id;
        }
        let id = StorageId(self.tensors.storages.len() as u32);
        if !bytes.is_empty() {
            self.tensors.placed.insert(place, id);
        }
        self.tensors.storages.push(Storage {
            bytes,
            device: self.device.clone(),
        });
        id
    }

    /// A tensor; every call makes another, an attribute given the same id holds the same tensor.
    pub fn tensor(&mut self, tensor: Tensor) -> Result<TensorId, EmitError> {
        let bytes = self.tensors.storages[tensor.storage.0 as usize]
            .bytes
            .clone();
        TensorView::new(
            tensor.dtype,
            tensor.sizes.clone(),
            tensor.strides.clone(),
            tensor.offset,
            bytes,
        )?;
        self.tensors.tensors.push(tensor);
        Ok(TensorId(self.tensors.tensors.len() as u32 - 1))
    }

    /// A tensor of an opened file; nothing is copied, and views of one storage stay views of one.
    ///
    /// Lazily conjugated or negated views and quantised tensors have no plain spelling and are refused.
    pub fn view(&mut self, view: &TensorView, requires_grad: bool) -> Result<TensorId, EmitError> {
        if view.conj || view.neg {
            let what = "lazily conjugated or negated";
            return Err(EmitError::TensorKind { what });
        }
        let storage = self.storage(view.storage().clone());
        self.tensor(Tensor {
            storage,
            dtype: view.dtype(),
            offset: view.offset(),
            sizes: view.sizes().into(),
            strides: view.strides().into(),
            requires_grad,
        })
    }

    /// A new contiguous tensor from the bytes of its elements, little-endian.
    pub fn new_tensor(
        &mut self,
        dtype: DType,
        sizes: &[i64],
        bytes: Vec<u8>,
        requires_grad: bool,
    ) -> Result<TensorId, EmitError> {
        let storage = self.storage(bytes);
        self.tensor(Tensor {
            storage,
            dtype,
            offset: 0,
            sizes: sizes.into(),
            strides: row_major(sizes),
            requires_grad,
        })
    }

    /// A new float32 tensor.
    pub fn f32_tensor(
        &mut self,
        values: &[f32],
        sizes: &[i64],
        requires_grad: bool,
    ) -> Result<TensorId, EmitError> {
        let bytes = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.new_tensor(DType::F32, sizes, bytes, requires_grad)
    }

    /// A new int64 tensor.
    pub fn i64_tensor(&mut self, values: &[i64], sizes: &[i64]) -> Result<TensorId, EmitError> {
        let bytes = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.new_tensor(DType::I64, sizes, bytes, false)
    }
}
