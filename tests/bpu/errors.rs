//! Wrong calls are refused with a sentence; nothing panics and nothing is read out of bounds.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, OpError, TensorRef, names, refusal, run, shapes};
use ptool::tensor::DType;

use super::call::Tensor;

#[test]
fn unknown_names_and_wrong_counts_are_named() {
    assert_eq!(
        run("bpu_magic", &[]).unwrap_err(),
        OpError::Unknown("bpu_magic".to_owned())
    );
    let error = run("bpu_scale_requantization", &[Arg::None; 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "horizon::bpu_scale_requantization takes 8 or 7 arguments, not 3"
    );
}

#[test]
fn operators_without_a_public_formula_say_so() {
    let refused: Vec<&str> = names().filter(|name| refusal(name).is_some()).collect();
    assert_eq!(
        refused,
        [
            "rcnn_post_process",
            "meta_requantization",
            "meta_quant_convolution"
        ]
    );
    let error = run("rcnn_post_process", &[Arg::None; 15]).unwrap_err();
    assert!(matches!(error, OpError::NoFormula { .. }));
    assert!(
        error.to_string().contains("can be loaded but not run"),
        "{error}"
    );
}

#[test]
fn data_too_short_for_its_strides_is_refused() {
    let bytes = [0u8; 7];
    let (shape, strides) = ([2, 4], [4, 1]);
    let data = Arg::Tensor(TensorRef::new(DType::I8, &shape, &strides, &bytes));
    let scale = Tensor::scalar(1.0);
    let error = run(
        "bpu_scale_dequantization",
        &[data, scale.arg(), Arg::Int(-1)],
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("does not fit 7 bytes"),
        "{error}"
    );
}

/// Any argument, right or wrong.
fn argument(pick: u8, tensors: &[Tensor]) -> Arg<'_> {
    match pick % 16 {
        0 => Arg::None,
        1 => Arg::Bool(pick > 100),
        2 => Arg::Int(1),
        3 => Arg::Int(-1),
        4 => Arg::Int(i64::MAX),
        5 => Arg::Float(f64::NAN),
        6 => Arg::Str("bayes"),
        7 => Arg::Str("qint8"),
        8 => Arg::Str(""),
        9 => Arg::Ints(&[1, 1]),
        10 => Arg::Ints(&[i64::MAX, -3]),
        11 => Arg::Ints(&[0, 0]),
        _ => tensors[usize::from(pick / 16) % tensors.len()].arg(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn no_arguments_make_an_operator_panic(name in 0..64usize, picks in proptest::collection::vec(any::<u8>(), 30), flip in any::<u64>()) {
        let all: Vec<&str> = names().collect();
        let name = all[name % all.len()];
        let tensors = [
            Tensor::ints(DType::I8, &[1, 2, 3, 3], &[-128; 18]), Tensor::ints(DType::I8, &[2, 2, 1, 1], &[127; 4]), Tensor::scalar(0.5),
            Tensor::ints(DType::I32, &[2], &[i32::MIN.into(), i32::MAX.into()]), Tensor::floats(&[0], &[]), Tensor::ints(DType::I16, &[0, 2], &[]),
            Tensor::ints(DType::I64, &[1], &[i64::MIN]), Tensor::floats(&[2, 2, 1, 1], &[f32::NAN, 1e38, -0.0, f32::INFINITY]),
            Tensor::floats(&[1, 2, 4], &[0.0, -1e38, f32::INFINITY, 3e38, 1.0, f32::NAN, 2.0, 4.0]),
            Tensor::ints(DType::I32, &[1, 2, 4], &[i32::MIN.into(), 0, i32::MAX.into(), 4, -1, -1, 5, i32::MAX.into()]),
            Tensor::ints(DType::I8, &[1, 2], &[-128, 127]), Tensor::floats(&[2, 3], &[1e38, 0.5, 0.5, f32::NAN, 0.0, -1e38]), Tensor::floats(&[3], &[0.0, 1e-38, 1.0]),
            Tensor::floats(&[6], &[0.0, 0.0, 0.0, 1e38, f32::INFINITY, 1.0]), Tensor::floats(&[1, 2, 3], &[0.0; 6]), Tensor::ints(DType::I32, &[1, 3], &[-1; 3]),
            Tensor::ints(DType::I32, &[1], &[i32::MAX.into()]), Tensor::ints(DType::U8, &[1, 3, 1, 1], &[255, 0, 255]),
        ];
        // Arguments that make the call almost right, so that checks behind the first are reached.
        let right = plausible(name, &tensors);
        for count in 1..30 {
            let args: Vec<Arg> = (0..count).map(|i| match right.get(i) {
                Some(arg) if flip >> (i % 64) & 1 == 0 || flip.is_multiple_of(3) && i != flip as usize % 23 => *arg,
                _ => argument(picks[i], &tensors),
            }).collect();
            let _ = run(name, &args);
            let _ = shapes(name, &args);
        }
    }
}

/// Arguments of a valid call for some operators.
fn plausible<'a>(name: &str, t: &'a [Tensor; 18]) -> Vec<Arg<'a>> {
    let (x, w, s, i) = (t[0].arg(), t[1].arg(), t[2].arg(), t[3].arg());
    let (one, none) = (Arg::Ints(&[1, 1]), Arg::Ints(&[0, 0]));
    match name {
        "bpu_scale_quanti_convolution" => vec![
            x,
            w,
            i,
            x,
            i,
            i,
            i,
            i,
            i,
            i,
            Arg::Bool(true),
            Arg::Int(2),
            one,
            one,
            none,
            one,
            Arg::Str("relu"),
            Arg::Int(1),
            Arg::Bool(false),
            Arg::Bool(false),
            Arg::Str("qint8"),
            Arg::Str("bayes"),
        ],
        "bpu_scale_quanti_deconvolution" => vec![
            x,
            w,
            i,
            x,
            i,
            i,
            i,
            i,
            i,
            i,
            Arg::Bool(true),
            Arg::Int(2),
            one,
            one,
            none,
            none,
            one,
            Arg::Str(""),
            Arg::Int(1),
            Arg::Bool(true),
            Arg::Bool(true),
            Arg::Str("qint32"),
            Arg::Str("bayes"),
        ],
        "convert_conv_params" => vec![
            s,
            t[7].arg(),
            s,
            Arg::Str("qint8"),
            s,
            s,
            Arg::Str("qint32"),
            s,
            Arg::Str("qint8"),
            s,
            Arg::Bool(false),
            Arg::Int(1),
            Arg::Str("bayes"),
        ],
        "bpu_quanti_roi_resize" => vec![
            x,
            t[8].arg(),
            Arg::Float(0.5),
            Arg::Int(3),
            Arg::Int(2),
            Arg::Bool(true),
            Arg::Str("bilinear"),
            Arg::Str("bayes"),
        ],
        "quanti_nms" => vec![
            t[9].arg(),
            t[10].arg(),
            t[10].arg(),
            Arg::Int(1),
            Arg::Int(-1),
            Arg::Str("bayes"),
        ],
        "voxelization" => {
            let sizes = [t[11].arg(), t[12].arg(), t[13].arg()];
            let into = [t[14].arg(), t[15].arg()];
            let counts = [Arg::Int(2), Arg::Int(1), Arg::Int(3)];
            [&sizes[..], &into, &[t[16].arg()], &counts].concat()
        }
        "bgr_to_yuv444" => vec![t[17].arg(), Arg::Bool(false)],
        "bpu_scale_requantization" => vec![
            x,
            s,
            s,
            Arg::Str("qint8"),
            Arg::Str("qint16"),
            Arg::Bool(true),
            Arg::Bool(true),
            Arg::Str("bayes"),
        ],
        "bpu_scale_quanti_pooling" => vec![
            x,
            Arg::Str("sum"),
            one,
            none,
            one,
            Arg::Bool(true),
            Arg::Str("qint32"),
            Arg::Str("bayes"),
        ],
        "bpu_quanti_resize" => vec![
            x,
            Arg::Str("bilinear"),
            Arg::Bool(false),
            Arg::Int(5),
            Arg::Int(4),
            Arg::Float(-1.0),
            Arg::Float(-1.0),
            Arg::Str("bayes"),
        ],
        _ => vec![x, s, Arg::Int(-1)],
    }
}
