//! Convolution: every kernel of this machine equals the reference, whatever the memory order.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, Context, MemoryFormat, run_in, shapes};
use ptool::bpu::simd::Isa;
use ptool::tensor::DType;

use super::call::{Tensor, ints};
use super::reference::convolution::{Conv, Stage};
use super::values::Rng;

fn conv() -> impl Strategy<Value = Conv> {
    let sizes = (
        1..3usize,
        1..4usize,
        1..10usize,
        prop_oneof![1..8usize, 14..40usize, 60..70usize],
        0..5u8,
    );
    let space = (
        1..9i64,
        1..9i64,
        1..4i64,
        1..4i64,
        0..3i64,
        1..3i64,
        any::<bool>(),
        1..3i64,
    );
    (sizes, space).prop_map(
        |(
            (images, groups, inputs, outputs, kind),
            (h, w, k, stride, pad, dilation, deep, depth),
        )| {
            // Depthwise, many inputs, or as drawn.
            let (groups, inputs, outputs) = match kind {
                0 => (groups * 9, 1, 1),
                1 => (1, inputs * 7, outputs),
                _ => (groups, inputs, outputs),
            };
            let mut conv = Conv {
                images,
                groups,
                inputs,
                outputs,
                size: [if deep { depth + 1 } else { 1 }, h, w],
                kernel: [if deep { depth } else { 1 }, k, (k + w) % 3 + 1],
                stride: [stride.min(depth), stride, (stride + h) % 3 + 1],
                pad: [if deep { pad.min(1) } else { 0 }, pad, (pad + w) % 3],
                dilation: [1, dilation, (dilation + k) % 2 + 1],
                output_padding: None,
            };
            if !deep {
                conv.stride[0] = 1;
            }
            // One pixel each, which kernels run over as one row.
            if kind == 4 {
                (conv.kernel, conv.stride) = ([1; 3], [1; 3]);
                (conv.pad, conv.dilation) = ([0; 3], [1; 3]);
            }
            // The window must fit.
            for d in 0..3 {
                while conv.output()[d] < 1 {
                    conv.size[d] += 1;
                }
            }
            conv
        },
    )
}

fn transposed() -> impl Strategy<Value = Conv> {
    (conv(), 0..2i64).prop_map(|(mut conv, extra)| {
        conv.output_padding = Some([0, extra.min(conv.stride[1] - 1), 0]);
        for d in 0..3 {
            while conv.output()[d] < 1 {
                conv.size[d] += 1;
            }
        }
        conv
    })
}

/// Windows of one pixel, which kernels run over all images at once.
fn pointwise() -> impl Strategy<Value = Conv> {
    conv().prop_map(|conv| Conv {
        images: conv.images + 1,
        kernel: [1; 3],
        stride: [1; 3],
        pad: [0; 3],
        dilation: [1; 3],
        ..conv
    })
}

/// Images as wide as real ones are, and as many inputs: kernels that take 16 windows of a row at a time and 64 inputs at a
/// time meet ends of rows, rests of tiles and channels that no tile divides.
fn wide() -> impl Strategy<Value = Conv> {
    let inputs = prop_oneof![1..9usize, 29..33usize, Just(64), Just(72), 90..132usize];
    let outputs = prop_oneof![1..8usize, 30..36usize, 47..67usize];
    let size = (1..5i64, 5..36i64, 1..4i64, 1..3i64, 0..2i64);
    (1..3usize, 1..3usize, inputs, outputs, size).prop_map(
        |(images, groups, inputs, outputs, (h, w, k, stride, pad))| Conv {
            images,
            groups,
            inputs,
            outputs,
            size: [1, h + k - 1, w],
            kernel: [1, k, k],
            stride: [1, stride, stride],
            pad: [0, pad, pad],
            dilation: [1; 3],
            output_padding: None,
        },
    )
}

/// Lists of the spatial dimensions; a depth of one is dropped.
struct Spatial {
    from: usize,
}

