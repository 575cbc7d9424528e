//! From a file to one stream for each of its arrays. Bytes are read, not mapped, so that memory stays flat.

use super::super::column::Layout;
use super::Stream;
use crate::archive::pickle::{Use, Value};
use crate::archive::zip::{Method, Zip};
use crate::archive::{Blob, Document, torch_save};
use crate::inputs::{InputError, npy, safetensors};
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes read at once.
const BUFFER: usize = 1 << 16;
/// DEFLATE cannot shrink data more than this, so a header that claims more lies.
const MAX_RATIO: u64 = 1032;
/// Bytes of a `.safetensors` header at most, as the format says.
const MAX_HEADER: u64 = 100_000_000;

type Arrays = Vec<(Layout, Stream)>;

/// The arrays of a file, by its ending.
pub(super) fn open(path: &Path) -> Result<Arrays, InputError> {
    let ending = path.extension().and_then(|it| it.to_str());
    let arrays = match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
        "npy" => of_npy(path)?,
        "npz" => of_npz(path)?,
        "safetensors" => of_safetensors(path)?,
        "pt" | "pth" => of_torch(path)?,
        _ => {
            return Err(InputError::Extension {
                path: path.to_owned(),
            });
        }
    };
    match arrays.is_empty() {
        true => Err(file_error(path, "holds no array".to_owned())),
        false => Ok(arrays),
    }
}

fn file_error(path: &Path, message: String) -> InputError {
    InputError::File {
        file: path.display().to_string(),
        message,
    }
}

fn read_error(path: &Path, source: io::Error) -> InputError {
    InputError::Read {
        path: path.to_owned(),
        source,
    }
}

/// A part of a file.
fn section(path: &Path, at: u64, len: u64) -> Result<impl Read + 'static, InputError> {
    let mut file = File::open(path).map_err(|e| read_error(path, e))?;
    file.seek(SeekFrom::Start(at))
        .map_err(|e| read_error(path, e))?;
    Ok(BufReader::with_capacity(BUFFER, file).take(len))
}

fn of_npy(path: &Path) -> Result<Arrays, InputError> {
    let size = path.metadata().map_err(|e| read_error(path, e))?.len();
    let reader = section(path, 0, size)?;
    let array = of_npy_stream(None, 0, Box::new(reader), size);
    array
        .map(|it| vec![it])
        .map_err(|message| file_error(path, message))
}

/// An array of `.npy` format in at most `size` bytes.
fn of_npy_stream(
    name: Option<String>,
    index: usize,
    mut reader: Box<dyn Read>,
    size: u64,
) -> Result<(Layout, Stream), String> {
    let header = npy::rows(&mut reader)?;
    let layout = Layout {
        name,
        index,
        dtype: header.dtype,
        row: header.row,
        rows: header.rows,
    };
    let bytes = layout.row_bytes();
    let bytes = bytes.and_then(|n| (n as u64).checked_mul(layout.rows));
    if bytes.is_none_or(|n| n > size) {
        return Err(format!(
            "claims {} rows of {} {}, more than there are",
            layout.rows,
            layout.dtype,
            layout.shape()
        ));
    }
    let stream = Stream {
        bytes: reader,
        swap: header.swap,
    };
    Ok((layout, stream))
}

fn of_npz(path: &Path) -> Result<Arrays, InputError> {
    let error = |message: String| file_error(path, message);
    let blob = Blob::open(path).map_err(|e| error(e.to_string()))?;
    let zip = Zip::open(blob).map_err(|e| error(format!("not a .npz file: {e}")))?;
    let mut arrays = Vec::new();
    for (id, entry) in zip.entries() {
        let name = String::from_utf8_lossy(zip.name(id)).into_owned();
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else {
            continue;
        };
        let raw = zip.raw(id).map_err(|e| error(e.to_string()))?;
        let at = raw.file().map_or(0, |(_, offset)| offset);
        let compressed = section(path, at, raw.len() as u64)?;
        let (reader, limit): (Box<dyn Read>, u64) = match entry.method {
            Method::Stored => (Box::new(compressed), entry.size),
            Method::Deflated => (
                Box::new(DeflateDecoder::new(compressed)),
                entry
                    .size
                    .min(entry.compressed_size.saturating_mul(MAX_RATIO)),
            ),
        };
        let checked = Checked {
            inner: reader,
            hasher: crc32fast::Hasher::new(),
            expected: entry.crc,
        };
        let array = of_npy_stream(Some(name.clone()), arrays.len(), Box::new(checked), limit);
        arrays.push(array.map_err(|message| InputError::Array {
            file: path.display().to_string(),
            array: name,
            message,
        })?);
    }
    Ok(arrays)
}

