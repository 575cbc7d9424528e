//! Convolution, transposed convolution and linear (`horizon.md` 3.5, 3.6; argument order in section 4).

use super::{BINARY, Leaf, UNARY, ints, zero_point_of};
use crate::bpu::dtype::QType;
use crate::emit::ObjectId;
use crate::quant::convert::FUNCTIONAL;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::grid::{Channels, FakeQuant, Grid};
use crate::quant::convert::read::{Floats, Module};
use crate::quant::convert::writer::Writer;
use std::fmt::Write;

/// Which of the family a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quant::convert) enum Kind {
    Conv2d,
    Conv3d,
    Transpose2d,
    Linear,
}

/// Parts of a class name such as `ConvAddReLU62d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quant::convert) struct Form {
    pub(in crate::quant::convert) kind: Kind,
    pub(in crate::quant::convert) add: bool,
    pub(in crate::quant::convert) relu: bool,
    pub(in crate::quant::convert) relu6: bool,
}

impl Form {
    /// Reads `conv2d.ConvAddReLU2d`, `linear.LinearReLU6`; none for another leaf.
    pub(in crate::quant::convert) fn parse(class: &str) -> Option<Form> {
        let (file, name) = class.split_once('.')?;
        let (kind, head, tail) = match file {
            "conv2d" => (Kind::Conv2d, "Conv", "2d"),
            "conv3d" => (Kind::Conv3d, "Conv", "3d"),
            "conv_transpose2d" => (Kind::Transpose2d, "ConvTranspose", "2d"),
            "linear" => (Kind::Linear, "Linear", ""),
            _ => return None,
        };
        let middle = name.strip_prefix(head)?.strip_suffix(tail)?;
        let (add, relu, relu6) = match middle {
            "" => (false, false, false),
            "ReLU" => (false, true, false),
            "ReLU6" => (false, true, true),
            "Add" => (true, false, false),
            "AddReLU" => (true, true, false),
            "AddReLU6" => (true, true, true),
            _ => return None,
        };
        Some(Form {
            kind,
            add,
            relu,
            relu6,
        })
    }

    /// The quantised class: relu6 maps to relu, the clip lies in the output scale (`horizon.md` 8.1).
    pub(super) fn class(self) -> String {
        let (file, head, tail) = match self.kind {
            Kind::Conv2d => ("conv2d", "Conv", "2d"),
            Kind::Conv3d => ("conv3d", "Conv", "3d"),
            Kind::Transpose2d => ("conv_transpose2d", "ConvTranspose", "2d"),
            Kind::Linear => ("linear", "Linear", ""),
        };
        let add = if self.add { "Add" } else { "" };
        let relu = if self.relu { "ReLU" } else { "" };
        format!("{file}.{head}{add}{relu}{tail}")
    }

    pub(super) fn function(self) -> &'static str {
        match self.kind {
            Kind::Conv2d => "conv2d",
            Kind::Conv3d => "conv3d",
            Kind::Transpose2d => "conv_transpose2d",
            Kind::Linear => "linear",
        }
    }

    pub(super) fn activation(self) -> &'static str {
        if self.relu { "relu" } else { "" }
    }
}

/// Everything static about one convolution or linear.
#[derive(Debug)]
pub(in crate::quant::convert) struct Conv {
    pub(in crate::quant::convert) form: Form,
    pub(super) weight: Floats,
    pub(super) bias: Vec<f32>,
    /// One per output channel.
    pub(super) weight_scale: Vec<f32>,
    pub(super) stride: Vec<i64>,
    pub(super) padding: Vec<i64>,
    pub(super) output_padding: Vec<i64>,
    pub(super) dilation: Vec<i64>,
    pub(super) groups: i64,
    pub(super) input: Grid,
    pub(super) sumin: Option<Grid>,
    pub(in crate::quant::convert) output: Grid,
    pub(super) march: String,
}

