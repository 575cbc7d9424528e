//! Quantise, dequantise, requantise and pooling against their formulas.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, Context, run, run_in, shapes};
use ptool::bpu::simd::Isa;
use ptool::tensor::DType;

use super::call::{Tensor, floats, ints};
use super::reference::fixed::{chain, parameters, sat, shift, wrap32};
use super::values::Rng;

fn bits_of(qtype: &str) -> (u32, DType) {
    match qtype {
        "qint4" => (4, DType::I8),
        "qint8" => (8, DType::I8),
        "qint16" => (16, DType::I16),
        _ => (32, DType::I32),
    }
}

fn scales(rng: &mut Rng, channels: usize, close_to: Option<&[f32]>) -> Vec<f32> {
    let n = if rng.next().is_multiple_of(2) {
        1
    } else {
        channels
    };
    (0..n)
        .map(|i| match close_to {
            Some(other) if !rng.next().is_multiple_of(4) => {
                other[i % other.len()]
                    * 2f64.powf(rng.within(-20_000, 20_000) as f64 / 1000.0) as f32
            }
            _ => rng.scale(),
        })
        .collect()
}

fn at(list: &[f32], channel: usize) -> f64 {
    f64::from(list[if list.len() == 1 { 0 } else { channel }])
}

/// The channel of element `i` of a tensor `[N, C, …]`.
fn channel(shape: &[usize], i: usize) -> usize {
    i / shape[2..].iter().product::<usize>() % shape[1]
}

