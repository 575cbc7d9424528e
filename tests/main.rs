//! Tests that need no libtorch.

mod archive;
mod lower;
mod source;
mod tidy;
