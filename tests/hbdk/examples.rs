//! The worked examples of `hbir.md` section 3, each on a graph of one layer.

use ptool::hbdk::eval::{self, Watch};
use ptool::hbdk::graph::{
    AddForm, ConvForm, ConvLayer, Kind, Layer, Layout, LutSegments, Pooling, Record, RecordId,
    Resample, Tree,
};
use ptool::hbdk::params::{self, Chain, ConvScales};
use ptool::hbdk::{Array, Graph, March};
use ptool::tensor::DType;

fn ints(dtype: DType, shape: &[usize], data: &[i64]) -> Array {
    Array::int(dtype, shape, data.to_vec())
}

/// The output of one layer on constants, which are in the hardware's layout.
pub(super) fn evaluated(kind: Kind, inputs: &[Array], shape: &[usize], dtype: DType) -> Vec<i64> {
    let mut graph = Graph {
        march: March::Bayes,
        records: vec![],
        layers: vec![],
        inputs: vec![],
        outputs: vec![],
        result: Tree::None,
    };
    let mut add = |kind, inputs: Vec<RecordId>, shape: &[usize], dtype| {
        let id = RecordId(graph.records.len() as u32);
        graph.records.push(Record {
            name: format!("r{}", id.0).into(),
            shape: shape.to_vec(),
            layout: Layout::Hardware,
            dtype,
            loose: false,
        });
        graph.layers.push(Layer {
            kind,
            inputs,
            outputs: vec![id],
            site: None,
            known: None,
        });
        id
    };
    let ids: Vec<RecordId> = inputs
        .iter()
        .map(|a| add(Kind::Constant(a.clone().into()), vec![], &a.shape, a.dtype))
        .collect();
    let result = add(kind, ids, shape, dtype);
    struct Keep(RecordId, Vec<i64>);
    impl Watch for Keep {
        fn computed(&mut self, id: RecordId, value: &Array) -> Option<Array> {
            if id == self.0 {
                self.1 = value.ints().unwrap().to_vec();
            }
            None
        }
    }
    let mut keep = Keep(result, vec![]);
    eval::run(&graph, &[], &mut keep).unwrap();
    keep.1
}

/// 3.1: the front end's rescale of `x = 123456`.
#[test]
fn requantise() {
    let x = ints(DType::I32, &[1, 3], &[123_456, -123_456, 1001]);
    let kind = Kind::Rescale {
        chain: Chain::direct(&[0.0005], &[1.0]),
        rounding: true,
    };
    assert_eq!(evaluated(kind, &[x], &[1, 3], DType::I8), [62, -62, 1]);
}

fn conv_example(out: DType, out_scale: f32, march: March, relu: bool) -> i64 {
    let params = params::conv(&ConvScales {
        input: 0.01,
        weight: &[0.005, -0.009, 0.033, 0.017],
        weight_scale: &[0.001],
        channel: &|_| 0,
        channels: 1,
        bias: &[1.25],
        sum: Some(0.4),
        out_scale: &[out_scale],
        out,
        march,
    });
    let kind = Kind::Conv(Box::new(ConvLayer {
        form: ConvForm::Convolution,
        weight_shape: vec![1, 1, 1, 4],
        params,
        stride: vec![1, 1],
        padding: vec![0, 0],
        dilation: vec![1, 1],
        groups: 1,
        relu,
        rounding: march != March::Bernoulli2,
        out,
    }));
    let x = ints(DType::I8, &[1, 1, 1, 4], &[12, -7, 100, -128]);
    let sum = ints(DType::I8, &[1, 1, 1, 1], &[-45]);
    evaluated(kind, &[x, sum], &[1, 1, 1, 1], out)[0]
}

/// 3.2: one convolution output with bias and sum input.
#[test]
fn convolution() {
    assert_eq!(conv_example(DType::I8, 0.5, March::Bayes, false), -33);
    assert_eq!(conv_example(DType::I8, 0.5, March::Bayes, true), 0);
    assert_eq!(conv_example(DType::I8, 0.5, March::Bernoulli2, false), -34);
    assert_eq!(conv_example(DType::I16, 0.001, March::Bayes, false), -16739);
    assert_eq!(
        conv_example(DType::I32, 1.0, March::Bayes, false),
        -1_673_753
    );
}

