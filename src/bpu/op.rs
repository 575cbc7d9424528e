//! The one way in: an operator by name, borrowed tensors in, owned tensors out.
//!
//! [`run`] executes, [`shapes`] tells types and shapes without reading data. Overloads are told apart by the number of
//! arguments (`horizon.md` 2.1). Nothing here panics on what an argument holds.

mod args;
mod error;
mod output;
mod refused;
mod table;
mod view;

pub use args::{Arg, Args};
pub use error::OpError;
pub use output::{Data, Element, MemoryFormat, Output};
pub use view::{Dense, TensorRef};

use super::simd::Isa;

/// Type and shape of one result.
pub type Shape = (crate::tensor::DType, Vec<usize>);

/// How to run: nothing in it changes a result.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Threads that a kernel may use.
    pub threads: usize,
    /// Instructions that a kernel may use.
    pub isa: Isa,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            threads: 1,
            isa: Isa::best(),
        }
    }
}

/// Runs operator `name` (without namespace and overload) on one thread.
pub fn run(name: &str, args: &[Arg]) -> Result<Vec<Output>, OpError> {
    run_in(&Context::default(), name, args)
}

/// [`run`] with a choice of threads and instructions.
pub fn run_in(cx: &Context, name: &str, args: &[Arg]) -> Result<Vec<Output>, OpError> {
    let entry = table::find(name)?;
    entry.check_arity(args.len())?;
    (entry.run)(cx, &Args::new(entry.name, args))
}

/// Types and shapes of the results; reads no tensor data.
pub fn shapes(name: &str, args: &[Arg]) -> Result<Vec<Shape>, OpError> {
    let entry = table::find(name)?;
    entry.check_arity(args.len())?;
    (entry.shapes)(&Args::new(entry.name, args))
}

/// Every operator known here, those that refuse to run included.
pub fn names() -> impl Iterator<Item = &'static str> {
    table::OPS.iter().map(|entry| entry.name)
}

/// Why `name` is known and yet refuses to run; `None` if it runs or is unknown.
pub fn refusal(name: &str) -> Option<&'static str> {
    refused::reason(name)
}
