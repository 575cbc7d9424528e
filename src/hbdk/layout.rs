//! Which layout a tensor is in, and how it gets into the other one (`horizon.md` 5.5).

use super::array::Array;
use super::graph::{Kind, Layout, Record, RecordId};
use super::name;
use super::value::{TensorId, Val};
use super::walk::{Builder, Fail};
use crate::tensor::DType;
use std::rc::Rc;

/// A tensor of the walk: one or two records of the same elements.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    /// The record it was made with.
    pub(super) first: RecordId,
    /// In the framework's layout.
    pub(super) native: Option<RecordId>,
    /// In the hardware's layout.
    pub(super) hardware: Option<RecordId>,
    /// How its integers become numbers, once dequantised.
    pub(super) dequantise: Option<super::graph::Dequantise>,
}

/// Ranks that the hardware layout exists for.
pub(super) fn has_hardware_layout(rank: usize) -> bool {
    (3..=5).contains(&rank)
}

/// From the hardware's order of dimensions to the framework's.
pub(super) fn to_native(rank: usize) -> Vec<usize> {
    match rank {
        0 | 1 => (0..rank).collect(),
        _ => [0, rank - 1].into_iter().chain(1..rank - 1).collect(),
    }
}

/// From the framework's order of dimensions to the hardware's.
pub(super) fn from_native(rank: usize) -> Vec<usize> {
    match rank {
        0 | 1 => (0..rank).collect(),
        _ => [0].into_iter().chain(2..rank).chain([1]).collect(),
    }
}

impl Builder<'_> {
    /// A tensor's manager.
    pub(super) fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// The record asked for when nothing else is: the native one if there is one.
    pub(super) fn primary(&self, id: TensorId) -> RecordId {
        let tensor = self.tensor(id);
        tensor.native.or(tensor.hardware).unwrap_or(tensor.first)
    }

    /// Its record in a layout, made by a transpose when it is missing.
    pub(super) fn in_layout(&mut self, id: TensorId, layout: Layout) -> Result<RecordId, Fail> {
        let tensor = self.tensor(id).clone();
        let (have, other) = match layout {
            Layout::Native => (tensor.native, tensor.hardware),
            Layout::Hardware => (tensor.hardware, tensor.native),
        };
        if let Some(record) = have {
            return Ok(record);
        }
        let source = other.unwrap_or(tensor.first);
        let record = self.graph.record(source).clone();
        let rank = record.shape.len();
        if !has_hardware_layout(rank) {
            return Err(
                Fail::new(format!("a tensor of rank {rank} has no hardware layout"))
                    .advise("keep feature maps at rank 4 (N, C, H, W) up to this operator"),
            );
        }
        let (perm, name) = match layout {
            Layout::Native => (to_native(rank), name::native(&record.name)),
            Layout::Hardware => (from_native(rank), name::hardware(&record.name)),
        };
        let shape = perm.iter().map(|&p| record.shape[p]).collect();
        let made = self.add_record(Record {
            name,
            shape,
            layout,
            dtype: record.dtype,
            loose: false,
        });
        self.add_layer(Kind::Transpose(perm), vec![source], vec![made]);
        match layout {
            Layout::Native => self.tensors[id.0].native = Some(made),
            Layout::Hardware => self.tensors[id.0].hardware = Some(made),
        }
        Ok(made)
    }

    /// The layout that most records of some operands have; ties go to the hardware's.
    pub(super) fn majority(&self, operands: &[TensorId]) -> Layout {
        let (mut native, mut hardware) = (0, 0);
        for &id in operands {
            let tensor = self.tensor(id);
            native += usize::from(tensor.native.is_some());
            hardware += usize::from(tensor.hardware.is_some());
        }
        match native > hardware {
            true => Layout::Native,
            false => Layout::Hardware,
        }
    }

    /// An operand in a layout; a constant becomes a constant layer of the common rank.
    pub(super) fn operand(
        &mut self,
        value: &Val,
        layout: Layout,
        rank: usize,
        dtype: DType,
    ) -> Result<RecordId, Fail> {
        match value {
            Val::Tensor(id) => self.in_layout(*id, layout),
            Val::Const(array) => self.constant(array, layout, rank, dtype),
            other => Err(Fail::new(format!(
                "expected a tensor, found {}",
                other.kind()
            ))),
        }
    }

    /// A constant layer.
    pub(super) fn constant(
        &mut self,
        array: &Rc<Array>,
        layout: Layout,
        rank: usize,
        dtype: DType,
    ) -> Result<RecordId, Fail> {
        let mut shape = array.shape.clone();
        while shape.len() < rank {
            shape.insert(0, 1);
        }
        let mut array = array.to(dtype).reshaped(&shape);
        if layout == Layout::Hardware && has_hardware_layout(shape.len()) {
            array = array.permuted(&from_native(shape.len()));
        }
        let count = self.constants_of_call;
        self.constants_of_call += 1;
        let record = self.add_record(Record {
            name: format!("{}_const{count}", self.annotation).into(),
            shape: array.shape.clone(),
            layout,
            dtype,
            loose: false,
        });
        self.add_layer(Kind::Constant(Rc::new(array)), vec![], vec![record]);
        Ok(record)
    }

    /// A dimension of the framework's order in the order of a record.
    pub(super) fn map_dim(&self, record: RecordId, dim: i64) -> Result<usize, Fail> {
        let record = self.graph.record(record);
        let rank = record.shape.len();
        let at = if dim < 0 { dim + rank as i64 } else { dim };
        let at = usize::try_from(at).ok().filter(|&d| d < rank);
        let at =
            at.ok_or_else(|| Fail::new(format!("dimension {dim} of a tensor of rank {rank}")))?;
        Ok(match record.layout {
            Layout::Native => at,
            Layout::Hardware => from_native(rank)
                .iter()
                .position(|&p| p == at)
                .unwrap_or(at),
        })
    }

    /// Sizes in the framework's order.
    pub(super) fn native_shape(&self, id: TensorId) -> Vec<usize> {
        let record = self.graph.record(self.tensor(id).first);
        match record.layout {
            Layout::Native => record.shape.clone(),
            Layout::Hardware => to_native(record.shape.len())
                .iter()
                .map(|&p| record.shape[p])
                .collect(),
        }
    }

    /// Element type.
    pub(super) fn dtype(&self, id: TensorId) -> DType {
        self.graph.record(self.tensor(id).first).dtype
    }
}
