//! Integration tests that execute models.

mod exec;
mod horizon_ops;
mod laws;
mod profile;
mod support;
