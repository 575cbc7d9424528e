//! Tensors owned by a test, and results as plain integers in shape order.

use ptool::bpu::op::{Arg, Data, Output, TensorRef};
use ptool::tensor::DType;

/// A tensor in one of torch's memory formats.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for dim in (1..shape.len()).rev() {
        strides[dim - 1] = strides[dim] * shape[dim].max(1);
    }
    strides
}

fn encode(dtype: DType, values: impl Iterator<Item = i64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for v in values {
        match dtype {
            DType::I8 => bytes.extend((v as i8).to_ne_bytes()),
            DType::U8 => bytes.push(v as u8),
            DType::I16 => bytes.extend((v as i16).to_ne_bytes()),
            DType::I32 => bytes.extend((v as i32).to_ne_bytes()),
            DType::I64 => bytes.extend(v.to_ne_bytes()),
            other => panic!("no integers of {other}"),
        }
    }
    bytes
}

impl Tensor {
    pub(crate) fn ints(dtype: DType, shape: &[usize], values: &[i64]) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>());
        let bytes = encode(dtype, values.iter().copied());
        Self {
            dtype,
            shape: shape.to_vec(),
            strides: contiguous_strides(shape),
            bytes,
        }
    }

    pub(crate) fn floats(shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
        Self {
            dtype: DType::F32,
            shape: shape.to_vec(),
            strides: contiguous_strides(shape),
            bytes,
        }
    }

    pub(crate) fn scalar(value: f32) -> Self {
        Self::floats(&[1], &[value])
    }

    /// The same tensor with its memory in the order `[N, spatial…, C]`.
    pub(crate) fn channels_last(&self) -> Self {
        let rank = self.shape.len();
        let mut order = vec![0];
        order.extend(2..rank);
        order.push(1);
        let mut strides = vec![0; rank];
        let mut step = 1;
        for dim in order.into_iter().rev() {
            strides[dim] = step;
            step *= self.shape[dim];
        }
        self.with_strides(strides, step)
    }

    /// The same tensor with a hole after each element and junk in the holes.
    pub(crate) fn strided(&self) -> Self {
        let strides: Vec<usize> = self.strides.iter().map(|s| s * 2).collect();
        let size = self.shape.iter().product::<usize>() * 2;
        self.with_strides(strides, size)
    }

    fn with_strides(&self, strides: Vec<usize>, size: usize) -> Self {
        let width = self.dtype.size();
        let mut bytes = vec![0x5a; size * width];
        for (from, to) in offsets(&self.shape, &self.strides)
            .into_iter()
            .zip(offsets(&self.shape, &strides))
        {
            bytes[to * width..][..width].copy_from_slice(&self.bytes[from * width..][..width]);
        }
        Self {
            dtype: self.dtype,
            shape: self.shape.clone(),
            strides,
            bytes,
        }
    }

    pub(crate) fn view(&self) -> TensorRef<'_> {
        TensorRef::new(self.dtype, &self.shape, &self.strides, &self.bytes)
    }

    pub(crate) fn arg(&self) -> Arg<'_> {
        Arg::Tensor(self.view())
    }
}

/// Memory positions of all elements in shape order.
pub(crate) fn offsets(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut all = vec![0];
    for (size, step) in shape.iter().zip(strides) {
        all = all
            .iter()
            .flat_map(|at| (0..*size).map(move |i| at + i * step))
            .collect();
    }
    all
}

/// The elements of an integer result in shape order.
pub(crate) fn ints(output: &Output) -> Vec<i64> {
    let memory: Vec<i64> = match output.data() {
        Data::Bool(v) | Data::U8(v) => v.iter().map(|v| i64::from(*v)).collect(),
        Data::I8(v) => v.iter().map(|v| i64::from(*v)).collect(),
        Data::I16(v) => v.iter().map(|v| i64::from(*v)).collect(),
        Data::I32(v) => v.iter().map(|v| i64::from(*v)).collect(),
        Data::I64(v) => v.clone(),
        other => panic!("not integers: {:?}", other.dtype()),
    };
    offsets(output.shape(), &output.strides())
        .into_iter()
        .map(|at| memory[at])
        .collect()
}

/// The elements of a float32 result in shape order.
pub(crate) fn floats(output: &Output) -> Vec<f32> {
    let Data::F32(memory) = output.data() else {
        panic!("not float32")
    };
    offsets(output.shape(), &output.strides())
        .into_iter()
        .map(|at| memory[at])
        .collect()
}
