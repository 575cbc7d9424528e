//! `bpu_quanti_proposal`.

use proptest::prelude::*;
use ptool::bpu::op::{Arg, OpError, Output, TensorRef, run, shapes};
use ptool::tensor::DType;

use super::super::call::{Tensor, ints};
use super::super::values::Rng;

/// Two branches of two anchors and three classes.
struct Heads {
    data: [Tensor; 2],
    anchors: Vec<i64>,
    table: Vec<i64>,
    threshold: i64,
    special: Vec<i64>,
    clips: bool,
    nms: [i64; 2],
    rows: i64,
    place: Option<bool>,
}

const CLASSES: usize = 3;
const ANCHORS: usize = 2;
const SHIFTS: [i64; 2] = [4, 5];
const TABLE_SHIFT: i64 = 9;
const OFFSETS: [i64; 2] = [0, 10];
const STRIDES: [[i64; 2]; 2] = [[8, 8], [16, 32]];
const IMAGE: [f32; 4] = [40.0, 60.0, 25.5, 31.0];

impl Heads {
    fn call(&self) -> Result<Vec<Output>, OpError> {
        let anchors = Tensor::ints(DType::I32, &[2 * ANCHORS, 4], &self.anchors);
        let table = Tensor::ints(DType::I32, &[256], &self.table);
        let sizes = Tensor::floats(&[2, 2], &IMAGE);
        let data: [TensorRef; 2] = [self.data[0].view(), self.data[1].view()];
        let [vertical, horizontal] = [0, 1].map(|k| [STRIDES[0][k], STRIDES[1][k]]);
        let index: Vec<i64> = (0..self.special.len() as i64).map(|i| i + 1).collect();
        let per_branch = |value: usize| [value as i64; 2];
        let (counts, classes) = (per_branch(ANCHORS), per_branch(CLASSES));
        let starts = [0, ANCHORS as i64];
        let mut args = vec![
            Arg::Tensors(&data),
            anchors.arg(),
            table.arg(),
            sizes.arg(),
            Arg::Ints(&counts),
            Arg::Ints(&classes),
            Arg::Ints(&SHIFTS),
            Arg::Int(TABLE_SHIFT),
            Arg::Ints(&[8, 8]),
            Arg::Ints(&[8, 8]),
            Arg::Int(self.threshold),
            Arg::Ints(&index),
            Arg::Ints(&self.special),
            Arg::Ints(&OFFSETS),
            Arg::Int(1),
            Arg::Ints(&starts),
            Arg::Ints(&vertical),
            Arg::Ints(&horizontal),
            Arg::Bool(self.clips),
            Arg::Bool(false),
            Arg::Float(40.0),
            Arg::Int(60),
            Arg::Str("hw"),
            Arg::Int(self.nms[0]),
            Arg::Int(self.rows),
            Arg::Int(self.nms[1]),
            Arg::Int(-1),
            Arg::Str("bayes"),
        ];
        if let Some(filters) = self.place {
            args.insert(11, Arg::Bool(filters));
        }
        let shape = shapes("bpu_quanti_proposal", &args)?;
        let found = run("bpu_quanti_proposal", &args)?;
        assert_eq!(shape, [(found[0].dtype(), found[0].shape().to_vec())]);
        Ok(found)
    }

    /// All boxes of one image in exact 128-bit fractions, best first: corners, score, class, place.
    fn boxes(&self, image: usize) -> Vec<[i64; 10]> {
        let mut all = Vec::new();
        for branch in 0..2 {
            let shape = &self.data[branch].shape;
            let (h, w) = (shape[2], shape[3]);
            let values = values(&self.data[branch]);
            for anchor in 0..ANCHORS {
                for y in 0..h {
                    for x in 0..w {
                        let channel = |k: usize| {
                            let c = anchor * (4 + CLASSES) + k;
                            values[((image * shape[1] + c) * h + y) * w + x]
                        };
                        let scores = [channel(4), channel(5), channel(6)];
                        let score = *scores.iter().max().unwrap();
                        let class = scores.iter().position(|s| *s == score).unwrap();
                        let own = class.checked_sub(1).and_then(|k| self.special.get(k));
                        if score < *own.unwrap_or(&self.threshold) {
                            continue;
                        }
                        let row = &self.anchors[(branch * ANCHORS + anchor) * 4..][..4];
                        let ends = |axis: usize, cell: usize, delta: usize| {
                            let side = i128::from(row[axis]);
                            let centre = i128::from(row[2 + axis])
                                + cell as i128 * i128::from(STRIDES[branch][axis]) * 4;
                            let grow = i128::from(self.table[(channel(delta + 2) + 128) as usize]);
                            // In units of 2^-(1 + 9 + 5), far below what is rounded away.
                            let moved = (centre << 15)
                                + ((i128::from(channel(delta)) * side) << (15 - SHIFTS[branch]));
                            let half = (grow * side) << (15 - TABLE_SHIFT - 1);
                            let last = ((IMAGE[2 * image + axis] - 1.0) * 4.0).floor() as i64;
                            [moved - half, moved + half].map(|v| {
                                let v =
                                    (v + (1 << 14)).div_euclid(1 << 15).clamp(-32768, 32767) as i64;
                                if self.clips { v.min(last).max(0) } else { v }
                            })
                        };
                        let ([y1, y2], [x1, x2]) = (ends(0, y, 1), ends(1, x, 0));
                        if x1 < x2 && y1 < y2 {
                            let place = [branch, anchor, y, x].map(|v| v as i64);
                            let label = class as i64 + OFFSETS[branch];
                            all.push([
                                x1, y1, x2, y2, score, label, place[0], place[1], place[2],
                                place[3],
                            ]);
                        }
                    }
                }
            }
        }
        all.sort_by_key(|b| std::cmp::Reverse(b[4]));
        all
    }
}

