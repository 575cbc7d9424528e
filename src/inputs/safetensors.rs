//! `.safetensors` files.

use super::error::InputError;
use crate::exec::HostTensor;
use crate::tensor::DType;
use safetensors::tensor::{Metadata, TensorView};
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;

/// Reads every tensor, in the order of the data.
pub fn read(bytes: &[u8], file: &str) -> Result<Vec<(String, HostTensor)>, InputError> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| InputError::File {
        file: file.to_owned(),
        message: format!("not a .safetensors file: {e}"),
    })?;
    let mut found: Vec<(&str, TensorView)> = tensors.iter().collect();
    found.sort_by_key(|(name, view)| (view.data().as_ptr() as usize, *name));
    let tensor = |(name, view): (&str, TensorView)| {
        let error = |message: String| InputError::Array {
            file: file.to_owned(),
            array: name.to_owned(),
            message,
        };
        let dtype = from_dtype(view.dtype())
            .ok_or_else(|| error(format!("has dtype {}, which torch has not", view.dtype())))?;
        let shape = view.shape().iter().map(|&n| n as i64).collect();
        HostTensor::new(dtype, shape, view.data().to_vec())
            .map(|tensor| (name.to_owned(), tensor))
            .ok_or_else(|| error("has another size than its shape".to_owned()))
    };
    found.into_iter().map(tensor).collect()
}

/// Where a tensor lies in a file.
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Vec<i64>,
    pub(super) start: u64,
    pub(super) size: u64,
}

/// The tensors that a header names, in the order of the data; `head` is the file up to the end of its header, and the
/// file has `size` bytes.
pub(super) fn header(head: &[u8], size: u64) -> Result<Vec<Placed>, String> {
    let text = head.get(8..).unwrap_or_default();
    let metadata: Metadata = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    let data = head.len() as u64;
    let mut found = Vec::new();
    for name in metadata.offset_keys() {
        let Some(info) = metadata.info(&name) else {
            continue;
        };
        let dtype = from_dtype(info.dtype)
            .ok_or_else(|| format!("`{name}` has dtype {}, which torch has not", info.dtype))?;
        let bytes = info
            .shape
            .iter()
            .try_fold(dtype.size(), |n, s| n.checked_mul(*s));
        let (start, end) = info.data_offsets;
        if bytes.is_none() || end.checked_sub(start) != bytes || end as u64 > size - data.min(size)
        {
            return Err(format!(
                "`{name}` has other bytes than its shape needs, or lies beyond the end"
            ));
        }
        found.push(Placed {
            name,
            dtype,
            shape: info.shape.iter().map(|&n| n as i64).collect(),
            start: data + start as u64,
            size: (end - start) as u64,
        });
    }
    found.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
    Ok(found)
}

/// The bytes of a file with these tensors; quantised ones as their integers, with `scale` and `zero_point` in the
/// metadata.
pub fn write(tensors: &[(String, HostTensor)]) -> Result<Vec<u8>, InputError> {
    let error = |array: &str, message: String| InputError::Array {
        file: "output".to_owned(),
        array: array.to_owned(),
        message,
    };
    let mut metadata = HashMap::new();
    let mut views = Vec::new();
    for (name, tensor) in tensors {
        let dtype = to_dtype(tensor.dtype).ok_or_else(|| {
            error(
                name,
                format!("safetensors has no dtype for {}", tensor.dtype),
            )
        })?;
        if let Some(quantizer) = &tensor.quantizer {
            metadata.insert(format!("{name}.quantizer"), quantizer_text(quantizer));
        }
        let shape = tensor.shape.iter().map(|&n| n.max(0) as usize).collect();
        let view = TensorView::new(dtype, shape, &tensor.bytes);
        views.push((name, view.map_err(|e| error(name, e.to_string()))?));
    }
    let metadata = (!metadata.is_empty()).then_some(metadata);
    safetensors::serialize(views, metadata).map_err(|e| error("", e.to_string()))
}

fn quantizer_text(quantizer: &crate::exec::Quantizer) -> String {
    use crate::exec::Quantizer::*;
    let list = |numbers: &[f64]| {
        let texts: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        texts.join(",")
    };
    match quantizer {
        PerTensor { scale, zero_point } => format!("scale={scale};zero_point={zero_point}"),
        PerChannel {
            axis,
            scales,
            zero_points,
            ..
        } => format!(
            "scale={};zero_point={};axis={axis}",
            list(scales),
            list(zero_points)
        ),
    }
}

/// The format's name of a dtype; quantised ones are their integers.
pub fn dtype_name(dtype: DType) -> Option<String> {
    to_dtype(dtype).map(|dtype| dtype.to_string())
}

fn from_dtype(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::BOOL => DType::Bool,
        Dtype::U8 => DType::U8,
        Dtype::I8 => DType::I8,
        Dtype::F8_E5M2 => DType::F8E5M2,
        Dtype::F8_E4M3 => DType::F8E4M3,
        Dtype::F8_E8M0 => DType::F8E8M0,
        Dtype::F8_E4M3FNUZ => DType::F8E4M3Fnuz,
        Dtype::F8_E5M2FNUZ => DType::F8E5M2Fnuz,
        Dtype::I16 => DType::I16,
        Dtype::U16 => DType::U16,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I32 => DType::I32,
        Dtype::U32 => DType::U32,
        Dtype::F32 => DType::F32,
        Dtype::C64 => DType::C64,
        Dtype::F64 => DType::F64,
        Dtype::I64 => DType::I64,
        Dtype::U64 => DType::U64,
        _ => return None,
    })
}

fn to_dtype(dtype: DType) -> Option<Dtype> {
    Some(match dtype {
        DType::Bool => Dtype::BOOL,
        DType::U8 | DType::QU8 => Dtype::U8,
        DType::I8 | DType::QI8 => Dtype::I8,
        DType::F8E5M2 => Dtype::F8_E5M2,
        DType::F8E4M3 => Dtype::F8_E4M3,
        DType::F8E8M0 => Dtype::F8_E8M0,
        DType::F8E4M3Fnuz => Dtype::F8_E4M3FNUZ,
        DType::F8E5M2Fnuz => Dtype::F8_E5M2FNUZ,
        DType::I16 => Dtype::I16,
        DType::U16 => Dtype::U16,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I32 | DType::QI32 => Dtype::I32,
        DType::U32 => Dtype::U32,
        DType::F32 => Dtype::F32,
        DType::C64 => Dtype::C64,
        DType::F64 => Dtype::F64,
        DType::I64 => Dtype::I64,
        DType::U64 => Dtype::U64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_come_back_as_written() {
        let x = HostTensor::from_f32(&[2, 2], &[1.0, -2.0, 3.5, f32::NAN]).unwrap();
        let y = HostTensor::from_i64(&[], &[7]).unwrap();
        let tensors = [("x".to_owned(), x), ("y".to_owned(), y)];
        let bytes = write(&tensors).unwrap();
        let mut read = read(&bytes, "x.safetensors").unwrap();
        read.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(read.len(), 2);
        for (a, b) in read.iter().zip(&tensors) {
            assert_eq!(
                (&a.0, a.1.dtype, &a.1.shape, &a.1.bytes),
                (&b.0, b.1.dtype, &b.1.shape, &b.1.bytes)
            );
        }
    }

    #[test]
    fn other_files_are_refused() {
        let error = read(b"not it", "x.safetensors").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`x.safetensors`: not a .safetensors file"),
            "{error}"
        );
    }
}
