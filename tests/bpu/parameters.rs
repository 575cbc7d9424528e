//! `convert_conv_params`, and a convolution run from its results.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, Output, run, shapes};
use ptool::tensor::DType;

use super::call::{Tensor, floats, ints};
use super::reference::fixed::parameters;
use super::values::Rng;

struct Given {
    weight: Vec<f32>,
    weight_scale: Vec<f32>,
    bias: Vec<f32>,
    input: f32,
    out: Vec<f32>,
    sum: f32,
}

fn convert(
    g: &Given,
    shape: &[usize],
    transposed: bool,
    groups: i64,
    to: &str,
    march: &str,
) -> Vec<Output> {
    let (input, weight) = (Tensor::scalar(g.input), Tensor::floats(shape, &g.weight));
    let list = |v: &[f32]| Tensor::floats(&[v.len()], v);
    let (ws, bias, out, sum) = (
        list(&g.weight_scale),
        list(&g.bias),
        list(&g.out),
        Tensor::scalar(g.sum),
    );
    let args = [
        input.arg(),
        weight.arg(),
        ws.arg(),
        Arg::Str("qint8"),
        bias.arg(),
        ws.arg(),
        Arg::Str("qint32"),
        out.arg(),
        Arg::Str(to),
        sum.arg(),
        Arg::Bool(transposed),
        Arg::Int(groups),
        Arg::Str(march),
    ];
    let all = run("convert_conv_params", &args).unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|y| (y.dtype(), y.shape().to_vec()))
        .collect();
    assert_eq!(shapes("convert_conv_params", &args).unwrap(), told);
    all
}

