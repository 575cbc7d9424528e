//! Tests that need no libtorch.

mod archive;
mod data;
mod emit;
mod hbdk;
mod lower;
mod quant;
mod raise;
mod source;
mod tidy;
mod to_device;
