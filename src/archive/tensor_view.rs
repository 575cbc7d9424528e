//! Tensors as views of storage bytes: nothing is copied until asked.

mod decode;
mod gather;

use std::borrow::Cow;

use super::bytes::Blob;
use super::error::TensorFault;
use super::limits;
use super::pickle::Dims;
use crate::tensor::DType;

/// A strided view of a storage; every element lies inside it.
#[derive(Clone, Debug)]
pub struct TensorView {
    dtype: DType,
    sizes: Dims,
    strides: Dims,
    offset: u64,
    storage: Blob,
    /// A lazy complex conjugate: the elements are to be conjugated when read.
    pub conj: bool,
    /// A lazy negation: the elements are to be negated when read.
    pub neg: bool,
}

impl TensorView {
    /// A view whose last element is checked against the storage.
    pub fn new(
        dtype: DType,
        sizes: Dims,
        strides: Dims,
        offset: u64,
        storage: Blob,
    ) -> Result<Self, TensorFault> {
        let needed = span_bytes(dtype, &sizes, &strides, offset).ok_or(TensorFault::Overflow)?;
        let found = storage.len() as u64;
        if needed > found {
            return Err(TensorFault::OutOfRange { needed, found });
        }
        Ok(TensorView {
            dtype,
            sizes,
            strides,
            offset,
            storage,
            conj: false,
            neg: false,
        })
    }

    /// The same view with lazy bits.
    pub(super) fn with_lazy(self, conj: bool, neg: bool) -> Self {
        TensorView { conj, neg, ..self }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Size of each dimension.
    pub fn sizes(&self) -> &[i64] {
        &self.sizes
    }

    /// Step of each dimension in elements.
    pub fn strides(&self) -> &[i64] {
        &self.strides
    }

    /// First element.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The whole storage.
    pub fn storage(&self) -> &Blob {
        &self.storage
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.sizes.iter().product::<i64>() as usize
    }

    /// Bytes of all elements.
    pub fn size_bytes(&self) -> usize {
        self.numel() * self.dtype.size()
    }

    /// True when the elements lie one after the other in row-major order, as torch defines it.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.sizes
            .iter()
            .zip(&self.strides)
            .rev()
            .all(|(size, stride)| {
                let fits = *size == 1 || *stride == expected;
                expected *= (*size).max(1);
                fits
            })
            || self.numel() == 0
    }

    /// The elements' bytes in row-major order: borrowed when contiguous, gathered otherwise.
    pub fn contiguous(&self) -> Result<Cow<'_, [u8]>, TensorFault> {
        let (item, size) = (self.dtype.size(), self.size_bytes());
        if self.numel() == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        if self.is_contiguous() {
            let start = self.offset as usize * item;
            return Ok(Cow::Borrowed(&self.storage[start..start + size]));
        }
        self.check_expansion(size)?;
        Ok(Cow::Owned(gather::gather(self)))
    }

    /// The same elements in a storage of their own, row-major.
    pub fn to_contiguous(&self) -> Result<TensorView, TensorFault> {
        let bytes = self.contiguous()?.into_owned();
        let strides = row_major(&self.sizes);
        Ok(TensorView {
            strides,
            offset: 0,
            storage: Blob::from(bytes),
            ..self.clone()
        })
    }

    /// The elements as numbers in row-major order. Quantised ones give their integers, not their meaning.
    pub fn to_f64(&self) -> Result<impl Iterator<Item = f64> + '_, TensorFault> {
        let decode = decode::decoder(self.dtype).ok_or(TensorFault::NotNumeric(self.dtype))?;
        let (storage, item, neg): (&[u8], _, _) = (&self.storage, self.dtype.size(), self.neg);
        Ok(gather::Elements::of(self).map(move |at| {
            let value = decode(&storage[at..at + item]);
            if neg { -value } else { value }
        }))
    }

    /// True when dtype, shape and every bit of every element agree; strides may differ.
    pub fn bits_equal(&self, other: &TensorView) -> bool {
        let same_type =
            self.dtype == other.dtype && self.conj == other.conj && self.neg == other.neg;
        if !same_type || self.sizes != other.sizes {
            return false;
        }
        if self.is_contiguous() && other.is_contiguous() {
            return matches!((self.contiguous(), other.contiguous()), (Ok(a), Ok(b)) if a == b);
        }
        let item = self.dtype.size();
        let pairs = gather::Elements::of(self).zip(gather::Elements::of(other));
        pairs
            .into_iter()
            .all(|(a, b)| self.storage[a..a + item] == other.storage[b..b + item])
    }

    /// A view with stride 0 can be far larger than its storage.
    fn check_expansion(&self, size: usize) -> Result<(), TensorFault> {
        let limit = limits::MAX_EXPANDED.max(self.storage.len());
        if size > limit {
            Err(TensorFault::Expanded { size, limit })
        } else {
            Ok(())
        }
    }
}

/// One past the last byte that the view reaches; 0 for no elements.
fn span_bytes(dtype: DType, sizes: &[i64], strides: &[i64], offset: u64) -> Option<u64> {
    if sizes.len() != strides.len() {
        return None;
    }
    if sizes.contains(&0) {
        return Some(0);
    }
    let mut last = offset;
    let mut numel = 1u64;
    for (&size, &stride) in sizes.iter().zip(strides) {
        let (size, stride) = (u64::try_from(size).ok()?, u64::try_from(stride).ok()?);
        last = last.checked_add((size - 1).checked_mul(stride)?)?;
        numel = numel.checked_mul(size)?;
    }
    let item = dtype.size() as u64;
    numel
        .checked_mul(item)
        .filter(|it| *it <= isize::MAX as u64)?;
    last.checked_add(1)?.checked_mul(item)
}

/// Strides of a contiguous tensor.
pub fn row_major(sizes: &[i64]) -> Dims {
    let mut step = 1;
    let mut strides: Dims = sizes
        .iter()
        .rev()
        .map(|size| {
            let stride = step;
            step *= (*size).max(1);
            stride
        })
        .collect();
    strides.reverse();
    strides
}
