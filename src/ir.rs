//! The SSA graph every rewrite, engine and report works on.
//!
//! A [`Program`] is what the sources of one file define: classes and functions. A [`Function`] owns a [`Graph`]:
//! nodes in blocks, values defined once. `prim::If` and `prim::Loop` carry blocks; blocks take parameters and
//! return values, so there are no phi nodes. Rules that [`verify`] checks:
//!
//! - a value is defined before it is used, in the same block or in a block around it;
//! - every input of an operator node stands in schema order, omitted arguments are explicit constants;
//! - `If` has one `bool` input and two blocks without parameters that return as many values as the node has outputs;
//! - `Loop` has inputs (max trip count, initial condition, carried…), one block with parameters (trip index, carried…)
//!   that returns (next condition, carried…), and outputs (carried…);
//! - the root block's parameters are the function's parameters, `self` first in methods; it returns exactly one value.
//!
//! The graph keeps no use lists: uses are computed on demand and so cannot disagree with the nodes.

pub mod constant;
pub mod dataflow;
pub mod entity;
mod fits;
pub mod graph;
pub mod op;
pub mod program;
pub mod schema;
pub mod subtype;
pub mod text;
pub mod types;
pub mod verify;

pub use constant::Constant;
pub use dataflow::Dataflow;
pub use entity::{PrimaryMap, SideMap};
pub use graph::{Block, BlockId, Graph, Node, NodeId, Use, ValueDef, ValueId};
pub use op::Op;
pub use program::{
    Attribute, Class, ClassId, ClassKind, FuncId, Function, Param, Program, SourceFile,
};
pub use types::Type;
