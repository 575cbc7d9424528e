//! Another number of elements for a tensor.

use super::{Patch, Scalar};
use crate::archive::error::{ArchiveError, PatchFault};
use crate::archive::pickle::{Layout, OpId, TensorId, Use, Value, op::code};

impl Patch<'_> {
    /// Gives a tensor of one dimension another number of elements. Its storage, which must be its own, gets as many;
    /// the record of the storage is the caller's to replace.
    pub fn resize(&mut self, tensor: TensorId, numel: u32) -> Result<(), ArchiveError> {
        let at = self.pickle.tensor_op(tensor);
        let (size, elements) = self
            .counts(tensor)
            .map_err(|why| self.error(at, PatchFault::Resize(why)))?;
        for op in [size, elements] {
            self.replace(op, Scalar::Int(i64::from(numel)))?;
        }
        Ok(())
    }

    /// The ops that push the tensor's size and its storage's.
    fn counts(&self, id: TensorId) -> Result<(OpId, OpId), &'static str> {
        let pickle = self.pickle;
        let tensor = pickle.tensor(id);
        let Layout::Strided {
            storage, offset: 0, ..
        } = tensor.layout
        else {
            return Err("the tensor is no whole storage, so that it cannot grow");
        };
        let sharing = |layout: &Layout| matches!(layout, Layout::Strided { storage: it, .. } if *it == storage);
        let users = pickle.tensors().filter(|(_, it)| sharing(&it.layout));
        if users.count() != 1 {
            return Err("the tensor shares its storage, so that it cannot grow");
        }
        let sizes = self.tuple_before(pickle.tensor_op(id));
        let sizes = sizes.and_then(|args| pickle.sequence(pickle.at(*args.get(2)?)));
        let persistent = self.tuple_before(pickle.storage(storage).op);
        match (sizes, persistent) {
            (Some([size]), Some([_, _, _, _, numel, ..])) => Ok((size.op, numel.op)),
            (Some(_), Some(_)) => Err("the tensor has not one dimension, so that it cannot grow"),
            _ => Err("the tensor is not spelled as torch does it, so that it cannot grow"),
        }
    }

    /// The tuple that the op at `at` consumes last.
    fn tuple_before(&self, at: OpId) -> Option<&[Use]> {
        let is_store = |op: OpId| {
            matches!(
                self.pickle.op(op).code,
                code::BINPUT | code::LONG_BINPUT | code::MEMOIZE
            )
        };
        let mut before = (0..at.0).rev().map(OpId);
        let op = before.find(|op| !is_store(*op))?;
        let value = self.pickle.value(self.memo.made_by(self.memo.source(op))?);
        match value {
            Value::Tuple(items) => Some(self.pickle.items(items)),
            _ => None,
        }
    }
}
