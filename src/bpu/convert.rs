//! `convert_conv_params`: float weights, bias and scales of a convolution to the integers that it runs on (`horizon.md` 3.5).

use super::channel::{self, Layout};
use super::dtype::QType;
use super::fixed::{RoundMode, frexp, int_with_left_shift};
use super::march::March;
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use super::quantise::Quantise;
use super::rescale::Rescale;
use super::simd::Isa;
use crate::tensor::DType;

/// How weights are rounded. Not public for this operator; the plugin's global default, except on bernoulli, whose
/// per-channel quantisers round half up and per-tensor ones floor (`hbir.md` 2).
fn weight_round(march: March, per_channel: bool) -> RoundMode {
    match march {
        March::Bernoulli if per_channel => RoundMode::BpuRound,
        March::Bernoulli => RoundMode::Floor,
        _ => RoundMode::HalfToEven,
    }
}

/// Bits of the integer bias and of the sum-input scale (inferred, `hbir.md` 4 rows 3.5).
const MULTIPLIER_BITS: i32 = 16;

/// What the arguments say, checked.
struct Params<'a> {
    a: &'a Args<'a>,
    input_scale: f64,
    weight_scale: Vec<f64>,
    bias: Vec<f64>,
    bias_scale: Vec<f64>,
    out_scale: Vec<f64>,
    sum_scale: Vec<f64>,
    out: QType,
    channels: usize,
    march: March,
}

/// Arguments: input_scale, weight, weight_scale, weight_dtype, bias, bias_scale, bias_dtype, out_scale, out_dtype,
/// edata_scale, is_conv_transpose2d, groups, march. Results in the order of `horizon.md` 3.5. An int8 weight passes unchanged.
pub(super) fn run(cx: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let p = Params::read(a)?;
    let weight = p.weight(cx.isa)?;
    if p.march == March::Bernoulli {
        p.shifts(weight)
    } else {
        Ok(p.scales(weight))
    }
}

fn channels(a: &Args) -> Result<usize, OpError> {
    let shape = a.tensor(1)?.shape;
    if !(2..=5).contains(&shape.len()) {
        return Err(a.shape_error(format!("a weight of shape {shape:?}")));
    }
    let groups = a.size(11)?.max(1);
    Ok(if a.bool(10)? {
        shape[1].saturating_mul(groups)
    } else {
        shape[0]
    })
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let n = channels(a)?;
    let weight = a.tensor(1)?.shape.to_vec();
    let list = |dtype| (dtype, vec![n]);
    if a.march(12)? == March::Bernoulli {
        let one = (DType::I8, vec![1]);
        let mut all = vec![
            (DType::I8, weight),
            list(DType::I8),
            list(DType::I8),
            list(DType::I8),
        ];
        all.extend([
            one.clone(),
            one.clone(),
            one,
            list(DType::F32),
            (DType::F32, vec![0]),
        ]);
        return Ok(all);
    }
    let (i8s, i32s) = (list(DType::I8), list(DType::I32));
    let mut all = vec![
        (DType::I8, weight),
        i32s.clone(),
        i8s.clone(),
        i32s.clone(),
        i8s.clone(),
    ];
    all.extend([i32s, i8s.clone(), i8s, list(DType::F32)]);
    Ok(all)
}

impl<'a> Params<'a> {
    fn read(a: &'a Args<'a>) -> Result<Self, OpError> {
        let channels = channels(a)?;
        if a.qtype(3)? != QType::Qint8 {
            return Err(a.value_error("Only support qint8 weight!"));
        }
        let spread =
            |index: usize, what: &str| channel::spread(a, what, &a.floats(index)?, channels);
        let input = a.floats(0)?;
        let [input_scale] = input[..] else {
            return Err(a.shape_error(format!("input_scale has {} entries, not one", input.len())));
        };
        let mut weight_scale = a.floats(2)?;
        if a.bool(10)? && weight_scale.len() > 1 && weight_scale.len() * a.size(11)? == channels {
            weight_scale = weight_scale.repeat(a.size(11)?);
        }
        Ok(Self {
            a,
            input_scale,
            weight_scale: channel::spread(a, "weight_scale", &weight_scale, channels)?,
            bias: spread(4, "bias")?,
            bias_scale: spread(5, "bias_scale").unwrap_or_default(),
            out_scale: spread(7, "out_scale")?,
            sum_scale: spread(9, "edata_scale")?,
            out: a.qtype(8)?,
            channels,
            march: a.march(12)?,
        })
    }

    fn weight(&self, isa: Isa) -> Result<Output, OpError> {
        let (a, tensor) = (self.a, self.a.filled(1)?);
        let shape = tensor.shape.to_vec();
        if let Some(ready) = tensor.contiguous::<i8>() {
            return Ok(Output::new(
                ready.into_owned(),
                shape,
                MemoryFormat::Contiguous,
            ));
        }
        let floats = a.float_data(1)?;
        let mode = weight_round(self.march, a.floats(2)?.len() > 1);
        let job = Quantise {
            isa,
            mode,
            lo: -128.0,
            hi: 127.0,
        };
        let scale: Vec<f32> = self.weight_scale.iter().map(|s| *s as f32).collect();
        let integers = if a.bool(10)? {
            self.transposed_weight(job, &floats, &scale)?
        } else {
            let inner = floats.len() / self.channels.max(1);
            job.run::<i8>(
                &floats,
                Layout {
                    outer: 1,
                    channels: self.channels,
                    inner,
                },
                &scale,
            )
        };
        Ok(Output::new(integers, shape, MemoryFormat::Contiguous))
    }

