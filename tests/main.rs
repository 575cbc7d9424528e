//! Tests that need no libtorch.

mod archive;
mod bpu;
mod lower;
mod raise;
mod source;
mod tidy;
mod to_device;
