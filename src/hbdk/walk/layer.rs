//! Making records and layers.

use super::super::array::{MAX_ELEMENTS, is_small};
use super::super::graph::{Kind, Known, Layer, Layout, Record, RecordId};
use super::super::layout::Tensor;
use super::super::name;
use super::super::value::{TensorId, Val};
use super::{Args, Builder, Fail};
use crate::tensor::DType;

impl Builder<'_> {
    /// A new record; one that is too large is a problem.
    pub(in crate::hbdk) fn add_record(&mut self, mut record: Record) -> RecordId {
        if !is_small(&record.shape) {
            let text = format!(
                "a tensor of shape {:?} has more than {MAX_ELEMENTS} elements",
                record.shape
            );
            self.refuse(Fail::new(text).advise("use smaller inputs"));
            record.shape = vec![1; record.shape.len()];
        }
        self.graph.records.push(record);
        RecordId(self.graph.records.len() as u32 - 1)
    }

    /// A new layer.
    pub(in crate::hbdk) fn add_layer(
        &mut self,
        kind: Kind,
        inputs: Vec<RecordId>,
        outputs: Vec<RecordId>,
    ) {
        self.graph.layers.push(Layer {
            kind,
            inputs,
            outputs,
            site: self.site.clone(),
            known: self.known.take(),
        });
    }

    /// Says that the next layer is one where plugin and front end disagree.
    pub(in crate::hbdk) fn mark_known(&mut self, known: Known) {
        self.known = Some(known);
    }

    /// Refuses tensors whose number of rows depends on the data: layers have fixed shapes.
    pub(in crate::hbdk) fn fixed(&self, args: &Args) -> Result<(), Fail> {
        let mut tensors = args.values().iter().flat_map(Val::tensors);
        let loose = tensors.find(|id| self.graph.record(self.tensor(*id).first).loose);
        match loose {
            None => Ok(()),
            Some(_) => Err(Fail::new("how many rows its input has depends on the data")
                .advise("end the model there, and run what follows on the CPU")),
        }
    }

    /// A layer with one output of the call's name.
    pub(in crate::hbdk) fn layer(
        &mut self,
        kind: Kind,
        inputs: &[RecordId],
        shape: Vec<usize>,
        dtype: DType,
    ) -> RecordId {
        let name = self.annotation.clone();
        self.named_layer(&name, kind, inputs, shape, dtype)
    }

    /// A layer with one output, in the layout of its first input; the name gets that layout's suffix.
    pub(in crate::hbdk) fn named_layer(
        &mut self,
        name: &str,
        kind: Kind,
        inputs: &[RecordId],
        shape: Vec<usize>,
        dtype: DType,
    ) -> RecordId {
        let layout = inputs
            .first()
            .map_or(Layout::Native, |&r| self.graph.record(r).layout);
        let record = self.named_record(name, layout, shape, dtype);
        self.add_layer(kind, inputs.to_vec(), vec![record]);
        record
    }

    /// A record whose name says its layout.
    pub(in crate::hbdk) fn named_record(
        &mut self,
        name: &str,
        layout: Layout,
        shape: Vec<usize>,
        dtype: DType,
    ) -> RecordId {
        let name = match layout {
            Layout::Native => name::native(name),
            Layout::Hardware => name.into(),
        };
        self.add_record(Record {
            name,
            shape,
            layout,
            dtype,
            loose: false,
        })
    }

    /// A new tensor with one record.
    pub(in crate::hbdk) fn manager(&mut self, record: RecordId) -> Val {
        let is_native = self.graph.record(record).layout == Layout::Native;
        self.tensors.push(Tensor {
            first: record,
            native: is_native.then_some(record),
            hardware: (!is_native).then_some(record),
            dequantise: None,
        });
        Val::Tensor(TensorId(self.tensors.len() - 1))
    }
}
