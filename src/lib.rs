#![doc = include_str!("README.md")]

pub mod analysis;
pub mod archive;
pub mod diag;
pub mod exec;
pub mod inputs;
pub mod ir;
pub mod model;
pub mod pass;
pub mod report;
pub mod tensor;
#[doc(hidden)]
pub mod testing;
pub mod torchscript;
