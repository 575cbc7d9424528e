//! Tests that need no libtorch.

mod archive;
mod lower;
mod raise;
mod source;
mod support;
mod tidy;
mod to_device;
