//! What a flat float graph computes, in the plugin's words: operators with their hyperparameters, and the sequences
//! that become one module (horizon.md 8.1 to 8.3).
//!
//! 1. `in_place`: operators that write to their input become those that do not.
//! 2. `checks`: branches that only raise are left out.
//! 3. `decompose`: composite operators become those that have a quantised function.
//! 4. `read`: what each node is, with weights and hyperparameters.
//! 5. `pattern`: conv or linear with the batch norm, add and relu after it; `batch_norm` folds.

mod batch_norm;
mod build;
mod checks;
mod decompose;
mod in_place;
mod net;
mod op;
mod pattern;
mod read;
mod recurrent;
mod sizes;
mod tensor;

pub(super) use build::Builder;
pub(super) use checks::without_checks;
pub(super) use decompose::decompose;
pub(super) use in_place::without_writes;
pub(super) use net::{MAX_MODULE_DEPTH, Net, children, demangled, holds_tensor, joined};
pub(super) use op::{Cell, Conv, ConvKind, FloatOp, LayerNorm, Linear, Norm, Over, Pool};
pub(super) use pattern::{Act, Group, Head, groups};
pub(super) use read::{compares, has_no_scale, read};
pub(super) use recurrent::chains;
pub(super) use tensor::ConstTensor;
