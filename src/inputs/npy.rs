//! NumPy's `.npy` and `.npz`.

use super::error::InputError;
use crate::exec::HostTensor;
use crate::tensor::DType;
use crate::tensor::view::View;
use npyz::{DType as NpyType, Endianness, NpyHeader, Order, TypeChar, TypeStr};
use std::io::{self, Read, Seek, Write};
use zip::ZipArchive;

/// A header is some hundred bytes; version 2 could claim 4 GiB.
const MAX_HEADER: u64 = 1 << 16;
/// Arrays in one `.npz`.
const MAX_ARRAYS: usize = 1 << 16;
/// DEFLATE cannot shrink data more than this, so a header that claims more lies.
const MAX_RATIO: u64 = 1032;

/// Reads one array.
pub fn read(reader: impl Read + Seek, file: &str) -> Result<HostTensor, InputError> {
    let error = |message: String| InputError::File {
        file: file.to_owned(),
        message,
    };
    let mut reader = io::BufReader::new(reader);
    let size = reader
        .seek(io::SeekFrom::End(0))
        .map_err(|e| error(e.to_string()))?;
    reader.rewind().map_err(|e| error(e.to_string()))?;
    read_array(&mut reader, size).map_err(error)
}

/// Reads every array, in file order.
pub fn read_npz(
    reader: impl Read + Seek,
    file: &str,
) -> Result<Vec<(String, HostTensor)>, InputError> {
    let error = |message: String| InputError::File {
        file: file.to_owned(),
        message,
    };
    let mut zip = ZipArchive::new(reader).map_err(|e| error(format!("not a .npz file: {e}")))?;
    if zip.len() > MAX_ARRAYS {
        return Err(error(format!("more than {MAX_ARRAYS} arrays")));
    }
    let mut arrays = Vec::new();
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i).map_err(|e| error(e.to_string()))?;
        let file_name = entry.name().map_err(|e| error(e.to_string()))?;
        let Some(name) = npyz::npz::array_name_from_file_name(&file_name).map(str::to_owned) else {
            continue;
        };
        let limit = entry
            .compressed_size()
            .saturating_mul(MAX_RATIO)
            .min(entry.size());
        let tensor = read_array(&mut entry, limit).map_err(|message| InputError::Array {
            file: file.to_owned(),
            array: name.clone(),
            message,
        })?;
        arrays.push((name, tensor));
    }
    Ok(arrays)
}

/// Reads one array of at most `size` bytes with its header.
fn read_array(reader: &mut impl Read, size: u64) -> Result<HostTensor, String> {
    let header = read_header(reader)?;
    let (type_str, dtype) = plain(&header)?;
    let shape: Vec<usize> = header.shape().iter().map(|&n| n as usize).collect();
    let bytes = shape
        .iter()
        .try_fold(dtype.size(), |n, &s| n.checked_mul(s));
    let expected = bytes.filter(|&n| n as u64 <= size);
    let expected = expected
        .ok_or_else(|| format!("claims {shape:?} elements of {dtype}, more than there are"))?;
    let mut data = Vec::new();
    reader
        .take(expected as u64)
        .read_to_end(&mut data)
        .map_err(|e| e.to_string())?;
    if data.len() != expected {
        return Err(format!(
            "is cut off: expected {expected} bytes, found {}",
            data.len()
        ));
    }
    if type_str.endianness() == Endianness::Big {
        swap(&mut data, dtype);
    }
    if header.order() == Order::Fortran {
        data = from_columns(dtype, &shape, &data)?;
    }
    let shape = shape.iter().map(|&n| n as i64).collect();
    HostTensor::new(dtype, shape, data).ok_or_else(|| "has an impossible shape".to_owned())
}

/// What a header says about an array that is read row by row.
pub(super) struct Rows {
    pub(super) dtype: DType,
    /// The size of the first axis.
    pub(super) rows: u64,
    /// The sizes of the others.
    pub(super) row: Vec<i64>,
    /// Bytes of a number, when they are in the other order.
    pub(super) swap: Option<usize>,
}

