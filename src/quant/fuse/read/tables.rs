//! Operators without weights, by how they are quantised (horizon.md 8.2, 8.3).

/// How an operator is quantised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It moves elements about.
    Move,
    /// It works on the integers, and the scale stays.
    Keep,
    /// A function of one number.
    Lut(&'static str),
}

const MOVES: &[&str] = &[
    "alias",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "channel_shuffle",
    "chunk",
    "clone",
    "contiguous",
    "detach",
    "expand",
    "expand_as",
    "flatten",
    "flip",
    "gather",
    "index_select",
    "movedim",
    "moveaxis",
    "narrow",
    "native_channel_shuffle",
    "permute",
    "pixel_shuffle",
    "pixel_unshuffle",
    "repeat",
    "reshape",
    "reshape_as",
    "roll",
    "select",
    "slice",
    "split",
    "split_with_sizes",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "tensor_split",
    "tile",
    "transpose",
    "unbind",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
];

const KEEPS: &[&str] = &[
    "_upsample_nearest_exact2d",
    "abs",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "constant_pad_nd",
    "grid_sampler",
    "grid_sampler_2d",
    "hardtanh",
    "masked_fill",
    "max",
    "min",
    "pad",
    "reflection_pad2d",
    "relu",
    "relu6",
    "replication_pad2d",
    "topk",
    "upsample_bilinear2d",
    "upsample_nearest2d",
];

/// Two tensors in, a truth value out: the integers compare once they are on one scale.
const COMPARES: &[&str] = &["eq", "ge", "gt", "le", "lt", "ne"];

const LUTS: &[&str] = &[
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "celu",
    "cos",
    "cosh",
    "elu",
    "erf",
    "exp",
    "expm1",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "leaky_relu",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_sigmoid",
    "mish",
    "pow",
    "reciprocal",
    "rsqrt",
    "selu",
    "sigmoid",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
];

/// Functions that the table look-up of march bernoulli2 is used for.
pub(super) const LUT_OF_BERNOULLI2: &[&str] = &["exp", "sigmoid", "silu", "tanh"];

/// Whether an operator compares two tensors.
pub(super) fn compares(name: &str) -> bool {
    COMPARES.contains(&name)
}

/// Whether an operator of quantised tensors gives indices or truth values, which have no scale.
pub(super) fn has_no_scale(name: &str) -> bool {
    compares(name) || matches!(name, "argmax" | "argmin")
}

/// How an operator is quantised; none if it is not, or needs its arguments looked at.
pub(super) fn of(name: &str) -> Option<Kind> {
    if MOVES.contains(&name) {
        return Some(Kind::Move);
    }
    if KEEPS.contains(&name) || COMPARES.contains(&name) {
        return Some(Kind::Keep);
    }
    let found = LUTS.iter().find(|it| **it == name);
    found.map(|it| Kind::Lut(it))
}
