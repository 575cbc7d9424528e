//! Convolutions and linear layers (`hbir.md` 1.2, 1.3).

use super::super::array::Array;
use super::super::graph::{ConvForm, ConvLayer, Kind, Layout, RecordId};
use super::super::march::March;
use super::super::params::{self, ConvScales};
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use super::{limits, scales};
use crate::tensor::DType;

/// Where the arguments of one of the functions stand.
struct Places {
    form: ConvForm,
    spatial: usize,
    /// `activation`; the scales follow it.
    activation: usize,
    output_padding: Option<usize>,
    dilation: usize,
    groups: usize,
}

/// `conv2d`, 26 arguments.
pub(super) fn conv2d(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let places = Places {
        form: ConvForm::Convolution,
        spatial: 2,
        activation: 9,
        output_padding: None,
        dilation: 6,
        groups: 7,
    };
    spatial(builder, args, &places)
}

/// `conv3d`, 26 arguments.
pub(super) fn conv3d(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let places = Places {
        form: ConvForm::Convolution3d,
        spatial: 3,
        activation: 9,
        output_padding: None,
        dilation: 6,
        groups: 7,
    };
    spatial(builder, args, &places)
}

/// `conv_transpose2d`, 27 arguments.
pub(super) fn conv_transpose2d(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let places = Places {
        form: ConvForm::Deconvolution,
        spatial: 2,
        activation: 10,
        output_padding: Some(6),
        dilation: 7,
        groups: 8,
    };
    spatial(builder, args, &places)
}

fn spatial(builder: &mut Builder<'_>, args: &Args, at: &Places) -> Result<Val, Fail> {
    let input = args.tensor(0)?;
    if builder.native_shape(input).len() != at.spatial + 2 {
        let rank = builder.native_shape(input).len();
        return Err(Fail::new(format!(
            "input of rank {rank}, expected {}",
            at.spatial + 2
        )));
    }
    let mode = args.text(at.activation - 1)?;
    if mode != "zeros" {
        return Err(Fail::new(format!("padding mode `{mode}`"))
            .advise("pad with zeros, or by nn.ConstantPad2d before the convolution"));
    }
    let is_deconv = at.form == ConvForm::Deconvolution;
    let (stride, padding) = (args.sizes(4, at.spatial)?, args.sizes(5, at.spatial)?);
    let dilation = args.sizes(at.dilation, at.spatial)?;
    if is_deconv && dilation.iter().any(|&d| d != 1) {
        return Err(Fail::new("dilated conv2d transpose is not supported"));
    }
    let output_padding = match at.output_padding {
        Some(place) => args.sizes(place, at.spatial)?,
        None => vec![0; at.spatial],
    };
    let record = builder.in_layout(input, Layout::Hardware)?;
    let shape = builder.graph.record(record).shape.clone();
    let weight = args.constant(1)?;
    if weight.shape.len() != at.spatial + 2 {
        return Err(Fail::new(format!("weight of shape {:?}", weight.shape)));
    }
    let groups = args.size(at.groups)?.max(1);
    let mut conv = ConvLayer {
        form: at.form,
        weight_shape: vec![],
        params: Default::default(),
        stride,
        padding,
        dilation,
        groups,
        relu: false,
        rounding: false,
        out: DType::I8,
    };
    let sum = prepare(builder, args, &mut conv, &weight, at.activation)?;
    let channels = match is_deconv {
        true => weight.shape[1] * groups,
        false => weight.shape[0],
    };
    let per_group = if is_deconv {
        weight.shape[0]
    } else {
        weight.shape[1] * groups
    };
    if shape[at.spatial + 1] != per_group || !shape[at.spatial + 1].is_multiple_of(groups) {
        return Err(Fail::new(format!(
            "{} input channels for a weight of shape {:?} with {groups} groups",
            shape[at.spatial + 1],
            weight.shape
        )));
    }
    let mut out = vec![shape[0]];
    for (i, &extra) in output_padding.iter().enumerate() {
        let kernel = weight.shape[i + 2];
        out.push(extent(&conv, is_deconv, i, shape[i + 1], kernel, extra)?);
    }
    out.push(channels);
    finish(builder, conv, record, sum, out, &shape)
}

/// Output size along one spatial dimension.
fn extent(
    conv: &ConvLayer,
    is_deconv: bool,
    i: usize,
    size: usize,
    kernel: usize,
    extra: usize,
) -> Result<usize, Fail> {
    let (stride, pad, dilation) = (conv.stride[i].max(1), conv.padding[i], conv.dilation[i]);
    let window = dilation * (kernel.max(1) - 1) + 1;
    let out = match is_deconv {
        true => ((size.max(1) - 1) * stride + window + extra).checked_sub(2 * pad),
        false => (size + 2 * pad).checked_sub(window).map(|n| n / stride + 1),
    };
    out.filter(|&n| n > 0).ok_or_else(|| {
        Fail::new(format!(
            "a kernel of {kernel} on {size} values with padding {pad}"
        ))
    })
}

