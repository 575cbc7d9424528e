//! Integration tests.

mod lower;
mod raise;
mod source;
