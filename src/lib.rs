#![doc = include_str!("README.md")]

pub mod analysis;
pub mod archive;
pub mod bpu;
pub mod diag;
pub mod emit;
pub mod exec;
pub mod hbdk;
pub mod inputs;
pub mod ir;
pub mod model;
pub mod pass;
pub mod quant;
pub mod report;
pub mod tensor;
#[doc(hidden)]
pub mod testing;
pub mod torchscript;
