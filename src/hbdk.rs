//! The second opinion: a front end of its own over the parsed file, as the compiler's (`horizon.md` 5, `hbir.md`).
//!
//! Imports neither `pass`, `exec`, `quant` nor `bpu`, so that agreement with them means something. Functions of
//! `horizon_plugin_pytorch.nn.quantized.functional` are known by name; their bodies are never read.
//!
//! ```text
//! Model ─► walk ─► fold (constants)
//!            └───► lower ─► graph (layers, names, layouts) ─► eval (integers, NHWC)
//!                             └─► text                          └─► values by name
//! ```

pub mod array;
pub mod check;
pub mod eval;
pub mod float;
mod fold;
pub mod graph;
mod layout;
mod lower;
pub mod march;
mod name;
pub mod params;
mod value;
mod walk;

use crate::model::Model;

pub use array::{Array, Data};
pub use graph::Graph;
pub use march::March;
pub use walk::{Build, Input, Mark, MarkKind, Options, Problem, Stage, build};

/// Whether a file calls the plugin's quantised functions: then the front end has names for its operators.
pub fn is_fixed_point(model: &Model) -> bool {
    let mut names = model.program.functions.iter();
    names.any(|(_, function)| lower::function(&function.name).is_some())
}
