//! Regions of feature maps (`horizon.md` 3.16 and 5.6, `hbir.md` 1.14).

use super::super::graph::{Kind, Layout, RoiAlign, RoiGrid};
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use crate::tensor::DType;

/// `multi_scale_roi_align(features, boxes, output_size, spatial_scale, sampling_ratio, aligned, interpolate_mode,
/// canonical_box_size, canonical_level, box_clip_ratio, march)`: one image, one tensor of boxes `[K, 4]` or `[1, K, 6]`.
pub(super) fn multi_scale_roi_align(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let (maps, boxes) = (args.list(0)?.to_vec(), args.list(1)?);
    let [boxes] = boxes else {
        return Err(Fail::new("only supports one tensor of boxes")
            .advise("compile the model for one image at a time"));
    };
    if args.int(4)? != 1 || args.text(6)? != "bilinear" {
        return Err(Fail::new(
            "only supports sampling_ratio 1 and mode bilinear",
        ));
    }
    let boxes = builder.operand(boxes, Layout::Native, 2, DType::F32)?;
    let mut inputs = maps
        .iter()
        .map(|map| builder.operand(map, Layout::Hardware, 4, DType::I8))
        .collect::<Result<Vec<_>, Fail>>()?;
    let shapes: Vec<Vec<usize>> = inputs
        .iter()
        .map(|&id| builder.graph.record(id).shape.clone())
        .collect();
    let record = builder.graph.record(boxes);
    let (count, dtype) = match record.shape[..] {
        [count, 4] | [1, count, 6] => (count, record.dtype),
        _ => return Err(Fail::new(format!("boxes of shape {:?}", record.shape))),
    };
    let one_image = |s: &Vec<usize>| s.len() == 4 && s[0] == 1 && s[3] == shapes[0][3];
    if shapes.is_empty() || !shapes.iter().all(one_image) {
        return Err(Fail::new(format!(
            "only supports batch size 1 and maps of the same channels, not {shapes:?}"
        )));
    }
    let it = RoiAlign {
        size: args.pair(2)?,
        scales: numbers(args.at(3)).unwrap_or_default(),
        grid: grid(builder, args.flag(5)?, dtype)?,
        canonical: [args.int(7)?, args.int(8)?],
        clip: match args.is_none(9) {
            true => None,
            false => Some(clip(args)?),
        },
    };
    if it.scales.len() != shapes.len() || it.size.contains(&0) {
        return Err(Fail::new(
            "each map needs one spatial_scale, and regions a size",
        ));
    }
    inputs.push(boxes);
    let out = vec![count, it.size[0], it.size[1], shapes[0][3]];
    let made = builder.layer(Kind::RoiAlign(it), &inputs, out, DType::I8);
    Ok(builder.manager(made))
}

/// Where the samples of a region lie: on bernoulli2 from its corner, with an extent of one pixel more.
fn grid(builder: &Builder<'_>, aligned: bool, boxes: DType) -> Result<RoiGrid, Fail> {
    match (builder.march().is_bayes(), aligned) {
        (true, true) => Ok(RoiGrid::HalfPixel),
        (true, false) => Ok(RoiGrid::Legacy),
        (false, _) if boxes == DType::F32 => Err(Fail::new("float boxes on bernoulli2")
            .advise("take the boxes from DetectionPostProcessV1, in quarters of a pixel")),
        (false, _) => Ok(RoiGrid::Origin),
    }
}

fn numbers(value: &Val) -> Option<Vec<f64>> {
    let one = |v: &Val| match v {
        Val::Float(v) => Some(*v),
        Val::Int(v) => Some(*v as f64),
        _ => None,
    };
    match value {
        Val::Seq(items) => items.iter().map(one).collect(),
        _ => None,
    }
}

fn clip(args: &Args) -> Result<[f32; 4], Fail> {
    match numbers(args.at(9)).as_deref() {
        Some(&[x1, y1, x2, y2]) if x1 + x2 < 1.0 && y1 + y2 < 1.0 => {
            Ok([x1, y1, x2, y2].map(|v| v as f32))
        }
        _ => Err(Fail::new(
            "box_clip_ratio is four numbers that leave something of a box",
        )),
    }
}