/// 3.3: element-wise addition of `x = 100 (0.05)` and `y = -37 (0.02)`.
#[test]
fn addition() {
    let (x, y) = (ints(DType::I8, &[1], &[100]), ints(DType::I8, &[1], &[-37]));
    let shift = params::add_shift(0.05, 0.02, 23);
    let bayes = Kind::ElementwiseAdd {
        form: AddForm::Scale {
            shift,
            scale: params::add_multiplier(0.02, 0.05, shift),
        },
        chain: Chain::accumulator(&[0.05f32 / 65536.0], &[0.06], DType::I8, March::Bayes),
    };
    assert_eq!(
        evaluated(bayes, &[x.clone(), y.clone()], &[1], DType::I8),
        [71]
    );
    let it = params::x2a_add(0.02, 0.05);
    let x2a = Kind::ElementwiseAdd {
        form: AddForm::X2a {
            first: it.smaller,
            second: it.larger,
            shift: it.larger_lshift,
        },
        chain: Chain::accumulator(&[it.scale], &[0.06], DType::I8, March::Bernoulli2),
    };
    assert_eq!(evaluated(x2a, &[y, x], &[1], DType::I8), [71]);
}

/// 3.4: average of a window of four with equal scales.
#[test]
fn average() {
    let x = ints(DType::I8, &[1, 2, 2, 1], &[10, 21, -5, 100]);
    let pool = |post_rounding| Kind::AvgPooling {
        window: Pooling {
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
            ceil_mode: false,
        },
        chain: Chain::accumulator(&[1.0f32 / 2.0 / 2.0], &[1.0], DType::I8, March::Bayes),
        pre_rounding: true,
        post_rounding,
    };
    let run = |kind| evaluated(kind, std::slice::from_ref(&x), &[1, 1, 1, 1], DType::I8);
    assert_eq!((run(pool(true)), run(pool(false))), (vec![32], vec![31]));
}

/// 3.5: bilinear resize of the row `[10, 20, -30, 40]`.
#[test]
fn resize() {
    let x = ints(DType::I8, &[1, 1, 4, 1], &[10, 20, -30, 40]);
    let run = |bits: u32, step: i64, start: i64, out: usize, rounding: bool| {
        let kind = Kind::RoiResize(Resample {
            size: [1, out],
            bits,
            step: [1 << bits, step],
            start: [0, start],
            nearest: false,
            rounding,
        });
        evaluated(kind, std::slice::from_ref(&x), &[1, 1, out, 1], DType::I8)
    };
    let doubled = [10, 13, 18, 8, -17, -12, 23, 40];
    assert_eq!(run(16, 32768, -16384, 8, true), doubled);
    assert_eq!(run(8, 128, -64, 8, true), doubled);
    assert_eq!(
        run(8, 128, -64, 8, false),
        [10, 12, 17, 7, -18, -13, 22, 40]
    );
    assert_eq!(run(16, 43690, -10923, 6, true), [10, 15, 12, -22, 5, 40]);
    assert_eq!(run(8, 170, -43, 6, true), [10, 15, 12, -21, 4, 40]);
}

/// 3.6: a table of the logistic function.
#[test]
fn lut() {
    let entry = |i: i64| {
        let y = 1.0 / (1.0 + (-(i as f64) * 0.05).exp());
        ((y * 128.0).round_ties_even() as i64).clamp(-128, 127)
    };
    let x = ints(DType::I8, &[4], &[-128, 0, 37, 127]);
    let kind = Kind::Lut((-128..128).map(entry).collect());
    assert_eq!(evaluated(kind, &[x], &[4], DType::I8), [0, 64, 111, 127]);
}

/// 3.7: segments of the logistic function; all but one table and the right line are left empty.
#[test]
fn segment_lut() {
    let mut table = vec![0; 6 * 64];
    let row = 4 * 64;
    (table[row + 19], table[row + 20]) = (31779, 31819);
    let only = |at: usize, value: i64| {
        let mut list = vec![0; 8];
        list[at] = value;
        list
    };
    let both = |a: i64, b: i64| {
        let mut list = only(5, a);
        list[7] = b;
        list
    };
    let kind = Kind::SegmentLut(Box::new(LutSegments {
        table: ints(DType::I16, &[6, 64], &table).into(),
        k: both(24774, 74),
        b: both(-32259, 32684),
        add_lsh: both(13, 15),
        sum_rsh: both(14, 15),
        max: vec![-32000, -21333, -10667, 0, 10667, 21333, 32000, 32767],
        symmetric: false,
    }));
    let x = ints(DType::I16, &[2], &[14000, 32500]);
    assert_eq!(evaluated(kind, &[x], &[2], DType::I16), [31807, 32757]);
}
