//! Tensors of a file as views that can be compared.

use super::similarity::{Similarity, Tolerance, similarity};
use crate::archive::pickle::{Layout, Quantizer as PickledQuantizer, TensorId, Use};
use crate::archive::{ArchiveError, Document, TensorView};
use crate::tensor::view::{Quantizer, View};

/// A stored tensor with what its view borrows.
pub struct Stored {
    view: TensorView,
    quantizer: Owned,
}

enum Owned {
    None,
    PerTensor {
        scale: f64,
        zero_point: i64,
    },
    PerChannel {
        scales: Vec<f64>,
        zero_points: Vec<f64>,
        axis: usize,
    },
}

/// What two stored tensors are to one another.
#[derive(Debug)]
pub enum StoredDifference {
    /// Compared element by element.
    Elements(Box<Similarity>),
    /// They cannot be compared element by element, for this reason.
    Other(String),
}

impl Stored {
    /// The tensor; `None` when the file has no data for it, or it is sparse.
    pub fn new(document: &Document, id: TensorId) -> Result<Option<Stored>, ArchiveError> {
        let tensor = document.tensor(id);
        if !matches!(tensor.layout, Layout::Strided { .. }) {
            return Ok(None);
        }
        let Some(view) = document.view(id)? else {
            return Ok(None);
        };
        let quantizer = match tensor.quantizer {
            None => Owned::None,
            Some(PickledQuantizer::PerTensor { scale, zero_point }) => {
                Owned::PerTensor { scale, zero_point }
            }
            Some(PickledQuantizer::PerChannel {
                scales,
                zero_points,
                axis,
                ..
            }) => Owned::PerChannel {
                scales: numbers(document, scales)?,
                zero_points: numbers(document, zero_points)?,
                axis: usize::try_from(axis).unwrap_or(usize::MAX),
            },
        };
        Ok(Some(Stored { view, quantizer }))
    }

    /// Its elements.
    pub fn view(&self) -> Result<View<'_>, String> {
        let shape: Vec<usize> = self
            .view
            .sizes()
            .iter()
            .map(|&n| n.max(0) as usize)
            .collect();
        let strides: Vec<isize> = self.view.strides().iter().map(|&n| n as isize).collect();
        let offset = self.view.offset() as usize;
        let view = View::new(
            self.view.dtype(),
            &shape,
            &strides,
            self.view.storage(),
            offset,
        );
        let view = view.map_err(|e| e.to_string())?;
        let quantizer = match &self.quantizer {
            Owned::None => return Ok(view),
            Owned::PerTensor { scale, zero_point } => Quantizer::PerTensor {
                scale: *scale,
                zero_point: *zero_point,
            },
            Owned::PerChannel {
                scales,
                zero_points,
                axis,
            } => Quantizer::PerChannel {
                scales,
                zero_points,
                axis: *axis,
            },
        };
        view.with_quantizer(quantizer).map_err(|e| e.to_string())
    }
}

fn numbers(document: &Document, it: Use) -> Result<Vec<f64>, ArchiveError> {
    let Some(id) = document.as_tensor(document.at(it)) else {
        return Ok(Vec::new());
    };
    let view = document.view(id)?;
    Ok(view
        .and_then(|view| Some(view.to_f64().ok()?.collect()))
        .unwrap_or_default())
}

/// Compares two stored tensors; `None` when they are the same in dtype, shape, flags and every bit.
pub fn difference(
    (a, a_id): (&Document, TensorId),
    (b, b_id): (&Document, TensorId),
) -> Result<Option<StoredDifference>, ArchiveError> {
    let (left, right) = (a.tensor(a_id), b.tensor(b_id));
    let other = |text: &str| Ok(Some(StoredDifference::Other(text.to_owned())));
    if std::mem::discriminant(&left.layout) != std::mem::discriminant(&right.layout) {
        return other("layouts differ");
    }
    if left.sizes != right.sizes {
        return other("shapes differ");
    }
    if let Some(parts) = sparse_parts(&left.layout).zip(sparse_parts(&right.layout)) {
        return sparse(a, b, parts);
    }
    if (left.conj, left.neg) != (right.conj, right.neg) {
        return other("one is a lazy conjugate or negation");
    }
    let (stored_a, stored_b) = match (Stored::new(a, a_id)?, Stored::new(b, b_id)?) {
        (Some(a), Some(b)) => (a, b),
        (None, None) if left.dtype == right.dtype => return Ok(None),
        (None, None) => return other("dtypes differ"),
        _ => return other("only one has data"),
    };
    let (view_a, view_b) = match (stored_a.view(), stored_b.view()) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(error), _) | (_, Err(error)) => return other(&error),
    };
    Ok(match similarity(&view_a, &view_b, Tolerance::default()) {
        Ok(result) if result.same_bits => None,
        Ok(result) => Some(StoredDifference::Elements(Box::new(result))),
        Err(error) => Some(StoredDifference::Other(error.to_string())),
    })
}

/// The dense tensors a sparse one is made of.
fn sparse_parts(layout: &Layout) -> Option<Vec<Use>> {
    match *layout {
        Layout::SparseCoo {
            indices, values, ..
        } => Some(vec![indices, values]),
        Layout::SparseCompressed {
            compressed,
            plain,
            values,
            ..
        } => Some(vec![compressed, plain, values]),
        _ => None,
    }
}

fn sparse(
    a: &Document,
    b: &Document,
    (left, right): (Vec<Use>, Vec<Use>),
) -> Result<Option<StoredDifference>, ArchiveError> {
    for (&x, &y) in left.iter().zip(&right) {
        let id = |document: &Document, it| document.as_tensor(document.at(it));
        let (Some(x), Some(y)) = (id(a, x), id(b, y)) else {
            return Ok(Some(StoredDifference::Other(
                "a part is no tensor".to_owned(),
            )));
        };
        // Parts of a sparse tensor are dense, which the decoder checked; a lie ends the descent here.
        let is_dense = |d: &Document, id| matches!(d.tensor(id).layout, Layout::Strided { .. });
        if !is_dense(a, x) || !is_dense(b, y) {
            return Ok(Some(StoredDifference::Other(
                "a part is sparse itself".to_owned(),
            )));
        }
        if let Some(found) = difference((a, x), (b, y))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
