//! Arguments of the convolution operators, in their two forms, checked and brought into one.

use super::check_out;
use super::output::{Finish, Lanes, SumData, SumIn};
use super::pack::WeightShape;
use super::window::{Lists, Window};
use crate::bpu::channel::spread;
use crate::bpu::dtype::QType;
use crate::bpu::fixed::{Shift, shift_left, shift_right};
use crate::bpu::march::March;
use crate::bpu::op::{Args, Context, OpError};
use crate::bpu::rescale::Rescale;
use crate::bpu::simd::Isa;
use crate::tensor::DType;

/// One call, shapes checked; tensors of parameters are not yet read.
pub(super) struct Call {
    pub(super) window: Window,
    pub(super) images: usize,
    pub(super) weight: WeightShape,
    pub(super) transposed: bool,
    pub(super) out: QType,
    /// Of the result, `[N, O, spatial…]`.
    pub(super) shape: Vec<usize>,
    relu: bool,
    /// The accumulator is the result.
    raw: bool,
    has_bias: bool,
    has_sum: bool,
    march: March,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Scale,
    Shift,
}

impl Call {
    /// Arguments: data, weight, bias, sumin, output_scale, accu_right_shift, bias_left_shift, output_right_shift, sumin_scale,
    /// sumin_left_shift, use_bias, filters, kernel_size, strides, pads, \[output_padding,\] dilation_rate, activation, group,
    /// elementwise_input, disable_output_quantization, out_quanti_type, march.
    pub(super) fn scale_form(a: &Args, transposed: bool) -> Result<Self, OpError> {
        Self::read(a, transposed, Form::Scale, 10)
    }

    /// Arguments: data, weight, bias, sumin, input_shift, output_shift, bias_shift, weight_shift, sumin_shift, then as above
    /// from use_bias on.
    pub(super) fn shift_form(a: &Args, transposed: bool) -> Result<Self, OpError> {
        Self::read(a, transposed, Form::Shift, 9)
    }

    fn read(a: &Args, transposed: bool, form: Form, at: usize) -> Result<Self, OpError> {
        let (data, weight) = (a.tensor(0)?.shape, a.tensor(1)?.shape);
        let rank = data.len();
        if !(3..=5).contains(&rank) || weight.len() != rank {
            return Err(a.shape_error(format!(
                "data {data:?} and weight {weight:?} do not make a convolution"
            )));
        }
        let dims = rank - 2;
        let tail = at + 5 + usize::from(transposed);
        let lists = Lists {
            stride: a.ints_of(at + 3, dims)?,
            pad: a.ints_of(at + 4, dims)?,
            output_padding: if transposed {
                Some(a.ints_of(at + 5, dims)?)
            } else {
                None
            },
            dilation: a.ints_of(tail, dims)?,
        };
        let kernel = a.ints_of(at + 2, dims)?;
        if !kernel
            .iter()
            .zip(&weight[2..])
            .all(|(k, w)| *k == *w as i64)
        {
            return Err(a.shape_error(format!(
                "kernel_size {kernel:?} does not go with weight {weight:?}"
            )));
        }
        let relu = match a.str(tail + 1)? {
            "" => false,
            "relu" => true,
            other => {
                return Err(
                    a.value_error(format!("activation `{other}` is neither empty nor `relu`"))
                );
            }
        };
        let mut weight = weight_shape(a, data, weight, a.size(tail + 2)?, transposed)?;
        let window = Window::new(a, &data[2..], &a.tensor(1)?.shape[2..], &lists)?;
        if weight.groups == 1 && window.dilation[2] == 1 {
            weight.stretch = window.kernel[2];
        }
        let out = a.qtype(tail + 5)?;
        check_out(a, out)?;
        let channels = weight.outputs * weight.groups;
        if a.int(at + 1)? != channels as i64 {
            return Err(a.shape_error(format!(
                "filters is {}, the weight makes {channels}",
                a.int(at + 1)?
            )));
        }
        let mut shape = vec![data[0], channels];
        shape.extend(&window.output[3 - dims..]);
        let raw = a.bool(tail + 4)? || out == QType::Qint32;
        Ok(Self {
            window,
            images: data[0],
            weight,
            transposed,
            out: if raw { QType::Qint32 } else { out },
            shape,
            relu,
            raw,
            has_bias: a.bool(at)?,
            has_sum: a.bool(tail + 3)?,
            march: a.march(tail + 6)?,
            form,
        })
    }

    fn channels(&self) -> usize {
        self.weight.outputs * self.weight.groups
    }

