//! IR to syntax tree: every function of a program printed anew, as torch's own printer would (`torchscript.md`
//! sections 3.8, 3.9 and 4.3 to 4.8).
//!
//! Values used once are written inside their use where that leaves the order of evaluation as it is; texts of 40
//! columns and more get a line of their own; names are the source's, made unique per function. What torch cannot
//! print, a loop with both a trip count and a condition, becomes a `while` with a counter.
//!
//! Ranges of the tree are those of the source the nodes came from, where that is the function's own file.

mod args;
mod body;
mod build;
mod constant;
mod control;
mod expr;
mod inline;
mod item;
mod names;
mod split;
mod types;

use super::ast;
use crate::ir::{Function, Program};
use smol_str::SmolStr;

pub use item::files;
pub use names::Counters;
pub use types::annotation;

/// Why a program has no source text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RaiseError {
    /// A function returns no value, or several: its body was never lowered.
    #[error("expected one result from `{function}`, found {found}")]
    Results {
        /// The function.
        function: SmolStr,
        /// How many values its graph returns.
        found: usize,
    },
    /// Inputs, outputs or blocks of a node are not what its operation needs.
    #[error("`{node}` in `{function}` is malformed: {what}")]
    Malformed {
        /// The function.
        function: SmolStr,
        /// The node kind.
        node: SmolStr,
        /// What is wrong.
        what: &'static str,
    },
    /// A value is used where nothing has defined it yet.
    #[error("`{function}` uses `{value}` before it is defined")]
    Undefined {
        /// The function.
        function: SmolStr,
        /// The value.
        value: SmolStr,
    },
}

/// The definition of one function. `level` is the indentation of its `def`: 1 for methods. Functions of one file share
/// `counters` in file order, because torch counts its temporaries per file.
pub fn function(
    program: &Program,
    function: &Function,
    level: usize,
    counters: &mut Counters,
) -> Result<ast::FunctionDef, RaiseError> {
    body::Body::new(program, function, level, counters).raise()
}
