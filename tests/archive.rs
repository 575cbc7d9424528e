//! The container: reading, identity, plans, patches, hostile files.

mod patch;
mod plan;
mod read;
