//! Tensors that are known without running anything: weights, statistics, constants.

use crate::archive::{Blob, TensorView, row_major};
use crate::tensor::DType;

/// A tensor of the file, or one computed from such.
#[derive(Clone, Debug)]
pub(in crate::quant) struct ConstTensor {
    /// Its elements.
    pub(in crate::quant) view: TensorView,
    /// Whether a gradient is wanted.
    pub(in crate::quant) requires_grad: bool,
}

impl ConstTensor {
    /// A new contiguous float32 tensor; `values` are as many as the sizes say.
    pub(in crate::quant) fn f32(
        values: &[f32],
        sizes: &[i64],
        requires_grad: bool,
    ) -> Option<ConstTensor> {
        let bytes: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        let view = TensorView::new(
            DType::F32,
            sizes.into(),
            row_major(sizes),
            0,
            Blob::from(bytes),
        );
        Some(ConstTensor {
            view: view.ok()?,
            requires_grad,
        })
    }

    /// Size of each dimension.
    pub(in crate::quant) fn sizes(&self) -> &[i64] {
        self.view.sizes()
    }

    /// Whether its elements are float32, as quantised modules need them.
    pub(in crate::quant) fn is_f32(&self) -> bool {
        self.view.dtype() == DType::F32
    }

    /// The elements in row-major order.
    pub(in crate::quant) fn to_f32(&self) -> Option<Vec<f32>> {
        Some(self.view.to_f64().ok()?.map(|it| it as f32).collect())
    }

    /// The number, if it is one.
    pub(in crate::quant) fn scalar(&self) -> Option<f64> {
        match self.view.sizes() {
            [] => self.view.to_f64().ok()?.next(),
            _ => None,
        }
    }

    /// The same memory with one more dimension, of size 1.
    pub(in crate::quant) fn unsqueezed(&self, at: usize) -> Option<ConstTensor> {
        let (mut sizes, mut strides) = (self.view.sizes().to_vec(), self.view.strides().to_vec());
        if at > sizes.len() {
            return None;
        }
        let stride = sizes
            .get(at)
            .zip(strides.get(at))
            .map_or(1, |it| it.0 * it.1);
        sizes.insert(at, 1);
        strides.insert(at, stride);
        self.with_layout(&sizes, &strides)
    }

    /// The same memory with two dimensions exchanged.
    pub(in crate::quant) fn transposed(&self, a: usize, b: usize) -> Option<ConstTensor> {
        let (mut sizes, mut strides) = (self.view.sizes().to_vec(), self.view.strides().to_vec());
        if a.max(b) >= sizes.len() {
            return None;
        }
        sizes.swap(a, b);
        strides.swap(a, b);
        self.with_layout(&sizes, &strides)
    }

    /// A part of the same memory along a dimension.
    pub(in crate::quant) fn narrowed(
        &self,
        axis: usize,
        start: i64,
        length: i64,
    ) -> Option<ConstTensor> {
        let mut sizes = self.view.sizes().to_vec();
        let stride = *self.view.strides().get(axis)?;
        let end = start.checked_add(length)?;
        if start < 0 || length < 0 || end > *sizes.get(axis)? {
            return None;
        }
        sizes[axis] = length;
        let moved = u64::try_from(start.checked_mul(stride)?).ok()?;
        let offset = self.view.offset().checked_add(moved)?;
        self.view_of(&sizes, self.view.strides(), offset)
    }

    fn with_layout(&self, sizes: &[i64], strides: &[i64]) -> Option<ConstTensor> {
        self.view_of(sizes, strides, self.view.offset())
    }

    fn view_of(&self, sizes: &[i64], strides: &[i64], offset: u64) -> Option<ConstTensor> {
        let view = TensorView::new(
            self.view.dtype(),
            sizes.into(),
            strides.into(),
            offset,
            self.view.storage().clone(),
        );
        Some(ConstTensor {
            view: view.ok()?,
            requires_grad: self.requires_grad,
        })
    }
}
