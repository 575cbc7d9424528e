//! Tests that need no libtorch.

mod archive;
mod flat;
mod lower;
mod raise;
mod source;
mod tidy;
mod to_device;
