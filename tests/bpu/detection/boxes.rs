//! `quanti_nms`.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, run, shapes};
use ptool::tensor::DType;

use super::super::call::{Tensor, ints};
use super::super::values::Rng;
use super::{expected, numbers};

fn mask(boxes: &Tensor, scores: &Tensor, labels: &Tensor, threshold: i64, margin: i64) -> Vec<i64> {
    let args = [
        boxes.arg(),
        scores.arg(),
        labels.arg(),
        Arg::Int(threshold),
        Arg::Int(margin),
        Arg::Str("bernoulli2"),
    ];
    let found = run("quanti_nms", &args).unwrap();
    let shape = shapes("quanti_nms", &args).unwrap();
    assert_eq!(shape, [(DType::Bool, scores.shape.clone())]);
    assert_eq!(found[0].dtype(), DType::Bool);
    ints(&found[0])
}

/// Box by box in rounds: the best that is left is kept and takes out what it suppresses.
fn slow(boxes: &[i64], scores: &[i64], labels: &[i64], threshold: i64, margin: i64) -> Vec<i64> {
    let area = |b: [i64; 4]| {
        let side = |low: i64, high: i64| i128::from((high - low).max(0));
        side(b[0], b[2]) * side(b[1], b[3])
    };
    let at = |i: usize| [0, 1, 2, 3].map(|k| boxes[4 * i + k]);
    let (mut left, mut keep): (Vec<usize>, _) =
        ((0..scores.len()).collect(), vec![0; scores.len()]);
    while let Some(best) = left
        .iter()
        .copied()
        .reduce(|a, b| if scores[b] > scores[a] { b } else { a })
    {
        keep[best] = 1;
        let a = at(best);
        left.retain(|&i| {
            let b = at(i);
            let both = area([
                a[0].max(b[0]),
                a[1].max(b[1]),
                a[2].min(b[2]),
                a[3].min(b[3]),
            ]);
            let either = area(a) + area(b) - both;
            let over = 256 * both > i128::from(threshold) * either;
            let gone = labels[i] == labels[best] && scores[best] - scores[i] > margin && over;
            i != best && !gone
        });
    }
    keep
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn suppression_equals_rounds(
        count in 0..40usize, classes in 1..3i64, threshold in 0..256i64, margin in prop_oneof![Just(0i64), 1..20i64, Just(255)], wide: bool, seed: u64,
    ) {
        let mut rng = Rng(seed);
        let (dtype, top) = if wide { (DType::I32, i64::from(i32::MAX)) } else { (DType::I16, 32767) };
        let boxes: Vec<i64> = (0..2 * count).flat_map(|_| {
            let (x, y, far) = (rng.within(-20, 60), rng.within(-20, 60), rng.choose(&[top, -top - 1, 3]));
            let (w, h) = (rng.within(-2, 50), rng.within(-2, 50));
            if rng.within(0, 6) == 0 { [x, y, far, y + h] } else { [x, y, x + w, y + h] }
        }).collect();
        let scores = rng.extreme(2 * count, -128, 127);
        let labels: Vec<i64> = (0..2 * count).map(|_| rng.within(0, classes - 1)).collect();
        let found = mask(
            &Tensor::ints(dtype, &[2, count, 4], &boxes), &Tensor::ints(DType::I8, &[2, count], &scores),
            &Tensor::ints(DType::I32, &[2, count], &labels), threshold, margin,
        );
        let image = |n: usize| slow(&boxes[4 * n * count..][..4 * count], &scores[n * count..][..count], &labels[n * count..][..count], threshold, margin);
        prop_assert_eq!(found, [image(0), image(1)].concat());
    }
}

#[test]
fn a_margin_of_0_is_torchvisions_suppression() {
    let (all, mut suppressed) = (expected(), 0);
    for case in all["nms"].as_array().unwrap() {
        let [boxes, scores, labels, keep] =
            ["boxes", "scores", "labels", "keep"].map(|name| numbers(&case[name]));
        let n = scores.len();
        let found = mask(
            &Tensor::ints(DType::I16, &[n, 4], &boxes),
            &Tensor::ints(DType::I8, &[n], &scores),
            &Tensor::ints(DType::I64, &[n], &labels),
            case["threshold"].as_i64().unwrap(),
            0,
        );
        assert_eq!(found, keep);
        suppressed += keep.iter().filter(|k| **k == 0).count();
    }
    assert!(suppressed > 100, "{suppressed}");
}

/// The plugin turns suppression off with both numbers at 255.
#[test]
fn a_margin_of_255_keeps_all() {
    let boxes = Tensor::ints(DType::I16, &[3, 4], &[0, 0, 9, 9].repeat(3));
    let scores = Tensor::ints(DType::I8, &[3], &[127, 0, -128]);
    let labels = Tensor::ints(DType::I32, &[3], &[0; 3]);
    assert_eq!(mask(&boxes, &scores, &labels, 255, 255), [1, 1, 1]);
    assert_eq!(mask(&boxes, &scores, &labels, 255, 254), [1, 1, 0]);
    assert_eq!(mask(&boxes, &scores, &labels, 255, 0), [1, 0, 0]);
}