/// Reads a header and leaves the reader at the first row.
pub(super) fn rows(reader: &mut impl Read) -> Result<Rows, String> {
    let header = read_header(reader)?;
    let (type_str, dtype) = plain(&header)?;
    if header.order() == Order::Fortran && header.shape().len() > 1 {
        return Err(
            "is stored column by column; save it with `numpy.ascontiguousarray`".to_owned(),
        );
    }
    let size = |n: &u64| i64::try_from(*n).map_err(|_| "has an impossible shape".to_owned());
    let shape = header.shape().iter().map(size);
    let shape: Vec<i64> = shape.collect::<Result<_, _>>()?;
    let Some((rows, row)) = shape.split_first() else {
        return Err("is a scalar; expected rows along the first axis".to_owned());
    };
    Ok(Rows {
        dtype,
        rows: rows.unsigned_abs(),
        row: row.to_vec(),
        swap: (type_str.endianness() == Endianness::Big).then(|| number_size(dtype)),
    })
}

/// The dtype of an array of numbers.
fn plain(header: &NpyHeader) -> Result<(TypeStr, DType), String> {
    let NpyType::Plain(type_str) = header.dtype() else {
        return Err("is a record array; expected numbers".to_owned());
    };
    let dtype = dtype_of(&type_str).ok_or_else(|| {
        format!("has dtype `{type_str}`; expected bool, integer, float or complex")
    })?;
    Ok((type_str, dtype))
}

fn read_header(reader: &mut impl Read) -> Result<NpyHeader, String> {
    let mut start = [0; 12];
    reader
        .read_exact(&mut start)
        .map_err(|_| "is no .npy array: too short".to_owned())?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err("is no .npy array: no `NUMPY` at its start".to_owned());
    }
    let length = match start[6] {
        1 => u64::from(u16::from_le_bytes([start[8], start[9]])),
        _ => u64::from(u32::from_le_bytes([
            start[8], start[9], start[10], start[11],
        ])),
    };
    if length > MAX_HEADER {
        return Err(format!(
            "has a header of {length} bytes, more than {MAX_HEADER}"
        ));
    }
    NpyHeader::from_reader(start.chain(reader)).map_err(|e| format!("has a bad header: {e}"))
}

fn dtype_of(type_str: &TypeStr) -> Option<DType> {
    use DType::*;
    Some(match (type_str.type_char(), type_str.size_field()) {
        (TypeChar::Bool, 1) => Bool,
        (TypeChar::Int, 1) => I8,
        (TypeChar::Int, 2) => I16,
        (TypeChar::Int, 4) => I32,
        (TypeChar::Int, 8) => I64,
        (TypeChar::Uint, 1) => U8,
        (TypeChar::Uint, 2) => U16,
        (TypeChar::Uint, 4) => U32,
        (TypeChar::Uint, 8) => U64,
        (TypeChar::Float, 2) => F16,
        (TypeChar::Float, 4) => F32,
        (TypeChar::Float, 8) => F64,
        (TypeChar::Complex, 8) => C64,
        (TypeChar::Complex, 16) => C128,
        _ => return None,
    })
}

fn swap(data: &mut [u8], dtype: DType) {
    data.chunks_exact_mut(number_size(dtype))
        .for_each(<[u8]>::reverse);
}

/// The parts of a complex number turn by themselves.
fn number_size(dtype: DType) -> usize {
    match dtype {
        DType::C64 => 4,
        DType::C128 => 8,
        _ => dtype.size(),
    }
}

fn from_columns(dtype: DType, shape: &[usize], data: &[u8]) -> Result<Vec<u8>, String> {
    let mut strides = vec![1isize; shape.len()];
    for i in 1..shape.len() {
        strides[i] = strides[i - 1].saturating_mul(shape[i - 1].max(1) as isize);
    }
    let view = View::new(dtype, shape, &strides, data, 0).map_err(|e| e.to_string())?;
    Ok(view.to_bytes())
}

