//! Boxes from detection heads (`horizon.md` 3.16 and 5.6, `hbir.md` 1.14).

use super::super::array::Array;
use super::super::graph::{Detection, Head, Kind, Layout, RecordId};
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use super::detection::loose;
use crate::tensor::DType;

/// Boxes that the layer sorts.
const MOST: usize = 4095;

/// `detection_post_process_v1(data, anchor, exp_table, image_sizes, num_classes, input_shifts, exp_shift,
/// box_filter_threshold, class_offsets, seed, use_clippings, nms_threshold, nms_margin, post_nms_top_k, use_stable_sort,
/// march)`: one image; a list of one tuple of boxes int16 `[K, 4]`, scores int8 `[K]` and classes int32 `[K]`.
pub(super) fn detection_post_process_v1(
    builder: &mut Builder<'_>,
    args: &Args,
) -> Result<Val, Fail> {
    let unstable = matches!(args.at(14), Val::Bool(false));
    if unstable && builder.march().is_bayes() {
        return Err(Fail::new("Bayes only support stable sort!")
            .advise("leave use_stable_sort at its default"));
    }
    let (data, anchors) = (args.list(0)?.to_vec(), args.list(1)?.to_vec());
    let inputs = data
        .iter()
        .map(|v| builder.operand(v, Layout::Hardware, 4, DType::I8))
        .collect::<Result<Vec<RecordId>, Fail>>()?;
    let heads = heads(builder, args, &inputs, &anchors)?;
    let table = args.constant(2)?.to_reals();
    if table.len() != 256 {
        return Err(Fail::new(format!("a table of {} entries", table.len())));
    }
    let it = Detection {
        heads,
        table: table.iter().map(|v| *v as i64).collect(),
        table_shift: shift(args.int(6)?)?,
        threshold: args.int(7)?,
        last: match args.flag(10)? {
            true => Some(last(&*args.constant(3)?)?),
            false => None,
        },
        nms: [args.int(11)?, args.int(12)?],
        most: args.size(13)?.min(MOST),
        sorts: MOST,
    };
    if it.heads.iter().any(|head| head.shift > it.table_shift) {
        return Err(Fail::new("exp_shift is less than a shift of the inputs"));
    }
    let rows = [
        (vec![it.most, 4], DType::I16),
        (vec![it.most], DType::I8),
        (vec![it.most], DType::I32),
    ];
    let rows: Vec<RecordId> = rows
        .into_iter()
        .enumerate()
        .map(|(i, (shape, dtype))| loose(builder, &i.to_string(), shape, dtype))
        .collect();
    builder.add_layer(Kind::Detection(it), inputs, rows.clone());
    let found: Vec<Val> = rows.into_iter().map(|row| builder.manager(row)).collect();
    Ok(Val::seq([Val::seq(found)]))
}

fn shift(value: i64) -> Result<i64, Fail> {
    match value {
        0..=20 => Ok(value),
        _ => Err(Fail::new(format!("a shift of {value}"))),
    }
}

/// Last row and column of the image, in quarters of a pixel.
fn last(sizes: &Array) -> Result<[i64; 2], Fail> {
    match sizes.to_reals()[..] {
        [h, w] => Ok([h, w].map(|size| ((size - 1.0) * 4.0).floor() as i64)),
        _ => Err(Fail::new("image_sizes is not [1, 2]")),
    }
}

fn heads(
    builder: &Builder<'_>,
    args: &Args,
    inputs: &[RecordId],
    anchors: &[Val],
) -> Result<Vec<Head>, Fail> {
    let (shifts, offsets) = (args.ints(5)?, args.ints(8)?);
    let count = inputs.len();
    if [anchors.len(), shifts.len(), offsets.len()] != [count; 3] {
        return Err(Fail::new(
            "each branch needs anchors, a shift and an offset",
        ));
    }
    let classes = args.size(4)?;
    let mut heads = Vec::new();
    for (index, &input) in inputs.iter().enumerate() {
        let Val::Const(array) = &anchors[index] else {
            return Err(Fail::new("anchors that depend on the input")
                .advise("use AnchorGenerator, whose anchors are constant"));
        };
        let (anchors, stride) = anchors_of(array)?;
        let shape = &builder.graph.record(input).shape;
        let channels = anchors.len() * (4 + classes);
        match shape[..] {
            [1, _, _, c] if c == channels && classes > 0 => {}
            [1, ..] => {
                return Err(Fail::new(format!(
                    "{shape:?} has not the {channels} channels of its anchors"
                )));
            }
            _ => {
                return Err(Fail::new(
                    "unsupported model: detection_post_process_v1 operator does not support batch mode",
                ));
            }
        }
        heads.push(Head {
            anchors,
            stride,
            classes,
            shift: shift(shifts[index])?,
            offset: offsets[index],
        });
    }
    Ok(heads)
}

/// Height, width, centre y and centre x of each anchor at the first place, in quarters of a pixel, and the distances of
/// places down and across, in pixels.
fn anchors_of(array: &Array) -> Result<(Vec<[i64; 4]>, [i64; 2]), Fail> {
    let (&[_, channels, h, w], values) = (&array.shape[..], array.to_reals()) else {
        return Err(Fail::new("anchors are not [N, 4 · A, H, W]"));
    };
    let at = |channel: usize, y: usize, x: usize| values[(channel * h + y) * w + x];
    if channels == 0 || channels % 4 != 0 || h * w == 0 {
        return Err(Fail::new("anchors are not [N, 4 · A, H, W]"));
    }
    let quarters = |v: f64| (v * 4.0 + 0.5).floor() as i64;
    let rows = (0..channels / 4).map(|anchor| {
        let [x1, y1, x2, y2] = [0, 1, 2, 3].map(|k| at(4 * anchor + k, 0, 0));
        [y2 - y1, x2 - x1, (y1 + y2) / 2.0, (x1 + x2) / 2.0].map(quarters)
    });
    let down = if h > 1 {
        at(1, 1, 0) - at(1, 0, 0)
    } else {
        0.0
    };
    let across = if w > 1 {
        at(0, 0, 1) - at(0, 0, 0)
    } else {
        0.0
    };
    let rows: Vec<[i64; 4]> = rows.collect();
    match rows.iter().flatten().all(|v| (0..=65535).contains(v)) {
        true => Ok((rows, [down as i64, across as i64])),
        false => Err(Fail::new("anchor value out of range")),
    }
}
