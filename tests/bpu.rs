//! The `horizon::` operators against slow references, with values that overflow what is too narrow.
//!
//! Small random data hides overflow, so every generator mixes in extremes.

pub(crate) mod call;
mod convolution;
mod detection;
mod errors;
mod parameters;
mod reference;
mod sampling;
mod scaling;
mod shifted;
mod tables;
pub(crate) mod values;
