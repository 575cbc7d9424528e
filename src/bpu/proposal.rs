//! Boxes from detection heads (`horizon.md` 2.1 #26 and 3.16, `hbir.md` 1.14).
//!
//! Inferred. Everything is in quarters of a pixel; `s` is the shift of the head's integers, `E` that of the table:
//!
//! ```text
//! score, class = greatest of the classes, the first of equal ones; kept if score ≥ threshold
//! centre'  = centre + cell · stride + delta · side · 2^-s      low, high = centre' ∓ table[delta' + 128] · side · 2^-E / 2
//! clipped into 0 … last pixel, kept if low < high; best score first, then by branch, anchor, row and column
//! ```
//!
//! Read: channels of an anchor (dx, dy, dw, dh, classes), the anchor's row (height, width, centre y, centre x), one box
//! an anchor, the order, the clipping to the last pixel. Chosen: the exact corner is rounded once, half up, after the
//! alignment to `2^-E`, which is why the plugin demands `E ≥ s`. Left out: the order that bernoulli and bernoulli2 give
//! equal scores without the stable sort (theirs is taken as stable), and which boxes their random numbers throw out
//! beyond [`CAPACITY`], where the operator refuses.

mod decode;
mod heads;

use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use super::suppress::{Candidate, Rule, kept};
use crate::tensor::DType;
use heads::Heads;

/// Boxes of one image that the hardware sorts.
const CAPACITY: usize = 4095;

/// Columns of a result: x1, y1, x2, y2, score, class.
const COLUMNS: usize = 6;

/// Columns that the form for a separate sort adds: branch, anchor, row, column of the map.
const PLACE: usize = 4;

/// A candidate and where it comes from: branch, anchor, row, column.
struct Found {
    it: Candidate,
    place: [i32; PLACE],
}

/// Boxes int32 `[N, output_bbox_num, 6]`, padded with rows of `fake_data_value`; `[…, 10]` with the place of each where
/// the form of 29 arguments has `filter_invalid_boxes=False`.
///
/// Arguments: data int8 `[N, anchors·(4 + classes), H, W]` per branch; anchor int32 `[A, 4]`; exp_table int32 `[256]`;
/// image_sizes `[N, 2]` as height, width; and the numbers of `horizon.md` 2.1 #26. Sizes of blocks, the random seed and
/// the fixed image size have no effect on the result.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let heads = Heads::read(a)?;
    let (rows, columns) = (heads.rows, heads.columns());
    let mut all = Vec::with_capacity(heads.images * rows * columns);
    for image in 0..heads.images {
        let mut found = heads.image(a, image)?;
        if found.len() > CAPACITY {
            return Err(a.value_error(format!(
                "image {image} has {} boxes above the threshold, the hardware sorts {CAPACITY} and drops others at \
                 random: raise box_filter_threshold",
                found.len()
            )));
        }
        found.sort_by_key(|f| std::cmp::Reverse(f.it.score));
        let candidates: Vec<Candidate> = found.iter().map(|f| f.it).collect();
        let rule: Rule = heads.rule;
        let stays = kept(&candidates, rule);
        let best = found.iter().zip(stays).filter(|(_, stays)| *stays);
        let start = all.len();
        for (f, _) in best.take(rows) {
            all.extend(f.it.corners);
            all.extend([f.it.score, f.it.label]);
            all.extend(&f.place[..columns - COLUMNS]);
        }
        all.resize(start + rows * columns, heads.padding);
    }
    let shape = vec![heads.images, rows, columns];
    Ok(vec![Output::new(all, shape, MemoryFormat::Contiguous)])
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    let heads = Heads::read(a)?;
    Ok(vec![(
        DType::I32,
        vec![heads.images, heads.rows, heads.columns()],
    )])
}
