//! Integration tests that execute models.

mod calibrate;
mod exec;