/// `linear`, 21 arguments: in the framework's layout, channels last as they are.
pub(super) fn linear(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    if !builder.march().is_bayes() {
        return Err(Fail::new("linear is supported on the bayes family only")
            .advise("replace nn.Linear by a 1x1 nn.Conv2d on [N, C, 1, 1]"));
    }
    let record = builder.in_layout(args.tensor(0)?, Layout::Native)?;
    let shape = builder.graph.record(record).shape.clone();
    let weight = args.constant(1)?;
    if weight.shape.len() != 2 || shape.last() != Some(&weight.shape[1]) {
        return Err(Fail::new(format!(
            "weight of shape {:?} for {shape:?}",
            weight.shape
        )));
    }
    let mut conv = ConvLayer {
        form: ConvForm::Linear,
        weight_shape: vec![],
        params: Default::default(),
        stride: vec![],
        padding: vec![],
        dilation: vec![],
        groups: 1,
        relu: false,
        rounding: false,
        out: DType::I8,
    };
    let sum = prepare(builder, args, &mut conv, &weight, 4)?;
    let mut out = shape.clone();
    if let Some(last) = out.last_mut() {
        *last = weight.shape[0];
    }
    finish(builder, conv, record, sum, out, &shape)
}

/// Integer parameters, activation and sum input; scales begin after `activation`.
fn prepare(
    builder: &mut Builder<'_>,
    args: &Args,
    conv: &mut ConvLayer,
    weight: &Array,
    activation: usize,
) -> Result<Option<RecordId>, Fail> {
    let base = activation + 1;
    conv.relu = match args.text(activation)? {
        "" => false,
        "relu" => true,
        other => return Err(Fail::new(format!("activation `{other}`"))),
    };
    let weight_type = args.text(base + 5)?;
    if weight_type != "qint8" {
        return Err(Fail::new(format!(
            "Only support qint8 weight! found {weight_type}"
        )));
    }
    let input = args.one_scale(base)?;
    args.zero_point(base + 1)?;
    let has_sum = !args.is_none(3);
    let sum_scale = if has_sum {
        Some(args.one_scale(base + 9)?)
    } else {
        None
    };
    let (weight_scale, out_scale) = (args.scale(base + 3)?, args.scale(base + 12)?);
    let out = args.qtype(base + 14)?;
    let bias = match args.is_none(2) {
        true => vec![],
        false => args.constant(2)?.to_f32(),
    };
    let is_deconv = conv.form == ConvForm::Deconvolution;
    let inner: usize = weight.shape[1..].iter().product();
    let kernel: usize = weight.shape[2..].iter().product();
    let per_group = weight.shape[1];
    let in_per_group = (weight.shape[0] / conv.groups.max(1)).max(1);
    let channel = move |i: usize| match is_deconv {
        // [I, O/g, kernel]: the group of the input channel and the place inside it.
        true => i / inner / in_per_group * per_group + i / kernel % per_group,
        false => i / inner,
    };
    let channels = match is_deconv {
        true => per_group * conv.groups,
        false => weight.shape[0],
    };
    if weight_scale.len() != 1 && weight_scale.len() != channels {
        let found = weight_scale.len();
        return Err(Fail::new(format!(
            "{found} weight scales for {channels} channels"
        )));
    }
    conv.out = out;
    let floats = weight.to_f32();
    conv.params = params::conv(&ConvScales {
        input,
        weight: &floats,
        weight_scale: &weight_scale,
        channel: &channel,
        channels,
        bias: &bias,
        sum: sum_scale,
        out_scale: &out_scale,
        out,
        march: builder.march(),
    });
    // [O, I/g, kernel…] to [O, kernel…, I/g]; [I, O/g, kernel…] to [I, kernel…, O/g].
    let integers = Array::int(
        DType::I8,
        &weight.shape,
        std::mem::take(&mut conv.params.weight),
    );
    let rank = weight.shape.len();
    let perm: Vec<usize> = [0].into_iter().chain(2..rank).chain([1]).collect();
    let permuted = integers.permuted(&perm);
    conv.weight_shape = permuted.shape.clone();
    conv.params.weight = permuted.ints().unwrap_or_default().to_vec();
    // hbir.md 1.2: the flag is false on bernoulli2, SLinear always rounds.
    conv.rounding = conv.form == ConvForm::Linear || builder.march() != March::Bernoulli2;
    match has_sum {
        true => {
            let layout = match conv.form {
                ConvForm::Linear => Layout::Native,
                _ => Layout::Hardware,
            };
            let (rank, dtype) = (rank.max(2), args.qtype(base + 11)?);
            builder.operand(args.at(3), layout, rank, dtype).map(Some)
        }
        false => Ok(None),
    }
}

fn finish(
    builder: &mut Builder<'_>,
    conv: ConvLayer,
    record: RecordId,
    sum: Option<RecordId>,
    out: Vec<usize>,
    input: &[usize],
) -> Result<Val, Fail> {
    if let Some(sum) = sum
        && builder.graph.record(sum).shape != out
    {
        return Err(Fail::new(format!(
            "sum input of shape {:?} for an output of {out:?}",
            builder.graph.record(sum).shape
        )));
    }
    let dtype = builder.graph.record(record).dtype;
    limits::convolution(builder, &conv, dtype, input);
    let otype = conv.out;
    let scale = scales(&conv.params.out_scale);
    let inputs: Vec<RecordId> = [record].into_iter().chain(sum).collect();
    let made = builder.layer(Kind::Conv(Box::new(conv)), &inputs, out, otype);
    Ok(Val::seq([builder.manager(made), scale]))
}
