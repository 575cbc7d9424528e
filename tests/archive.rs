//! The container: reading, identity, plans, patches, hostile files.

mod cli;
mod fuzz;
mod hostile;
mod patch;
mod plan;
mod read;
