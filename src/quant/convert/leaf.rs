//! Leaf modules of the fixed-point file: class, buffers, method.

pub(super) mod conv;
pub(super) mod lut;
pub(super) mod norm;
pub(super) mod pool;
pub(super) mod prelu;
pub(super) mod prepack;
pub(super) mod recurrent;
pub(super) mod softmax;
mod steps;
pub(super) mod stub;

use super::QUANTIZED;
use super::error::ConvertError;
use super::grid::Grid;
use super::writer::Writer;
use crate::archive::TensorView;
use crate::emit::{ClassSpec, Method, ObjectId, Role, Value};
use crate::tensor::DType;

/// A module under construction.
#[derive(Debug)]
pub(super) struct Leaf {
    spec: ClassSpec,
    values: Vec<Value>,
}

impl Leaf {
    /// A quantised module of the plugin, such as `conv2d.Conv2d`.
    pub(super) fn new(class: &str) -> Leaf {
        Leaf::named(&format!("{QUANTIZED}.{class}"))
    }

    /// A module by qualified class name.
    pub(super) fn named(class: &str) -> Leaf {
        Leaf {
            spec: ClassSpec::module(class),
            values: Vec::new(),
        }
    }

    fn buffer(&mut self, name: &str, value: Value) {
        let spec = std::mem::replace(&mut self.spec, ClassSpec::module(""));
        self.spec = spec.buffer(name);
        self.values.push(value);
    }

    /// A float32 buffer.
    pub(super) fn floats(
        &mut self,
        emit: &mut Writer,
        name: &str,
        values: &[f32],
        sizes: &[i64],
    ) -> Result<(), ConvertError> {
        let tensor = emit.f32_tensor(values, sizes, false)?;
        self.buffer(name, Value::Tensor(tensor));
        Ok(())
    }

    /// A buffer of one dimension.
    pub(super) fn floats1(
        &mut self,
        emit: &mut Writer,
        name: &str,
        values: &[f32],
    ) -> Result<(), ConvertError> {
        self.floats(emit, name, values, &[values.len() as i64])
    }

    /// A buffer with a tensor of the input file; its bytes are shared, not copied.
    pub(super) fn view(
        &mut self,
        emit: &mut Writer,
        name: &str,
        view: &TensorView,
    ) -> Result<(), ConvertError> {
        let tensor = emit.view(view, false)?;
        self.buffer(name, Value::Tensor(tensor));
        Ok(())
    }

    /// An integer buffer.
    pub(super) fn integers(
        &mut self,
        emit: &mut Writer,
        name: &str,
        dtype: DType,
        values: impl IntoIterator<Item = i64>,
        sizes: &[i64],
    ) -> Result<(), ConvertError> {
        let mut bytes = Vec::new();
        for value in values {
            bytes.extend_from_slice(&value.to_le_bytes()[..dtype.size()]);
        }
        self.bytes(emit, name, dtype, sizes, bytes)
    }

    /// A buffer from the bytes of its elements.
    pub(super) fn bytes(
        &mut self,
        emit: &mut Writer,
        name: &str,
        dtype: DType,
        sizes: &[i64],
        bytes: Vec<u8>,
    ) -> Result<(), ConvertError> {
        let tensor = emit.new_tensor(dtype, sizes, bytes, false)?;
        self.buffer(name, Value::Tensor(tensor));
        Ok(())
    }

    /// Zero points of `count` scales.
    pub(super) fn zeros(
        &mut self,
        emit: &mut Writer,
        name: &str,
        count: usize,
    ) -> Result<(), ConvertError> {
        let zeros = std::iter::repeat_n(0, count);
        self.integers(emit, name, DType::I64, zeros, &[count as i64])
    }

    /// The scale of a grid and its zero point under two names.
    pub(super) fn grid(
        &mut self,
        emit: &mut Writer,
        (scale, zero_point): (&str, &str),
        grid: &Grid,
    ) -> Result<(), ConvertError> {
        self.floats1(emit, scale, &grid.scales)?;
        self.zeros(emit, zero_point, grid.scales.len())
    }

    /// A submodule.
    pub(super) fn child(&mut self, emit: &Writer, name: &str, child: ObjectId) {
        let ty = emit.class_name(emit.class_of(child)).to_owned();
        let spec = std::mem::replace(&mut self.spec, ClassSpec::module(""));
        self.spec = spec.attribute(name, &ty);
        self.values.push(Value::Object(child));
    }

    /// Any other attribute.
    pub(super) fn with(&mut self, name: &str, ty: &str, role: Role, value: Value) {
        let spec = std::mem::replace(&mut self.spec, ClassSpec::module(""));
        self.spec = spec.with(name, ty, role);
        self.values.push(value);
    }

    /// A method.
    pub(super) fn method(&mut self, method: Method) {
        self.spec.methods.push(method);
    }

    /// The object, without a method.
    pub(super) fn finish(self, emit: &mut Writer) -> Result<ObjectId, ConvertError> {
        let class = emit.class(self.spec)?;
        Ok(emit.object(class, self.values)?)
    }

    /// The object, with a `forward` of `params` tensors.
    pub(super) fn forward(
        mut self,
        emit: &mut Writer,
        params: &[&str],
        results: usize,
        body: &str,
    ) -> Result<ObjectId, ConvertError> {
        let returns = match results {
            1 => "Tensor".to_owned(),
            n => format!("Tuple[{}]", vec!["Tensor"; n].join(", ")),
        };
        let mut method = Method::new("forward", &returns);
        for param in params {
            method = method.param(param, "Tensor");
        }
        self.method(method.body(body));
        self.finish(emit)
    }
}

/// Parameters of a leaf with one quantised input.
pub(super) const UNARY: &[&str] = &["data", "scale", "zero_point"];
/// Parameters of a leaf with two.
pub(super) const BINARY: &[&str] = &[
    "data",
    "scale",
    "zero_point",
    "data2",
    "scale2",
    "zero_point2",
];

/// `[1, 2]` as source text.
pub(super) fn ints(values: &[i64]) -> String {
    let items: Vec<String> = values.iter().map(|v| v.to_string()).collect();
    format!("[{}]", items.join(", "))
}

/// A zero point like a scale, as source text.
pub(super) fn zero_point_of(scale: &str) -> String {
    format!("torch.zeros_like({scale}, dtype=4, layout=None, device=None, pin_memory=False)")
}
