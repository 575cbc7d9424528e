//! Integration tests that execute models.

mod exec;
mod laws;
mod support;
