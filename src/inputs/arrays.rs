//! Values with the names a file gives them.

use super::error::InputError;
use super::{npy, pickled, safetensors};
use crate::exec::{HostTensor, Value};
use std::fs::File;
use std::path::Path;

/// A value and its name in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// `None` when the file has only an order.
    pub name: Option<String>,
    /// The value.
    pub value: Value,
}

/// The content of one inputs file, or what stands for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrays {
    /// Where they come from, for messages.
    pub origin: String,
    /// In file order.
    pub items: Vec<Array>,
}

impl Arrays {
    /// Reads `.npz`, `.npy`, `.safetensors`, and `.pt` or `.pth` of `torch.save`.
    pub fn read(path: &Path) -> Result<Arrays, InputError> {
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        let origin = path.display().to_string();
        let open = || {
            File::open(path).map_err(|source| InputError::Read {
                path: path.to_owned(),
                source,
            })
        };
        let items = match extension.to_ascii_lowercase().as_str() {
            "npy" => vec![Array {
                name: None,
                value: Value::Tensor(npy::read(open()?, &origin)?),
            }],
            "npz" => named(npy::read_npz(open()?, &origin)?),
            "safetensors" => {
                let bytes = std::fs::read(path).map_err(|source| InputError::Read {
                    path: path.to_owned(),
                    source,
                })?;
                named(safetensors::read(&bytes, &origin)?)
            }
            "pt" | "pth" => return pickled::read(path),
            _ => {
                return Err(InputError::Extension {
                    path: path.to_owned(),
                });
            }
        };
        Ok(Arrays {
            origin: format!("`{origin}`"),
            items,
        })
    }

    /// Takes an array out by name, such as the labels.
    pub fn take(&mut self, names: &[&str]) -> Option<Array> {
        let is_named = |a: &Array| a.name.as_deref().is_some_and(|n| names.contains(&n));
        let at = self.items.iter().position(is_named)?;
        Some(self.items.remove(at))
    }
}

fn named(tensors: Vec<(String, HostTensor)>) -> Vec<Array> {
    let array = |(name, tensor)| Array {
        name: Some(name),
        value: Value::Tensor(tensor),
    };
    tensors.into_iter().map(array).collect()
}
