//! What the user reads: tables, diffs, colours, JSON.

pub mod json;
mod paint;
mod table;
pub mod to_device;

pub use paint::Paint;
pub use table::{guide_table, table};
