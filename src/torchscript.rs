//! Serialised TorchScript source: text to AST and back, AST to IR and back.

pub mod ast;
pub mod debug;
mod lexer;
pub mod literal;
pub mod lower;
pub mod parse;
pub mod print;
pub mod raise;

/// Stack that must be left before one more level of recursion over a tree, and what is added otherwise.
/// Trees are at most [`parse::MAX_DEPTH`] high, more than a thread's usual stack may hold.
const STACK_RED_ZONE: usize = 128 * 1024;
const STACK_CHUNK: usize = 4 * 1024 * 1024;

/// Runs one level of a recursion over a syntax tree with enough stack for it.
pub(crate) fn deep<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_RED_ZONE, STACK_CHUNK, f)
}
