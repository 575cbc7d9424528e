//! Both engines' arithmetic on the same numbers: the front end's layers against the `horizon::` operators, at scales and
//! values drawn at random. Whole models are compared by `profile`; here, what few models hold.

use super::examples::evaluated;
use crate::bpu::call::{Tensor, floats, ints};
use crate::bpu::values::Rng;
use proptest::prelude::*;
use ptool::bpu::op::{Arg, Output, run};
use ptool::hbdk::graph::{ConvForm, ConvLayer, Kind, LutSegments, PadMode, RoiAlign, RoiGrid};
use ptool::hbdk::params::{self, Chain, ConvParams, ConvScales};
use ptool::hbdk::{Array, March};
use ptool::tensor::DType;

/// A scale as models have them.
fn scale(rng: &mut Rng) -> f32 {
    let exponent = rng.within(-18_000, 3_000) as f64 / 1000.0;
    2f64.powf(exponent) as f32
}

fn scales(rng: &mut Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| scale(rng)).collect()
}

fn march(rng: &mut Rng) -> March {
    rng.choose(&[March::Bayes, March::Bernoulli2])
}

fn qtype(dtype: DType) -> &'static str {
    match dtype {
        DType::I8 => "qint8",
        DType::I16 => "qint16",
        _ => "qint32",
    }
}

fn limits(dtype: DType) -> (i64, i64) {
    match dtype {
        DType::I8 => (-128, 127),
        DType::I16 => (-32768, 32767),
        _ => (i32::MIN.into(), i32::MAX.into()),
    }
}

/// `[N, C, H, W]` as `[N, H, W, C]`.
fn hardware(dtype: DType, shape: &[usize], data: &[i64]) -> Array {
    Array::int(dtype, shape, data.to_vec()).permuted(&[0, 2, 3, 1])
}

/// `[N, H, W, C]` in the order of `[N, C, H, W]`.
fn native(shape: &[usize], data: Vec<i64>) -> Vec<i64> {
    let array = Array::int(DType::I32, shape, data).permuted(&[0, 3, 1, 2]);
    array.ints().unwrap().to_vec()
}

