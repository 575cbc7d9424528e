//! Stored inputs and outputs: `NAME.io.pt`.

use ptool::archive::pickle::{Quantizer as Stored, TensorId, Use, Value as Pickled};
use ptool::archive::{Document, torch_save};
use ptool::exec::{Device, HostTensor, Quantizer, Value};
use ptool::tensor::DType;
use std::path::Path;

/// One call of a method and what Python got.
pub(crate) struct Call {
    pub method: String,
    pub inputs: Vec<Value>,
    pub kwargs: Vec<(Value, Value)>,
    pub output: Option<Value>,
    pub raises: Option<String>,
}

/// The calls of a file, in order, on one instance of the model.
pub(crate) fn read(path: &Path) -> Vec<Call> {
    let document = torch_save::open(path).unwrap();
    let root = value(&document, document.root());
    let mut calls = vec![call(&root, "forward")];
    if let Some(Value::List(more)) = get(&root, "calls") {
        calls.extend(more.iter().map(|entry| call(entry, "")));
    }
    calls
}

fn call(entry: &Value, method: &str) -> Call {
    let list = |name| match get(entry, name) {
        Some(Value::List(items) | Value::Tuple(items)) => items.clone(),
        _ => Vec::new(),
    };
    Call {
        method: text(get(entry, "method")).unwrap_or_else(|| method.into()),
        inputs: list("inputs"),
        kwargs: match get(entry, "kwargs") {
            Some(Value::Dict(items)) => items.clone(),
            _ => Vec::new(),
        },
        output: list("outputs").into_iter().next(),
        raises: text(get(entry, "raises")),
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::Str(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

fn get<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Dict(items) = value else {
        return None;
    };
    let found = items
        .iter()
        .find(|(k, _)| matches!(k, Value::Str(s) if **s == *name.as_bytes()));
    found.map(|(_, v)| v)
}

fn value(document: &Document, it: Use) -> Value {
    let stored = document.at(it);
    if let Some(id) = document.as_tensor(stored) {
        return Value::Tensor(tensor(document, id));
    }
    let items = || {
        let items = document.sequence(stored).unwrap();
        items.iter().map(|item| value(document, *item)).collect()
    };
    match stored {
        Pickled::None => Value::None,
        Pickled::Bool(v) => Value::Bool(v),
        Pickled::Int(v) => Value::Int(v),
        Pickled::Float(v) => Value::Float(v),
        Pickled::Complex(re, im) => Value::Complex(re, im),
        Pickled::Str(text) => Value::Str(document.text(text).into()),
        Pickled::Device(device) => {
            let text = String::from_utf8_lossy(document.text(device.text));
            Value::Device(Device::parse(&text).unwrap())
        }
        Pickled::Tuple(_) => Value::Tuple(items()),
        Pickled::List(_) | Pickled::Size(_) => Value::List(items()),
        Pickled::Dict(dict) => {
            let items = &document.dict(dict).items;
            let pair = |(k, v): &(Use, Use)| (value(document, *k), value(document, *v));
            Value::Dict(items.iter().map(pair).collect())
        }
        other => Value::Other(other.describe().into()),
    }
}

fn tensor(document: &Document, id: TensorId) -> HostTensor {
    let stored = document.tensor(id);
    let view = document.view(id).unwrap().unwrap();
    let floats = |it: Use| match value(document, it) {
        Value::Tensor(tensor) => numbers(&tensor),
        other => panic!("{} as quantisation parameters", other.kind()),
    };
    HostTensor {
        dtype: stored.dtype,
        shape: stored.sizes.to_vec(),
        bytes: view.contiguous().unwrap().into_owned(),
        quantizer: stored.quantizer.map(|quantizer| match quantizer {
            Stored::PerTensor { scale, zero_point } => Quantizer::PerTensor { scale, zero_point },
            Stored::PerChannel {
                scales,
                zero_points,
                axis,
                float_qparams,
            } => Quantizer::PerChannel {
                axis,
                scales: floats(scales),
                zero_points: floats(zero_points),
                float_zero_points: float_qparams,
            },
        }),
    }
}

fn numbers(tensor: &HostTensor) -> Vec<f64> {
    let words = tensor.bytes.chunks_exact(8).map(|b| b.try_into().unwrap());
    match tensor.dtype {
        DType::F64 => words.map(f64::from_ne_bytes).collect(),
        DType::I64 => words.map(|b| i64::from_ne_bytes(b) as f64).collect(),
        other => panic!("{other} as quantisation parameters"),
    }
}

/// Whether two values agree in every bit.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => same_float(*a, *b),
        (Value::Complex(a, b), Value::Complex(c, d)) => same_float(*a, *c) && same_float(*b, *d),
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => all(a, b),
        (Value::Dict(a), Value::Dict(b)) => {
            let pair =
                |((k, v), (l, w)): (&(Value, Value), &(Value, Value))| same(k, l) && same(v, w);
            a.len() == b.len() && a.iter().zip(b).all(pair)
        }
        _ => a == b,
    }
}

/// How far results of another processor may be off, relative to the largest element: kernels differ by processor.
const OTHER_PROCESSOR: f64 = 1e-4;

/// Whether a result may be that of the same program on another processor.
pub(crate) fn close(a: &Value, b: &Value) -> bool {
    let lists =
        |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b));
    match (a, b) {
        (Value::Tensor(a), Value::Tensor(b)) => close_tensors(a, b),
        (Value::Float(a), Value::Float(b)) => {
            same_float(*a, *b) || (a - b).abs() <= OTHER_PROCESSOR * b.abs()
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => lists(a, b),
        (Value::Dict(a), Value::Dict(b)) => {
            let pair =
                |((k, v), (l, w)): (&(Value, Value), &(Value, Value))| same(k, l) && close(v, w);
            a.len() == b.len() && a.iter().zip(b).all(pair)
        }
        _ => same(a, b),
    }
}

fn close_tensors(a: &HostTensor, b: &HostTensor) -> bool {
    if a == b {
        return true;
    }
    if a.dtype != DType::F32 || b.dtype != DType::F32 || a.shape != b.shape {
        return false;
    }
    let floats = |t: &HostTensor| -> Vec<f32> {
        let words = t.bytes.chunks_exact(4).map(|b| b.try_into().unwrap());
        words.map(f32::from_ne_bytes).collect()
    };
    let (a, b) = (floats(a), floats(b));
    let finite = b.iter().filter(|v| v.is_finite());
    let bound = finite.fold(0.0f64, |max, v| max.max(f64::from(v.abs()))) * OTHER_PROCESSOR;
    a.iter().zip(&b).all(|(&a, &b)| {
        same_float(a.into(), b.into()) || (f64::from(a) - f64::from(b)).abs() <= bound
    })
}

/// Bit by bit, but that one NaN is as good as another.
fn same_float(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

fn all(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}
