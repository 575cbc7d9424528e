//! What to compute about models and their results; `report` says how it is shown.

pub mod align;
pub mod attributes;
pub mod compare;
pub mod profile;
pub mod resolve;
pub mod similarity;
pub mod stored;
pub mod verify;
mod view;
pub mod walk;

pub use similarity::{Similarity, Tolerance, similarity};
pub(crate) use view::decode;
pub use view::{Quantizer, View, ViewError};
