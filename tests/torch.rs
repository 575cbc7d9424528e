//! Integration tests that execute models.

mod calibrate;
mod digits;
mod exec;
mod horizon_ops;
mod laws;
mod profile;
mod quantised;
mod support;
