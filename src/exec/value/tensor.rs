//! Tensors outside an engine.

use super::super::error::ExecError;
use crate::tensor::DType;
use smol_str::SmolStr;
use std::fmt;

/// A device: its kind in torch's spelling and its index, if one was named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// `cpu`, `cuda`, `mps`, `meta`, …
    pub kind: SmolStr,
    /// The N of `cuda:N`.
    pub index: Option<u8>,
}

impl Device {
    /// Host memory.
    pub const CPU: Device = Device {
        kind: SmolStr::new_static("cpu"),
        index: None,
    };

    /// Reads `cuda:0`; `None` when the index is not a small number.
    pub fn parse(text: &str) -> Option<Device> {
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse().ok()?)),
            None => (text, None),
        };
        Some(Device {
            kind: kind.into(),
            index,
        })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}:{index}", self.kind),
            None => f.write_str(&self.kind),
        }
    }
}

/// How the integers of a quantised tensor become numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantizer {
    /// `(q - zero_point) * scale`
    PerTensor {
        /// Step.
        scale: f64,
        /// The integer that means 0.
        zero_point: i64,
    },
    /// As above, one pair for each index of `axis`.
    PerChannel {
        /// The axis.
        axis: i64,
        /// Steps.
        scales: Vec<f64>,
        /// The integers (floats for `per_channel_affine_float_qparams`) that mean 0.
        zero_points: Vec<f64>,
        /// Zero points are floats.
        float_zero_points: bool,
    },
}

/// A contiguous tensor in host memory, native byte order.
#[derive(Clone, PartialEq)]
pub struct HostTensor {
    /// Element type.
    pub dtype: DType,
    /// Sizes.
    pub shape: Vec<i64>,
    /// Elements in row-major order.
    pub bytes: Vec<u8>,
    /// For quantised dtypes.
    pub quantizer: Option<Quantizer>,
}

impl HostTensor {
    /// A plain tensor; `None` when the bytes do not fit the shape.
    pub fn new(dtype: DType, shape: Vec<i64>, bytes: Vec<u8>) -> Option<HostTensor> {
        let tensor = HostTensor {
            dtype,
            shape,
            bytes,
            quantizer: None,
        };
        (tensor.expected_bytes() == Some(tensor.bytes.len())).then_some(tensor)
    }

    /// A tensor of `f32`; `None` when the data does not fit the shape.
    pub fn from_f32(shape: &[i64], data: &[f32]) -> Option<HostTensor> {
        let bytes = data.iter().flat_map(|v| v.to_ne_bytes()).collect();
        HostTensor::new(DType::F32, shape.to_vec(), bytes)
    }

    /// A tensor of `i64`; `None` when the data does not fit the shape.
    pub fn from_i64(shape: &[i64], data: &[i64]) -> Option<HostTensor> {
        let bytes = data.iter().flat_map(|v| v.to_ne_bytes()).collect();
        HostTensor::new(DType::I64, shape.to_vec(), bytes)
    }

    /// How many bytes the shape needs; `None` when that overflows or a size is negative.
    pub fn expected_bytes(&self) -> Option<usize> {
        self.shape.iter().try_fold(self.dtype.size(), |n, &size| {
            n.checked_mul(usize::try_from(size).ok()?)
        })
    }
}

impl fmt::Debug for HostTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({}, {:?})", self.dtype, self.shape)
    }
}

/// Engine side of a [`TensorRef`] whose bytes cannot be borrowed.
pub trait TensorSource {
    /// Copies the tensor into host memory.
    fn to_host(&self) -> Result<HostTensor, ExecError>;
}

/// A tensor inside an engine.
#[derive(Clone)]
pub struct TensorRef<'a> {
    /// Element type.
    pub dtype: DType,
    /// Sizes.
    pub sizes: &'a [i64],
    /// Strides in elements; empty for layouts without strides.
    pub strides: &'a [i64],
    /// Bytes from the first element to the last, when they lie readable in host memory as they are.
    pub data: Option<&'a [u8]>,
    /// Where it lies.
    pub device: Device,
    /// For quantised dtypes.
    pub quantizer: Option<Quantizer>,
    /// Whether gradients are asked for.
    pub requires_grad: bool,
    /// `strided`, `sparse_coo`, …
    pub layout: &'static str,
    /// Copies the tensor when `data` is absent.
    pub source: &'a dyn TensorSource,
}

impl TensorRef<'_> {
    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.sizes.iter().product::<i64>().max(0) as usize
    }

    /// Whether `data` is the elements in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.sizes
            .iter()
            .zip(self.strides)
            .rev()
            .all(|(&size, &stride)| {
                let fits = size == 1 || stride == expected;
                expected *= size;
                fits
            })
    }

    /// The bytes of a contiguous tensor in host memory.
    pub fn contiguous_bytes(&self) -> Option<&[u8]> {
        self.data
            .filter(|_| self.is_contiguous() || self.numel() == 0)
    }

    /// A contiguous copy in host memory.
    pub fn to_host(&self) -> Result<HostTensor, ExecError> {
        let Some(data) = self.data else {
            return self.source.to_host();
        };
        let bytes = if self.is_contiguous() {
            data.to_vec()
        } else {
            gather(data, self.sizes, self.strides, self.dtype.size())
        };
        Ok(HostTensor {
            dtype: self.dtype,
            shape: self.sizes.to_vec(),
            bytes,
            quantizer: self.quantizer.clone(),
        })
    }
}

impl fmt::Debug for TensorRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Tensor({}, {:?}, {})",
            self.dtype, self.sizes, self.device
        )
    }
}

/// Row-major elements of a strided view; elements outside `data` are left zero.
fn gather(data: &[u8], sizes: &[i64], strides: &[i64], item: usize) -> Vec<u8> {
    let count = sizes.iter().product::<i64>().max(0) as usize;
    let mut out = vec![0; count * item];
    let mut index = vec![0i64; sizes.len()];
    let mut offset = 0i64;
    for slot in out.chunks_exact_mut(item) {
        let at = offset.max(0) as usize * item;
        if let Some(bytes) = data.get(at..at + item) {
            slot.copy_from_slice(bytes);
        }
        for axis in (0..sizes.len()).rev() {
            index[axis] += 1;
            offset += strides[axis];
            if index[axis] < sizes[axis] {
                break;
            }
            offset -= index[axis] * strides[axis];
            index[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gather_follows_strides() {
        // A 2x3 matrix stored column by column.
        let data: Vec<u8> = vec![1, 4, 2, 5, 3, 6];
        assert_eq!(gather(&data, &[2, 3], &[1, 2], 1), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn gather_repeats_expanded_elements() {
        assert_eq!(
            gather(&[7, 0], &[2, 2], &[0, 0], 2),
            [7, 0, 7, 0, 7, 0, 7, 0]
        );
    }

    #[test]
    fn a_shape_that_overflows_is_refused() {
        assert!(HostTensor::new(DType::F32, vec![i64::MAX, 2], vec![]).is_none());
        assert!(HostTensor::new(DType::F32, vec![-1], vec![]).is_none());
    }

    #[test]
    fn devices_print_as_read() {
        for text in ["cpu", "cuda:1", "meta"] {
            assert_eq!(Device::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Device::parse("cuda:x"), None);
    }
}