impl Conv {
    /// Reads a fake-quantised module whose inputs are known.
    pub(in crate::quant::convert) fn read(
        module: &Module,
        form: Form,
        input: &Grid,
        sumin: Option<&Grid>,
    ) -> Result<Conv, ConvertError> {
        let weight = module.some_floats("weight")?;
        let quant = FakeQuant::read(&module.part("weight_fake_quant")?)?;
        if quant.grid.dtype != QType::Qint8 {
            return Err(module.refuse("only qint8 weights are supported"));
        }
        let (groups, channels) = channels(module, form, &weight)?;
        let count = usize::try_from(groups).unwrap_or(1).max(1);
        let weight_scale = match *quant.grid.scales {
            [scale] => vec![scale; channels],
            ref scales if scales.len() == channels => scales.to_vec(),
            // Transposed: the groups share the scales of the weight's second dimension.
            ref scales if form.kind == Kind::Transpose2d && scales.len() == channels / count => {
                scales.repeat(count)
            }
            ref scales => {
                let what = format!(
                    "{} weight scales for {channels} output channels",
                    scales.len()
                );
                return Err(module.refuse(what));
            }
        };
        let bias = module.floats("bias")?.map(|b| b.values);
        let bias = bias.unwrap_or_else(|| vec![0.0; channels]);
        if bias.len() != channels {
            return Err(module.refuse(format!("{} biases for {channels} channels", bias.len())));
        }
        let in_scale = input.scale();
        let in_scale =
            in_scale.ok_or_else(|| module.refuse("its input has a scale per channel"))?;
        let output = match FakeQuant::of_output(module)? {
            Some(quant) => quant.grid,
            None => Grid {
                dtype: QType::Qint32,
                scales: weight_scale.iter().map(|s| s * in_scale).collect(),
                channels: out_channels(module, form),
            },
        };
        let bias = rounded_up(bias, &quant.march, &output);
        let spatial = |name| match form.kind {
            Kind::Linear => Ok(Vec::new()),
            _ => module.ints(name),
        };
        if form.kind != Kind::Linear && module.str("padding_mode")? != "zeros" {
            return Err(module.refuse("only padding with zeros is supported"));
        }
        Ok(Conv {
            form,
            weight,
            bias,
            weight_scale,
            stride: spatial("stride")?,
            padding: spatial("padding")?,
            output_padding: match form.kind {
                Kind::Transpose2d => module.ints("output_padding")?,
                _ => Vec::new(),
            },
            dilation: spatial("dilation")?,
            groups,
            input: input.clone(),
            sumin: sumin.cloned(),
            output,
            march: quant.march,
        })
    }

    pub(super) fn high_precision(&self) -> bool {
        self.output.dtype == QType::Qint32
    }

    /// What the output scale's buffer holds; a high-precision output has none, the function returns its own.
    pub(super) fn out_scale(&self) -> Vec<f32> {
        match self.output.scale() {
            Some(scale) if !self.high_precision() => vec![scale],
            _ => vec![1.0],
        }
    }

    /// The scale of the accumulator, which the bias shares.
    pub(super) fn bias_scale(&self) -> Vec<f32> {
        let in_scale = self.input.scale().unwrap_or(1.0);
        self.weight_scale.iter().map(|s| s * in_scale).collect()
    }

    /// The module with float weights that `convert_conv_params` turns into integers at run time.
    pub(in crate::quant::convert) fn leaf(
        &self,
        emit: &mut Writer,
        module: &Module,
    ) -> Result<ObjectId, ConvertError> {
        let mut leaf = Leaf::new(&self.form.class());
        match module.tensor("weight")? {
            Some(view) => leaf.view(emit, "weight", &view)?,
            None => return Err(module.wrong("weight", "a tensor")),
        }
        leaf.floats1(emit, "bias", &self.bias)?;
        let bias_scale = self.bias_scale();
        leaf.floats1(emit, "bias_scale", &bias_scale)?;
        leaf.zeros(emit, "bias_zero_point", bias_scale.len())?;
        leaf.floats1(emit, "weight_scale", &self.weight_scale)?;
        leaf.floats1(emit, "out_scale", &self.out_scale())?;
        let params = if self.form.add { BINARY } else { UNARY };
        leaf.forward(emit, params, 3, &self.text())
    }

