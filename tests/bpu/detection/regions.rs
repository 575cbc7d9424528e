//! `bpu_quanti_roi_resize`.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, Context, run, run_in, shapes};
use ptool::bpu::simd::Isa;
use ptool::tensor::DType;

use super::super::call::{Tensor, ints};
use super::super::reference::fixed::shift;
use super::super::values::Rng;
use super::{expected, numbers};

/// What a region's call says, corners in quarters of a pixel.
struct Call<'a> {
    march: &'a str,
    aligned: bool,
    nearest: bool,
    size: [usize; 2],
    /// Of the image, as a power of two: `spatial_scale = 2^-halvings`.
    halvings: u32,
}

impl Call<'_> {
    fn args<'t>(&'t self, data: &'t Tensor, rois: &'t Tensor) -> [Arg<'t>; 8] {
        [
            data.arg(),
            rois.arg(),
            Arg::Float(0.5f64.powi(self.halvings as i32)),
            Arg::Int(self.size[0] as i64),
            Arg::Int(self.size[1] as i64),
            Arg::Bool(self.aligned),
            Arg::Str(if self.nearest { "nearest" } else { "bilinear" }),
            Arg::Str(self.march),
        ]
    }

    /// Start and step in units of `2^-bits`, from exact fractions of quarters of a pixel of the image.
    fn along(&self, low: i128, high: i128, output: usize, bits: u32) -> (i128, i128) {
        let origin = self.march != "bayes";
        let (unit, out) = (4i128 << self.halvings, output as i128);
        let mut extent = high - low;
        if origin {
            extent += unit;
        } else if !self.aligned {
            extent = extent.max(unit);
        }
        // Everything in units of 1/(2·unit·out) pixels.
        let half = if origin { 0 } else { extent };
        let back = if !origin && self.aligned {
            unit * out
        } else {
            0
        };
        let first = 2 * low * out + half - back;
        let one = 1i128 << bits;
        (
            (first * one).div_euclid(2 * unit * out),
            (extent * one).div_euclid(unit * out),
        )
    }

    fn legal(&self, roi: &[i64], (h, w): (i128, i128)) -> bool {
        let [x1, y1, x2, y2] = [0, 1, 2, 3].map(|i| i128::from(roi[i]));
        let unit = 4i128 << self.halvings;
        !(x2 < 0 || y2 < 0 || x1 > w * unit || y1 > h * unit || x2 <= x1 || y2 <= y1)
    }

    fn region(&self, plane: &[i64], (h, w): (i128, i128), roi: &[i64]) -> Vec<i64> {
        let bits = if self.march == "bayes" { 16 } else { 8 };
        let one = 1i128 << bits;
        let [oh, ow] = self.size;
        if !self.legal(roi, (h, w)) {
            return vec![0; oh * ow];
        }
        let at = |y: i128, x: i128| {
            i128::from(plane[(y.clamp(0, h - 1) * w + x.clamp(0, w - 1)) as usize])
        };
        let (start_y, step_y) = self.along(roi[1].into(), roi[3].into(), oh, bits);
        let (start_x, step_x) = self.along(roi[0].into(), roi[2].into(), ow, bits);
        let mut all = Vec::new();
        for i in 0..oh as i128 {
            for j in 0..ow as i128 {
                let (y, x) = (start_y + i * step_y, start_x + j * step_x);
                if self.nearest {
                    let near = |v: i128| (v + one / 2).div_euclid(one);
                    all.push(at(near(y), near(x)) as i64);
                    continue;
                }
                let (ky, kx) = (y.div_euclid(one), x.div_euclid(one));
                let (fy, fx) = (y.rem_euclid(one), x.rem_euclid(one));
                let top = at(ky, kx) * (one - fx) + at(ky, kx + 1) * fx;
                let low = at(ky + 1, kx) * (one - fx) + at(ky + 1, kx + 1) * fx;
                let sum = top * (one - fy) + low * fy;
                let round = self.march != "bernoulli";
                all.push(shift(sum as i64, 2 * i64::from(bits), round));
            }
        }
        all
    }
}

