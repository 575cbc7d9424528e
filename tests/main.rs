//! Tests that need no libtorch.

mod archive;
mod bpu;
mod cli;
mod convert;
mod data;
mod emit;
mod flat;
mod hbdk;
mod lower;
mod quant;
mod raise;
mod source;
mod support;
mod tidy;
mod to_device;
