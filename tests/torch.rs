//! Integration tests that execute models.

mod calibrate;
mod exec;
mod quantised;
mod horizon_ops;
mod laws;
mod support;
mod profile;
