//! How large tensors are: one inference for inputs of the shapes given, one for whatever shapes.

use super::Net;
use crate::ir::ValueId;
use crate::quant::fuse::ConstTensor;
use crate::quant::fuse::sizes::{Known, Sizes, known};
use rustc_hash::FxHashMap;

impl Known for Net<'_> {
    fn stored(&self, value: ValueId) -> Option<ConstTensor> {
        self.tensor(value)
    }

    fn dimensions(&self, value: ValueId) -> Option<usize> {
        self.known_rank(value).map(usize::from)
    }
}

impl Net<'_> {
    /// Infers sizes for inputs of these; missing entries are unknown.
    pub(super) fn infer_sizes(&mut self, inputs: &[Option<Vec<i64>>]) {
        let given: Vec<_> = inputs.iter().map(|it| it.as_deref().map(known)).collect();
        let open = |sizes: &Option<Vec<i64>>| sizes.as_ref().map(|it| vec![None; it.len()]);
        let open: Vec<_> = inputs.iter().map(open).collect();
        // The second time, parts of stored weights are known whose sizes the first one found.
        for _ in 0..2 {
            self.fixed_sizes = Sizes::infer(self.graph(), &open, self);
        }
        self.sizes = Sizes::infer(self.graph(), &given, self);
    }

    /// Lets what a rewrite made have the sizes of what it replaced, and infers those of what is in between.
    pub(super) fn follow_sizes(&mut self, replaced: &FxHashMap<ValueId, ValueId>) {
        let mut sizes = std::mem::take(&mut self.sizes);
        sizes.replace(replaced);
        sizes.grow(self.graph(), self);
        self.sizes = sizes;
    }

    /// The dimensions of a value that no rewrite made.
    pub(super) fn known_rank(&self, value: ValueId) -> Option<u8> {
        self.ranks[value]
    }

    /// The sizes of a tensor, as far as the inputs' shapes tell them.
    pub(in crate::quant) fn sizes(&self, value: ValueId) -> Option<&[Option<i64>]> {
        self.sizes.of(value)
    }

    /// The size of a tensor's dimension, counted from the end if negative, if the inputs' shapes tell it.
    pub(in crate::quant) fn size(&self, value: ValueId, dim: i64) -> Option<i64> {
        self.sizes.size(value, dim)
    }

    /// The size of a tensor's last dimension, whatever the inputs' shapes; of values that no rewrite made.
    pub(in crate::quant) fn fixed_last_size(&self, value: ValueId) -> Option<i64> {
        self.fixed_sizes.size(value, -1)
    }
}
