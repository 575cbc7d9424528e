//! Tests that need no libtorch.

mod lower;
mod source;
mod tidy;
