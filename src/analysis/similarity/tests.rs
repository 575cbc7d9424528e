use super::*;
use crate::tensor::view::Quantizer;
use proptest::prelude::*;

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn compare_f32(a: &[f32], b: &[f32]) -> Similarity {
    let (x, y) = (f32s(a), f32s(b));
    let x = View::contiguous(DType::F32, &[a.len()], &x).unwrap();
    let y = View::contiguous(DType::F32, &[b.len()], &y).unwrap();
    similarity(&x, &y, Tolerance::default()).unwrap()
}

#[test]
fn equal_tensors_are_equal_in_every_measure() {
    let result = compare_f32(&[1.0, -2.0, 0.5], &[1.0, -2.0, 0.5]);
    assert!(result.same_bits && result.is_equal() && result.is_close());
    assert_eq!(
        (result.max_abs, result.max_rel, result.max_ulp),
        (0.0, 0.0, Some(0))
    );
    assert_eq!(
        (result.cosine, result.mse, result.sqnr_db),
        (Some(1.0), Some(0.0), Some(f64::INFINITY))
    );
}

#[test]
fn one_step_is_one_ulp_across_zero_and_exponents() {
    let next = f32::from_bits(1.0f32.to_bits() + 1);
    assert_eq!(compare_f32(&[1.0], &[next]).max_ulp, Some(1));
    let tiny = f32::from_bits(1);
    assert_eq!(compare_f32(&[tiny], &[-tiny]).max_ulp, Some(2));
    let below_two = f32::from_bits(2.0f32.to_bits() - 1);
    assert_eq!(compare_f32(&[2.0], &[below_two]).max_ulp, Some(1));
}

#[test]
fn nan_equals_nan_and_is_infinitely_far_from_numbers() {
    let both = compare_f32(&[f32::NAN, 1.0], &[f32::NAN, 1.0]);
    assert!(both.is_equal() && both.same_bits);
    assert_eq!((both.cosine, both.mse, both.sqnr_db), (None, None, None));
    let one = compare_f32(&[1.0, f32::NAN], &[1.0, 3.0]);
    assert_eq!((one.differing, one.one_sided_nan, one.outside), (1, 1, 1));
    assert_eq!((one.max_abs, one.max_rel), (f64::INFINITY, f64::INFINITY));
    assert_eq!(one.worst.unwrap().index, [1]);
}

#[test]
fn infinities_equal_themselves_only() {
    let inf = f32::INFINITY;
    assert!(compare_f32(&[inf, -inf], &[inf, -inf]).is_equal());
    let apart = compare_f32(&[inf, inf], &[-inf, 1.0]);
    assert_eq!((apart.differing, apart.max_abs), (2, f64::INFINITY));
    assert_eq!(apart.one_sided_nan, 0);
}

#[test]
fn zeros_of_both_signs_are_equal_numbers_with_other_bits() {
    let result = compare_f32(&[0.0], &[-0.0]);
    assert!(result.is_equal() && !result.same_bits);
}

#[test]
fn tolerance_is_relative_to_the_reference() {
    let (x, y) = (f32s(&[1.0, 100.0]), f32s(&[1.5, 101.0]));
    let x = View::contiguous(DType::F32, &[2], &x).unwrap();
    let y = View::contiguous(DType::F32, &[2], &y).unwrap();
    let tolerance = Tolerance {
        rtol: 0.01,
        atol: 0.0,
    };
    let result = similarity(&x, &y, tolerance).unwrap();
    assert_eq!((result.differing, result.outside), (2, 1));
    assert_eq!(result.first.unwrap().index, [0]);
    assert_eq!(result.worst.unwrap().index, [1]);
}

#[test]
fn wide_integers_are_compared_exactly() {
    let (x, y) = ([i64::MAX.to_le_bytes()], [(i64::MAX - 1).to_le_bytes()]);
    let x = View::contiguous(DType::I64, &[1], &x[0]).unwrap();
    let y = View::contiguous(DType::I64, &[1], &y[0]).unwrap();
    let result = similarity(&x, &y, Tolerance::default()).unwrap();
    assert_eq!(
        (result.differing, result.max_abs, result.max_ulp),
        (1, 1.0, None)
    );
}

