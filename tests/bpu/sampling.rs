//! Resize, warp and correlation against their formulas.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, Context, run, run_in};
use ptool::bpu::simd::Isa;
use ptool::tensor::DType;

use super::call::{Tensor, ints};
use super::reference::fixed::{chain, parameters, sat, shift, wrap32};
use super::values::Rng;

/// `⌊in/out · 2^B⌋` and `⌊(step/2 - 1/2)⌋` in exact fractions.
fn coordinates(input: i128, output: i128, bits: u32) -> (i128, i128) {
    let one = 1i128 << bits;
    (
        (input * one).div_euclid(output),
        ((input - output) * one).div_euclid(2 * output),
    )
}

fn resized(
    plane: &[i64],
    (h, w): (i128, i128),
    (oh, ow): (i128, i128),
    bits: u32,
    round: bool,
) -> Vec<i64> {
    let (step_y, start_y) = coordinates(h, oh, bits);
    let (step_x, start_x) = coordinates(w, ow, bits);
    let one = 1i128 << bits;
    let at =
        |y: i128, x: i128| i128::from(plane[(y.clamp(0, h - 1) * w + x.clamp(0, w - 1)) as usize]);
    let mut all = Vec::new();
    for i in 0..oh {
        for j in 0..ow {
            let (y, x) = (start_y + i * step_y, start_x + j * step_x);
            let (ky, kx, fy, fx) = (
                y.div_euclid(one),
                x.div_euclid(one),
                y.rem_euclid(one),
                x.rem_euclid(one),
            );
            let top = at(ky, kx) * (one - fx) + at(ky, kx + 1) * fx;
            let bottom = at(ky + 1, kx) * (one - fx) + at(ky + 1, kx + 1) * fx;
            let sum = top * (one - fy) + bottom * fy;
            all.push(shift(sum as i64, 2 * i64::from(bits), round));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn bilinear_resize_equals_the_formula(
        c in 1..20usize, h in 1..9usize, w in 1..9usize, oh in 1..20usize, ow in 1..20usize, wide: bool, double: bool,
        march in prop_oneof![Just("bayes"), Just("bernoulli2"), Just("bernoulli")], order: bool, seed: u64,
    ) {
        let mut rng = Rng(seed);
        let (oh, ow) = if double { (2 * h, 2 * w) } else { (oh, ow) };
        let (dtype, top) = if wide { (DType::I16, 32768) } else { (DType::I8, 128) };
        let x = rng.extreme(2 * c * h * w, -top, top - 1);
        let tensor = Tensor::ints(dtype, &[2, c, h, w], &x);
        let tensor = if order { tensor.channels_last() } else { tensor };
        let args = [tensor.arg(), Arg::Str("bilinear"), Arg::Bool(false), Arg::Int(oh as i64), Arg::Int(ow as i64), Arg::Float(-1.0), Arg::Float(-1.0), Arg::Str(march)];
        let bits = if march == "bayes" { 16 } else { 8 };
        let size = |h: usize, w: usize| (h as i128, w as i128);
        let expected: Vec<i64> = x.chunks_exact(h * w).flat_map(|p| resized(p, size(h, w), size(oh, ow), bits, march != "bernoulli")).collect();
        for isa in Isa::all() {
            let y = run_in(&Context { threads: 1, isa }, "bpu_quanti_resize", &args).unwrap();
            prop_assert_eq!(y[0].shape(), &[2, c, oh, ow]);
            prop_assert_eq!(ints(&y[0]), expected.clone());
        }
    }

    #[test]
    fn warp_equals_the_formula(
        c in 1..4usize, groups in 1..3usize, h in 1..6usize, w in 1..6usize, n in 0..9u32, bilinear: bool, zeros: bool, seed: u64,
    ) {
        let mut rng = Rng(seed);
        let (gh, gw) = (3usize, 4usize);
        let x = rng.extreme(2 * c * groups * h * w, -128, 127);
        let near: Vec<i64> = (0..2 * groups * 2 * gh * gw).map(|_| {
            let near = rng.within(-2 << n, 8 << n);
            rng.choose(&[near, near, near, -32768, 32767])
        }).collect();
        let data = Tensor::ints(DType::I8, &[2, c * groups, h, w], &x);
        let grid = Tensor::ints(DType::I16, &[2, groups, 2, gh, gw], &near);
        let args = [
            data.arg(), grid.arg(), Arg::Str(if bilinear { "bilinear" } else { "nearest" }), Arg::Str(if zeros { "zeros" } else { "border" }),
            Arg::Bool(true), Arg::Int(n.into()), Arg::Str("bayes"),
        ];
        let y = run("bpu_quanti_grid_sample", &args).unwrap();
        let one = 1i64 << n;
        let mut expected = Vec::new();
        for (plane, values) in x.chunks_exact(h * w).enumerate() {
            let at = |y: i64, x: i64| {
                let inside = (0..h as i64).contains(&y) && (0..w as i64).contains(&x);
                if zeros && !inside { return 0; }
                values[(y.clamp(0, h as i64 - 1) * w as i64 + x.clamp(0, w as i64 - 1)) as usize]
            };
            let group = plane / c;
            for p in 0..gh * gw {
                let (r, q) = (near[group * 2 * gh * gw + p], near[(group * 2 + 1) * gh * gw + p]);
                expected.push(if bilinear {
                    let (fy, fx, ky, kx) = (r.rem_euclid(one), q.rem_euclid(one), r.div_euclid(one), q.div_euclid(one));
                    let sum = at(ky, kx) * (one - fy) * (one - fx) + at(ky, kx + 1) * (one - fy) * fx + at(ky + 1, kx) * fy * (one - fx) + at(ky + 1, kx + 1) * fy * fx;
                    sat(shift(sum, 2 * i64::from(n), true), 8)
                } else {
                    at(shift(r, n.into(), true), shift(q, n.into(), true))
                });
            }
        }
        prop_assert_eq!(ints(&y[0]), expected);
    }

    #[test]
    fn correlation_equals_the_formula(
        c in 1..5usize, h in 3..7usize, w in 3..7usize, kernel in prop_oneof![Just(1usize), Just(3)], displacement in 0..3usize, stride2 in 1..3usize,
        pad in 2..4usize, inter in 0..8i32, seed: u64,
    ) {
        let mut rng = Rng(seed);
        let shape = [1, c, h, w];
        let (x, y) = (rng.extreme(c * h * w, -128, 127), rng.extreme(c * h * w, -128, 127));
        let (tx, ty) = (Tensor::ints(DType::I8, &shape, &x), Tensor::ints(DType::I8, &shape, &y));
        let (s1, s2, out) = (0.25f32, 0.5f32, 2f32.powi(rng.within(-2, 6) as i32));
        let s_inter = s1 * s2 * 2f32.powi(inter) * 1.25;
        let tensors = [s1, s2, s_inter, out].map(Tensor::scalar);
        let [a, b, i, o] = &tensors;
        let args = [
            tx.arg(), ty.arg(), a.arg(), b.arg(), i.arg(), o.arg(), Arg::Int(kernel as i64), Arg::Int(displacement as i64), Arg::Int(1),
            Arg::Int(stride2 as i64), Arg::Int(pad as i64), Arg::Bool(true), Arg::Str("qint8"), Arg::Str("bayes"),
        ];
        let radius = (kernel - 1) / 2;
        let sizes = (h + 2 * pad, w + 2 * pad);
        let border = 2 * (displacement + radius);
        prop_assume!(sizes.0 > border && sizes.1 > border);
        let z = run("bpu_scale_quanti_correlation", &args).unwrap();
        let scale = f64::from(if kernel == 1 { s1 * s2 } else { s_inter }) / (c * kernel * kernel) as f64;
        let p = parameters(scale, out.into(), 8, true, 17);
        let at = |values: &[i64], ch: usize, r: i64, q: i64| {
            let (r, q) = (r - pad as i64, q - pad as i64);
            let inside = (0..h as i64).contains(&r) && (0..w as i64).contains(&q);
            if inside { values[(ch * h + r as usize) * w + q as usize] } else { 0 }
        };
        let reach = (displacement / stride2) as i64;
        let mut expected = Vec::new();
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                for r in 0..sizes.0 - border {
                    for q in 0..sizes.1 - border {
                        let mut sum = 0i64;
                        for i in 0..kernel {
                            for j in 0..kernel {
                                let (r, q) = ((r + displacement + i) as i64, (q + displacement + j) as i64);
                                let moved = (r + dy * stride2 as i64, q + dx * stride2 as i64);
                                let dot: i64 = (0..c).map(|ch| at(&x, ch, r, q) * at(&y, ch, moved.0, moved.1)).sum();
                                sum += if kernel == 1 { dot } else { sat(shift(dot, inter.into(), false), 16) };
                            }
                        }
                        expected.push(chain(wrap32(sum.into()), p, false, true, 8));
                    }
                }
            }
        }
        prop_assert_eq!(ints(&z[0]), expected);
    }
}

/// Nearest resize by a whole factor repeats, whichever way the size is said.
#[test]
fn nearest_resize_by_a_factor_repeats() {
    let x = Tensor::ints(DType::I8, &[1, 1, 1, 3], &[5, -6, 7]);
    let expected = [5, 5, 5, -6, -6, -6, 7, 7, 7];
    for march in ["bayes", "bernoulli2"] {
        let by_size = [
            x.arg(),
            Arg::Str("nearest"),
            Arg::Bool(false),
            Arg::Int(1),
            Arg::Int(9),
            Arg::Float(-1.0),
            Arg::Float(-1.0),
            Arg::Str(march),
        ];
        let by_ratio = [
            x.arg(),
            Arg::Str("nearest"),
            Arg::Bool(false),
            Arg::Int(-1),
            Arg::Int(-1),
            Arg::Float(1.0),
            Arg::Float(3.0),
            Arg::Str(march),
        ];
        assert_eq!(
            ints(&run("bpu_quanti_resize", &by_size).unwrap()[0]),
            expected
        );
        assert_eq!(
            ints(&run("bpu_quanti_resize", &by_ratio).unwrap()[0]),
            expected
        );
    }
}
