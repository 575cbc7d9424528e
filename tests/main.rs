//! Tests that need no libtorch.

mod lower;
mod source;
mod archive;
mod tidy;