/// Corners near the map, far from it, and wrong ones.
fn corners(rng: &mut Rng, count: usize) -> Vec<i64> {
    let corner = |rng: &mut Rng| {
        let near = rng.within(-12, 60);
        rng.choose(&[
            near,
            near,
            near,
            near,
            near,
            0,
            -32768,
            32767,
            i64::from(i32::MIN),
            i64::from(i32::MAX),
        ])
    };
    let mut all = Vec::new();
    for _ in 0..count {
        let (x, y) = (corner(rng), corner(rng));
        let (u, v) = (corner(rng), corner(rng));
        match rng.within(0, 4) {
            0 => all.extend([x, y, u, v]),
            _ => all.extend([x.min(u), y.min(v), x.max(u), y.max(v)]),
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn regions_equal_the_formula(
        c in 1..20usize, h in 1..9usize, w in 1..9usize, size in [1..7usize, 1..7usize], count in 0..5usize, aligned: bool, nearest: bool,
        halvings in 0..4u32, march in prop_oneof![Just("bayes"), Just("bernoulli2"), Just("bernoulli")], order: bool, seed: u64,
    ) {
        let mut rng = Rng(seed);
        let x = rng.extreme(2 * c * h * w, -128, 127);
        let rois = corners(&mut rng, 2 * count);
        let data = Tensor::ints(DType::I8, &[2, c, h, w], &x);
        let data = if order { data.channels_last() } else { data };
        let call = Call { march, aligned, nearest, size, halvings };
        let mut expected = Vec::new();
        for (at, roi) in rois.chunks_exact(4).enumerate() {
            for plane in x[at / count * c * h * w..][..c * h * w].chunks_exact(h * w) {
                expected.extend(call.region(plane, (h as i128, w as i128), roi));
            }
        }
        let shape = [2, count, 4];
        let mut forms = vec![Tensor::ints(DType::I32, &shape, &rois)];
        if march == "bayes" && rois.iter().all(|v| v.abs() <= 32768) {
            let pixels: Vec<f32> = rois.iter().map(|v| *v as f32 / 4.0).collect();
            forms.push(Tensor::floats(&shape, &pixels));
        }
        for rois in &forms {
            let args = call.args(&data, rois);
            for isa in Isa::all() {
                let y = run_in(&Context { threads: 1, isa }, "bpu_quanti_roi_resize", &args).unwrap();
                prop_assert_eq!(y[0].shape(), &[2 * count, c, size[0], size[1]]);
                prop_assert_eq!(ints(&y[0]), expected.clone());
            }
        }
    }
}

/// Half a step for the rounding of the result, and what coordinates of 16 or 8 bits move it.
#[test]
fn regions_agree_with_torchvision() {
    let all = expected();
    let shape: Vec<usize> = numbers(&all["shape"]).iter().map(|v| *v as usize).collect();
    let mut compared = 0;
    for case in all["roi"].as_array().unwrap() {
        let march = case["march"].as_str().unwrap();
        let size = numbers(&case["size"]);
        let call = Call {
            march,
            aligned: case["aligned"].as_bool().unwrap(),
            nearest: false,
            size: [size[0] as usize, size[1] as usize],
            halvings: 1,
        };
        let data = Tensor::ints(DType::I8, &shape, &numbers(&case["data"]));
        let rois = Tensor::ints(DType::I32, &[2, 4, 4], &numbers(&case["rois"]));
        let found = ints(&run("bpu_quanti_roi_resize", &call.args(&data, &rois)).unwrap()[0]);
        let expected = case["expected"].as_array().unwrap();
        assert_eq!(found.len(), expected.len());
        let bound = if march == "bayes" { 0.53 } else { 1.0 };
        for (found, expected) in found.iter().zip(expected) {
            let off = (*found as f64 - expected.as_f64().unwrap()).abs();
            assert!(
                off <= bound,
                "{march} {}: {found}, {expected}",
                call.aligned
            );
            compared += 1;
        }
    }
    assert!(compared > 2000, "{compared}");
}

#[test]
fn float_corners_are_refused_where_the_march_has_none() {
    let data = Tensor::ints(DType::I8, &[1, 1, 2, 2], &[1, 2, 3, 4]);
    let rois = Tensor::floats(&[1, 1, 4], &[0.0, 0.0, 1.0, 1.0]);
    for (march, refused) in [("bernoulli2", true), ("bernoulli", true), ("bayes", false)] {
        let call = Call {
            march,
            aligned: false,
            nearest: false,
            size: [2, 2],
            halvings: 0,
        };
        let args = call.args(&data, &rois);
        assert_eq!(run("bpu_quanti_roi_resize", &args).is_err(), refused);
        assert_eq!(shapes("bpu_quanti_roi_resize", &args).is_err(), refused);
    }
}

/// NaN and infinite corners are no reason to stop.
#[test]
fn corners_that_are_no_numbers_give_something() {
    let data = Tensor::ints(DType::I8, &[1, 1, 2, 2], &[1, 2, 3, 4]);
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0, 3e38];
    for seed in 0..200 {
        let mut rng = Rng(seed);
        let corners = [0; 4].map(|_| rng.choose(&odd));
        let rois = Tensor::floats(&[1, 1, 4], &corners);
        let call = Call {
            march: "bayes",
            aligned: seed % 2 == 0,
            nearest: seed % 3 == 0,
            size: [3, 2],
            halvings: 0,
        };
        let y = run("bpu_quanti_roi_resize", &call.args(&data, &rois)).unwrap();
        assert!(ints(&y[0]).iter().all(|v| (0..=4).contains(v)));
    }
}
