//! The `.pt` container.