/// Writes one array; fails for dtypes NumPy has not.
pub fn write(out: &mut dyn Write, tensor: &HostTensor) -> io::Result<()> {
    let descr = descr(tensor.dtype).ok_or_else(|| {
        let message = format!(
            "NumPy has no dtype for {}; write .safetensors",
            tensor.dtype
        );
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })?;
    let shape: String = tensor.shape.iter().map(|n| format!("{n}, ")).collect();
    let shape = match tensor.shape.len() {
        0 | 1 => shape.trim_end(),
        _ => shape.trim_end_matches(", "),
    };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // Magic, version, length, header and a newline together fill 64-byte lines.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    out.write_all(&tensor.bytes)
}

/// Writes named arrays, uncompressed, as `numpy.savez` does.
pub fn write_npz(out: impl Write + Seek, tensors: &[(String, HostTensor)]) -> io::Result<()> {
    let mut zip = zip::ZipWriter::new(out);
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    for (name, tensor) in tensors {
        zip.start_file(npyz::npz::file_name_from_array_name(name), options)?;
        write(&mut zip, tensor)?;
    }
    zip.finish()?;
    Ok(())
}

fn descr(dtype: DType) -> Option<&'static str> {
    use DType::*;
    Some(match dtype {
        Bool => "|b1",
        I8 => "|i1",
        U8 => "|u1",
        I16 => "<i2",
        U16 => "<u2",
        I32 => "<i4",
        U32 => "<u4",
        I64 => "<i8",
        U64 => "<u8",
        F16 => "<f2",
        F32 => "<f4",
        F64 => "<f8",
        C64 => "<c8",
        C128 => "<c16",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn round_trip(tensor: &HostTensor) -> HostTensor {
        let mut bytes = Vec::new();
        write(&mut bytes, tensor).unwrap();
        read(Cursor::new(bytes), "x.npy").unwrap()
    }

    #[test]
    fn arrays_come_back_as_written() {
        for shape in [vec![], vec![4], vec![2, 3], vec![0, 7]] {
            let count: i64 = shape.iter().product();
            let data: Vec<f32> = (0..count).map(|i| i as f32 / 3.0).collect();
            let tensor = HostTensor::from_f32(&shape, &data).unwrap();
            assert_eq!(round_trip(&tensor), tensor);
        }
    }

    #[test]
    fn npz_keeps_names_and_order() {
        let tensor = |n| HostTensor::from_i64(&[1], &[n]).unwrap();
        let arrays = [("b".to_owned(), tensor(1)), ("a/c".to_owned(), tensor(2))];
        let mut file = Cursor::new(Vec::new());
        write_npz(&mut file, &arrays).unwrap();
        assert_eq!(read_npz(file, "x.npz").unwrap(), arrays);
    }

    fn file(header: &str, data: &[u8]) -> Cursor<Vec<u8>> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        Cursor::new(bytes)
    }

    #[test]
    fn column_order_and_big_endian_are_turned() {
        let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }\n";
        let tensor = read(file(header, &[0, 1, 0, 3, 0, 2, 0, 4]), "x.npy").unwrap();
        assert_eq!(tensor.bytes, [1, 0, 2, 0, 3, 0, 4, 0]);
    }

    #[test]
    fn lies_are_refused_without_allocating() {
        let huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n";
        let error = read(file(huge, &[0; 8]), "x.npy").unwrap_err();
        assert!(error.to_string().contains("more than there are"), "{error}");
        let text = "{'descr': '<U5', 'fortran_order': False, 'shape': (1,), }\n";
        let error = read(file(text, &[0; 20]), "x.npy").unwrap_err();
        assert!(error.to_string().contains("expected bool"), "{error}");
        assert!(read(Cursor::new(b"PK".to_vec()), "x.npy").is_err());
        let mut long = b"\x93NUMPY\x02\x00".to_vec();
        long.extend(u32::MAX.to_le_bytes());
        let error = read(Cursor::new(long), "x.npy").unwrap_err();
        assert!(
            error.to_string().contains("header of 4294967295 bytes"),
            "{error}"
        );
    }
}
