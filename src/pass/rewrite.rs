//! Rewriting a file in place: edits on bytes, and the debug records that must follow them.

pub mod debug;
pub mod edit;
pub mod memo;
