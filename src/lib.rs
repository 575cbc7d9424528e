#![doc = include_str!("README.md")]

pub mod archive;
pub mod diag;
pub mod exec;
pub mod ir;
pub mod model;
pub mod tensor;
#[doc(hidden)]
pub mod testing;
pub mod torchscript;