#[test]
fn quantised_tensors_compare_by_the_numbers_they_mean() {
    let (x, y) = ([10u8, 20], [5u8, 10]);
    let quantizer = |scale| Quantizer::PerTensor {
        scale,
        zero_point: 0,
    };
    let view = |bytes, scale| {
        let view = View::contiguous(DType::QU8, &[2], bytes).unwrap();
        view.with_quantizer(quantizer(scale)).unwrap()
    };
    let result = similarity(&view(&x, 0.5), &view(&y, 1.0), Tolerance::default()).unwrap();
    assert!(result.is_equal() && !result.same_bits);
    let result = similarity(&view(&x, 0.5), &view(&x, 1.0), Tolerance::default()).unwrap();
    assert_eq!((result.differing, result.max_abs), (2, 10.0));
}

#[test]
fn complex_numbers_compare_part_by_part_and_with_real_ones() {
    let (x, y) = (f32s(&[1.0, 2.0, 3.0, 0.0]), f32s(&[1.0, 2.5, 3.0, 0.0]));
    let a = View::contiguous(DType::C64, &[2], &x).unwrap();
    let b = View::contiguous(DType::C64, &[2], &y).unwrap();
    let result = similarity(&a, &b, Tolerance::default()).unwrap();
    assert_eq!(
        (result.count, result.differing, result.max_abs),
        (4, 1, 0.5)
    );
    assert_eq!(result.first.unwrap().index, [0]);
    let real = f32s(&[1.0, 3.0]);
    let real = View::contiguous(DType::F32, &[2], &real).unwrap();
    let result = similarity(&a, &real, Tolerance::default()).unwrap();
    assert_eq!((result.differing, result.max_abs), (1, 2.0));
}

#[test]
fn shapes_must_agree() {
    let bytes = f32s(&[1.0, 2.0]);
    let a = View::contiguous(DType::F32, &[2], &bytes).unwrap();
    let b = View::contiguous(DType::F32, &[2, 1], &bytes).unwrap();
    let error = similarity(&a, &b, Tolerance::default()).unwrap_err();
    assert_eq!(error.to_string(), "shapes differ: 2 and 2x1");
}

#[test]
fn empty_tensors_are_equal() {
    let result = compare_f32(&[], &[]);
    assert!(result.is_equal() && result.same_bits);
    assert_eq!((result.mse, result.cosine), (None, None));
}

proptest! {
    /// Strides and chunks must not show: a transposed view and its copy give the same numbers.
    #[test]
    fn strided_equals_contiguous(rows in 1usize..300, columns in 1usize..300, at in any::<prop::sample::Index>()) {
        let values: Vec<f32> = (0..rows * columns).map(|i| (i as f32).sin()).collect();
        let mut other = values.clone();
        other[at.index(rows * columns)] += 0.25;
        let (x, y) = (f32s(&values), f32s(&other));
        let transposed = |bytes| View::new(DType::F32, &[columns, rows], &[1, columns as isize], bytes, 0).unwrap();
        let (a, b) = (transposed(&x), transposed(&y));
        let strided = similarity(&a, &b, Tolerance::default()).unwrap();
        let (x, y) = (a.to_bytes(), b.to_bytes());
        let dense = |bytes| View::contiguous(DType::F32, &[columns, rows], bytes).unwrap();
        let contiguous = similarity(&dense(&x), &dense(&y), Tolerance::default()).unwrap();
        prop_assert_eq!(strided.differing, 1);
        prop_assert_eq!(strided.first, contiguous.first);
        prop_assert_eq!(strided.max_abs, contiguous.max_abs);
        prop_assert!((strided.mse.unwrap() - contiguous.mse.unwrap()).abs() < 1e-12);
    }
}
