//! Integer box suppression (`horizon.md` 2.1 #27 and 3.16, `hbir.md` 1.14).
//!
//! Inferred. Boxes are taken best score first, equal scores in their order; a box goes when a kept one of its class
//!
//! ```text
//! leads it by more than the margin      score - score' > margin
//! overlaps it by more than the limit    256 · both > threshold · either     areas without the + 1 of pixel counts
//! ```
//!
//! Read: the margin, and that it is strict (so 255, which no two int8 scores exceed, turns suppression off, as the
//! plugin uses it; and equal scores never suppress each other), classes apart, 8 fraction bits of the threshold.
//! The exact comparison of products and the areas are torchvision's, whose float function the float module calls.

use super::op::{Args, Context, OpError, Output, Shape};
use crate::tensor::DType;

/// Fraction bits of an overlap threshold.
const THRESHOLD_BITS: u32 = 8;

/// When a box suppresses another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Overlap up to which both are kept, in units of `1/256`.
    pub(super) threshold: i32,
    /// Difference of scores up to which both are kept.
    pub(super) margin: i32,
}

/// A box with its score and class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// `x1, y1, x2, y2`.
    pub(super) corners: [i32; 4],
    pub(super) score: i32,
    pub(super) label: i32,
}

impl Rule {
    fn suppresses(self, kept: &Candidate, it: &Candidate) -> bool {
        let lead = i64::from(kept.score) - i64::from(it.score);
        kept.label == it.label && lead > i64::from(self.margin) && self.overlaps(kept, it)
    }

    fn overlaps(self, a: &Candidate, b: &Candidate) -> bool {
        let area = |[x1, y1, x2, y2]: [i32; 4]| {
            let side = |low: i32, high: i32| (i128::from(high) - i128::from(low)).max(0);
            side(x1, x2) * side(y1, y2)
        };
        let ([x1, y1, x2, y2], [u1, v1, u2, v2]) = (a.corners, b.corners);
        let both = area([x1.max(u1), y1.max(v1), x2.min(u2), y2.min(v2)]);
        let either = area(a.corners) + area(b.corners) - both;
        (both << THRESHOLD_BITS) > i128::from(self.threshold) * either
    }
}

/// Which boxes stay, in the order of the candidates.
pub(super) fn kept(candidates: &[Candidate], rule: Rule) -> Vec<bool> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(candidates[at].score));
    let (mut keep, mut winners) = (vec![false; candidates.len()], Vec::new());
    for at in order {
        let it = &candidates[at];
        if !winners.iter().any(|kept| rule.suppresses(kept, it)) {
            winners.push(*it);
            keep[at] = true;
        }
    }
    keep
}

/// A mask of the boxes that stay, of the shape of the scores; images do not suppress each other.
///
/// Arguments: integer boxes `[N, K, 4]` as x1, y1, x2, y2; integer scores and labels `[N, K]`; nms_threshold in units of
/// `1/256`; nms_margin in units of the scores; march. Without N for a single image.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let shape = shape(a)?;
    let (boxes, scores, labels) = (a.ints32(0)?, a.ints32(1)?, a.ints32(2)?);
    let rule = Rule {
        threshold: a.int32(3)?,
        margin: a.int32(4)?,
    };
    let candidates: Vec<Candidate> = boxes
        .chunks_exact(4)
        .zip(scores.into_iter().zip(labels))
        .map(|(corners, (score, label))| Candidate {
            corners: [corners[0], corners[1], corners[2], corners[3]],
            score,
            label,
        })
        .collect();
    let each = shape.last().copied().unwrap_or(0).max(1);
    let keep = candidates
        .chunks(each)
        .flat_map(|image| kept(image, rule))
        .map(u8::from)
        .collect();
    Ok(vec![Output::bools(keep, shape)])
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(DType::Bool, shape(a)?)])
}

fn shape(a: &Args) -> Result<Vec<usize>, OpError> {
    let [boxes, scores, labels] = [0, 1, 2].map(|i| a.tensor(i).map(|t| t.shape));
    let (boxes, scores, labels) = (boxes?, scores?, labels?);
    let fits = matches!(scores.len(), 1 | 2)
        && labels == scores
        && boxes.split_last() == Some((&4, scores));
    match fits {
        true => Ok(scores.to_vec()),
        false => Err(a.shape_error(format!(
            "boxes {boxes:?} are not [N, K, 4], or scores {scores:?} and labels {labels:?} not [N, K]"
        ))),
    }
}
