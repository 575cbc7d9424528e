//! Integration tests.

mod source;
