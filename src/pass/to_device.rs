//! Moves a model to another device: storages, attributes, literals, defaults and method calls (`torchscript.md` 7).
//!
//! Only bytes that name a device change: source records are edited in place, their debug records follow, pickles
//! are patched use by use, and every other record is copied as it is.

mod device;
mod flow;
mod names;
mod pattern;
mod records;
mod report;
mod rewrite;
mod roles;
mod source;
mod stored;
mod verdict;

use crate::archive::ArchiveError;
use crate::pass::rewrite::edit::EditError;
use thiserror::Error;

pub use device::{DEVICE_TYPES, Device, FOLLOW_INPUT, Target};
pub use pattern::Patterns;
pub use report::{Change, ChangeKind, Left, Place, Report, Warning};
pub use rewrite::Rewrite;

/// What to move where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where things go.
    pub target: Target,
    /// Places that stay, by scope, function, record or attribute name.
    pub keep: Patterns,
    /// Move only what is on one of these; a device without index stands for all of its type. Empty: everything.
    pub only: Vec<Device>,
}

/// Why a model could not be moved.
#[derive(Debug, Error)]
pub enum ToDeviceError {
    /// Not a device text.
    #[error(
        "unknown device `{text}`, expected `follow-input` or one of {known}, with an optional index such as `cuda:1`"
    )]
    UnknownDevice {
        /// What was given.
        text: String,
        /// The type names.
        known: String,
    },
    /// The container or a pickle.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A source record that is not TorchScript.
    #[error("cannot parse `{record}` at byte {at}: {message}")]
    Parse {
        /// The record.
        record: String,
        /// First byte.
        at: u32,
        /// Why.
        message: String,
    },
    /// Two edits of one record collide.
    #[error("cannot edit `{record}`")]
    Edit {
        /// The record.
        record: String,
        /// Why.
        source: EditError,
    },
}
