//! Operators that files name and that cannot be computed, because their arithmetic is not public.
//!
//! They are known so that files load (untaken branches name them), and each says why it refuses to run.

use super::{Args, Context, OpError, Output, Shape};

/// Operator and the reason.
pub(super) const REFUSED: &[(&str, &str)] = &[
    (
        "bpu_quanti_proposal",
        "the box decoding and suppression of the proposal kernel are not public; cut the model before its post-processing",
    ),
    (
        "rcnn_post_process",
        "the arithmetic of the RCNN post-processing kernel is not public; cut the model before its post-processing",
    ),
    (
        "bpu_quanti_roi_resize",
        "the sampling points of the region-of-interest resize kernel are not public",
    ),
    (
        "quantized_roi_resize",
        "the sampling points of the region-of-interest resize kernel are not public",
    ),
    (
        "meta_requantization",
        "march `meta` has kernels of its own, whose arithmetic is not public; use bayes or bernoulli2",
    ),
    (
        "meta_quant_convolution",
        "march `meta` has kernels of its own, whose arithmetic is not public; use bayes or bernoulli2",
    ),
    (
        "quanti_nms",
        "the fixed-point overlap test and margin rule of the suppression kernel are not public",
    ),
    (
        "voxelization",
        "which points a full voxel keeps, and how points on a cell border are rounded, is not public",
    ),
    (
        "bgr_to_yuv444",
        "the coefficients and rounding of the colour conversion kernel are not public",
    ),
];

/// The reason for one operator.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    REFUSED
        .iter()
        .find(|(op, _)| *op == name)
        .map(|(_, why)| *why)
}

fn refuse(a: &Args) -> OpError {
    let why = reason(a.op).unwrap_or("its arithmetic is not public");
    OpError::NoFormula { op: a.op, why }
}

pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    Err(refuse(a))
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Err(refuse(a))
}
