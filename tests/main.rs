//! Integration tests.

mod lower;
mod source;
