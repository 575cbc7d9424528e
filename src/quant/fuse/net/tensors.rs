//! Tensors of the file that values are: attributes, entries of its table, views and parts of them.

use super::Net;
use crate::archive::pickle::{TensorId, Value};
use crate::archive::{ArchiveError, Document};
use crate::ir::{Constant, Op, Type, ValueId};
use crate::quant::fuse::ConstTensor;
use crate::quant::fuse::sizes::axis;
use smol_str::SmolStr;

/// Views of a constant looked through; real files have two or three.
const MAX_VIEWS: usize = 16;

impl Net<'_> {
    /// The path of an attribute.
    pub(in crate::quant) fn path(&self, value: ValueId) -> Option<&SmolStr> {
        self.stored[value].as_ref().map(|it| &it.path)
    }

    /// A tensor that is known: an attribute of the file, an entry of its table, or a transposed view of one.
    pub(in crate::quant) fn tensor(&self, value: ValueId) -> Option<ConstTensor> {
        self.tensor_at(value, 0)
    }

    fn tensor_at(&self, value: ValueId, depth: usize) -> Option<ConstTensor> {
        if let Some(stored) = self.stored[value].as_ref() {
            return self.stored_tensor(self.data.at(stored.item));
        }
        let producer = self.graph().producer(value)?;
        let node = self.node(producer);
        if let Op::Constant(Constant::Table(index)) = node.op {
            let Value::Tuple(items) = self.constants.at(self.constants.root()) else {
                return None;
            };
            let item = *self.constants.items(items).get(index as usize)?;
            let id = self.constants.as_tensor(self.constants.at(item))?;
            // Freezing made constants of what was trained.
            return view(self.constants, id, true);
        }
        if depth >= MAX_VIEWS {
            return None;
        }
        if node.op == Op::ListUnpack {
            let place = node.outputs.iter().position(|it| *it == value)?;
            return self.part_of(*node.inputs.first()?, place, depth + 1);
        }
        let base = || self.tensor_at(*node.inputs.first()?, depth + 1);
        match self.aten(producer)? {
            "t" | "numpy_T" => {
                let base = base()?;
                (base.sizes().len() == 2).then(|| base.transposed(0, 1))?
            }
            "transpose" | "swapaxes" | "swapdims" => {
                let base = base()?;
                let rank = base.sizes().len();
                let place = |at: usize| axis(self.int(*node.inputs.get(at)?)?, rank);
                base.transposed(place(1)?, place(2)?)
            }
            "unsqueeze" => {
                let base = base()?;
                let dim = self.int(*node.inputs.get(1)?)?;
                base.unsqueezed(axis(dim, base.sizes().len() + 1)?)
            }
            "detach" | "alias" | "contiguous" => base(),
            "__getitem__" => {
                let list = self.stored_list(*node.inputs.first()?)?;
                let index = usize::try_from(self.int(*node.inputs.get(1)?)?).ok()?;
                list.into_iter().nth(index)
            }
            _ => None,
        }
    }

    /// One of the parts that a stored tensor is split into.
    fn part_of(&self, list: ValueId, place: usize, depth: usize) -> Option<ConstTensor> {
        let id = self.graph().producer(list)?;
        let name = self.aten(id)?;
        let inputs = &self.node(id).inputs;
        let whole = self.tensor_at(*inputs.first()?, depth)?;
        let axis = axis(self.int(self.arg(id, "dim")?)?, whole.sizes().len())?;
        let size = *whole.sizes().get(axis)?;
        let second = *inputs.get(1)?;
        let even = |part: i64| {
            let start = part.checked_mul(place as i64)?;
            Some((start, part.min(size.checked_sub(start)?)))
        };
        let (start, length) = match (name, self.whole(second)) {
            ("chunk", Some(count)) if count > 0 => even((size + count - 1) / count)?,
            ("split", Some(part)) if part > 0 => even(part)?,
            ("split" | "split_with_sizes", None) => {
                let lengths = self.items(second)?.iter().map(|it| self.whole(*it));
                let lengths = lengths.collect::<Option<Vec<i64>>>()?;
                (lengths.iter().take(place).sum(), *lengths.get(place)?)
            }
            _ => return None,
        };
        whole.narrowed(axis, start, length)
    }

    /// How many tensors a list has, if all are known.
    pub(in crate::quant) fn tensor_count(&self, list: ValueId) -> Option<usize> {
        if let Some(items) = self.items(list) {
            let known = |it: &ValueId| self.tensor(*it).is_some();
            return items.iter().all(known).then_some(items.len());
        }
        Some(self.stored_list(list)?.len())
    }

    /// A list of tensors of the file: an attribute, or an entry of its table.
    fn stored_list(&self, list: ValueId) -> Option<Vec<ConstTensor>> {
        if let Some(stored) = self.stored[list].as_ref() {
            let items = self.data.sequence(self.data.at(stored.item))?.iter();
            return items
                .map(|it| self.stored_tensor(self.data.at(*it)))
                .collect();
        }
        let Op::Constant(Constant::Table(index)) = self.node(self.graph().producer(list)?).op
        else {
            return None;
        };
        let table = self.constants;
        let Value::Tuple(items) = table.at(table.root()) else {
            return None;
        };
        let item = table.at(*table.items(items).get(index as usize)?);
        let tensors = table.sequence(item)?.iter();
        tensors
            .map(|it| view(table, table.as_tensor(table.at(*it))?, true))
            .collect()
    }

    /// Whether a value is a tensor of the file as it is.
    pub(in crate::quant) fn is_constant_tensor(&self, value: ValueId) -> bool {
        *self.graph().ty(value) == Type::Tensor && self.tensor(value).is_some()
    }

    /// The tensor a value of `data.pkl` is.
    pub(in crate::quant) fn stored_tensor(&self, value: Value) -> Option<ConstTensor> {
        let id = self.data.as_tensor(value)?;
        let flag = match value {
            Value::Parameter { requires_grad, .. } => requires_grad,
            _ => self.data.tensor(id).requires_grad,
        };
        view(self.data, id, flag)
    }
}

fn view(document: &Document, id: TensorId, requires_grad: bool) -> Option<ConstTensor> {
    let view: Result<_, ArchiveError> = document.view(id);
    Some(ConstTensor {
        view: view.ok()??,
        requires_grad,
    })
}
