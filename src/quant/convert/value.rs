//! What a value of the fake-quant graph has become.

use super::grid::Grid;
use super::read::Module;
use crate::ir::{Type, ValueId};

/// A quantised tensor as the fixed-point graph carries it.
#[derive(Clone, Debug)]
pub(super) struct Quantised {
    /// The integers.
    pub(super) data: ValueId,
    pub(super) scale: ValueId,
    pub(super) zero_point: ValueId,
    /// What is known of it without running.
    pub(super) grid: Grid,
}

/// What stands for a value of the fake-quant graph.
#[derive(Clone, Debug)]
pub(super) enum Val<'m> {
    /// The same value.
    Plain(ValueId),
    /// A quantised tensor.
    Quantised(Quantised),
    /// A list of quantised tensors of one grid: what `split` gives; `data` is the list.
    Split(Quantised),
    /// A list or tuple with quantised tensors in it.
    Group { items: Vec<Val<'m>>, ty: Type },
    /// A module.
    Module(Module<'m>),
}
