//! Operators that files name and that cannot be computed, because their arithmetic is not public.
//!
//! They are known so that files load (untaken branches name them), and each says why it refuses to run.

use super::{Args, Context, OpError, Output, Shape};

/// Operator and the reason.
pub(super) const REFUSED: &[(&str, &str)] = &[
    (
        "rcnn_post_process",
        "which class is the background and the unit of the integer scores of the R-CNN post-processing are not public; cut the model before it",
    ),
    (
        "meta_requantization",
        "march `meta` has kernels of its own, whose arithmetic is not public; use bayes or bernoulli2",
    ),
    (
        "meta_quant_convolution",
        "march `meta` has kernels of its own, whose arithmetic is not public; use bayes or bernoulli2",
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
