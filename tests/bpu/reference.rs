//! The formulas of `hbir.md`, slow and obvious, in 64 and 128 bits. Shares no code with the operators.

pub(crate) mod convolution;
pub(crate) mod fixed;
