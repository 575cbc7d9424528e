//! Tables, lines, argmax and the small element-wise operators.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, run};
use ptool::tensor::DType;

use super::call::{Tensor, floats, ints};
use super::reference::fixed::{sat, shift};
use super::values::Rng;

/// hbir.md 3.6: sigmoid, `s_in = 0.05`, `s_out = 1/128`.
#[test]
fn worked_example_table() {
    let table: Vec<i64> = (-128..128)
        .map(|k| {
            let f = 1.0 / (1.0 + (-f64::from(k) * 0.05).exp());
            (f * 128.0).round_ties_even().clamp(-128.0, 127.0) as i64
        })
        .collect();
    let (x, table) = (
        Tensor::ints(DType::I8, &[5], &[-128, -1, 0, 37, 127]),
        Tensor::ints(DType::I8, &[256], &table),
    );
    assert_eq!(
        ints(&run("quanti_lut256", &[x.arg(), table.arg()]).unwrap()[0]),
        [0, 62, 64, 111, 127]
    );
}

/// The tensors of a segment table.
struct Segments {
    table: Vec<i64>,
    k: Vec<i64>,
    beta: Vec<i64>,
    left: Vec<i64>,
    right: Vec<i64>,
    max: Vec<i64>,
}

impl Segments {
    fn run(&self, x: &[i64], symmetric: bool, to: &str, short: bool) -> Vec<i64> {
        let entries = self.table.len() / 6;
        let x = Tensor::ints(DType::I16, &[x.len()], x);
        let table = Tensor::ints(DType::I16, &[6, entries], &self.table);
        let [k, beta, max] =
            [&self.k, &self.beta, &self.max].map(|v| Tensor::ints(DType::I16, &[8], v));
        let [left, right] = [&self.left, &self.right].map(|v| Tensor::ints(DType::I8, &[8], v));
        let mut args = vec![
            x.arg(),
            table.arg(),
            k.arg(),
            beta.arg(),
            left.arg(),
            right.arg(),
            max.arg(),
            Arg::Bool(symmetric),
            Arg::Int(8),
            Arg::Str(to),
        ];
        if !short {
            args.push(Arg::Int(entries as i64));
        }
        args.push(Arg::Str("bayes"));
        ints(&run("bpu_segment_lut", &args).unwrap()[0])
    }

    fn reference(&self, x: i64, symmetric: bool, bits: u32) -> i64 {
        if symmetric && x < 0 {
            return sat(-sat(self.reference(-x, false, 40), bits), bits);
        }
        let i = self.max.iter().position(|m| x <= *m).unwrap_or(7);
        let v = shift(
            x * self.k[i] + (self.beta[i] << self.left[i]),
            self.right[i],
            true,
        );
        if i == 0 || i == 7 {
            return sat(v, bits);
        }
        let entries = self.table.len() as i64 / 6;
        let (at, f) = (v.div_euclid(256), v.rem_euclid(256));
        let entry =
            |at: i64| self.table[((i as i64 - 1) * entries + at.clamp(0, entries - 1)) as usize];
        sat(
            shift(entry(at) * (256 - f) + entry(at + 1) * f, 8, true),
            bits,
        )
    }
}

