//! Graphs as text, in torch's own spelling.
//!
//! ```text
//! graph(%self : __torch__.Net,
//!       %x : Tensor):
//!   %w : Tensor = prim::GetAttr[name="w"](%self)
//!   %1 : int = prim::Constant[value=1]()
//!   %2 : Tensor = aten::add(%x, %w, %1) # code/__torch__/net.py:5:8
//!   return (%2)
//! ```
//!
//! Where torch's text loses something that [`super::Graph`] holds, ours says it: classes of every kind print by their
//! qualified name, `prim::CallFunction[name="…"]` names its function, `prim::fork` carries its body as a block, and
//! tensor constants print as `CONSTANTS.cN`. [`parse_graph`] reads all of that, and most of what torch prints.
//! The law: `print(parse(print(g))) == print(g)`, for options without locations.

mod constant;
mod cursor;
mod names;
mod print;
mod program;
mod read;
mod resolve;
mod types;

pub use constant::{float_text, quoted_text};
pub use names::ValueNames;
pub use print::{NodePrinter, Options, print_graph};
pub use program::{parse_program, print_program};
pub use read::parse_graph;
pub use types::type_text;

/// Blocks nested deeper than this are refused: indentation makes such a text quadratic, and real models nest under 20.
pub const MAX_BLOCK_DEPTH: usize = 4000;

/// Types and constants nested deeper than this are refused: reading them recurses.
pub const MAX_NESTING: usize = 100;

/// Why a text is no graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TextError {
    /// The text breaks the grammar.
    #[error("line {line}: expected {expected}, found {found}")]
    Syntax {
        /// One-based line.
        line: usize,
        /// What could stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A name is used that nothing defines.
    #[error("line {line}: `%{name}` is used but never defined")]
    Undefined {
        /// One-based line of the use.
        line: usize,
        /// The value's name.
        name: String,
    },
    /// A name is defined a second time.
    #[error("line {line}: `%{name}` is defined twice")]
    Redefined {
        /// One-based line of the second definition.
        line: usize,
        /// The value's name.
        name: String,
    },
    /// The operator is known, but none of its overloads takes these inputs.
    #[error("line {line}: no overload of `{op}` takes ({inputs})")]
    NoOverload {
        /// One-based line.
        line: usize,
        /// The operator's name.
        op: String,
        /// The types of the inputs.
        inputs: String,
    },
    /// An attribute is missing or has the wrong form.
    #[error("line {line}: `{op}` needs {needs}")]
    Attribute {
        /// One-based line.
        line: usize,
        /// The node kind.
        op: String,
        /// What is missing.
        needs: &'static str,
    },
    /// Something is nested deeper than [`MAX_BLOCK_DEPTH`] or [`MAX_NESTING`].
    #[error("line {line}: nested deeper than {limit} levels")]
    TooDeep {
        /// One-based line.
        line: usize,
        /// The limit.
        limit: usize,
    },
}
