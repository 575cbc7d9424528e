//! Running models, and looking at every value while they run.
//!
//! An [`Engine`] runs one method of one model. It reports every value an operator produces to a [`Tap`], right after
//! the operator and before anything later can write to it. Everything here but `torch` is free of libtorch, so
//! that analysis code compiles and runs without it.

pub mod engine;
pub mod error;
pub mod tap;
#[cfg(feature = "torch")]
pub mod torch;
pub mod value;

pub use engine::Engine;
pub use error::{ExecError, Site};
pub use tap::{Event, Keep, Kept, NoTap, Tap, TapError};
pub use value::{Device, HostTensor, Quantizer, TensorRef, Value, ValueRef};
