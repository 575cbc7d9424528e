//! A decoded pickle together with the bytes of its storages.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::bytes::Blob;
use super::error::{ArchiveError, RecordFault, TensorFault};
use super::limits;
use super::pickle::{Dialect, Layout, OpId, Pickle, Storage, StorageId, TensorId, Text};
use super::tensor_view::TensorView;
use super::zip::Zip;
use crate::tensor::DType;

/// A pickle and its storages. Dereferences to the [`Pickle`].
#[derive(Debug)]
pub struct Document {
    pickle: Pickle,
    record: String,
    source: Source,
    /// Bytes of each storage, once asked for; `None` where the file legally has none.
    storages: Vec<OnceLock<Option<Blob>>>,
}

/// Where storage bytes come from.
#[derive(Debug)]
pub(super) enum Source {
    /// Records `<folder>/<prefix>/<key>` of a zip.
    Zip {
        zip: Arc<Zip>,
        folder: Vec<u8>,
        prefix: &'static str,
        /// Traced inputs may have empty records.
        optional: bool,
        /// The file has the other byte order.
        swap: bool,
    },
    /// Ranges of a legacy `torch.save` file, by key.
    Parts(HashMap<Vec<u8>, Blob>),
}

impl Document {
    pub(super) fn new(pickle: Pickle, record: String, source: Source) -> Document {
        let storages = (0..pickle.storages().len())
            .map(|_| OnceLock::new())
            .collect();
        Document {
            pickle,
            record,
            source,
            storages,
        }
    }

    /// Decodes a pickle, which `record` names in messages.
    pub(super) fn decode(
        blob: Blob,
        dialect: Dialect,
        record: &str,
        source: Source,
    ) -> Result<Document, ArchiveError> {
        if blob.len() > limits::MAX_PICKLE {
            let fault = RecordFault::TooLarge {
                size: blob.len(),
                limit: limits::MAX_PICKLE,
            };
            return Err(ArchiveError::Record {
                record: record.into(),
                fault,
            });
        }
        let pickle = Pickle::decode(blob, dialect).map_err(|error| ArchiveError::Pickle {
            record: record.into(),
            at: error.at,
            fault: error.fault,
        })?;
        Ok(Document::new(pickle, record.into(), source))
    }

    /// The decoded pickle.
    pub fn pickle(&self) -> &Pickle {
        &self.pickle
    }

    /// The pickle's record name, such as `data.pkl`.
    pub fn record(&self) -> &str {
        &self.record
    }

    /// The record that holds a storage's bytes, such as `data/0`; `None` in legacy files.
    pub fn storage_record(&self, id: StorageId) -> Option<String> {
        match &self.source {
            Source::Zip { prefix, .. } => Some(self.record_of(prefix, self.pickle.storage(id).key)),
            Source::Parts(_) => None,
        }
    }

    /// A storage's bytes: as many as it claims. `None` where the file legally has none (traced inputs, meta storages).
    pub fn storage_bytes(&self, id: StorageId) -> Result<Option<Blob>, ArchiveError> {
        let cell = &self.storages[id.index()];
        if let Some(bytes) = cell.get() {
            return Ok(bytes.clone());
        }
        let storage = self.pickle.storage(id);
        let bytes = self.load(storage)?;
        Ok(cell.get_or_init(|| bytes).clone())
    }

    /// A strided tensor as a view of its storage. `None` where the file legally has no bytes for it.
    pub fn view(&self, id: TensorId) -> Result<Option<TensorView>, ArchiveError> {
        let tensor = self.pickle.tensor(id);
        let fail = |fault| self.tensor_error(self.pickle.tensor_op(id), fault);
        let (storage, offset, strides) = match &tensor.layout {
            Layout::Strided {
                storage,
                offset,
                strides,
            } => (*storage, *offset as u64, strides.clone()),
            Layout::Meta { .. } => return Ok(None),
            Layout::SparseCoo { .. } | Layout::SparseCompressed { .. } => {
                return Err(fail(TensorFault::NoData("it is sparse: its parts have")));
            }
        };
        let Some(bytes) = self.storage_bytes(storage)? else {
            return Ok(None);
        };
        let view = TensorView::new(tensor.dtype, tensor.sizes.clone(), strides, offset, bytes)
            .map_err(fail)?;
        Ok(Some(view.with_lazy(tensor.conj, tensor.neg)))
    }

    /// Views every strided tensor, so that the first bad one is found.
    pub fn check_tensors(&self) -> Result<(), ArchiveError> {
        for (id, tensor) in self.pickle.tensors() {
            if let Layout::Strided { .. } = tensor.layout {
                self.view(id)?;
            }
        }
        self.pickle
            .storages()
            .try_for_each(|(id, _)| self.storage_bytes(id).map(|_| ()))
    }

    fn load(&self, storage: &Storage) -> Result<Option<Blob>, ArchiveError> {
        let needed = storage.size_bytes();
        if needed == 0 {
            return Ok(Some(Blob::from(Vec::new())));
        }
        let on_meta = self.pickle.text(storage.location) == b"meta";
        match &self.source {
            Source::Zip {
                zip,
                folder,
                prefix,
                optional,
                swap,
            } => {
                let record = self.record_of(prefix, storage.key);
                let Some(entry) = zip.find(folder, &record) else {
                    let missing = self.tensor_error(storage.op, TensorFault::NoRecord { record });
                    return if *optional || on_meta {
                        Ok(None)
                    } else {
                        Err(missing)
                    };
                };
                let found = zip.entry(entry).size;
                if found == 0 && (*optional || on_meta) {
                    return Ok(None);
                }
                if found < needed {
                    let fault = TensorFault::ShortRecord {
                        record,
                        needed,
                        found,
                    };
                    return Err(self.tensor_error(storage.op, fault));
                }
                let bytes = zip.blob_of(entry)?.slice(0..needed as usize);
                Ok(bytes.map(|it| {
                    if *swap {
                        swapped(&it, storage.dtype)
                    } else {
                        it
                    }
                }))
            }
            Source::Parts(parts) => {
                let bytes = parts
                    .get(self.pickle.text(storage.key))
                    .and_then(|it| it.slice(0..needed as usize));
                let record = String::from_utf8_lossy(self.pickle.text(storage.key)).into_owned();
                bytes
                    .map(Some)
                    .ok_or_else(|| self.tensor_error(storage.op, TensorFault::NoRecord { record }))
            }
        }
    }

    fn record_of(&self, prefix: &str, key: Text) -> String {
        format!(
            "{prefix}/{}",
            String::from_utf8_lossy(self.pickle.text(key))
        )
    }

    fn tensor_error(&self, op: OpId, fault: TensorFault) -> ArchiveError {
        ArchiveError::Tensor {
            record: self.record.clone(),
            at: self.pickle.op(op).bytes.start,
            fault,
        }
    }
}

impl std::ops::Deref for Document {
    type Target = Pickle;

    fn deref(&self) -> &Pickle {
        &self.pickle
    }
}

/// Bytes of the other byte order; the parts of a complex number turn by themselves.
pub(super) fn swapped(bytes: &[u8], dtype: Option<DType>) -> Blob {
    let width = match dtype {
        Some(DType::C32 | DType::C64 | DType::C128) => dtype.map_or(1, DType::size) / 2,
        _ => dtype.map_or(1, DType::size),
    };
    let mut bytes = bytes.to_vec();
    if width > 1 {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    Blob::from(bytes)
}
