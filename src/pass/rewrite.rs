//! Rewriting a file in place: text edits, and the debug records that must follow them.

pub mod edit;
