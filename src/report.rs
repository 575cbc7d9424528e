//! What the user reads: tables, diffs, colours, JSON.

pub mod by_name;
pub mod calibrate;
pub mod compare;
pub mod convert;
pub mod diff;
pub mod inspect;
pub mod json;
mod paint;
pub mod prepare;
pub mod profile;
pub mod quantize;
pub mod run;
pub mod similarity;
pub mod spool;
mod table;
pub mod to_device;
pub mod torch_save;

pub use paint::Paint;
pub use table::{guide_table, table};
