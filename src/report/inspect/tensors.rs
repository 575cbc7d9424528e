//! `--tensors`: every tensor a model carries.

use crate::analysis::attributes::{Leaf, attributes, constants};
use crate::analysis::similarity::shape_text;
use crate::archive::pickle::{Layout, Quantizer, StorageId, TensorId};
use crate::archive::{ArchiveError, Document};
use crate::model::Model;
use crate::report::table;
use rustc_hash::FxHashMap;
use serde::Serialize;

/// Tensors of `data.pkl` and `constants.pkl`.
#[derive(Debug, Serialize)]
pub struct Tensors {
    /// By path.
    pub tensors: Vec<TensorRow>,
}

/// One tensor.
#[derive(Debug, Serialize)]
pub struct TensorRow {
    /// Path from the root module, or `CONSTANTS.cN`.
    pub name: String,
    /// `parameter`, `buffer`, `attribute` or `constant`.
    pub role: &'static str,
    /// Element type.
    pub dtype: &'static str,
    /// Sizes.
    pub shape: Vec<i64>,
    /// Steps in elements; none for layouts without strides.
    pub strides: Option<Vec<i64>>,
    /// `strided`, `sparse_coo`, `sparse_csr`, `meta`, …
    pub layout: &'static str,
    /// The record its storage is, such as `data/0`.
    pub storage: Option<String>,
    /// First element within the storage.
    pub offset: Option<i64>,
    /// Bytes of its elements.
    pub size_bytes: u64,
    /// Where torch puts it when loaded.
    pub device: Option<String>,
    /// The tensor before it that lies in the same storage.
    pub shared_with: Option<String>,
    /// `scale=0.1 zero_point=0`, `per channel, axis 0`.
    pub quantizer: Option<String>,
    /// Whether gradients are asked for.
    pub requires_grad: bool,
}

/// Lists every tensor by path.
pub fn tensors(model: &Model) -> Result<Tensors, ArchiveError> {
    let mut rows = Vec::new();
    let own = attributes(model)?;
    append(model.archive.data()?, &own.leaves, None, &mut rows);
    let constant = constants(model)?;
    append(
        model.archive.constants()?,
        &constant.leaves,
        Some("constant"),
        &mut rows,
    );
    Ok(Tensors { tensors: rows })
}

fn append(data: &Document, leaves: &[Leaf], role: Option<&'static str>, rows: &mut Vec<TensorRow>) {
    let mut owners: FxHashMap<StorageId, String> = FxHashMap::default();
    for leaf in leaves {
        let Some(id) = data.as_tensor(leaf.value) else {
            continue;
        };
        let role = role.unwrap_or(leaf.role.name());
        rows.push(row(data, id, leaf, role, &mut owners));
    }
}

fn row(
    data: &Document,
    id: TensorId,
    leaf: &Leaf,
    role: &'static str,
    owners: &mut FxHashMap<StorageId, String>,
) -> TensorRow {
    let tensor = data.tensor(id);
    let mut row = TensorRow {
        name: leaf.path.clone(),
        role,
        dtype: tensor.dtype.name(),
        shape: tensor.sizes.to_vec(),
        strides: None,
        layout: layout_name(&tensor.layout),
        storage: None,
        offset: None,
        size_bytes: (tensor.numel().max(0) as u64).saturating_mul(tensor.dtype.size() as u64),
        device: None,
        shared_with: None,
        quantizer: tensor.quantizer.as_ref().map(quantizer_text),
        requires_grad: tensor.requires_grad,
    };
    match &tensor.layout {
        Layout::Strided {
            storage,
            offset,
            strides,
        } => {
            row.strides = Some(strides.to_vec());
            row.offset = Some(*offset);
            row.storage = data.storage_record(*storage);
            let location = data.text(data.storage(*storage).location);
            row.device = Some(String::from_utf8_lossy(location).into_owned());
            row.shared_with = owners.get(storage).cloned();
            owners.entry(*storage).or_insert_with(|| leaf.path.clone());
        }
        Layout::Meta { strides } => {
            row.strides = Some(strides.to_vec());
            row.device = Some("meta".to_owned());
        }
        Layout::SparseCoo { .. } | Layout::SparseCompressed { .. } => {}
    }
    row
}

/// torch's name of a layout.
pub(crate) fn layout_name(layout: &Layout) -> &'static str {
    match layout {
        Layout::Strided { .. } => "strided",
        Layout::Meta { .. } => "meta",
        Layout::SparseCoo { .. } => "sparse_coo",
        Layout::SparseCompressed { layout: 2, .. } => "sparse_csr",
        Layout::SparseCompressed { layout: 3, .. } => "sparse_csc",
        Layout::SparseCompressed { layout: 4, .. } => "sparse_bsr",
        Layout::SparseCompressed { .. } => "sparse_bsc",
    }
}

fn quantizer_text(quantizer: &Quantizer) -> String {
    match quantizer {
        Quantizer::PerTensor { scale, zero_point } => {
            format!("scale={scale} zero_point={zero_point}")
        }
        Quantizer::PerChannel { axis, .. } => format!("per channel, axis {axis}"),
    }
}

impl Tensors {
    /// A table.
    pub fn text(&self) -> String {
        let sizes = |sizes: &[i64]| {
            shape_text(&sizes.iter().map(|&n| n.max(0) as usize).collect::<Vec<_>>())
        };
        let row = |t: &TensorRow| {
            let strides = t.strides.as_ref().map_or_else(
                || t.layout.to_owned(),
                |s| {
                    s.iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(",")
                },
            );
            let shared = t
                .shared_with
                .as_ref()
                .map(|s| format!("shares storage with {s}"));
            let notes: Vec<_> = [t.quantizer.clone(), shared]
                .into_iter()
                .flatten()
                .collect();
            vec![
                t.name.clone(),
                t.role.to_owned(),
                t.dtype.to_owned(),
                sizes(&t.shape),
                strides,
                t.storage.clone().unwrap_or_else(|| "-".to_owned()),
                t.size_bytes.to_string(),
                t.device.clone().unwrap_or_else(|| "-".to_owned()),
                notes.join("; "),
            ]
        };
        let rows: Vec<_> = self.tensors.iter().map(row).collect();
        let headings = [
            "name", "role", "dtype", "shape", "strides", "storage", "bytes", "device", "notes",
        ];
        table(&headings, &rows, &[6])
    }
}
