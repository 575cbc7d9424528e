//! Rewrites of a model: its graphs (`inline`, `fold_constants`, …, ordered by the [`Driver`]) and its file
//! (`to_device`, `reprint`).
//!
//! [`flat`] is what most callers want: one method as one graph, with the file's values behind its attributes.

mod alias;
pub mod build_lists;
pub mod clean_aliases;
pub mod common_subexpressions;
mod copy;
pub mod dead_code;
pub mod driver;
mod effects;
pub mod flat;
pub mod fold_constants;
pub mod inline;
pub mod objects;
pub mod reprint;
pub mod rewrite;
pub mod to_device;

pub use driver::{Driver, Pass, Timing};
pub use flat::{Flat, Options, flat, flat_with};
pub use objects::Stored;

use crate::archive::{ArchiveError, Document};
use crate::ir::{Function, Program};

/// Why a graph cannot be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The root module has no such method.
    #[error("the root module has no method `{0}`")]
    NoMethod(smol_str::SmolStr),
    /// The method was not lowered.
    #[error("`{0}` has no graph: run `ptool verify` to see why")]
    NoGraph(smol_str::SmolStr),
    /// The graph breaks a rule that `ir::verify` checks.
    #[error("the graph is broken: {0}")]
    Malformed(&'static str),
    /// A pass broke the graph, which is a fault of ptool.
    #[error("after `{pass}` the graph is broken: {message}")]
    Broken {
        /// The pass.
        pass: &'static str,
        /// The first violation.
        message: String,
    },
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Whether the first parameter is the root module: the function is one of its methods.
fn takes_root(program: &Program, data: &Document, function: &Function) -> bool {
    let crate::archive::pickle::Value::Object(root) = data.at(data.root()) else {
        return false;
    };
    let class = program.class(&data.qualified_name(data.object(root).class));
    let is_method = |id| program.functions[id].name == function.name;
    class.is_some_and(|class| class.methods.iter().any(|(_, id)| is_method(*id)))
}
