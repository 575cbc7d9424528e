//! Data as batches: every format, across files, and what is refused.

mod examples;
mod images;
mod refused;
mod stream;

use ptool::exec::{HostTensor, Value};
use ptool::inputs::data::{Batch, Data, DataOptions};
use ptool::inputs::{InputError, npy, safetensors};
use ptool::ir::{Param, Type};
use std::fs::File;
use std::path::{Path, PathBuf};

fn param(name: &str) -> Param {
    Param {
        name: name.into(),
        ty: Type::Tensor,
        default: None,
        kwarg_only: false,
    }
}

/// Rows that count: row `r`, element `i` is `r + i / 100`.
fn counting(first: usize, rows: usize, row: &[i64]) -> HostTensor {
    let size = row.iter().product::<i64>() as usize;
    let values: Vec<f32> = (0..rows * size)
        .map(|at| (first + at / size) as f32 + (at % size) as f32 / 100.0)
        .collect();
    let shape: Vec<i64> = [rows as i64]
        .into_iter()
        .chain(row.iter().copied())
        .collect();
    HostTensor::from_f32(&shape, &values).unwrap()
}

fn labels(first: i64, rows: i64) -> HostTensor {
    let values: Vec<i64> = (first..first + rows).collect();
    HostTensor::from_i64(&[rows], &values).unwrap()
}

fn write_npz(path: &Path, arrays: &[(&str, HostTensor)]) {
    let arrays: Vec<(String, HostTensor)> = arrays
        .iter()
        .map(|(name, tensor)| ((*name).to_owned(), tensor.clone()))
        .collect();
    npy::write_npz(File::create(path).unwrap(), &arrays).unwrap();
}

fn write_npy(path: &Path, tensor: &HostTensor) {
    npy::write(&mut File::create(path).unwrap(), tensor).unwrap();
}

fn write_safetensors(path: &Path, arrays: &[(String, HostTensor)]) {
    std::fs::write(path, safetensors::write(arrays).unwrap()).unwrap();
}

fn options(paths: &[PathBuf], batch: usize) -> DataOptions {
    DataOptions {
        batch,
        ..DataOptions::new(paths.to_vec())
    }
}

fn batches(options: DataOptions, params: &[Param]) -> Result<Vec<Batch>, InputError> {
    let mut data = Data::open(options, "forward", params)?;
    let (rows, count) = (data.rows(), data.batches());
    let mut found = Vec::new();
    while let Some(batch) = data.next_batch()? {
        found.push(batch);
    }
    assert_eq!(found.len() as u64, count);
    assert_eq!(found.iter().map(|it| it.rows).sum::<u64>(), rows);
    Ok(found)
}

fn tensor(value: &Value) -> &HostTensor {
    match value {
        Value::Tensor(tensor) => tensor,
        other => panic!("{} is no tensor", other.kind()),
    }
}

/// All batches' rows of one argument, as one tensor.
fn joined(batches: &[Batch], argument: usize) -> HostTensor {
    let first = tensor(&batches[0].values[argument]);
    let mut shape = first.shape.clone();
    shape[0] = batches.iter().map(|it| it.rows as i64).sum();
    let bytes = batches
        .iter()
        .flat_map(|it| tensor(&it.values[argument]).bytes.clone())
        .collect();
    HostTensor::new(first.dtype, shape, bytes).unwrap()
}

fn error(options: DataOptions, params: &[Param]) -> String {
    batches(options, params).unwrap_err().to_string()
}
