//! Convolution and linear, with an add and a relu after them or not.

use super::{Draft, Writer, finished};
use crate::emit::{EmitError, Method, ObjectId, Role, Value};
use crate::quant::fuse::{Act, ConstTensor, Conv, ConvKind, Linear};
use crate::quant::prepare::leaf::Leaf;

impl Writer<'_> {
    pub(super) fn conv(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        conv: &Conv,
        add: bool,
        act: Act,
    ) -> Result<ObjectId, EmitError> {
        let dims = match conv.kind.dims() {
            3 => "Tuple[int, int, int]",
            _ => "Tuple[int, int]",
        };
        let mut draft = self.weight_and_bias(draft, &conv.weight, conv.bias.as_ref())?;
        draft = draft
            .with("stride", dims, Value::int_tuple(&conv.stride))
            .with("padding", dims, Value::int_tuple(&conv.padding))
            .with("dilation", dims, Value::int_tuple(&conv.dilation));
        if conv.kind == ConvKind::ConvTranspose2d {
            draft = draft.with(
                "output_padding",
                dims,
                Value::int_tuple(&conv.output_padding),
            );
        }
        draft = draft.with("groups", "int", Value::Int(conv.groups)).with(
            "padding_mode",
            "str",
            Value::str("zeros"),
        );
        let call = match conv.kind {
            ConvKind::Conv2d => {
                "torch.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)"
            }
            ConvKind::Conv3d => {
                "torch.conv3d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)"
            }
            ConvKind::ConvTranspose2d => {
                "torch.conv_transpose2d(x, w, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation)"
            }
        };
        self.weighted(
            draft,
            leaf,
            &conv.weight,
            conv.kind.out_axis(),
            call,
            add,
            act,
        )
    }

    pub(super) fn linear(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        linear: &Linear,
        add: bool,
        act: Act,
    ) -> Result<ObjectId, EmitError> {
        let mut draft = self.weight_and_bias(draft, &linear.weight, linear.bias.as_ref())?;
        // A high-precision result has a scale for each channel, and where those lie no weight says.
        if let (None, Some(rank)) = (&leaf.activation, linear.rank) {
            draft = draft.with("out_ch_axis", "int", Value::Int(rank - 1));
        }
        let call = "torch.linear(x, w, self.bias)";
        self.weighted(draft, leaf, &linear.weight, 0, call, add, act)
    }

    fn weight_and_bias(
        &mut self,
        draft: Draft,
        weight: &ConstTensor,
        bias: Option<&ConstTensor>,
    ) -> Result<Draft, EmitError> {
        let value = self.tensors.tensor(self.emit, weight)?;
        let draft = draft.role("weight", "Tensor", Role::Parameter, value);
        self.parameter(draft, "bias", bias)
    }

    /// Adds the fake quantisers and `forward`. Per channel, the weight's scales lie along its output channels.
    #[allow(
        clippy::too_many_arguments,
        reason = "one caller per operator, each of one line"
    )]
    fn weighted(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        weight: &ConstTensor,
        axis: usize,
        call: &str,
        add: bool,
        act: Act,
    ) -> Result<ObjectId, EmitError> {
        let mut spec = leaf.weight.clone();
        if spec.ch_axis >= 0 {
            spec.ch_axis = axis as i64;
        }
        let channels = weight.sizes().get(axis).copied().unwrap_or(1) as usize;
        let draft = self.fake_quant(draft, "weight_fake_quant", &spec, channels)?;
        let draft = self.activation(draft, leaf)?;
        let mut lines = vec![
            "w = (self.weight_fake_quant).forward(self.weight, )".to_owned(),
            format!("r = {call}"),
        ];
        if add {
            lines.push("r = torch.add(r, y)".into());
        }
        match act {
            Act::None => {}
            Act::Relu => lines.push("r = torch.relu(r)".into()),
            Act::Relu6 => lines.push("r = torch.hardtanh(r, 0., 6.)".into()),
        }
        lines.push(finished("r", leaf.activation.is_some()));
        let mut method = Method::new("forward", "Tensor").param("x", "Tensor");
        if add {
            method = method.param("y", "Tensor");
        }
        self.object(draft.method(method.body(lines.join("\n"))))
    }
}