fn result(name: &str, args: &[Arg<'_>]) -> Vec<i64> {
    ints(&run(name, args).unwrap()[0])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// A rescale of an int8 or int16 value, and the chain behind an accumulator.
    #[test]
    fn rescales(seed: u64) {
        let mut rng = Rng(seed);
        let (from, to, march) = (scale(&mut rng), scale(&mut rng), march(&mut rng));
        let itype = rng.choose(&[DType::I8, DType::I16, DType::I32]);
        let otype = rng.choose(&[DType::I8, DType::I16]);
        let (low, high) = limits(itype);
        let x = rng.extreme(40, low, high);
        let data = Tensor::ints(itype, &[1, 40], &x);
        let (a, b) = (Tensor::scalar(from), Tensor::scalar(to));
        let [i, o] = [itype, otype].map(qtype);
        let args = [data.arg(), a.arg(), b.arg(), Arg::Str(i), Arg::Str(o), Arg::Bool(false), Arg::Str(march.name())];
        let kind = match itype {
            DType::I32 => Kind::Sum { dim: 0, chain: Chain::accumulator(&[from], &[to], otype, march) },
            _ => Kind::Rescale { chain: Chain::direct(&[from], &[to]), rounding: true },
        };
        let ours = evaluated(kind, &[Array::int(itype, &[1, 40], x)], &[1, 40], otype);
        prop_assert_eq!(ours, result("bpu_scale_requantization", &args));
    }

    /// Integer parameters of a convolution, and the convolution on them.
    #[test]
    fn convolutions(seed: u64) {
        let mut rng = Rng(seed);
        let case = Case::new(&mut rng);
        let theirs = case.converted();
        let params = case.params();
        let lists: Vec<Vec<i64>> = theirs[..8].iter().map(ints).collect();
        prop_assert_eq!(&params.weight, &lists[0]);
        prop_assert_eq!(&params.bias, &lists[1]);
        prop_assert_eq!(&params.bias_lshift, &lists[2]);
        if case.sum.is_some() {
            prop_assert_eq!(&params.escale, &lists[3]);
            prop_assert_eq!(&params.escale_lshift, &lists[4]);
        }
        if case.out != DType::I32 {
            let chain = &params.output;
            prop_assert_eq!([&chain.qscale, &chain.pre, &chain.post], [&lists[5], &lists[6], &lists[7]]);
        }
        let scale = floats(&theirs[8]);
        let own = |c: usize| params.out_scale[if params.out_scale.len() == 1 { 0 } else { c }];
        prop_assert_eq!((0..scale.len()).map(own).collect::<Vec<_>>(), scale);
        prop_assert_eq!(case.evaluated(params), case.ran(&theirs));
    }

    #[test]
    fn segment_tables(seed: u64) {
        let mut rng = Rng(seed);
        let table = rng.extreme(6 * 64, -32768, 32767);
        let [k, b] = [0; 2].map(|_| rng.extreme(8, -32768, 32767));
        let [add_lsh, sum_rsh] = [15, 24].map(|most| (0..8).map(|_| rng.within(0, most)).collect::<Vec<_>>());
        let mut max = rng.extreme(8, -32768, 32767);
        max.sort_unstable();
        let (symmetric, otype) = (rng.choose(&[true, false]), rng.choose(&[DType::I8, DType::I16]));
        let x = rng.extreme(60, -32768, 32767);
        let data = Tensor::ints(DType::I16, &[1, 60], &x);
        let lists = [
            Tensor::ints(DType::I16, &[6, 64], &table),
            Tensor::ints(DType::I16, &[8], &k),
            Tensor::ints(DType::I16, &[8], &b),
            Tensor::ints(DType::I8, &[8], &add_lsh),
            Tensor::ints(DType::I8, &[8], &sum_rsh),
            Tensor::ints(DType::I16, &[8], &max),
        ];
        let mut args = vec![data.arg()];
        args.extend(lists.iter().map(Tensor::arg));
        args.extend([Arg::Bool(symmetric), Arg::Int(8), Arg::Str(qtype(otype)), Arg::Int(64), Arg::Str("bayes")]);
        let table = Array::int(DType::I16, &[6, 64], table).into();
        let kind = Kind::SegmentLut(Box::new(LutSegments { table, k, b, add_lsh, sum_rsh, max, symmetric }));
        let ours = evaluated(kind, &[Array::int(DType::I16, &[1, 60], x)], &[1, 60], otype);
        prop_assert_eq!(ours, result("bpu_segment_lut", &args));
    }

    /// Coordinates that stay in 16 bits once they are absolute.
    #[test]
    fn warps(seed: u64) {
        let mut rng = Rng(seed);
        let [n, c, h, w, oh, ow] = [2, 3, 7, 7, 7, 7].map(|most| rng.within(1, most) as usize);
        let (bits, nearest, zeros) = (rng.within(0, 8), rng.choose(&[true, false]), rng.choose(&[true, false]));
        let x = rng.extreme(n * c * h * w, -128, 127);
        // (x, y), relative to the pixel.
        let grid = rng.extreme(n * oh * ow * 2, -(12 << bits), 12 << bits);
        let mut absolute = vec![0; n * 2 * oh * ow];
        for at in 0..n * oh * ow {
            let (image, row, column) = (at / (oh * ow), at / ow % oh, at % ow);
            let place = |axis: usize| ((image * 2 + axis) * oh + row) * ow + column;
            absolute[place(0)] = ((row as i64) << bits) + grid[2 * at + 1];
            absolute[place(1)] = ((column as i64) << bits) + grid[2 * at];
        }
        let data = Tensor::ints(DType::I8, &[n, c, h, w], &x);
        let places = Tensor::ints(DType::I16, &[n, 1, 2, oh, ow], &absolute);
        let args = [
            data.arg(),
            places.arg(),
            Arg::Str(if nearest { "nearest" } else { "bilinear" }),
            Arg::Str(if zeros { "zeros" } else { "border" }),
            Arg::Bool(true),
            Arg::Int(bits),
            Arg::Str("bayes"),
        ];
        let pad = if zeros { PadMode::Constant(0) } else { PadMode::Edge };
        let kind = Kind::Warping { bits: bits as u32, nearest, pad };
        let inputs = [hardware(DType::I8, &[n, c, h, w], &x), Array::int(DType::I16, &[n, oh, ow, 2], grid)];
        let ours = evaluated(kind, &inputs, &[n, oh, ow, c], DType::I8);
        prop_assert_eq!(native(&[n, oh, ow, c], ours), result("bpu_quanti_grid_sample", &args));
    }

    #[test]
    fn regions(seed: u64) {
        let mut rng = Rng(seed);
        let [c, h, w, oh, ow, count] = [3, 7, 7, 5, 5, 6].map(|most| rng.within(1, most) as usize);
        let (grid, march, aligned) = rng.choose(&[
            (RoiGrid::Origin, "bernoulli2", false), (RoiGrid::Legacy, "bayes", false), (RoiGrid::HalfPixel, "bayes", true),
        ]);
        let scale = 0.5f64.powi(rng.within(0, 3) as i32);
        let x = rng.extreme(c * h * w, -128, 127);
        let whole: Vec<i64> = (0..4 * count).map(|_| {
            let near = rng.within(-20, 120);
            rng.choose(&[near, near, near, near, 0, 32767, -32768])
        }).collect();
        let float = grid != RoiGrid::Origin && rng.choose(&[true, false]);
        let pixels: Vec<f32> = whole.iter().map(|v| *v as f32 * 0.3).collect();
        let data = Tensor::ints(DType::I8, &[1, c, h, w], &x);
        let rois = match float {
            true => Tensor::floats(&[1, count, 4], &pixels),
            false => Tensor::ints(DType::I32, &[1, count, 4], &whole),
        };
        let boxes = match float {
            true => Array::real(DType::F32, &[count, 4], pixels.iter().map(|v| f64::from(*v)).collect()),
            false => Array::int(DType::I32, &[count, 4], whole),
        };
        let args = [
            data.arg(), rois.arg(), Arg::Float(scale), Arg::Int(oh as i64), Arg::Int(ow as i64), Arg::Bool(aligned),
            Arg::Str("bilinear"), Arg::Str(march),
        ];
        let kind = Kind::RoiAlign(RoiAlign { size: [oh, ow], scales: vec![scale], grid, canonical: [1, 0], clip: None });
        let inputs = [hardware(DType::I8, &[1, c, h, w], &x), boxes];
        let ours = evaluated(kind, &inputs, &[count, oh, ow, c], DType::I8);
        prop_assert_eq!(native(&[count, oh, ow, c], ours), result("bpu_quanti_roi_resize", &args));
    }

    #[test]
    fn correlations(seed: u64) {
        let mut rng = Rng(seed);
        let [n, c, h, w] = [2, 5, 9, 9].map(|most| rng.within(1, most) as usize);
        let (kernel, reach) = (rng.choose(&[1, 3]), rng.within(0, 3) as usize);
        let [stride1, stride2] = [0; 2].map(|_| rng.within(1, 2) as usize);
        let pad = rng.within(0, 3) as usize + reach + kernel / 2;
        let (scales, march) = (scales(&mut rng, 2), march(&mut rng));
        let product = scales[0] * scales[1];
        let inter = product * 2f32.powi(rng.within(0, 12) as i32) * 1.25;
        let [x, y] = [0; 2].map(|_| rng.extreme(n * c * h * w, -128, 127));
        let out_scale = inter * rng.choose(&[1.0, 31.7, 400.3]);
        let border = reach + kernel / 2;
        let [oh, ow] = [h, w].map(|size| (size + 2 * pad - 2 * border) / stride1);
        if oh == 0 || ow == 0 {
            return Ok(());
        }
        let [a, b] = [&x, &y].map(|data| Tensor::ints(DType::I8, &[n, c, h, w], data));
        let numbers = [scales[0], scales[1], inter, out_scale].map(Tensor::scalar);
        let mut args = vec![a.arg(), b.arg()];
        args.extend(numbers.iter().map(Tensor::arg));
        args.extend([kernel, reach, stride1, stride2, pad].map(|v| Arg::Int(v as i64)));
        args.extend([Arg::Bool(true), Arg::Str("qint8"), Arg::Str(march.name())]);
        let total = if kernel == 1 { product } else { inter };
        let kind = Kind::Correlation {
            kernel,
            max_displacement: reach,
            stride1,
            stride2,
            pad,
            inter_rshift: match kernel {
                1 => 0,
                _ => f64::from(inter / product).log2().floor() as i64,
            },
            chain: Chain::accumulator(&[total / (c * kernel * kernel) as f32], &[out_scale], DType::I8, march),
        };
        let side = 2 * (reach / stride2) + 1;
        let shape = [n, oh, ow, side * side];
        let inputs = [&x, &y].map(|data| hardware(DType::I8, &[n, c, h, w], data));
        let ours = evaluated(kind, &inputs, &shape, DType::I8);
        prop_assert_eq!(native(&shape, ours), result("bpu_scale_quanti_correlation", &args));
    }
}

/// A convolution in the terms of both engines.
struct Case {
    /// Images, groups, inputs and outputs of a group.
    counts: [usize; 4],
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    relu: bool,
    march: March,
    out: DType,
    x: Vec<i64>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    input_scale: f32,
    weight_scale: Vec<f32>,
    out_scale: f32,
    /// Scale and values of the sum input.
    sum: Option<(f32, Vec<i64>)>,
}

impl Case {
    fn new(rng: &mut Rng) -> Case {
        let counts = [2, 3, 5, 4].map(|most| rng.within(1, most) as usize);
        let [images, groups, inputs, outputs] = counts;
        let kernel = [0; 2].map(|_| rng.within(1, 3) as usize);
        let dilation = [0; 2].map(|_| rng.within(1, 2) as usize);
        let reach = [0, 1].map(|i| dilation[i] * (kernel[i] - 1) + 1);
        let size = reach.map(|reach| reach + rng.within(0, 4) as usize);
        let out = rng.choose(&[DType::I8, DType::I8, DType::I16, DType::I32]);
        let channels = groups * outputs;
        let per_channel = if rng.choose(&[true, false]) {
            channels
        } else {
            1
        };
        let weight_scale = scales(rng, per_channel);
        let input_scale = scale(rng);
        let area = channels * inputs * kernel[0] * kernel[1];
        let weight = rng
            .extreme(area, -1300, 1300)
            .into_iter()
            .enumerate()
            .map(|(i, v)| {
                let of_channel = i / (area / channels);
                v as f32 / 10.0 * weight_scale[of_channel.min(per_channel - 1)]
            });
        let mut case = Case {
            counts,
            size,
            kernel,
            stride: [0; 2].map(|_| rng.within(1, 2) as usize),
            padding: [0; 2].map(|_| rng.within(0, 2) as usize),
            dilation,
            relu: rng.choose(&[true, false]),
            march: march(rng),
            out,
            x: vec![],
            weight: weight.collect(),
            bias: vec![],
            input_scale,
            weight_scale: weight_scale.clone(),
            // Most accumulators neither vanish nor saturate.
            out_scale: input_scale * weight_scale[0] * rng.choose(&[0.5, 30.7, 1013.0, 3e6]),
            sum: None,
        };
        case.x = rng.extreme(images * groups * inputs * size[0] * size[1], -128, 127);
        case.bias = (0..channels)
            .map(|c| {
                let step = input_scale * weight_scale[c.min(per_channel - 1)];
                rng.choose(&[0.0, 1.0, -312.4, 40_000.5, 1e9]) * step
            })
            .collect();
        if rng.choose(&[true, false]) {
            let count = case.shape().iter().product();
            case.sum = Some((case.out_scale * 1.3, rng.extreme(count, -128, 127)));
        }
        case
    }

    /// `[N, O, H, W]`
    fn shape(&self) -> [usize; 4] {
        let out = |i: usize| {
            let reach = self.dilation[i] * (self.kernel[i] - 1) + 1;
            (self.size[i] + 2 * self.padding[i] - reach) / self.stride[i] + 1
        };
        [
            self.counts[0],
            self.counts[1] * self.counts[3],
            out(0),
            out(1),
        ]
    }

    fn input_shape(&self) -> [usize; 4] {
        let [n, groups, inputs, _] = self.counts;
        [n, groups * inputs, self.size[0], self.size[1]]
    }

    /// `[O, I/g, kh, kw]`
    fn weight_shape(&self) -> [usize; 4] {
        let [_, groups, inputs, outputs] = self.counts;
        [groups * outputs, inputs, self.kernel[0], self.kernel[1]]
    }

    fn converted(&self) -> Vec<Output> {
        let channels = self.shape()[1];
        let weight = Tensor::floats(&self.weight_shape(), &self.weight);
        let weight_scale = Tensor::floats(&[self.weight_scale.len()], &self.weight_scale);
        let bias = Tensor::floats(&[channels], &self.bias);
        let numbers = [
            self.input_scale,
            1.0,
            self.out_scale,
            self.sum.as_ref().map_or(0.0, |it| it.0),
        ];
        let [input, one, out, sum] = numbers.map(Tensor::scalar);
        let args = [
            input.arg(),
            weight.arg(),
            weight_scale.arg(),
            Arg::Str("qint8"),
            bias.arg(),
            one.arg(),
            Arg::Str("qint32"),
            out.arg(),
            Arg::Str(qtype(self.out)),
            sum.arg(),
            Arg::Bool(false),
            Arg::Int(1),
            Arg::Str(self.march.name()),
        ];
        run("convert_conv_params", &args).unwrap()
    }

    fn params(&self) -> ConvParams {
        let shape = self.weight_shape();
        let inner = shape[1] * shape[2] * shape[3];
        params::conv(&ConvScales {
            input: self.input_scale,
            weight: &self.weight,
            weight_scale: &self.weight_scale,
            channel: &|i| i / inner,
            channels: shape[0],
            bias: &self.bias,
            sum: self.sum.as_ref().map(|it| it.0),
            out_scale: &[self.out_scale],
            out: self.out,
            march: self.march,
        })
    }

    fn evaluated(&self, mut params: ConvParams) -> Vec<i64> {
        let [o, i, kh, kw] = self.weight_shape();
        params.weight = hardware(DType::I8, &[o, i, kh, kw], &params.weight)
            .ints()
            .unwrap()
            .to_vec();
        let kind = Kind::Conv(Box::new(ConvLayer {
            form: ConvForm::Convolution,
            weight_shape: vec![o, kh, kw, i],
            params,
            stride: self.stride.to_vec(),
            padding: self.padding.to_vec(),
            dilation: self.dilation.to_vec(),
            groups: self.counts[1],
            relu: self.relu,
            rounding: self.march != March::Bernoulli2,
            out: self.out,
        }));
        let [n, c, h, w] = self.shape();
        let mut inputs = vec![hardware(DType::I8, &self.input_shape(), &self.x)];
        if let Some((_, values)) = &self.sum {
            inputs.push(hardware(DType::I8, &[n, c, h, w], values));
        }
        native(
            &[n, h, w, c],
            evaluated(kind, &inputs, &[n, h, w, c], self.out),
        )
    }

    fn ran(&self, params: &[Output]) -> Vec<i64> {
        let channels = self.shape()[1];
        let list = |i: usize| Tensor::ints(params[i].dtype(), &[channels], &ints(&params[i]));
        let weight = Tensor::ints(DType::I8, &self.weight_shape(), &ints(&params[0]));
        let [bias, bias_shift, escale, escale_shift, q, pre, post] =
            [1, 2, 3, 4, 5, 6, 7].map(list);
        let data = Tensor::ints(DType::I8, &self.input_shape(), &self.x);
        let sum = match &self.sum {
            Some((_, values)) => Tensor::ints(DType::I8, &self.shape(), values),
            None => Tensor::ints(DType::I8, &[1], &[0]),
        };
        let tensors = [
            &data,
            &weight,
            &bias,
            &sum,
            &q,
            &pre,
            &bias_shift,
            &post,
            &escale,
            &escale_shift,
        ];
        let mut args: Vec<Arg<'_>> = tensors.into_iter().map(Tensor::arg).collect();
        let lists = [self.kernel, self.stride, self.padding, self.dilation]
            .map(|list| list.map(|v| v as i64));
        args.extend([Arg::Bool(true), Arg::Int(channels as i64)]);
        args.extend(lists.iter().map(|list| Arg::Ints(list)));
        args.extend([
            Arg::Str(if self.relu { "relu" } else { "" }),
            Arg::Int(self.counts[1] as i64),
            Arg::Bool(self.sum.is_some()),
            Arg::Bool(self.out == DType::I32),
            Arg::Str(qtype(self.out)),
            Arg::Str(self.march.name()),
        ]);
        result("bpu_scale_quanti_convolution", &args)
    }
}
