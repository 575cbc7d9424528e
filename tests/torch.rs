//! Integration tests that execute models.

mod exec;
mod support;