impl Spatial {
    fn of(conv: &Conv) -> Self {
        let flat =
            conv.size[0] == 1 && conv.kernel[0] == 1 && conv.stride[0] == 1 && conv.pad[0] == 0;
        Self {
            from: usize::from(flat),
        }
    }

    fn shape(&self, first: [usize; 2], size: [i64; 3]) -> Vec<usize> {
        first
            .into_iter()
            .chain(size[self.from..].iter().map(|v| *v as usize))
            .collect()
    }
}

fn stage(rng: &mut Rng, conv: &Conv, sum: Option<DType>, out: DType, round: bool) -> Stage {
    let channels = conv.groups * conv.outputs;
    let count = conv.images * channels * conv.output().iter().product::<i64>() as usize;
    let shifts =
        |rng: &mut Rng, hi| -> Vec<i64> { (0..channels).map(|_| rng.within(0, hi)).collect() };
    let bits = match out {
        DType::I8 => 8,
        DType::I16 => 16,
        _ => 32,
    };
    let scale: Vec<(i64, i64, i64)> = {
        let q = rng.extreme(channels, -32768, 32767);
        let (pre, post) = (shifts(rng, 31), shifts(rng, 31));
        // Half of the calls have the shifts that real parameters have, else most results saturate or vanish.
        let real = rng.next().is_multiple_of(2);
        (0..channels)
            .map(|c| {
                if real {
                    (q[c], pre[c] % 9, 10 + post[c] % 14)
                } else {
                    (q[c], pre[c], post[c])
                }
            })
            .collect()
    };
    Stage {
        bias: rng.extreme(channels, i32::MIN.into(), i32::MAX.into()),
        bias_shift: shifts(rng, 31),
        sum: sum.map(|dtype| {
            let (lo, hi) = if dtype == DType::I8 {
                (-128, 127)
            } else {
                (-32768, 32767)
            };
            (
                rng.extreme(count, lo, hi),
                rng.extreme(channels, -32768, 32767),
                shifts(rng, 17),
            )
        }),
        scale: (out != DType::I32).then_some(scale),
        round,
        relu: rng.next().is_multiple_of(3),
        bits,
    }
}

