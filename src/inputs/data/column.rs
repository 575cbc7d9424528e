//! One array, row by row.

use super::MAX_BATCH_BYTES;
use crate::exec::{HostTensor, Value};
use crate::inputs::{Array, InputError};
use crate::tensor::DType;
use std::fmt;

/// Name, type and shape of the rows of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// `None` when the file has only an order.
    pub(super) name: Option<String>,
    /// Position in the file.
    pub(super) index: usize,
    pub(super) dtype: DType,
    /// The shape without the first axis.
    pub(super) row: Vec<i64>,
    pub(super) rows: u64,
}

impl Layout {
    /// What messages call it.
    pub(super) fn label(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| format!("input {}", self.index))
    }

    /// Bytes of a row; `None` when they overflow.
    pub(super) fn row_bytes(&self) -> Option<usize> {
        self.row.iter().try_fold(self.dtype.size(), |n, &size| {
            n.checked_mul(usize::try_from(size).ok()?)
        })
    }

    /// `Nx3x8x8`
    pub(super) fn shape(&self) -> String {
        shape(&self.row)
    }
}

/// The shape of rows, `Nx3x8x8`.
pub(super) fn shape(row: &[i64]) -> String {
    let sizes = row.iter().map(|size| format!("x{size}"));
    format!("N{}", sizes.collect::<String>())
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.label(), self.dtype, self.shape())
    }
}

/// Rows of an array that are read so far.
pub(super) struct Column {
    pub(super) layout: Layout,
    pub(super) bytes: Vec<u8>,
}

impl Column {
    pub(super) fn new(layout: &Layout) -> Column {
        Column {
            layout: layout.clone(),
            bytes: Vec::new(),
        }
    }

    /// Room for more rows, zeroed.
    pub(super) fn grow(&mut self, rows: u64) -> Result<&mut [u8], String> {
        let more = self.layout.row_bytes();
        let more = more.and_then(|n| n.checked_mul(usize::try_from(rows).ok()?));
        let end = more.and_then(|n| n.checked_add(self.bytes.len()));
        let end = end.filter(|end| *end <= MAX_BATCH_BYTES);
        let end = end.ok_or_else(|| {
            format!(
                "a batch is larger than {} GiB; use a smaller --batch",
                MAX_BATCH_BYTES >> 30
            )
        })?;
        let start = self.bytes.len();
        self.bytes.resize(end, 0);
        Ok(&mut self.bytes[start..])
    }

    pub(super) fn into_tensor(self, origin: &str) -> Result<HostTensor, InputError> {
        let array = self.layout.label();
        let size = self.layout.row_bytes().unwrap_or_default().max(1);
        let rows = (self.bytes.len() / size) as i64;
        let shape = [rows].into_iter().chain(self.layout.row).collect();
        HostTensor::new(self.layout.dtype, shape, self.bytes).ok_or_else(|| InputError::Array {
            file: origin.to_owned(),
            array,
            message: "has rows without elements".to_owned(),
        })
    }

    pub(super) fn into_array(self, origin: &str) -> Result<Array, InputError> {
        Ok(Array {
            name: self.layout.name.clone(),
            value: Value::Tensor(self.into_tensor(origin)?),
        })
    }
}

/// The first value that is not finite among rows of a float array: its index, and what it is.
pub(super) fn not_finite(layout: &Layout, bytes: &[u8]) -> Option<(Vec<i64>, &'static str)> {
    if layout.dtype != DType::F32 {
        return None;
    }
    let values = bytes.as_chunks::<4>().0.iter();
    let mut values = values.map(|it| f32::from_le_bytes(*it)).enumerate();
    let (at, value) = values.find(|(_, value)| !value.is_finite())?;
    let mut at = at as i64;
    let what = if value.is_nan() { "NaN" } else { "infinite" };
    let mut index = Vec::new();
    for size in layout.row.iter().rev() {
        index.push(at % size);
        at /= size;
    }
    index.push(at);
    index.reverse();
    Some((index, what))
}
