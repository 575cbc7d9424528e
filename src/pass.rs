//! Rewrites of a model: its graphs (`inline`, `fold_constants`, …, ordered by the [`Driver`]) and its file
//! (`to_device`, `reprint`).
//!
//! [`mod@flat`] is what most callers want: one method as one graph, with the file's values behind its attributes.

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
pub mod scene;
pub mod to_device;

pub use driver::{Driver, Pass, Timing};
pub use flat::{Flat, Options, flat, flat_with};
pub use objects::Stored;
pub use scene::Scene;

use crate::archive::ArchiveError;

/// Why a graph cannot be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// No module has such a method.
    #[error(
        "no module of the file has a method `{0}`; name it by path, such as `forward` or `layer1.0.forward`"
    )]
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
