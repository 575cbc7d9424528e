//! The one layer of detection heads whose arithmetic is stated (`horizon.md` 3.16, `hbir.md` 1.13).

use super::super::graph::{Kind, Layout};
use super::super::value::Val;
use super::super::walk::{Args, Builder, Fail};
use crate::tensor::DType;

/// `point_pillars_scatter(voxel_features, coords, output_shape)`: features `[M, C]` onto a map `[N, C, H, W]`; a row
/// of coordinates holds the image first, height and width last, and is left out when the width is negative.
pub(super) fn point_pillars_scatter(builder: &mut Builder<'_>, args: &Args) -> Result<Val, Fail> {
    let features = builder.in_layout(args.tensor(0)?, Layout::Native)?;
    let rank = builder.native_shape(args.tensor(0)?).len();
    let coords = builder.operand(args.at(1), Layout::Native, rank, DType::I32)?;
    let [n, c, h, w] = args.sizes(2, 4)?[..] else {
        return Err(Fail::new("the output is not [N, C, H, W]"));
    };
    let (it, places) = (builder.graph.record(features), builder.graph.record(coords));
    let fits = match (&it.shape[..], &places.shape[..]) {
        (&[rows, channels], &[count, width]) => rows == count && channels == c && width >= 3,
        _ => false,
    };
    if !fits {
        let text = format!(
            "features {:?} at {:?} on a map {:?}",
            it.shape,
            places.shape,
            [n, c, h, w]
        );
        return Err(Fail::new(text));
    }
    let dtype = it.dtype;
    let name = builder.annotation.clone();
    let made = builder.named_record(&name, Layout::Hardware, vec![n, h, w, c], dtype);
    builder.add_layer(Kind::Scatter, vec![features, coords], vec![made]);
    Ok(builder.manager(made))
}

/// Why a detection function is refused; none for other functions.
pub(super) fn refusal(name: &str) -> Option<&'static str> {
    Some(match name {
        "detection_post_process_v1" | "rcnn_post_process" => {
            "how the layer decodes and suppresses boxes is not public, so it cannot be evaluated here; profile the \
             model without its post-processing"
        }
        "multi_scale_roi_align" => {
            "the sampling points of the layer are not public, so it cannot be evaluated here; profile the model up to \
             its RoI align"
        }
        "filter" | "_horizon_nn_filter" | "rle" => {
            "how many values come out depends on the data, and layers here have fixed shapes; profile the model \
             without it"
        }
        "point_pillars_preprocess" => {
            "which points a full voxel keeps is not public, so it cannot be evaluated here; begin the profile behind it"
        }
        _ => return None,
    })
}
