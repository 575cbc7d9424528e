//! The container: identity, plans, patches, hostile files.

mod read;
