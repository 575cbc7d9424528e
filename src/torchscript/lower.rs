//! Syntax tree to SSA, as torch's importer does it (`torchscript.md` sections 3.5 to 3.10).
//!
//! Lowering starts from the classes of the objects in a file and follows every name they reach: a source record is
//! parsed whole when its first name is needed, a class is declared with all its methods, a function when it is
//! called. Bodies are lowered after all declarations they need, once each. An error ends one function, not the file.
//!
//! The result keeps what is written: nothing is folded, merged or removed but unreachable statements. Constants stand
//! once per function, at the start of its root block.
//!
//! torch's importer optimises what it has built, this does not. Its graphs differ from these where it evaluates pure
//! operators on constants (`1 + 2`, `torch.device("cpu")`, `0.+1.j`, tuples of constants, elements of a tuple just
//! made), drops pure nodes nobody reads, makes values captured by a fork its inputs, and merges an early return's
//! flag into the branch that sets it. On sources that torch printed nothing else differs.
//!
//! Operators no schema is known for become [`crate::ir::op::OpaqueOp`]. Their results take the type their context
//! demands: an annotation, the number of targets (each a `Tensor`), the formal type of the first call that takes
//! them; a `Tensor` otherwise.

mod assign;
mod attribute;
mod body;
mod builtin;
mod call;
mod class;
mod condition;
mod constant;
mod control;
mod convert;
mod cycle;
mod error;
mod exit;
mod expr;
mod index;
mod iterate;
mod literal;
mod matching;
mod names;
mod operator;
mod prune;
mod scope;
mod special;
mod statement;

mod term;
mod types;
mod unit;
mod upgrade;

use crate::diag::Diagnostic;
use crate::ir::{Program, Type, subtype};
use smol_str::SmolStr;

pub use types::annotation_type;

/// What lowering reads.
pub struct Input<'a> {
    /// The bytes of a source record, such as `code/__torch__/net.py`.
    pub source: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// The types of `CONSTANTS.cN`.
    pub constants: &'a [Type],
    /// The file's version number, which decides what old operators mean (`torchscript.md` 1.9).
    pub version: u64,
    /// Qualified names of the classes to start from.
    pub roots: &'a [SmolStr],
}

/// What lowering makes.
#[derive(Clone, Debug, Default)]
pub struct Lowered {
    /// Every class and function reached. A function that failed has an empty graph.
    pub program: Program,
    /// What is wrong, in source order within a function.
    pub diagnostics: Vec<Diagnostic>,
}

/// Lowers everything the roots reach.
pub fn lower(input: &Input) -> Lowered {
    let mut unit = unit::Unit::new(input);
    for root in input.roots {
        unit.require_root(root);
    }
    unit.finish()
}
