//! Observers: from the values of a tensor to its scale (horizon.md 6).

mod spec;

pub use spec::{ObserverKind, ObserverSpec, ObserverValue};