fn check(
    conv: &Conv,
    seed: u64,
    wide: bool,
    sum: Option<DType>,
    out: DType,
    march: &str,
) -> Result<(), TestCaseError> {
    let mut rng = Rng(seed);
    let spatial = Spatial::of(conv);
    let channels = conv.groups * conv.outputs;
    let x_shape = spatial.shape([conv.images, conv.groups * conv.inputs], conv.size);
    let w_shape = spatial.shape(
        if conv.output_padding.is_some() {
            [conv.groups * conv.inputs, conv.outputs]
        } else {
            [channels, conv.inputs]
        },
        conv.kernel,
    );
    let y_shape = spatial.shape([conv.images, channels], conv.output());
    let (lo, hi) = if wide { (-32768, 32767) } else { (-128, 127) };
    let x = rng.extreme(x_shape.iter().product(), lo, hi);
    let w = rng.extreme(w_shape.iter().product(), -128, 127);
    let stage = stage(&mut rng, conv, sum, out, march == "bayes");
    let expected = conv.run(&x, &w, &stage);

    let data = Tensor::ints(if wide { DType::I16 } else { DType::I8 }, &x_shape, &x);
    let weight = Tensor::ints(DType::I8, &w_shape, &w);
    let list = |values: Vec<i64>| Tensor::ints(DType::I32, &[channels], &values);
    let (bias, bias_shift) = (list(stage.bias.clone()), list(stage.bias_shift.clone()));
    let scale = stage
        .scale
        .clone()
        .unwrap_or_else(|| vec![(0, 0, 0); channels]);
    let q = list(scale.iter().map(|s| s.0).collect());
    let pre = list(scale.iter().map(|s| s.1).collect());
    let post = list(scale.iter().map(|s| s.2).collect());
    let none = (vec![0], vec![0; channels], vec![0; channels]);
    let (e, e_scale, e_shift) = stage.sum.clone().unwrap_or(none);
    let (e_shape, e_type) = sum.map_or((vec![1], data.dtype), |dtype| (y_shape.clone(), dtype));
    let sumin = Tensor::ints(e_type, &e_shape, &e);
    let (e_scale, e_shift) = (list(e_scale), list(e_shift));
    let [kernel, stride, pad, dilation, extra] = [
        conv.kernel,
        conv.stride,
        conv.pad,
        conv.dilation,
        conv.output_padding.unwrap_or_default(),
    ]
    .map(|list| list[spatial.from..].to_vec());
    let out_type = match out {
        DType::I8 => "qint8",
        DType::I16 => "qint16",
        _ => "qint32",
    };

    for isa in Isa::all() {
        for (order, threads) in [(0, 1), (1, 1), (2, 1), (1, 3)] {
            let arrange = |t: &Tensor| match order {
                0 => t.clone(),
                1 => t.channels_last(),
                _ => t.strided(),
            };
            let data = arrange(&data);
            let sumin = if sum.is_some() {
                arrange(&sumin)
            } else {
                sumin.clone()
            };
            let mut args = vec![
                data.arg(),
                weight.arg(),
                bias.arg(),
                sumin.arg(),
                q.arg(),
                pre.arg(),
                bias_shift.arg(),
                post.arg(),
                e_scale.arg(),
                e_shift.arg(),
            ];
            args.extend([
                Arg::Bool(true),
                Arg::Int(channels as i64),
                Arg::Ints(&kernel),
                Arg::Ints(&stride),
                Arg::Ints(&pad),
            ]);
            if conv.output_padding.is_some() {
                args.push(Arg::Ints(&extra));
            }
            args.extend([
                Arg::Ints(&dilation),
                Arg::Str(if stage.relu { "relu" } else { "" }),
                Arg::Int(conv.groups as i64),
                Arg::Bool(sum.is_some()),
            ]);
            args.extend([
                Arg::Bool(out == DType::I32),
                Arg::Str(out_type),
                Arg::Str(march),
            ]);
            let name = if conv.output_padding.is_some() {
                "bpu_scale_quanti_deconvolution"
            } else {
                "bpu_scale_quanti_convolution"
            };
            let cx = Context { threads, isa };
            let y = run_in(&cx, name, &args).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(
                &shapes(name, &args).unwrap()[0],
                &(y[0].dtype(), y[0].shape().to_vec())
            );
            prop_assert_eq!(y[0].format(), MemoryFormat::ChannelsLast);
            prop_assert_eq!(y[0].shape(), &y_shape[..]);
            prop_assert_eq!(y[0].dtype(), out);
            prop_assert_eq!(&ints(&y[0]), &expected, "{:?}, order {}", isa, order);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_kernel_equals_the_reference(
        conv in conv(), seed: u64, wide: bool,
        sum in prop_oneof![Just(None), Just(Some(DType::I8)), Just(Some(DType::I16))],
        out in prop_oneof![Just(DType::I8), Just(DType::I16), Just(DType::I32)],
        march in prop_oneof![Just("bayes"), Just("bernoulli2")],
    ) {
        check(&conv, seed, wide, sum, out, march)?;
    }

    #[test]
    fn every_pointwise_kernel_equals_the_reference(
        conv in pointwise(), seed: u64, wide: bool,
        sum in prop_oneof![Just(None), Just(Some(DType::I8))],
        out in prop_oneof![Just(DType::I8), Just(DType::I32)],
    ) {
        check(&conv, seed, wide, sum, out, "bayes")?;
    }

    #[test]
    fn every_transposed_kernel_equals_the_reference(
        conv in transposed(), seed: u64, wide: bool,
        sum in prop_oneof![Just(None), Just(Some(DType::I8))],
        out in prop_oneof![Just(DType::I8), Just(DType::I32)],
    ) {
        check(&conv, seed, wide, sum, out, "bayes")?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_kernel_equals_the_reference_on_wide_images(
        conv in wide(), seed: u64,
        sum in prop_oneof![Just(None), Just(Some(DType::I8))],
        out in prop_oneof![Just(DType::I8), Just(DType::I32)],
    ) {
        check(&conv, seed, false, sum, out, "bayes")?;
    }
}
