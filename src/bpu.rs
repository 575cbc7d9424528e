//! The `horizon::` operators: what they compute, in integers (`horizon.md` 2 and 3, `hbir.md`).
//!
//! No libtorch and no float in the integer path. [`fixed`] owns rounding, shifting and saturation, [`rescale`] the
//! `(qscale, pre, post)` chain; each operator family has a file of its own, and [`op`] is the one way in.

pub mod dtype;
pub mod fixed;
pub mod march;
pub mod op;
pub mod rescale;
pub mod simd;

mod argmax;
mod channel;
mod colour;
mod conv;
mod convert;
mod correlation;
mod lut;
mod mul;
mod order;
mod pool;
mod proposal;
mod quantise;
mod requantise;
mod resize;
mod roi;
mod scalar;
mod segment;
mod suppress;
mod voxel;
mod warp;
