//! What to compute about models and their results; `report` says how it is shown.

pub mod align;
pub mod attributes;
pub mod compare;
pub mod profile;
pub mod resolve;
pub mod rms;
pub mod similarity;
pub mod stored;
pub mod verify;
pub mod walk;

pub use crate::tensor::view::{Quantizer, View, ViewError};
pub use similarity::{Similarity, Tolerance, similarity};