    /// A transposed weight is `[I, O/g, …]`: which output channel an element belongs to depends on its group.
    fn transposed_weight(
        &self,
        job: Quantise,
        floats: &[f32],
        scale: &[f32],
    ) -> Result<Vec<i8>, OpError> {
        let (a, shape) = (self.a, self.a.tensor(1)?.shape);
        let groups = a.size(11)?.max(1);
        if shape[0] % groups != 0 {
            return Err(a.shape_error(format!(
                "{} input channels do not split into {groups} groups",
                shape[0]
            )));
        }
        let (inputs, outputs) = (shape[0] / groups, shape[1]);
        let inner = shape[2..].iter().product();
        let mut all = Vec::with_capacity(floats.len());
        let per_group = inputs * outputs * inner;
        if per_group == 0 {
            return Ok(all);
        }
        for (group, floats) in floats.chunks_exact(per_group).enumerate() {
            let scale = &scale[group * outputs..(group + 1) * outputs];
            let layout = Layout {
                outer: inputs,
                channels: outputs,
                inner,
            };
            all.extend(job.run::<i8>(floats, layout, scale));
        }
        Ok(all)
    }

    fn accumulator_scale(&self, channel: usize) -> f64 {
        self.input_scale * self.weight_scale[channel]
    }

    /// The scale that turns the raw output into real values: the accumulator's for `qint32`, else the output's.
    fn dequant(&self) -> Output {
        let scale = (0..self.channels).map(|c| match self.out {
            QType::Qint32 => self.accumulator_scale(c) as f32,
            _ => self.out_scale[c] as f32,
        });
        self.list(scale.collect())
    }

    fn list<T: super::op::Element>(&self, values: Vec<T>) -> Output {
        let n = values.len();
        Output::new(values, vec![n], MemoryFormat::Contiguous)
    }

    /// The scale scheme: bernoulli2 and later.
    fn scales(&self, weight: Output) -> Vec<Output> {
        let per_channel = |ratio: &dyn Fn(usize) -> f64| -> (Vec<i32>, Vec<i8>) {
            (0..self.channels)
                .map(|c| {
                    let ratio = ratio(c);
                    let ratio = if ratio.is_nan() { 0.0 } else { ratio };
                    let (q, shift) = int_with_left_shift(ratio, MULTIPLIER_BITS);
                    (q, shift as i8)
                })
                .unzip()
        };
        let (bias, bias_shift) = per_channel(&|c| self.bias[c] / self.accumulator_scale(c));
        let (sum, sum_shift) = per_channel(&|c| self.sum_scale[c] / self.accumulator_scale(c));
        let out: Vec<Rescale> = (0..self.channels)
            .map(|c| {
                Rescale::of_accumulator(
                    self.accumulator_scale(c),
                    self.out_scale[c],
                    self.out,
                    self.march,
                )
            })
            .collect();
        vec![
            weight,
            self.list(bias),
            self.list(bias_shift),
            self.list(sum),
            self.list(sum_shift),
            self.list(out.iter().map(|r| r.qscale).collect()),
            self.list(out.iter().map(|r| r.pre as i8).collect()),
            self.list(out.iter().map(|r| r.post as i8).collect()),
            self.dequant(),
        ]
    }

    /// The shift scheme of bernoulli (`horizon.md` 3.4): scales are powers of two.
    fn shifts(&self, weight: Output) -> Result<Vec<Output>, OpError> {
        let shift = |scale: f64| {
            shift_of(scale).ok_or_else(|| {
                self.a
                    .value_error(format!("invalid scale {scale} is not power of 2"))
            })
        };
        let weights: Result<Vec<i8>, OpError> =
            self.weight_scale.iter().map(|s| shift(*s)).collect();
        if self.bias_scale.len() != self.channels {
            return Err(self
                .a
                .shape_error("bias_scale does not go with the output channels"));
        }
        let bias_shifts: Result<Vec<i8>, OpError> =
            self.bias_scale.iter().map(|s| shift(*s)).collect();
        let bias = self
            .bias
            .iter()
            .zip(&self.bias_scale)
            .map(|(b, s)| (b / s + 0.5).floor().clamp(-128.0, 127.0) as i8);
        let first = |list: &[f64]| list.first().copied().unwrap_or(0.0);
        let sum = match first(&self.sum_scale) {
            0.0 => 0,
            scale => shift(scale)?,
        };
        Ok(vec![
            weight,
            self.list(weights?),
            self.list(bias.collect()),
            self.list(bias_shifts?),
            self.list(vec![shift(self.input_scale)?]),
            self.list(vec![if self.out == QType::Qint32 {
                0
            } else {
                shift(first(&self.out_scale))?
            }]),
            self.list(vec![sum]),
            self.dequant(),
            self.list(Vec::<f32>::new()),
        ])
    }
}

/// `n` of a scale `2^-n`.
fn shift_of(scale: f64) -> Option<i8> {
    let (mantissa, exponent) = frexp(scale);
    (mantissa == 0.5)
        .then_some(1 - exponent)
        .and_then(|n| i8::try_from(n).ok())
}
