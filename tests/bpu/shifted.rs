//! The shift scheme of march bernoulli: convolution, its transposed form, and the product.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, Context, run, run_in};
use ptool::bpu::simd::Isa;
use ptool::tensor::DType;

use super::call::{Tensor, ints};
use super::reference::convolution::Conv;
use super::reference::fixed::{sat, shift};
use super::values::Rng;

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn convolution_by_shifts_equals_the_formula(
        inputs in 1..7usize, outputs in prop_oneof![1..5usize, 15..19usize], h in 2..6i64, w in 2..6i64, k in 1..3i64, stride in 1..3i64,
        transposed: bool, relu: bool, raw: bool, with_sum: bool, seed: u64,
    ) {
        let mut rng = Rng(seed);
        let conv = Conv {
            images: 1, groups: 1, inputs, outputs, size: [1, h, w], kernel: [1, k, k], stride: [1, stride, stride], pad: [0, k / 2, 0],
            dilation: [1, 1, 1], output_padding: transposed.then_some([0; 3]),
        };
        let [_, oh, ow] = conv.output();
        let y_shape = [1, outputs, oh as usize, ow as usize];
        let x = rng.extreme(inputs * (h * w) as usize, -128, 127);
        let weight = rng.extreme(inputs * outputs * (k * k) as usize, -128, 127);
        let bias = rng.extreme(outputs, -128, 127);
        let e = rng.extreme(y_shape.iter().product(), -128, 127);
        let weight_shift: Vec<i64> = (0..outputs).map(|_| rng.within(3, 9)).collect();
        let bias_shift: Vec<i64> = (0..outputs).map(|_| rng.within(0, 20)).collect();
        let (input, output, sum) = (rng.within(1, 6), rng.within(-3, 4), rng.within(0, 4));
        let expected = conv.run_shifted(&x, &weight, &bias, &bias_shift, &weight_shift, input, (!raw).then_some(output), with_sum.then_some((&e, sum)), relu);

        let data = Tensor::ints(DType::I8, &[1, inputs, h as usize, w as usize], &x);
        let w_shape = if transposed { [inputs, outputs, k as usize, k as usize] } else { [outputs, inputs, k as usize, k as usize] };
        let w = Tensor::ints(DType::I8, &w_shape, &weight);
        let list = |values: &[i64]| Tensor::ints(DType::I8, &[outputs], values);
        let (bias, bias_shift, weight_shift) = (list(&bias), list(&bias_shift), list(&weight_shift));
        let e = if with_sum { Tensor::ints(DType::I8, &y_shape, &e) } else { Tensor::ints(DType::I8, &[1], &[0]) };
        let (kernel, strides, pads) = ([k, k], [stride, stride], [k / 2, 0]);
        let mut args = vec![data.arg(), w.arg(), bias.arg(), e.arg(), Arg::Int(input), Arg::Int(output), bias_shift.arg(), weight_shift.arg(), Arg::Float(sum as f64)];
        args.extend([Arg::Bool(true), Arg::Int(outputs as i64), Arg::Ints(&kernel), Arg::Ints(&strides), Arg::Ints(&pads)]);
        if transposed {
            args.push(Arg::Ints(&[0, 0]));
        }
        args.extend([Arg::Ints(&[1, 1]), Arg::Str(if relu { "relu" } else { "" }), Arg::Int(1), Arg::Bool(with_sum), Arg::Bool(raw), Arg::Str(if raw { "qint32" } else { "qint8" }), Arg::Str("bernoulli")]);
        let name = if transposed { "bpu_scale_quanti_deconvolution_with_shift" } else { "bpu_scale_quanti_convolution_with_shift" };
        for isa in Isa::all() {
            let y = run_in(&Context { threads: 1, isa }, name, &args).unwrap();
            prop_assert_eq!(y[0].shape(), &y_shape);
            prop_assert_eq!(ints(&y[0]), expected.clone());
        }
    }

    #[test]
    fn products_by_shifts_equal_the_formula(channels in 1..5usize, s0 in 0..8i64, s1 in 0..8i64, so in 0..20i64, broadcast: bool, seed: u64) {
        let mut rng = Rng(seed);
        let shape = [2, channels, 3, 2];
        let other = if broadcast { [1, channels, 1, 1] } else { shape };
        let x = rng.extreme(shape.iter().product(), -128, 127);
        let y = rng.extreme(other.iter().product(), -128, 127);
        let (tx, ty) = (Tensor::ints(DType::I8, &shape, &x).channels_last(), Tensor::ints(DType::I8, &other, &y));
        let list = |v| Tensor::ints(DType::I8, &[1], &[v]);
        let (a, b, c) = (list(s0), list(s1), list(so));
        let z = run("bpu_quanti_mul", &[tx.arg(), ty.arg(), a.arg(), b.arg(), c.arg(), Arg::Str("bernoulli")]).unwrap();
        let expected: Vec<i64> = x.iter().enumerate().map(|(i, x)| {
            let y = y[if broadcast { i / 6 % channels } else { i }];
            let by = s0 + s1 - so;
            sat(if by >= 0 { shift(x * y, by, false) } else { (x * y) << -by }, 8)
        }).collect();
        prop_assert_eq!(ints(&z[0]), expected);
    }
}