/// hbir.md 3.7: one table value and one value of the right line.
#[test]
fn worked_example_segment_table() {
    let max = vec![-32000, -21333, -10667, 0, 10667, 21333, 32000, 32767];
    let points: Vec<f64> = max.iter().map(|m| *m as f64 * 0.00025).collect();
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    let table = (0..6).flat_map(|i| {
        let (lo, hi) = (points[i], points[i + 1]);
        (0..64).map(move |j| {
            (sigmoid(lo + f64::from(j) * (hi - lo) / 63.0) * 32767.0).round_ties_even() as i64
        })
    });
    let mut segments = Segments {
        table: table.collect(),
        k: vec![0; 8],
        beta: vec![0; 8],
        left: vec![0; 8],
        right: vec![0; 8],
        max,
    };
    for (i, k, beta, left, right) in [(5, 24774, -32259, 13, 14), (7, 74, 32684, 15, 15)] {
        (
            segments.k[i],
            segments.beta[i],
            segments.left[i],
            segments.right[i],
        ) = (k, beta, left, right);
    }
    assert_eq!(
        segments.run(&[14000, 32500], false, "qint16", false),
        [31807, 32757]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn segment_tables_equal_the_formula(seed: u64, symmetric: bool, short: bool, narrow: bool, many: bool) {
        let mut rng = Rng(seed);
        let mut max = rng.extreme(8, -32768, 32767);
        max.sort_unstable();
        max[7] = 32767;
        let shifts = |rng: &mut Rng, hi| -> Vec<i64> { (0..8).map(|_| rng.within(0, hi)).collect() };
        let segments = Segments {
            table: rng.extreme(6 * 64, -32768, 32767), k: rng.extreme(8, -32768, 32767), beta: rng.extreme(8, -32768, 32767),
            left: shifts(&mut rng, 15), right: shifts(&mut rng, 31), max,
        };
        let mut x: Vec<i64> = segments.max.iter().flat_map(|m| [*m, (m + 1).min(32767), (m - 1).max(-32768)]).collect();
        x.extend(rng.extreme(if many { 1 << 17 } else { 200 }, -32768, 32767));
        let (to, bits) = if narrow { ("qint8", 8) } else { ("qint16", 16) };
        let expected: Vec<i64> = x.iter().map(|x| segments.reference(*x, symmetric, bits)).collect();
        prop_assert_eq!(segments.run(&x, symmetric, to, short), expected);
    }

    #[test]
    fn lines_and_interpolated_tables_equal_the_formula(scale in -16384..16384i64, bias in -(1i64 << 30)..(1i64 << 30), pshift in 0..32i64, seed: u64) {
        let mut rng = Rng(seed);
        let x = rng.extreme(300, -32768, 32767);
        let tensor = Tensor::ints(DType::I16, &[300], &x);
        let y = run("bpu_quanti_line_fit", &[tensor.arg(), Arg::Str("qint16"), Arg::Int(scale), Arg::Int(bias), Arg::Int(pshift)]).unwrap();
        let line: Vec<i64> = x.iter().map(|x| sat(shift(x * scale + bias, pshift, true), 16)).collect();
        prop_assert_eq!(ints(&y[0]), line);
        let bits = pshift.min(4);
        let values = rng.extreme(256, -32768, 32767);
        let table = Tensor::ints(DType::I16, &[256], &values);
        let args = [tensor.arg(), table.arg(), Arg::Str("qint16"), Arg::Int(scale), Arg::Int(bias), Arg::Int(pshift), Arg::Int(bits)];
        let y = run("bpu_quanti_lut", &args).unwrap();
        let one = 1i64 << bits;
        let expected: Vec<i64> = x.iter().map(|x| {
            let v = shift(x * scale + bias, pshift - bits, true);
            let entry = |at: i64| values[at.clamp(0, 255) as usize];
            let (at, f) = (v.div_euclid(one), v.rem_euclid(one));
            sat(shift(entry(at) * (one - f) + entry(at + 1) * f, bits, true), 16)
        }).collect();
        prop_assert_eq!(ints(&y[0]), expected);
    }

    #[test]
    fn toqint_keeps_the_most_bits_that_fit(x in prop_oneof![-1e6..1e6f32, -1.0..1.0f32, Just(0.0), -1e12..1e12f32], left: bool, right: bool) {
        let tensor = Tensor::scalar(x);
        let y = run("toqint", &[tensor.arg(), Arg::Int(16), Arg::Int(31), Arg::Bool(left), Arg::Bool(right)]).unwrap();
        let (q, s) = (ints(&y[0])[0], ints(&y[1])[0]);
        prop_assert!((-32768..=32767).contains(&q) && (left || s <= 0) && (right || s >= 0));
        let limit = f64::from(1 << 30);
        let x = f64::from(x).clamp(-limit, limit - 1.0);
        let real = x / 2f64.powi(s as i32);
        if left && right && x != 0.0 {
            prop_assert!((16384.0..=32768.0).contains(&real.abs()), "{x} = {q} << {s}");
        }
        if real.abs() <= 32767.0 {
            prop_assert!((real - q as f64).abs() <= 0.5);
        }
    }
}

#[test]
fn argmax_takes_the_first_of_equals_in_each_group() {
    let x = Tensor::ints(DType::I8, &[1, 4, 1, 2], &[3, -128, 3, 127, -5, 0, -4, 0]);
    let y = run(
        "bpu_post_process_channel_argmax",
        &[x.channels_last().arg(), Arg::Int(2), Arg::Str("bayes")],
    )
    .unwrap();
    assert_eq!(
        (ints(&y[0]), ints(&y[1])),
        (vec![0, 1, 1, 0], vec![3, 127, -4, 0])
    );
    assert_eq!(y[0].shape(), [1, 2, 1, 2]);
}

#[test]
fn ceil_round_frexp_and_clamp() {
    let x = Tensor::ints(DType::I16, &[5], &[-32768, -3, 0, 3, 32767]);
    let s = Tensor::scalar(0.3);
    let y = run(
        "bpu_ceil",
        &[
            x.arg(),
            s.arg(),
            Arg::Str("qint16"),
            Arg::Str("qint32"),
            Arg::Str("bayes"),
        ],
    )
    .unwrap();
    assert_eq!(ints(&y[0]), [-9830, 0, 0, 1, 9831]);
    let y = run(
        "bpu_ceil",
        &[
            x.arg(),
            s.arg(),
            Arg::Str("qint16"),
            Arg::Str("qint8"),
            Arg::Str("bayes"),
        ],
    )
    .unwrap();
    assert_eq!(ints(&y[0]), [-128, 0, 0, 1, 127]);
    let x = Tensor::floats(&[6], &[-1.5, -0.5, 0.5, 1.5, 2.4, -2.6]);
    assert_eq!(
        floats(&run("round", &[x.arg()]).unwrap()[0]),
        [-1.0, 0.0, 1.0, 2.0, 2.0, -3.0]
    );
    let y = run("frexp", &[x.arg()]).unwrap();
    assert_eq!(floats(&y[0]), [-0.75, -0.5, 0.5, 0.75, 0.6, -0.65]);
    assert_eq!(ints(&y[1]), [1, 0, 0, 1, 2, 2]);
    let y = run("clamp", &[x.arg(), Arg::Float(0.0), Arg::Int(2)]).unwrap();
    assert_eq!(floats(&y[0]), [0.0, 0.0, 0.5, 1.5, 2.0, 0.0]);
}

#[test]
fn sort_is_stable_and_suppression_is_greedy() {
    let x = Tensor::ints(DType::I8, &[2, 3], &[5, 5, -1, 0, 7, 7]);
    let y = run("sort", &[x.arg(), Arg::Int(-1), Arg::Bool(true)]).unwrap();
    assert_eq!(
        (ints(&y[0]), ints(&y[1])),
        (vec![5, 5, -1, 7, 7, 0], vec![0, 1, 2, 1, 2, 0])
    );
    let y = run("sort", &[x.arg(), Arg::Int(0), Arg::Bool(false)]).unwrap();
    assert_eq!(
        (ints(&y[0]), ints(&y[1])),
        (vec![0, 5, -1, 5, 7, 7], vec![1, 0, 0, 0, 1, 1])
    );
    let boxes = Tensor::floats(
        &[4, 4],
        &[
            0., 0., 10., 10., 0., 0., 10., 9., 20., 20., 30., 30., 0., 0., 5., 10.,
        ],
    );
    let scores = Tensor::floats(&[4], &[0.5, 0.9, 0.1, 0.6]);
    let keep = run("nms", &[boxes.arg(), scores.arg(), Arg::Float(0.5)]).unwrap();
    assert_eq!(ints(&keep[0]), [1, 3, 2]);
}
