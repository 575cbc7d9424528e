//! Batch norm that was not folded, layer norm, prelu.

use super::{Draft, Writer, finished};
use crate::emit::{EmitError, Method, ObjectId, Role, Value};
use crate::quant::fuse::{ConstTensor, LayerNorm, Norm, Over};
use crate::quant::prepare::leaf::{Leaf, LeafKind};
use crate::quant::qconfig::{FakeQuantSpec, QDType};

const BATCH_NORM: &str = "r = torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, False, 0., self.eps, False)";

impl Writer<'_> {
    pub(super) fn batch_norm(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        norm: &Norm,
    ) -> Result<ObjectId, EmitError> {
        let channels = norm.mean.sizes().first().copied().unwrap_or(0);
        let or = |tensor: &Option<ConstTensor>, value: f32| {
            let constant = || ConstTensor::f32(&vec![value; channels as usize], &[channels], false);
            tensor.clone().or_else(constant)
        };
        let mut draft = draft;
        for (name, tensor) in [
            ("weight", or(&norm.weight, 1.0)),
            ("bias", or(&norm.bias, 0.0)),
        ] {
            if let Some(tensor) = tensor {
                let value = self.tensors.tensor(self.emit, &tensor)?;
                draft = draft.role(name, "Tensor", Role::Parameter, value);
            }
        }
        for (name, tensor) in [("running_mean", &norm.mean), ("running_var", &norm.var)] {
            let statistic = ConstTensor {
                requires_grad: false,
                ..tensor.clone()
            };
            let value = self.tensors.tensor(self.emit, &statistic)?;
            draft = draft.role(name, "Tensor", Role::Buffer, value);
        }
        let draft = draft.with("eps", "float", Value::Float(norm.eps));
        let draft = self.activation(draft, leaf)?;
        let end = finished("r", leaf.activation.is_some());
        self.object(draft.forward(&format!("{BATCH_NORM}\n{end}")))
    }

    /// The steps of 3.15: everything between is qint16, the last step has the configured type.
    pub(super) fn layer_norm(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        norm: &LayerNorm,
    ) -> Result<ObjectId, EmitError> {
        let (weight, bias, eps) = (norm.weight.as_ref(), norm.bias.as_ref(), norm.eps);
        let (dims, draft) = match &norm.over {
            Over::Shape(shape) => {
                let shape_of = Value::ints(shape);
                let draft = draft.with("normalized_shape", "List[int]", shape_of);
                (shape.len(), draft)
            }
            Over::Space(dims) => (*dims, draft.with("dims", "int", Value::Int(*dims as i64))),
        };
        let draft = draft.with("eps", "float", Value::Float(eps));
        let draft = self.parameter(draft, "weight", weight)?;
        let mut draft = self.parameter(draft, "bias", bias)?;
        let last = match (weight, bias) {
            (_, Some(_)) => "bias_add",
            (Some(_), None) => "weight_mul",
            (None, None) => "out_mul",
        };
        let steps = [
            "input_mean",
            "sub",
            "mul",
            "var_mean",
            "out_mul",
            "weight_mul",
            "bias_add",
        ];
        for name in steps {
            let wanted = match name {
                "weight_mul" => weight.is_some(),
                "bias_add" => bias.is_some(),
                _ => true,
            };
            if wanted {
                let spec = inner(leaf, name == last);
                draft = self.part(draft, leaf, name, LeafKind::FloatFunctional, spec)?;
            }
        }
        let rsqrt = LeafKind::Lut {
            op: "rsqrt",
            args: vec![eps],
        };
        draft = self.part(draft, leaf, "rsqrt", rsqrt, inner(leaf, false))?;
        for (name, tensor) in [("weight_quant", weight), ("bias_quant", bias)] {
            if tensor.is_some() {
                draft = self.part(draft, leaf, name, LeafKind::QuantStub, inner(leaf, false))?;
            }
        }
        let mut lines = vec![
            mean("mean", "input_mean", "x", dims),
            "d = (self.sub).sub(x, mean, )".to_owned(),
            mean("var", "var_mean", "(self.mul).mul(d, d, )", dims),
            "inv = (self.rsqrt).forward(var, )".to_owned(),
            "r = (self.out_mul).mul(d, inv, )".to_owned(),
        ];
        if weight.is_some() {
            lines.push("w = torch._unwrap_optional(self.weight)".to_owned());
            let line = "r = (self.weight_mul).mul(r, (self.weight_quant).forward(w, ), )";
            lines.push(line.to_owned());
        }
        if bias.is_some() {
            lines.push("b = torch._unwrap_optional(self.bias)".to_owned());
            let line = "r = (self.bias_add).add(r, (self.bias_quant).forward(b, ), )";
            lines.push(line.to_owned());
        }
        lines.push("return r".to_owned());
        self.object(draft.forward(&lines.join("\n")))
    }

    pub(super) fn prelu(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        weight: &ConstTensor,
    ) -> Result<ObjectId, EmitError> {
        let value = self.tensors.tensor(self.emit, weight)?;
        let draft = draft.role("weight", "Tensor", Role::Parameter, value);
        let channels = weight.sizes().first().copied().unwrap_or(1) as usize;
        let draft = self.fake_quant(draft, "weight_fake_quanti", &leaf.weight, channels)?;
        let draft = self.activation(draft, leaf)?;
        let end = finished("r", leaf.activation.is_some());
        let body = format!(
            "w = (self.weight_fake_quanti).forward(self.weight, )\nr = torch.prelu(x, w)\n{end}"
        );
        self.object(
            draft.method(
                Method::new("forward", "Tensor")
                    .param("x", "Tensor")
                    .body(body),
            ),
        )
    }

    /// Adds a module of the plugin as a part of another.
    pub(super) fn part(
        &mut self,
        draft: Draft,
        whole: &Leaf,
        name: &str,
        kind: LeafKind,
        activation: Option<FakeQuantSpec>,
    ) -> Result<Draft, EmitError> {
        let object = self.leaf(&Leaf {
            path: String::new(),
            kind,
            activation,
            weight: whole.weight.clone(),
            shares: None,
        })?;
        Ok(self.child(draft, name, object))
    }
}

/// A mean over the last dimensions, which stay with size 1: flattened, they are one.
fn mean(name: &str, part: &str, x: &str, dims: usize) -> String {
    if dims == 1 {
        return format!("{name} = (self.{part}).mean({x}, -1, True, )");
    }
    let mean = format!(
        "(self.{part}).mean(torch.flatten({x}, {}), -1, True, )",
        -(dims as i64)
    );
    let wide = (1..dims).fold(mean, |it, _| format!("torch.unsqueeze({it}, -1)"));
    format!("{name} = {wide}")
}

/// How a step inside a module is fake-quantised: in 16 bits, but for the last.
pub(super) fn inner(leaf: &Leaf, last: bool) -> Option<FakeQuantSpec> {
    let mut spec = leaf.activation.clone();
    if let Some(spec) = spec.as_mut().filter(|_| !last) {
        spec.dtype = QDType::Qint16;
    }
    spec
}
