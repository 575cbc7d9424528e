//! Serialised TorchScript source: text to AST and back, AST to IR and back.

pub mod ast;
