//! Samples in batches.

use anyhow::bail;
use ptool::exec::{HostTensor, Value};
use ptool::inputs::{Given, choose};
use ptool::model::Model;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Batches of a model's inputs.
pub(super) struct Data {
    pub(super) batches: Vec<Batch>,
    /// A sentence for the user.
    pub(super) source: String,
}

/// Inputs of one run.
pub(super) struct Batch {
    pub(super) values: Vec<Value>,
    pub(super) labels: Option<HostTensor>,
    samples: usize,
}

impl Data {
    /// Reads files and cuts every tensor along its first dimension.
    pub(super) fn read(
        model: &Model,
        paths: &[PathBuf],
        batch: usize,
        limit: Option<NonZeroUsize>,
    ) -> anyhow::Result<Data> {
        let mut data = Data {
            batches: Vec::new(),
            source: String::new(),
        };
        let mut left = limit.map_or(usize::MAX, NonZeroUsize::get);
        for path in paths {
            let chosen = choose(model, "forward", Given::File(path), 0)?;
            let separator = if data.source.is_empty() { "" } else { "; " };
            data.source += &format!("{separator}{}", chosen.source);
            let Some(total) = samples(&chosen.values) else {
                bail!(
                    "`{}`: expected tensors that agree in their first dimension, the samples",
                    path.display()
                );
            };
            let total = total.min(left);
            left -= total;
            for from in (0..total).step_by(batch) {
                let to = total.min(from + batch);
                let cut = |tensor: &HostTensor| rows(tensor, from, to);
                let values = chosen.values.iter().map(|value| match value {
                    Value::Tensor(tensor) => Value::Tensor(cut(tensor)),
                    other => other.clone(),
                });
                data.batches.push(Batch {
                    values: values.collect(),
                    labels: chosen.labels.as_ref().map(cut),
                    samples: to - from,
                });
            }
        }
        if data.batches.is_empty() {
            bail!("the data holds no samples");
        }
        Ok(data)
    }

    /// How many samples all batches hold.
    pub(super) fn samples(&self) -> usize {
        self.batches.iter().map(|b| b.samples).sum()
    }
}

/// The first dimension that all tensors share.
fn samples(values: &[Value]) -> Option<usize> {
    let mut found = None;
    for value in values {
        let Value::Tensor(tensor) = value else {
            continue;
        };
        let first = usize::try_from(*tensor.shape.first()?).ok()?;
        if found.is_some_and(|known| known != first) {
            return None;
        }
        found = Some(first);
    }
    found
}

/// Rows of a contiguous tensor.
fn rows(tensor: &HostTensor, from: usize, to: usize) -> HostTensor {
    let total = tensor.shape.first().map_or(1, |n| (*n).max(1) as usize);
    let size = tensor.bytes.len() / total;
    let end = (to * size).min(tensor.bytes.len());
    let mut part = tensor.clone();
    part.bytes = tensor.bytes[(from * size).min(end)..end].to_vec();
    if let Some(first) = part.shape.first_mut() {
        *first = (to - from) as i64;
    }
    part
}
