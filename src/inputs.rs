//! What a model is run on: files of arrays, made-up tensors, or the examples a model file carries.

mod arrays;
mod bind;
mod choose;
pub mod data;
mod error;
pub mod npy;
mod pickled;
mod random;
pub mod recorded;
pub mod safetensors;
mod shape;
pub mod traced;

pub use arrays::{Array, Arrays};
pub use bind::{bind, signature};
pub use choose::{Chosen, Given, choose};
pub use error::InputError;
pub use random::Random;
pub use shape::{ShapeSpec, make_up};
