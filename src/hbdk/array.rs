//! Dense tensors in plain numbers: integers as `i64`, floats as `f64` that hold what their dtype can.

use crate::archive::TensorView;
use crate::tensor::DType;

/// Elements an array may have: a folded constant or an activation larger than this is refused.
pub const MAX_ELEMENTS: usize = 1 << 26;

/// Elements.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Of an integer dtype or bool.
    Int(Vec<i64>),
    /// Of a float dtype.
    Real(Vec<f64>),
}

/// A tensor in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Element type.
    pub dtype: DType,
    /// Size of each dimension.
    pub shape: Vec<usize>,
    /// Elements.
    pub data: Data,
}

/// Whether a dtype is stored as integers here.
pub fn is_integer(dtype: DType) -> bool {
    use DType::*;
    matches!(dtype, U8 | I8 | I16 | I32 | I64 | Bool)
}

/// Whether a dtype is stored as floats here.
pub fn is_real(dtype: DType) -> bool {
    use DType::*;
    matches!(dtype, F16 | F32 | F64 | BF16)
}

/// What a dtype keeps of a number.
pub fn keep_real(dtype: DType, value: f64) -> f64 {
    match dtype {
        DType::F32 => f64::from(value as f32),
        DType::F16 => half::f16::from_f64(value).to_f64(),
        DType::BF16 => half::bf16::from_f64(value).to_f64(),
        _ => value,
    }
}

/// What a dtype keeps of an integer: its low bits.
pub fn keep_int(dtype: DType, value: i64) -> i64 {
    match dtype {
        DType::U8 => i64::from(value as u8),
        DType::I8 => i64::from(value as i8),
        DType::I16 => i64::from(value as i16),
        DType::I32 => i64::from(value as i32),
        DType::Bool => i64::from(value != 0),
        _ => value,
    }
}

impl Array {
    /// Integers; they must fit the dtype.
    pub fn int(dtype: DType, shape: &[usize], data: Vec<i64>) -> Array {
        debug_assert_eq!(data.len(), shape.iter().product::<usize>());
        Array {
            dtype,
            shape: shape.to_vec(),
            data: Data::Int(data),
        }
    }

    /// Floats, rounded to the dtype.
    pub fn real(dtype: DType, shape: &[usize], mut data: Vec<f64>) -> Array {
        debug_assert_eq!(data.len(), shape.iter().product::<usize>());
        data.iter_mut().for_each(|v| *v = keep_real(dtype, *v));
        Array {
            dtype,
            shape: shape.to_vec(),
            data: Data::Real(data),
        }
    }

    /// One value of each dtype kind.
    pub fn scalar(dtype: DType, value: f64) -> Array {
        match is_integer(dtype) {
            true => Array::int(dtype, &[], vec![keep_int(dtype, value as i64)]),
            false => Array::real(dtype, &[], vec![value]),
        }
    }

    /// A stored tensor; complex, quantised and sub-byte ones are refused.
    pub fn from_view(view: &TensorView) -> Result<Array, String> {
        let shape: Vec<usize> = view.sizes().iter().map(|&n| n.max(0) as usize).collect();
        let dtype = view.dtype();
        if is_real(dtype) {
            let data = view.to_f64().map_err(|e| e.to_string())?.collect();
            return Ok(Array::real(dtype, &shape, data));
        }
        let bytes = view.contiguous().map_err(|e| e.to_string())?;
        let data = ints(dtype, &bytes).ok_or_else(|| format!("a constant of dtype {dtype}"))?;
        Ok(Array::int(dtype, &shape, data))
    }