fn arranged(tensor: &Tensor, order: u8) -> Tensor {
    match order {
        0 => tensor.clone(),
        1 => tensor.channels_last(),
        _ => tensor.strided(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn requantisation_equals_the_formula(
        shape in (1..3usize, 1..40usize, 1..5usize, 1..6usize).prop_map(|(n, c, h, w)| [n, c, h, w]),
        from in prop_oneof![Just("qint8"), Just("qint16"), Just("qint32")],
        to in prop_oneof![Just("qint4"), Just("qint8"), Just("qint16"), Just("qint32")],
        pre: bool, post: bool, short: bool, order in 0..3u8, seed: u64,
        march in prop_oneof![Just("bayes"), Just("bayes-e"), Just("bernoulli2"), Just("bayes-a825-03")],
    ) {
        let mut rng = Rng(seed);
        let (in_bits, in_type) = bits_of(from);
        let (out_bits, out_type) = bits_of(to);
        let top = 1i64 << (in_bits - 1);
        let x = rng.extreme(shape.iter().product(), -top, top - 1);
        let input = scales(&mut rng, shape[1], None);
        let output = scales(&mut rng, shape[1], Some(&input));
        let tensor = arranged(&Tensor::ints(in_type, &shape, &x), order);
        let (s, o) = (Tensor::floats(&[input.len()], &input), Tensor::floats(&[output.len()], &output));
        let mut args = vec![tensor.arg(), s.arg(), o.arg(), Arg::Str(from), Arg::Str(to), Arg::Bool(pre)];
        if !short {
            args.push(Arg::Bool(post));
        }
        args.push(Arg::Str(march));
        let post = short || post;
        let max_pre = if march == "bayes" || march == "bayes-e" { 17 } else { 31 };
        let expected: Vec<i64> = x.iter().enumerate().map(|(i, x)| {
            let c = channel(&shape, i);
            let accumulator = in_bits == 32 && out_bits != 32;
            let p = parameters(at(&input, c), at(&output, c), out_bits.into(), accumulator, max_pre);
            match in_bits == 32 && out_bits == 32 {
                true => sat(shift(x * p.0, p.2, post), 32),
                false => chain(*x, p, pre, post, out_bits),
            }
        }).collect();
        for isa in Isa::all() {
            let y = run_in(&Context { threads: 1, isa }, "bpu_scale_requantization", &args).unwrap();
            prop_assert_eq!(y[0].dtype(), out_type);
            prop_assert_eq!(ints(&y[0]), expected.clone(), "{:?}", isa);
        }
        prop_assert_eq!(shapes("bpu_scale_requantization", &args).unwrap(), vec![(out_type, shape.to_vec())]);
    }

    #[test]
    fn quantisation_equals_the_formula(
        shape in (1..3usize, 1..40usize, 1..5usize, 1..6usize).prop_map(|(n, c, h, w)| [n, c, h, w]),
        to in prop_oneof![Just("qint4"), Just("qint8"), Just("qint16"), Just("qint32")],
        mode in prop_oneof![Just("bpu_round"), Just("half_to_even")],
        old: bool, order in 0..3u8, seed: u64,
    ) {
        let mut rng = Rng(seed);
        let (bits, dtype) = bits_of(to);
        let top = 1i64 << (bits - 1);
        let scale = scales(&mut rng, shape[1], None);
        let n: usize = shape.iter().product();
        let x: Vec<f32> = (0..n).map(|i| {
            let s = at(&scale, channel(&shape, i)) as f32;
            let half = rng.within(-2 * top - 3, 2 * top + 3) as f32 * 0.5 * s;
            let random = f32::from_bits(rng.next() as u32);
            rng.choose(&[half, random, 0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, half, half])
        }).collect();
        let tensor = arranged(&Tensor::floats(&shape, &x), order);
        let (s, zero) = (Tensor::floats(&[scale.len()], &scale), Tensor::ints(DType::I64, &[1], &[0]));
        let dim = if scale.len() == 1 { -1 } else { 1 };
        let mut args = vec![tensor.arg(), s.arg(), zero.arg(), Arg::Int(dim), Arg::Int(-top), Arg::Int(top - 1), Arg::Str(to)];
        if !old {
            args.push(Arg::Str(mode));
        }
        args.push(Arg::Str("bayes"));
        let up = old || mode == "bpu_round";
        let expected: Vec<i64> = x.iter().enumerate().map(|(i, x)| {
            let v = x / at(&scale, channel(&shape, i)) as f32;
            if v.is_nan() {
                return 0;
            }
            let rounded = if up { f64::from((v + 0.5f32).floor()) } else { f64::from(v).round_ties_even() };
            rounded.clamp(-top as f64, (top - 1) as f64) as i64
        }).collect();
        for isa in Isa::all() {
            let q = run_in(&Context { threads: 1, isa }, "bpu_scale_quantization", &args).unwrap();
            prop_assert_eq!(q[0].dtype(), dtype);
            prop_assert_eq!(ints(&q[0]), expected.clone(), "{:?}", isa);
            let back = arranged(&Tensor::ints(dtype, &shape, &expected), order);
            let x = run_in(&Context { threads: 1, isa }, "bpu_scale_dequantization", &[back.arg(), s.arg(), Arg::Int(dim)]).unwrap();
            let real: Vec<f32> = expected.iter().enumerate().map(|(i, q)| *q as f32 * at(&scale, channel(&shape, i)) as f32).collect();
            prop_assert_eq!(floats(&x[0]), real);
        }
    }

    #[test]
    fn pooling_equals_the_formula(
        (n, c, h, w) in (1..3usize, 1..35usize, 1..9i64, 1..9i64),
        kernel in (1..4i64, 1..4i64), stride in (1..4i64, 1..4i64), ceil: bool, average: bool, order in 0..3u8,
        dtype in prop_oneof![Just((DType::I8, 8)), Just((DType::I16, 16)), Just((DType::I32, 32))], seed: u64,
    ) {
        let mut rng = Rng(seed);
        let (dtype, bits) = dtype;
        let pad = (rng.within(0, kernel.0 / 2), rng.within(0, kernel.1 / 2));
        prop_assume!(h + 2 * pad.0 >= kernel.0 && w + 2 * pad.1 >= kernel.1);
        let shape = [n, c, h as usize, w as usize];
        let top = 1i64 << (bits - 1);
        let x = rng.extreme(shape.iter().product(), -top, top - 1);
        let tensor = arranged(&Tensor::ints(dtype, &shape, &x), order);
        let (kind, to) = if average { ("avg", "qint8") } else { ("sum", "qint32") };
        let (k, p, s) = ([kernel.0, kernel.1], [pad.0, pad.1], [stride.0, stride.1]);
        let args = [tensor.arg(), Arg::Str(kind), Arg::Ints(&k), Arg::Ints(&p), Arg::Ints(&s), Arg::Bool(ceil), Arg::Str(to), Arg::Str("bernoulli")];
        // torch: with ceil, a last window that starts in the right padding is dropped.
        let size = |size: i64, k: i64, s: i64, p: i64| {
            let span = size + 2 * p - k;
            let out = if ceil { (span as f64 / s as f64).ceil() as i64 } else { span / s } + 1;
            if ceil && (out - 1) * s >= size + p { out - 1 } else { out }
        };
        let (oh, ow) = (size(h, kernel.0, stride.0, pad.0), size(w, kernel.1, stride.1, pad.1));
        let mut expected = Vec::new();
        for plane in x.chunks_exact((h * w) as usize) {
            for y in 0..oh {
                for z in 0..ow {
                    let mut sum = 0i128;
                    for i in 0..kernel.0 {
                        for j in 0..kernel.1 {
                            let (row, column) = (y * stride.0 - pad.0 + i, z * stride.1 - pad.1 + j);
                            if (0..h).contains(&row) && (0..w).contains(&column) {
                                sum += i128::from(plane[(row * w + column) as usize]);
                            }
                        }
                    }
                    let sum = wrap32(sum);
                    let factor = 512 / (kernel.0 * kernel.1);
                    expected.push(if average { sat(shift(wrap32(i128::from(sum) * i128::from(factor)), 9, false), 8) } else { sum });
                }
            }
        }
        for isa in Isa::all() {
            let y = run_in(&Context { threads: 1, isa }, "bpu_scale_quanti_pooling", &args).unwrap();
            prop_assert_eq!(y[0].shape(), &[n, c, oh as usize, ow as usize]);
            prop_assert_eq!(ints(&y[0]), expected.clone());
        }
    }
}

/// hbir.md 3.4: an average of four, as sum, rescaled on bayes and averaged on bernoulli.
#[test]
fn worked_example_average_pool() {
    let x = Tensor::ints(DType::I8, &[1, 1, 2, 2], &[10, 21, -5, 100]);
    let two = [2, 2];
    let pool = |kind, to| {
        let args = [
            x.arg(),
            Arg::Str(kind),
            Arg::Ints(&two),
            Arg::Ints(&[0, 0]),
            Arg::Ints(&two),
            Arg::Bool(false),
            Arg::Str(to),
            Arg::Str("bernoulli"),
        ];
        run("bpu_scale_quanti_pooling", &args).unwrap()
    };
    let sum = pool("sum", "qint32");
    assert_eq!(ints(&sum[0]), [126]);
    assert_eq!(ints(&pool("avg", "qint8")[0]), [31]);
    let sum = Tensor::ints(DType::I32, &[1, 1, 1, 1], &[126]);
    let (s, o) = (Tensor::scalar(0.1 / 4.0), Tensor::scalar(0.1));
    let args = [
        sum.arg(),
        s.arg(),
        o.arg(),
        Arg::Str("qint32"),
        Arg::Str("qint8"),
        Arg::Bool(true),
        Arg::Str("bayes"),
    ];
    assert_eq!(
        ints(&run("bpu_scale_requantization", &args).unwrap()[0]),
        [32]
    );
}

/// hbir.md 3.1 with float32 scales.
#[test]
fn worked_example_requantise() {
    let x = Tensor::ints(DType::I32, &[3], &[123_456, -123_456, 1001]);
    let (s, o) = (Tensor::scalar(0.0005), Tensor::scalar(1.0));
    let run = |post| {
        let args = [
            x.arg(),
            s.arg(),
            o.arg(),
            Arg::Str("qint32"),
            Arg::Str("qint8"),
            Arg::Bool(false),
            Arg::Bool(post),
            Arg::Str("bayes"),
        ];
        ints(&run("bpu_scale_requantization", &args).unwrap()[0])
    };
    assert_eq!(run(true), [62, -62, 0]);
    assert_eq!(run(false), [61, -62, 0]);
}

/// Without a round mode: half up, and floor on bernoulli.
#[test]
fn the_old_form_of_quantisation_rounds_by_march() {
    let x = Tensor::floats(&[3], &[0.5, 1.75, -0.5]);
    let (s, zero) = (Tensor::scalar(1.0), Tensor::ints(DType::I64, &[1], &[0]));
    let quantised = |march| {
        let args = [
            x.arg(),
            s.arg(),
            zero.arg(),
            Arg::Int(-1),
            Arg::Int(-128),
            Arg::Int(127),
            Arg::Str("qint8"),
            Arg::Str(march),
        ];
        ints(&run("bpu_scale_quantization", &args).unwrap()[0])
    };
    assert_eq!(quantised("bayes"), [1, 2, 0]);
    assert_eq!(quantised("bernoulli"), [0, 1, -1]);
}
