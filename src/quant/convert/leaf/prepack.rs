//! Convolutions with the integers of `convert_conv_params` (`horizon.md` 3.5) computed when the file is written.

use super::conv::{Conv, Kind};
use super::{BINARY, Leaf, UNARY, ints, zero_point_of};
use crate::bpu::op::{self, Arg, Output, TensorRef};
use crate::emit::ObjectId;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::read::Module;
use crate::quant::convert::writer::Writer;
use crate::tensor::DType;
use std::fmt::Write;

/// Names of the results, in order.
const RESULTS: [&str; 9] = [
    "bpu_weight",
    "bpu_bias",
    "bpu_bias_lshift",
    "bpu_escale",
    "bpu_escale_lshift",
    "bpu_oscale",
    "bpu_accu_rshift",
    "bpu_output_rshift",
    "dequant_output_scale",
];

impl Conv {
    /// The module with integer weights, which calls the operator itself.
    pub(in crate::quant::convert) fn prepacked(
        &self,
        emit: &mut Writer,
        module: &Module,
    ) -> Result<ObjectId, ConvertError> {
        if self.march == "bernoulli" {
            return Err(module.refuse("march `bernoulli` has no prepacked form"));
        }
        let outputs = self
            .integers()
            .map_err(|error| module.refuse(error.to_string()))?;
        if outputs.len() != RESULTS.len() {
            return Err(module.refuse(format!("{} integer parameters", outputs.len())));
        }
        let mut leaf = Leaf::new(&self.form.class());
        for (name, output) in RESULTS.iter().zip(&outputs) {
            let sizes: Vec<i64> = output.shape().iter().map(|n| *n as i64).collect();
            leaf.bytes(emit, name, output.dtype(), &sizes, output.bytes().to_vec())?;
        }
        if !self.high_precision() {
            leaf.floats1(emit, "out_scale", &self.out_scale())?;
        }
        let params = if self.form.add { BINARY } else { UNARY };
        leaf.forward(emit, params, 3, &self.packed_text())
    }

    /// Runs `convert_conv_params`.
    fn integers(&self) -> Result<Vec<Output>, op::OpError> {
        let transposed = self.form.kind == Kind::Transpose2d;
        let in_scale = Floats::row(&[self.input.scale().unwrap_or(1.0)]);
        let weight = Floats::new(&self.weight.values, &self.weight_sizes());
        let weight_scale = Floats::row(&self.weight_scale);
        let bias = Floats::row(&self.bias);
        let bias_scale = Floats::row(&self.bias_scale());
        let out_scale = Floats::row(&self.out_scale());
        let element = self.sumin.as_ref().and_then(|grid| grid.scale());
        let element = Floats::row(&[element.unwrap_or(0.0)]);
        let groups = if transposed { self.groups } else { 1 };
        op::run(
            "convert_conv_params",
            &[
                in_scale.arg(),
                weight.arg(),
                weight_scale.arg(),
                Arg::Str("qint8"),
                bias.arg(),
                bias_scale.arg(),
                Arg::Str("qint32"),
                out_scale.arg(),
                Arg::Str(self.output.dtype.name()),
                element.arg(),
                Arg::Bool(transposed),
                Arg::Int(groups),
                Arg::Str(&self.march),
            ],
        )
    }

    /// A linear layer is a 1 x 1 convolution.
    fn weight_sizes(&self) -> Vec<i64> {
        let mut sizes = self.weight.sizes.clone();
        sizes.resize(sizes.len().max(4), 1);
        sizes
    }

    fn packed_text(&self) -> String {
        let linear = self.form.kind == Kind::Linear;
        let sizes = self.weight_sizes();
        let transposed = self.form.kind == Kind::Transpose2d;
        let filters = self.weight_scale.len();
        let or = |values: &[i64], value: i64| match values.is_empty() {
            true => ints(&[value, value]),
            false => ints(values),
        };
        let mut text = String::new();
        let (data, sum) = match linear {
            true => ("data1", "sum1"),
            false => ("data", "data2"),
        };
        // Writing to a string cannot fail.
        if linear {
            let _ = writeln!(
                text,
                "data1 = torch.reshape(data, [-1, {}, 1, 1])",
                sizes[1]
            );
            if self.form.add {
                let _ = writeln!(text, "sum1 = torch.reshape(data2, [-1, {filters}, 1, 1])");
            }
        }
        let none = format!(
            "torch.zeros([1], dtype={})",
            self.input.dtype.storage().code()
        );
        let sum = if self.form.add { sum } else { &none };
        let output_padding = match transposed {
            true => format!("{}, ", ints(&self.output_padding)),
            false => String::new(),
        };
        let _ = writeln!(
            text,
            "data0 = ops.horizon.{}({data}, self.bpu_weight, self.bpu_bias, {sum}, self.bpu_oscale, self.bpu_accu_rshift, \
             self.bpu_bias_lshift, self.bpu_output_rshift, self.bpu_escale, self.bpu_escale_lshift, True, {filters}, {}, {}, {}, \
             {output_padding}{}, \"{}\", {}, {}, {}, \"{}\", \"{}\")",
            self.operator(),
            ints(&sizes[2..]),
            or(&self.stride, 1),
            or(&self.padding, 0),
            or(&self.dilation, 1),
            self.form.activation(),
            self.groups,
            python(self.form.add),
            python(self.high_precision()),
            self.output.dtype,
            self.march,
        );
        if linear {
            let _ = writeln!(
                text,
                "data0 = torch.reshape(data0, torch.add(torch.slice(torch.size(data), 0, -1), [{filters}]))"
            );
        }
        text.push_str(&self.clip());
        let zero = zero_point_of("scale0");
        let scale = match self.high_precision() {
            true => "dequant_output_scale",
            false => "out_scale",
        };
        let _ = write!(
            text,
            "scale0 = self.{scale}\nreturn (data0, scale0, {zero})"
        );
        text
    }

    fn operator(&self) -> &'static str {
        match self.form.kind {
            Kind::Conv2d | Kind::Linear => "bpu_scale_quanti_convolution",
            Kind::Conv3d => "bpu_scale_quanti_convolution3d",
            Kind::Transpose2d => "bpu_scale_quanti_deconvolution",
        }
    }
}

fn python(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// A float32 tensor as the operators take it.
struct Floats {
    bytes: Vec<u8>,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl Floats {
    fn new(values: &[f32], sizes: &[i64]) -> Floats {
        let strides = crate::archive::row_major(sizes);
        Floats {
            bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            shape: sizes.iter().map(|n| *n as usize).collect(),
            strides: strides.iter().map(|n| *n as usize).collect(),
        }
    }

    fn row(values: &[f32]) -> Floats {
        Floats::new(values, &[values.len() as i64])
    }

    fn arg(&self) -> Arg<'_> {
        Arg::Tensor(TensorRef::new(
            DType::F32,
            &self.shape,
            &self.strides,
            &self.bytes,
        ))
    }
}
