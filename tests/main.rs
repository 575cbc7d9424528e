//! Tests that need no libtorch.

mod tidy;
//! Integration tests.

mod source;
