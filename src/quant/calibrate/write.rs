//! The calibrated file: buffers with other bytes, everything else as it was.

use super::Point;
use super::error::CalibrateError;
use crate::archive::pickle::{Layout, Patch, Scalar, StorageId, TensorId};
use crate::archive::{ArchiveError, Document, Plan};
use crate::model::Model;
use rustc_hash::FxHashMap;

/// Buffers to write, and the pickle where shapes change.
struct Writer<'m> {
    data: &'m Document,
    patch: Patch<'m>,
    /// New bytes of storages, in the order of the file.
    records: Vec<(StorageId, Vec<u8>)>,
    written: FxHashMap<StorageId, usize>,
}

/// A plan that puts the scales found into the model's file.
pub(super) fn plan<'m>(model: &'m Model, points: &[Point]) -> Result<Plan<'m>, CalibrateError> {
    let data = model.archive.data()?;
    let mut writer = Writer {
        data,
        patch: Patch::new(data.pickle()),
        records: Vec::new(),
        written: FxHashMap::default(),
    };
    for point in points {
        writer.point(point)?;
    }
    writer.finish(model)
}

impl<'m> Writer<'m> {
    fn point(&mut self, point: &Point) -> Result<(), CalibrateError> {
        let buffers = &point.buffers;
        self.put(
            point,
            "fake_quant_enabled",
            buffers.fake_quant_enabled,
            vec![1],
        )?;
        for &op in &buffers.training {
            self.patch.replace(op, Scalar::Bool(false))?;
        }
        if !point.observer.has_observed() {
            return Ok(());
        }
        let found = point.qparams();
        self.floats(point, "scale", buffers.scale, &found.scale)?;
        let zeros = vec![0; found.scale.len() * size_of::<i64>()];
        self.put(point, "zero_point", buffers.zero_point, zeros)?;
        for (name, buffer, values) in [
            ("min_val", buffers.min_val, &found.min_val),
            ("max_val", buffers.max_val, &found.max_val),
        ] {
            if let Some(buffer) = buffer.filter(|_| !values.is_empty()) {
                self.floats(point, name, buffer, values)?;
            }
        }
        Ok(())
    }

    fn floats(
        &mut self,
        point: &Point,
        name: &'static str,
        tensor: TensorId,
        values: &[f32],
    ) -> Result<(), CalibrateError> {
        let bytes = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.put(point, name, tensor, bytes)
    }

    /// Gives a buffer other elements, and as many as there are.
    fn put(
        &mut self,
        point: &Point,
        name: &'static str,
        id: TensorId,
        bytes: Vec<u8>,
    ) -> Result<(), CalibrateError> {
        let tensor = self.data.tensor(id);
        let object = |message: String| CalibrateError::Object {
            path: point.path.clone(),
            message: format!("buffer `{name}`: {message}"),
        };
        let expected = match name {
            "fake_quant_enabled" => crate::tensor::DType::U8,
            "zero_point" => crate::tensor::DType::I64,
            _ => crate::tensor::DType::F32,
        };
        if tensor.dtype != expected {
            return Err(object(format!(
                "expected {expected}, it is {}",
                tensor.dtype
            )));
        }
        let Layout::Strided { storage, .. } = tensor.layout else {
            return Err(object("it has no memory of its own".to_owned()));
        };
        if let Some(&at) = self.written.get(&storage) {
            // Switches may be one tensor for all.
            return match self.records[at].1 == bytes
                && tensor.numel() as usize * expected.size() == bytes.len()
            {
                true => Ok(()),
                false => Err(CalibrateError::Shared {
                    path: point.path.clone(),
                    buffer: name,
                }),
            };
        }
        let count = bytes.len() / expected.size();
        if tensor.numel() != count as i64
            || self.data.storage(storage).size_bytes() != bytes.len() as u64
        {
            let count = u32::try_from(count).map_err(|_| object("too many channels".to_owned()))?;
            self.patch.resize(id, count)?;
        }
        self.written.insert(storage, self.records.len());
        self.records.push((storage, bytes));
        Ok(())
    }

    fn finish(self, model: &'m Model) -> Result<Plan<'m>, CalibrateError> {
        let archive = &model.archive;
        let mut plan = Plan::new(archive);
        for (storage, bytes) in self.records {
            let record = self.data.storage_record(storage).unwrap_or_default();
            match archive.find(&record) {
                Some(entry) => plan.replace(entry, bytes)?,
                // A storage without elements may have no record.
                None => plan.add(&record, bytes)?,
            }
        }
        if !self.patch.is_empty() {
            let record = "data.pkl";
            let entry = archive
                .find(record)
                .ok_or(ArchiveError::Missing { record })?;
            plan.replace(entry, self.patch.apply()?)?;
        }
        Ok(plan)
    }
}
