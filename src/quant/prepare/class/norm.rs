//! Batch norm that was not folded, layer norm, prelu.

use super::{Draft, Writer, finished};
use crate::emit::{EmitError, Method, ObjectId, Role, Value};
use crate::quant::fuse::{ConstTensor, Norm};
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
        let draft = self.activation(draft, leaf.activation.as_ref())?;
        let end = finished("r", leaf.activation.is_some());
        self.object(draft.forward(&format!("{BATCH_NORM}\n{end}")))
    }

    /// The steps of 3.15: everything between is qint16, the last step has the configured type.
    pub(super) fn layer_norm(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        shape: &[i64],
        [weight, bias]: [Option<&ConstTensor>; 2],
        eps: f64,
    ) -> Result<ObjectId, EmitError> {
        let draft = draft
            .with("normalized_shape", "List[int]", Value::ints(shape))
            .with("eps", "float", Value::Float(eps));
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
            "mean = (self.input_mean).mean(x, -1, True, )",
            "d = (self.sub).sub(x, mean, )",
            "var = (self.var_mean).mean((self.mul).mul(d, d, ), -1, True, )",
            "inv = (self.rsqrt).forward(var, )",
            "r = (self.out_mul).mul(d, inv, )",
        ];
        if weight.is_some() {
            lines.push("w = torch._unwrap_optional(self.weight)");
            lines.push("r = (self.weight_mul).mul(r, (self.weight_quant).forward(w, ), )");
        }
        if bias.is_some() {
            lines.push("b = torch._unwrap_optional(self.bias)");
            lines.push("r = (self.bias_add).add(r, (self.bias_quant).forward(b, ), )");
        }
        lines.push("return r");
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
        let draft = self.activation(draft, leaf.activation.as_ref())?;
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
        })?;
        Ok(self.child(draft, name, object))
    }
}

/// How a step inside a module is fake-quantised: in 16 bits, but for the last.
pub(super) fn inner(leaf: &Leaf, last: bool) -> Option<FakeQuantSpec> {
    let mut spec = leaf.activation.clone();
    if let Some(spec) = spec.as_mut().filter(|_| !last) {
        spec.dtype = QDType::Qint16;
    }
    spec
}