/// Compares the checksum at the end.
struct Checked {
    inner: Box<dyn Read>,
    hasher: crc32fast::Hasher,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        if n == 0 && !buffer.is_empty() && self.hasher.clone().finalize() != self.expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "is damaged: its checksum is another",
            ));
        }
        Ok(n)
    }
}

fn of_safetensors(path: &Path) -> Result<Arrays, InputError> {
    let error = |message: String| file_error(path, format!("not a .safetensors file: {message}"));
    let size = path.metadata().map_err(|e| read_error(path, e))?.len();
    let mut length = [0; 8];
    section(path, 0, 8)?
        .read_exact(&mut length)
        .map_err(|_| error("too short".to_owned()))?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER || length.saturating_add(8) > size {
        return Err(error(format!("its header claims {length} bytes")));
    }
    let mut head = Vec::new();
    section(path, 0, length + 8)?
        .read_to_end(&mut head)
        .map_err(|e| read_error(path, e))?;
    let mut arrays = Vec::new();
    for tensor in safetensors::header(&head, size).map_err(error)? {
        let (rows, row) = split(&tensor.shape).map_err(|message| InputError::Array {
            file: path.display().to_string(),
            array: tensor.name.clone(),
            message,
        })?;
        let stream = section(path, tensor.start, tensor.size)?;
        arrays.push((
            Layout {
                name: Some(tensor.name),
                index: arrays.len(),
                dtype: tensor.dtype,
                row,
                rows,
            },
            Stream {
                bytes: Box::new(stream),
                swap: None,
            },
        ));
    }
    Ok(arrays)
}

/// The first axis, and the others.
fn split(shape: &[i64]) -> Result<(u64, Vec<i64>), String> {
    match shape.split_first() {
        Some((rows, row)) => Ok((rows.max(&0).unsigned_abs(), row.to_vec())),
        None => Err("is a scalar; expected rows along the first axis".to_owned()),
    }
}

fn of_torch(path: &Path) -> Result<Arrays, InputError> {
    let document = torch_save::open(path).map_err(|e| file_error(path, e.to_string()))?;
    let mut root = document.root();
    if let Value::Dict(dict) = document.at(root)
        && let Some(inputs) = document.get(dict, "inputs")
    {
        root = inputs;
    }
    let items: Vec<(Option<String>, Use)> = match document.at(root) {
        Value::Dict(dict) => {
            let items = document.dict(dict).items.iter();
            items
                .map(|(key, value)| (document.str_at(*key).map(str::to_owned), *value))
                .collect()
        }
        value => match document.sequence(value) {
            Some(items) => items.iter().map(|it| (None, *it)).collect(),
            None => vec![(None, root)],
        },
    };
    let array = |(index, (name, it)): (usize, (Option<String>, Use))| {
        let label = name.clone().unwrap_or_else(|| format!("input {index}"));
        of_torch_tensor(&document, path, it, name, index).map_err(|message| InputError::Array {
            file: path.display().to_string(),
            array: label,
            message,
        })
    };
    items.into_iter().enumerate().map(array).collect()
}

fn of_torch_tensor(
    document: &Document,
    path: &Path,
    it: Use,
    name: Option<String>,
    index: usize,
) -> Result<(Layout, Stream), String> {
    let value = document.at(it);
    let id = document.as_tensor(value);
    let id = id.ok_or_else(|| format!("is {}; expected a tensor", value.describe()))?;
    let view = document.view(id).map_err(|e| e.to_string())?;
    let view = view.ok_or_else(|| "has no data".to_owned())?;
    if view.conj || view.neg || document.tensor(id).quantizer.is_some() {
        return Err(
            "is quantised, or a lazy conjugate or negation; save a plain tensor".to_owned(),
        );
    }
    let (rows, row) = split(view.sizes())?;
    let layout = Layout {
        name,
        index,
        dtype: view.dtype(),
        row,
        rows,
    };
    let start = view.offset() * view.dtype().size() as u64;
    let bytes: Box<dyn Read> = match view.storage().file() {
        Some((_, offset)) if view.is_contiguous() => Box::new(
            section(path, offset + start, view.size_bytes() as u64).map_err(|e| e.to_string())?,
        ),
        // Strided or compressed tensors are held as a whole.
        _ => Box::new(Cursor::new(
            view.contiguous().map_err(|e| e.to_string())?.into_owned(),
        )),
    };
    Ok((layout, Stream { bytes, swap: None }))
}