/// The nearest integer of at most 16 bits with the least left shift that makes it fit.
fn check_multiplier(value: f64, q: i64, shift: i64) -> Result<(), TestCaseError> {
    prop_assert!((-32768..=32767).contains(&q) && (0..=31).contains(&shift));
    let real = value / 2f64.powi(shift as i32);
    let fits = real.abs() < 32768.0;
    if fits {
        prop_assert!(
            (real - q as f64).abs() <= 0.5 + 1e-9 || q == 32767,
            "{value} is not {q} << {shift}"
        );
        prop_assert!(
            shift == 0 || value.abs() >= 32768.0 * 2f64.powi(shift as i32 - 1),
            "{value}: shift {shift} is too large"
        );
    } else {
        prop_assert_eq!((shift, q), (31, if value < 0.0 { -32768 } else { 32767 }));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn parameters_equal_their_relations(
        outputs in 1..5usize, inputs in 1..4usize, groups in 1..4usize, taps in 1..4usize, transposed: bool, per_tensor: bool,
        to in prop_oneof![Just(("qint8", 8)), Just(("qint16", 16)), Just(("qint32", 32))],
        march in prop_oneof![Just("bayes"), Just("bernoulli2")], seed: u64,
    ) {
        let mut rng = Rng(seed);
        let channels = outputs * groups;
        let shape = if transposed { [inputs * groups, outputs, taps, 1] } else { [channels, inputs, taps, 1] };
        let n = if per_tensor { 1 } else { channels };
        let weight_scale: Vec<f32> = (0..n).map(|_| rng.scale()).collect();
        let input = rng.scale();
        let of = |c: usize| weight_scale[if per_tensor { 0 } else { c }];
        // The output channel that element `i` of the weight belongs to.
        let channel = |i: usize| {
            let row = i / taps;
            if transposed { row / outputs / inputs * outputs + row % outputs } else { row / inputs }
        };
        let weight: Vec<f32> = (0..shape.iter().product()).map(|i| {
            of(channel(i)) * rng.choose(&[-200.0, 127.5, 0.5, 1.5, -0.5, 127.0, -128.0, 3.3, -77.7])
        }).collect();
        let g = Given {
            bias: (0..channels).map(|c| (f64::from(input) * f64::from(of(c)) * 2f64.powf(rng.within(-3000, 40_000) as f64 / 1000.0)) as f32).collect(),
            out: vec![(f64::from(input) * f64::from(of(0)) * 2f64.powf(rng.within(-5000, 30_000) as f64 / 1000.0)) as f32],
            sum: if rng.next().is_multiple_of(2) { 0.0 } else { (f64::from(input) * f64::from(of(0)) * 1234.5) as f32 },
            weight, weight_scale: weight_scale.clone(), input,
        };
        prop_assume!(g.bias.iter().chain(&g.out).all(|v| v.is_normal()));
        let y = convert(&g, &shape, transposed, groups as i64, to.0, march);
        let q: Vec<i64> = g.weight.iter().enumerate().map(|(i, w)| f64::from(w / of(channel(i))).round_ties_even().clamp(-128.0, 127.0) as i64).collect();
        prop_assert_eq!(ints(&y[0]), q);
        let lists: Vec<Vec<i64>> = y[1..8].iter().map(ints).collect();
        for (c, bias) in g.bias.iter().enumerate() {
            let s = f64::from(input) * f64::from(of(c));
            check_multiplier(f64::from(*bias) / s, lists[0][c], lists[1][c])?;
            check_multiplier(f64::from(g.sum) / s, lists[2][c], lists[3][c])?;
            let max_pre = if march == "bayes" { 17 } else { 31 };
            let p = parameters(s, g.out[0].into(), to.1, true, max_pre);
            prop_assert_eq!((lists[4][c], lists[5][c], lists[6][c]), p);
            let real = if to.1 == 32 { s as f32 } else { g.out[0] };
            prop_assert_eq!(floats(&y[8])[c], real);
        }
    }
}

/// hbir.md 3.2, from float parameters to results.
#[test]
fn worked_example_convolution() {
    let x = Tensor::ints(DType::I8, &[1, 4, 1, 1], &[12, -7, 100, -128]);
    let e = Tensor::ints(DType::I8, &[1, 1, 1, 1], &[-45]);
    let w = [5.0f32, -9.0, 33.0, 17.0].map(|w| w * 0.001);
    let result = |to: &str, out: f32, march: &str, relu: &str| {
        let g = Given {
            weight: w.to_vec(),
            weight_scale: vec![0.001],
            bias: vec![1.25],
            input: 0.01,
            out: vec![out],
            sum: 0.4,
        };
        let p = convert(&g, &[1, 4, 1, 1], false, 1, to, march);
        let p: Vec<Tensor> = p[..8]
            .iter()
            .map(|y| Tensor {
                dtype: y.dtype(),
                shape: y.shape().to_vec(),
                strides: y.strides(),
                bytes: y.bytes().to_vec(),
            })
            .collect();
        let one = [1, 1];
        let args = [
            x.arg(),
            p[0].arg(),
            p[1].arg(),
            e.arg(),
            p[5].arg(),
            p[6].arg(),
            p[2].arg(),
            p[7].arg(),
            p[3].arg(),
            p[4].arg(),
            Arg::Bool(true),
            Arg::Int(1),
            Arg::Ints(&one),
            Arg::Ints(&one),
            Arg::Ints(&[0, 0]),
            Arg::Ints(&one),
            Arg::Str(relu),
            Arg::Int(1),
            Arg::Bool(true),
            Arg::Bool(to == "qint32"),
            Arg::Str(to),
            Arg::Str(march),
        ];
        ints(&run("bpu_scale_quanti_convolution", &args).unwrap()[0])
    };
    assert_eq!(result("qint8", 0.5, "bayes", ""), [-33]);
    assert_eq!(result("qint8", 0.5, "bayes", "relu"), [0]);
    assert_eq!(result("qint8", 0.5, "bernoulli2", ""), [-34]);
    assert_eq!(result("qint16", 0.001, "bayes", ""), [-16739]);
    assert_eq!(result("qint32", 1.0, "bayes", ""), [-1_673_753]);
}

/// horizon.md 3.4: powers of two only.
#[test]
fn bernoulli_takes_powers_of_two_and_refuses_others() {
    let g = |input: f32| Given {
        weight: vec![0.5, -0.25],
        weight_scale: vec![1.0 / 64.0],
        bias: vec![0.5, -3.0],
        input,
        out: vec![0.25],
        sum: 0.0,
    };
    let y = convert(&g(0.125), &[2, 1, 1, 1], false, 1, "qint8", "bernoulli");
    let lists: Vec<Vec<i64>> = y[..7].iter().map(ints).collect();
    assert_eq!(
        lists,
        [
            vec![32, -16],
            vec![6, 6],
            vec![32, -128],
            vec![6, 6],
            vec![3],
            vec![2],
            vec![0]
        ]
    );
    let (input, weight) = (Tensor::scalar(0.3), Tensor::floats(&[1, 1, 1, 1], &[0.5]));
    let s = Tensor::scalar(0.25);
    let args = [
        input.arg(),
        weight.arg(),
        s.arg(),
        Arg::Str("qint8"),
        s.arg(),
        s.arg(),
        Arg::Str("qint8"),
        s.arg(),
        Arg::Str("qint8"),
        s.arg(),
        Arg::Bool(false),
        Arg::Int(1),
        Arg::Str("bernoulli"),
    ];
    let error = run("convert_conv_params", &args).unwrap_err().to_string();
    assert!(error.contains("is not power of 2"), "{error}");
}
