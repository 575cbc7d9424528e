//! Rewrites of a model.

pub mod reprint;
pub mod rewrite;
pub mod to_device;
