//! Integration tests.

mod source;
mod archive;
