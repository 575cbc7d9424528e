//! Moves a model to another device: storages, attributes, literals, defaults and method calls.
#![allow(dead_code)]

mod device;
mod flow;
mod names;
mod pattern;
mod roles;

use thiserror::Error;

/// Why a model could not be moved.
#[derive(Debug, Error)]
pub enum ToDeviceError {
    /// Not a device text.
    #[error("unknown device `{text}`, expected `follow-input` or one of {known}, with an optional index such as `cuda:1`")]
    UnknownDevice {
        /// What was given.
        text: String,
        /// The type names.
        known: String,
    },
}
