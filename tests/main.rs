//! Integration tests.
mod archive;
