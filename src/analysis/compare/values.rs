//! Values of two runs against each other.

use crate::analysis::similarity::{Similarity, Tolerance, similarity};
use crate::exec::{ExecError, HostTensor, Quantizer as TorchQuantizer, TensorRef, Value, ValueRef};
use crate::tensor::DType;
use crate::tensor::view::{Quantizer, View};

/// One tensor of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Its place within the result, such as `.0`; empty for a result that is one tensor.
    pub suffix: String,
    /// How it compares.
    pub outcome: Outcome,
}

/// How a tensor compares.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Element by element.
    Elements {
        /// Dtype in the first model.
        dtype_a: DType,
        /// Dtype in the second model.
        dtype_b: DType,
        /// The measures.
        similarity: Box<Similarity>,
    },
    /// They cannot be compared element by element, for this reason.
    Unlike(String),
}

impl Outcome {
    /// Same dtype, and all elements within the tolerance.
    pub fn is_equal(&self) -> bool {
        match self {
            Outcome::Elements {
                dtype_a,
                dtype_b,
                similarity,
            } => dtype_a == dtype_b && similarity.is_close(),
            Outcome::Unlike(_) => false,
        }
    }

    /// The measures, if there are any.
    pub fn similarity(&self) -> Option<&Similarity> {
        match self {
            Outcome::Elements { similarity, .. } => Some(similarity),
            Outcome::Unlike(_) => None,
        }
    }
}

/// Compares the tensors of two values in order; `b` is the reference.
pub fn compare_values(
    a: &ValueRef<'_>,
    b: &ValueRef<'_>,
    tolerance: Tolerance,
) -> Result<Vec<Leaf>, ExecError> {
    let (left, right) = (a.tensors(), b.tensors());
    if left.len() != right.len() {
        let reason = format!("{} tensors, {} tensors", left.len(), right.len());
        return Ok(vec![Leaf {
            suffix: String::new(),
            outcome: Outcome::Unlike(reason),
        }]);
    }
    let is_one = matches!((a, b), (ValueRef::Tensor(_), ValueRef::Tensor(_)));
    let leaf = |(i, (a, b)): (usize, (&&TensorRef, &&TensorRef))| {
        Ok(Leaf {
            suffix: if is_one {
                String::new()
            } else {
                format!(".{i}")
            },
            outcome: compare_tensors(a, b, tolerance)?,
        })
    };
    left.iter().zip(&right).enumerate().map(leaf).collect()
}

fn compare_tensors(
    a: &TensorRef<'_>,
    b: &TensorRef<'_>,
    tolerance: Tolerance,
) -> Result<Outcome, ExecError> {
    if a.layout != b.layout {
        return Ok(Outcome::Unlike(format!(
            "layouts {} and {}",
            a.layout, b.layout
        )));
    }
    let (host_a, host_b) = (on_host(a)?, on_host(b)?);
    Ok(outcome(
        view(a, host_a.as_ref()),
        view(b, host_b.as_ref()),
        tolerance,
    ))
}

/// Compares two tensors in host memory; `b` is the reference.
pub fn compare_host(a: &HostTensor, b: &HostTensor, tolerance: Tolerance) -> Outcome {
    outcome(host_view(a), host_view(b), tolerance)
}

/// Compares the tensors of two values in host memory, in order.
pub fn compare_owned(a: &Value, b: &Value, tolerance: Tolerance) -> Vec<Leaf> {
    let (left, right) = (tensors(a), tensors(b));
    let is_one = matches!((a, b), (Value::Tensor(_), Value::Tensor(_)));
    let leaf = |(i, (a, b)): (usize, (&&HostTensor, &&HostTensor))| Leaf {
        suffix: if is_one {
            String::new()
        } else {
            format!(".{i}")
        },
        outcome: compare_host(a, b, tolerance),
    };
    left.iter().zip(&right).enumerate().map(leaf).collect()
}

fn tensors(value: &Value) -> Vec<&HostTensor> {
    let mut found = Vec::new();
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Value::Tensor(tensor) => found.push(tensor),
            Value::List(items) | Value::Tuple(items) => stack.extend(items.iter().rev()),
            Value::Dict(items) => stack.extend(items.iter().rev().map(|(_, item)| item)),
            _ => {}
        }
    }
    found
}

fn outcome(
    a: Result<View<'_>, String>,
    b: Result<View<'_>, String>,
    tolerance: Tolerance,
) -> Outcome {
    let (a, b) = match (a, b) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(reason), _) | (_, Err(reason)) => return Outcome::Unlike(reason),
    };
    match similarity(&a, &b, tolerance) {
        Ok(result) => Outcome::Elements {
            dtype_a: a.dtype(),
            dtype_b: b.dtype(),
            similarity: Box::new(result),
        },
        Err(error) => Outcome::Unlike(error.to_string()),
    }
}

/// A copy in host memory, where the bytes are not there already.
fn on_host(tensor: &TensorRef<'_>) -> Result<Option<HostTensor>, ExecError> {
    match tensor.data {
        Some(_) => Ok(None),
        None => tensor.to_host().map(Some),
    }
}

fn view<'a>(tensor: &'a TensorRef<'_>, host: Option<&'a HostTensor>) -> Result<View<'a>, String> {
    let Some(data) = tensor.data else {
        return host.map_or_else(|| Err("it has no data".to_owned()), host_view);
    };
    let strides: Vec<isize> = tensor.strides.iter().map(|&n| n as isize).collect();
    let view = View::new(tensor.dtype, &sizes(tensor.sizes), &strides, data, 0);
    quantized(view.map_err(|e| e.to_string())?, &tensor.quantizer)
}

/// The elements of a tensor in host memory.
pub(crate) fn host_view(tensor: &HostTensor) -> Result<View<'_>, String> {
    let view = View::contiguous(tensor.dtype, &sizes(&tensor.shape), &tensor.bytes);
    quantized(view.map_err(|e| e.to_string())?, &tensor.quantizer)
}

fn sizes(sizes: &[i64]) -> Vec<usize> {
    sizes.iter().map(|&n| n.max(0) as usize).collect()
}

fn quantized<'a>(
    view: View<'a>,
    quantizer: &'a Option<TorchQuantizer>,
) -> Result<View<'a>, String> {
    let quantizer = match quantizer {
        None => return Ok(view),
        Some(TorchQuantizer::PerTensor { scale, zero_point }) => Quantizer::PerTensor {
            scale: *scale,
            zero_point: *zero_point,
        },
        Some(TorchQuantizer::PerChannel {
            axis,
            scales,
            zero_points,
            ..
        }) => Quantizer::PerChannel {
            scales,
            zero_points,
            axis: usize::try_from(*axis).unwrap_or(usize::MAX),
        },
    };
    view.with_quantizer(quantizer).map_err(|e| e.to_string())
}
