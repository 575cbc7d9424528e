//! Tests that need no libtorch.

mod tidy;