fn values(tensor: &Tensor) -> Vec<i64> {
    tensor.bytes.iter().map(|b| i64::from(*b as i8)).collect()
}

fn heads(rng: &mut Rng, h: usize, w: usize) -> Heads {
    let channels = ANCHORS * (4 + CLASSES);
    let mut data = |h: usize, w: usize| {
        let values = rng.extreme(2 * channels * h * w, -128, 127);
        Tensor::ints(DType::I8, &[2, channels, h, w], &values)
    };
    let data = [data(h, w), data(1, 2)];
    let table = (-128i64..128)
        .map(|k| ((k as f64 / 16.0).exp() * 512.0).round_ties_even() as i64)
        .collect();
    Heads {
        data,
        anchors: (0..8 * ANCHORS).map(|_| rng.within(0, 400)).collect(),
        table,
        threshold: rng.within(-128, 127),
        special: if rng.next().is_multiple_of(2) {
            vec![]
        } else {
            vec![rng.within(-128, 127); 2]
        },
        clips: rng.next().is_multiple_of(2),
        nms: [255, 255],
        rows: 12,
        place: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn boxes_equal_exact_fractions(h in 1..4usize, w in 1..4usize, place in prop_oneof![Just(None), Just(Some(true)), Just(Some(false))], seed: u64) {
        let mut it = heads(&mut Rng(seed), h, w);
        it.place = place;
        let columns = if place == Some(false) { 10 } else { 6 };
        let mut expected = Vec::new();
        for image in 0..2 {
            let boxes = it.boxes(image);
            for row in 0..12 {
                expected.extend(boxes.get(row).map_or(vec![-1; columns], |b| b[..columns].to_vec()));
            }
        }
        prop_assert_eq!(ints(&it.call().unwrap()[0]), expected);
    }

    /// Suppression is `quanti_nms` of the boxes without it.
    #[test]
    fn boxes_are_suppressed_as_by_quanti_nms(threshold in 0..256i64, margin in 0..20i64, seed: u64) {
        let mut it = heads(&mut Rng(seed), 3, 3);
        it.rows = 60;
        let all = it.boxes(0);
        it.nms = [threshold, margin];
        let (n, column) = (all.len(), |from: usize, to: usize| -> Vec<i64> { all.iter().flat_map(|b| b[from..to].to_vec()).collect() });
        let tensors = [Tensor::ints(DType::I16, &[n, 4], &column(0, 4)), Tensor::ints(DType::I8, &[n], &column(4, 5)), Tensor::ints(DType::I32, &[n], &column(5, 6))];
        let [boxes, scores, labels] = &tensors;
        let mask = ints(&run("quanti_nms", &[boxes.arg(), scores.arg(), labels.arg(), Arg::Int(threshold), Arg::Int(margin), Arg::Str("bayes")]).unwrap()[0]);
        let kept = all.iter().zip(mask).filter(|(_, keep)| *keep == 1);
        let mut expected: Vec<i64> = kept.flat_map(|(b, _)| b[..6].to_vec()).collect();
        expected.resize(60 * 6, -1);
        prop_assert_eq!(ints(&it.call().unwrap()[0])[..60 * 6].to_vec(), expected);
    }
}

#[test]
fn more_boxes_than_the_hardware_sorts_are_refused() {
    let mut it = heads(&mut Rng(5), 46, 46);
    (it.threshold, it.special, it.clips) = (-128, vec![], false);
    it.anchors = vec![64; 16];
    it.data[0] = Tensor::ints(DType::I8, &it.data[0].shape, &vec![0; 2 * 14 * 46 * 46]);
    let error = it.call().unwrap_err().to_string();
    assert!(error.contains("raise box_filter_threshold"), "{error}");
}