    /// What is done to the accumulators, without the kernel's own compensation.
    pub(super) fn finish<'a>(&self, cx: &Context, a: &Args<'a>) -> Result<Finish<'a>, OpError> {
        let (min, max) = self.out.limits32();
        let mut finish = match self.form {
            Form::Scale => self.scales(a)?,
            Form::Shift => self.shifts(a)?,
        };
        finish.isa = cx.isa;
        (finish.lo, finish.hi) = (if self.relu { 0 } else { min }, max);
        Ok(finish)
    }

    fn list(&self, a: &Args, index: usize, what: &str) -> Result<Vec<i32>, OpError> {
        spread(a, what, &a.ints32(index)?, self.channels())
    }

    fn bias(&self, a: &Args) -> Result<Vec<i32>, OpError> {
        if self.has_bias {
            self.list(a, 2, "bias")
        } else {
            Ok(vec![0; self.channels()])
        }
    }

    fn shift_list(&self, a: &Args, index: usize, what: &str) -> Result<Vec<i32>, OpError> {
        let list = self.list(a, index, what)?;
        match list.iter().find(|v| !(0..=31).contains(*v)) {
            Some(v) => Err(a.value_error(format!("{what} holds {v}, which is not from 0 to 31"))),
            None => Ok(list),
        }
    }

    fn scales<'a>(&self, a: &Args<'a>) -> Result<Finish<'a>, OpError> {
        let shift = self.shift_list(a, 6, "bias_left_shift")?;
        let bias = self
            .bias(a)?
            .iter()
            .zip(&shift)
            .map(|(b, s)| shift_left(*b, *s))
            .collect();
        let sum = match self.has_sum {
            true => Some(SumIn {
                data: self.sum_data(a)?,
                scale: self.list(a, 8, "sumin_scale")?,
                shift: self.shift_list(a, 9, "sumin_left_shift")?,
            }),
            false => None,
        };
        let lanes = if self.raw {
            Lanes::default()
        } else {
            self.lanes(a)?
        };
        Ok(Finish {
            isa: Isa::PORTABLE,
            bias,
            sum,
            lanes,
            lo: 0,
            hi: 0,
        })
    }

    fn lanes(&self, a: &Args) -> Result<Lanes, OpError> {
        let qscale = self.list(a, 4, "output_scale")?;
        if let Some(v) = qscale.iter().find(|v| i16::try_from(**v).is_err()) {
            return Err(a.value_error(format!(
                "output_scale holds {v}, which does not fit 16 bits"
            )));
        }
        let (pre, post) = (
            self.shift_list(a, 5, "accu_right_shift")?,
            self.shift_list(a, 7, "output_right_shift")?,
        );
        let rescales: Vec<Rescale> = qscale
            .iter()
            .zip(&pre)
            .zip(&post)
            .map(|((q, pre), post)| Rescale {
                qscale: *q,
                pre: *pre,
                post: *post,
            })
            .collect();
        Ok(Lanes::new(&rescales, self.march.conv_rounds()))
    }

    /// The shift scheme of bernoulli: with `s = input_shift + weight_shift`,
    /// `A = Σ x·w + (bias << (s - bias_shift)) + (sumin << (s - sumin_shift))`, `y = sat8(A >> (s - output_shift))`, floor.
    ///
    /// The alignment is deduced (`hbir.md` 2). Differences that hardware cannot shift by are refused, except the bias's,
    /// which is shifted right.
    fn shifts<'a>(&self, a: &Args<'a>) -> Result<Finish<'a>, OpError> {
        let weight = self.list(a, 7, "weight_shift")?;
        let input = a.int32(4)?;
        let total: Vec<i32> = weight.iter().map(|w| w.saturating_add(input)).collect();
        let bias_shift = self.list(a, 6, "bias_shift")?;
        let bias = self.bias(a)?;
        let bias = bias
            .iter()
            .zip(&bias_shift)
            .zip(&total)
            .map(|((b, s), total)| match total.saturating_sub(*s) {
                by @ 0.. => shift_left(*b, by),
                by => shift_right(*b, by.saturating_neg(), Shift::Floor),
            });
        let aligned = |shift: i32, what: &str| -> Result<Vec<i32>, OpError> {
            let by: Vec<i32> = total
                .iter()
                .map(|total| total.saturating_sub(shift))
                .collect();
            match by.iter().find(|by| !(0..=31).contains(*by)) {
                Some(by) => Err(a.value_error(format!(
                    "input_shift + weight_shift - {what} is {by}, which is not from 0 to 31"
                ))),
                None => Ok(by),
            }
        };
        let bias: Vec<i32> = bias.collect();
        let sum = match self.has_sum {
            true => {
                let by = aligned(a.int32(8)?, "sumin_shift")?;
                let scale = by.iter().map(|by| shift_left(1, *by)).collect();
                Some(SumIn {
                    data: self.sum_data(a)?,
                    scale,
                    shift: vec![0; self.channels()],
                })
            }
            false => None,
        };
        let lanes = if self.raw {
            Lanes::default()
        } else {
            let by = aligned(a.int32(5)?, "output_shift")?;
            let rescales: Vec<Rescale> = by
                .iter()
                .map(|by| Rescale {
                    qscale: 1,
                    pre: *by,
                    post: 0,
                })
                .collect();
            Lanes::new(&rescales, false)
        };
        Ok(Finish {
            isa: Isa::PORTABLE,
            bias,
            sum,
            lanes,
            lo: 0,
            hi: 0,
        })
    }

    fn sum_data<'a>(&self, a: &Args<'a>) -> Result<SumData<'a>, OpError> {
        let sum = a.filled(3)?;
        if sum.shape != self.shape {
            return Err(a.shape_error(format!(
                "sumin {:?} has not the shape of the output {:?}",
                sum.shape, self.shape
            )));
        }
        let wrong = || a.wrong(3, "an int8 or int16 tensor");
        match sum.dtype {
            DType::I8 => sum.channels_last().map(SumData::I8).ok_or_else(wrong),
            DType::I16 => sum.channels_last().map(SumData::I16).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }
}

fn weight_shape(
    a: &Args,
    data: &[usize],
    weight: &[usize],
    groups: usize,
    transposed: bool,
) -> Result<WeightShape, OpError> {
    let taps = weight[2..].iter().product();
    let (inputs, outputs) = if transposed {
        (weight[0] / groups.max(1), weight[1])
    } else {
        (weight[1], weight[0] / groups.max(1))
    };
    let split = weight[0].is_multiple_of(groups.max(1));
    if groups == 0 || !split || inputs * groups != data[1] || inputs == 0 || outputs == 0 {
        return Err(a.shape_error(format!(
            "data {data:?}, weight {weight:?} and {groups} groups do not go together"
        )));
    }
    Ok(WeightShape {
        groups,
        outputs,
        inputs,
        taps,
        stretch: 1,
    })
}
