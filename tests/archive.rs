//! The container: reading, identity, plans, patches, hostile files.

mod fuzz;
mod hostile;
mod patch;
mod plan;
mod read;