    /// Little-endian elements in row-major order.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Array, String> {
        let count = shape.iter().product::<usize>();
        if bytes.len() != count * dtype.size() {
            return Err(format!(
                "{} bytes for shape {shape:?} of {dtype}",
                bytes.len()
            ));
        }
        let real = match dtype {
            DType::F32 => Some(
                bytes
                    .chunks_exact(4)
                    .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
                    .collect(),
            ),
            DType::F64 => Some(
                bytes
                    .chunks_exact(8)
                    .map(|b| f64::from_le_bytes(b.try_into().unwrap_or_default()))
                    .collect(),
            ),
            _ => None,
        };
        match real {
            Some(data) => Ok(Array::real(dtype, shape, data)),
            None => {
                let data = ints(dtype, bytes).ok_or_else(|| format!("a tensor of {dtype}"))?;
                Ok(Array::int(dtype, shape, data))
            }
        }
    }

    /// Little-endian elements in row-major order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.numel() * self.dtype.size());
        match &self.data {
            Data::Int(data) => {
                let size = self.dtype.size();
                data.iter()
                    .for_each(|v| out.extend_from_slice(&v.to_le_bytes()[..size]));
            }
            Data::Real(data) => data.iter().for_each(|&v| match self.dtype {
                DType::F64 => out.extend_from_slice(&v.to_le_bytes()),
                DType::F16 => out.extend_from_slice(&half::f16::from_f64(v).to_le_bytes()),
                DType::BF16 => out.extend_from_slice(&half::bf16::from_f64(v).to_le_bytes()),
                _ => out.extend_from_slice(&(v as f32).to_le_bytes()),
            }),
        }
        out
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// The integers, if it has such.
    pub fn ints(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Int(data) => Some(data),
            Data::Real(_) => None,
        }
    }

    /// The elements as floats.
    pub fn to_reals(&self) -> Vec<f64> {
        match &self.data {
            Data::Int(data) => data.iter().map(|&v| v as f64).collect(),
            Data::Real(data) => data.clone(),
        }
    }

    /// The elements as `f32`.
    pub fn to_f32(&self) -> Vec<f32> {
        self.to_reals().into_iter().map(|v| v as f32).collect()
    }

    /// Element `at` of the flat order as a float.
    pub fn at(&self, at: usize) -> f64 {
        match &self.data {
            Data::Int(data) => data[at] as f64,
            Data::Real(data) => data[at],
        }
    }

    /// The elements converted to another dtype, as `Tensor.to` does.
    pub fn to(&self, dtype: DType) -> Array {
        let shape = &self.shape;
        match (&self.data, is_integer(dtype)) {
            (Data::Int(data), true) => {
                let data = data.iter().map(|&v| keep_int(dtype, v)).collect();
                Array::int(dtype, shape, data)
            }
            (Data::Real(data), true) => {
                let cast = |&v: &f64| match dtype {
                    DType::Bool => i64::from(v != 0.0),
                    _ => keep_int(dtype, v as i64),
                };
                Array::int(dtype, shape, data.iter().map(cast).collect())
            }
            (_, false) => Array::real(dtype, shape, self.to_reals()),
        }
    }

    /// The same elements in another shape of as many.
    pub fn reshaped(&self, shape: &[usize]) -> Array {
        debug_assert_eq!(self.numel(), shape.iter().product::<usize>());
        Array {
            dtype: self.dtype,
            shape: shape.to_vec(),
            data: self.data.clone(),
        }
    }

    /// Elements picked by their flat positions.
    pub fn pick(&self, shape: &[usize], at: impl Iterator<Item = usize>) -> Array {
        let data = match &self.data {
            Data::Int(data) => Data::Int(at.map(|i| data[i]).collect()),
            Data::Real(data) => Data::Real(at.map(|i| data[i]).collect()),
        };
        Array {
            dtype: self.dtype,
            shape: shape.to_vec(),
            data,
        }
    }

    /// Dimensions in another order: dimension `i` of the result is dimension `perm[i]` of this.
    pub fn permuted(&self, perm: &[usize]) -> Array {
        let strides = strides(&self.shape);
        let shape: Vec<usize> = perm.iter().map(|&p| self.shape[p]).collect();
        let steps: Vec<usize> = perm.iter().map(|&p| strides[p]).collect();
        self.pick(&shape, Walk::new(&shape, &steps))
    }

    /// The elements repeated along dimensions of size 1 (and new leading ones) to a larger shape.
    pub fn expanded(&self, shape: &[usize]) -> Option<Array> {
        let steps = broadcast_steps(&self.shape, shape)?;
        Some(self.pick(shape, Walk::new(shape, &steps)))
    }
}

fn ints(dtype: DType, bytes: &[u8]) -> Option<Vec<i64>> {
    let size = dtype.size();
    let read: fn(&[u8]) -> i64 = match dtype {
        DType::U8 => |b| i64::from(b[0]),
        DType::I8 => |b| i64::from(b[0] as i8),
        DType::Bool => |b| i64::from(b[0] != 0),
        DType::I16 => |b| i64::from(i16::from_le_bytes([b[0], b[1]])),
        DType::I32 => |b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        DType::I64 => |b| i64::from_le_bytes(b.try_into().unwrap_or_default()),
        _ => return None,
    };
    Some(bytes.chunks_exact(size).map(read).collect())
}

/// Whether a shape has at most [`MAX_ELEMENTS`].
pub fn is_small(shape: &[usize]) -> bool {
    let count = shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
    count.is_some_and(|count| count <= MAX_ELEMENTS)
}

/// Strides of a row-major tensor, in elements.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}

/// Steps that read a tensor as one of a larger shape; `None` when it does not broadcast to it.
pub fn broadcast_steps(from: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let missing = to.len().checked_sub(from.len())?;
    let own = strides(from);
    let mut steps = vec![0; to.len()];
    for (i, (&size, &stride)) in from.iter().zip(&own).enumerate() {
        match (size, to[missing + i]) {
            (a, b) if a == b => steps[missing + i] = stride,
            (1, _) => {}
            _ => return None,
        }
    }
    Some(steps)
}

/// The shape two tensors broadcast to.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], i: usize| match i.checked_sub(rank - shape.len()) {
        Some(i) => shape[i],
        None => 1,
    };
    (0..rank)
        .map(|i| match (size(a, i), size(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// Flat positions of the elements of a strided view, in row-major order.
pub struct Walk<'a> {
    shape: &'a [usize],
    steps: &'a [usize],
    index: Vec<usize>,
    at: usize,
    left: usize,
}

impl<'a> Walk<'a> {
    /// A view from position 0 on.
    pub fn new(shape: &'a [usize], steps: &'a [usize]) -> Walk<'a> {
        Walk {
            shape,
            steps,
            index: vec![0; shape.len()],
            at: 0,
            left: shape.iter().product(),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        for i in (0..self.shape.len()).rev() {
            self.index[i] += 1;
            self.at += self.steps[i];
            if self.index[i] < self.shape[i] {
                break;
            }
            self.at -= self.steps[i] * self.shape[i];
            self.index[i] = 0;
        }
        Some(at)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
