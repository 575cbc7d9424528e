//! Rewrites of a model.

pub mod rewrite;
pub mod to_device;