    fn text(&self) -> String {
        let mut text = format!(
            "weight_scale = self.weight_scale\nout_scale = self.out_scale\n\
             weight_zero_point = {}\nout_zero_point = {}\n_0 = {FUNCTIONAL}.{}\n",
            zero_point_of("weight_scale"),
            zero_point_of("out_scale"),
            self.form.function(),
        );
        let sumin = |name| if self.form.add { name } else { "None" };
        let mut arguments = vec!["data", "self.weight", "self.bias", sumin("data2")];
        let spatial = self.spatial();
        arguments.extend(spatial.iter().map(String::as_str));
        let quoted = |name: &str| format!("\"{name}\"");
        let activation = quoted(self.form.activation());
        let in_type = quoted(self.input.dtype.name());
        let out_type = quoted(self.output.dtype.name());
        let march = quoted(&self.march);
        let sumin_type = match &self.sumin {
            Some(grid) => quoted(grid.dtype.name()),
            None => "None".to_owned(),
        };
        arguments.extend([
            activation.as_str(),
            "scale",
            "zero_point",
            &in_type,
            "weight_scale",
            "weight_zero_point",
            "\"qint8\"",
            "self.bias_scale",
            "self.bias_zero_point",
            "\"qint32\"",
            sumin("scale2"),
            sumin("zero_point2"),
            &sumin_type,
            "out_scale",
            "out_zero_point",
            &out_type,
            &march,
        ]);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "data0, scale0, = _0({})", arguments.join(", "));
        text.push_str(&self.clip());
        text.push_str(&self.result());
        text
    }

    /// The last line. The function's scale has an entry per channel even where all are the output's one.
    fn result(&self) -> String {
        match self.high_precision() {
            true => format!("return (data0, scale0, {})", zero_point_of("scale0")),
            false => "return (data0, out_scale, out_zero_point)".to_owned(),
        }
    }

    /// Strides to padding mode, where the function takes them.
    fn spatial(&self) -> Vec<String> {
        if self.form.kind == Kind::Linear {
            return Vec::new();
        }
        let mut all = vec![ints(&self.stride), ints(&self.padding)];
        if self.form.kind == Kind::Transpose2d {
            all.push(ints(&self.output_padding));
        }
        all.extend([
            ints(&self.dilation),
            self.groups.to_string(),
            "\"zeros\"".to_owned(),
        ]);
        all
    }

    /// Where the type holds more than 6, relu6 needs a clip of its own.
    pub(super) fn clip(&self) -> String {
        let top = self
            .output
            .scale()
            .map(|scale| (6.0 / scale).round_ties_even() as i64);
        let (_, limit) = self.output.dtype.limits();
        match top {
            Some(top) if self.form.relu6 && top < limit => {
                format!("data0 = torch.clamp(data0, 0, {top})\n")
            }
            _ => String::new(),
        }
    }
}

/// The bias with half a step of the output where the march's convolutions truncate (`horizon.md` 1.2): `⌊x + ½⌋`
/// rounds as the fake-quant convolution does, where `⌊x⌋` would take half a step off every layer.
pub(super) fn rounded_up(mut bias: Vec<f32>, march: &str, output: &Grid) -> Vec<f32> {
    let step = output.scale().filter(|_| output.dtype != QType::Qint32);
    if let (true, Some(step)) = (march == "bernoulli2", step) {
        bias.iter_mut().for_each(|it| *it += step / 2.0);
    }
    bias
}

/// Where the output's channels lie: dimension 1 of a convolution's result, the last of a linear's.
fn out_channels(module: &Module, form: Form) -> Channels {
    match (form.kind, module.int("out_ch_axis")) {
        (Kind::Linear, Ok(axis)) => Channels::At(axis),
        (Kind::Linear, Err(_)) => Channels::Last,
        _ => Channels::At(1),
    }
}

/// Groups and output channels.
fn channels(module: &Module, form: Form, weight: &Floats) -> Result<(i64, usize), ConvertError> {
    let rank = match form.kind {
        Kind::Conv2d | Kind::Transpose2d => 4,
        Kind::Conv3d => 5,
        Kind::Linear => 2,
    };
    if weight.sizes.len() != rank {
        return Err(module.refuse(format!(
            "its weight has {} dimensions, expected {rank}",
            weight.sizes.len()
        )));
    }
    if form.kind == Kind::Linear {
        return Ok((1, weight.sizes[0] as usize));
    }
    let groups = module.int("groups")?;
    let channels = match form.kind {
        Kind::Transpose2d => weight.sizes[1].saturating_mul(groups),
        _ => weight.sizes[0],
    };
    Ok((groups, channels.max(0) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_say_what_is_fused() {
        let form = Form::parse("conv2d.ConvAddReLU62d").expect("a convolution");
        assert!(form.add && form.relu && form.relu6);
        assert_eq!(form.class(), "conv2d.ConvAddReLU2d");
        let form = Form::parse("conv_transpose2d.ConvTransposeReLU2d").expect("transposed");
        assert_eq!(
            (form.kind, form.relu, form.add),
            (Kind::Transpose2d, true, false)
        );
        assert_eq!(
            Form::parse("linear.LinearReLU6")
                .map(Form::class)
                .as_deref(),
            Some("linear.LinearReLU")
        );
        assert_eq!(Form::parse("conv2d.ConvBN2d"), None);
        assert_eq!(Form::parse("stubs.QuantStub"), None);
    }
}
