//! Sums and extremes of constants.

use super::super::array::{Array, Data, is_integer, keep_real};
use super::super::value::Val;
use super::super::walk::Args;
use super::{dimension, dtype, tensor};
use crate::tensor::DType;

pub(super) fn eval(name: &str, args: &Args) -> Option<Result<Val, String>> {
    Some(match name {
        "sum" | "mean" | "amax" | "amin" | "max" | "min" | "argmax" | "argmin" | "all" | "any"
        | "prod" => reduce(name, args),
        "cumsum" => cumsum(args),
        _ => return None,
    })
}

/// The elements along a dimension for each place outside of it.
fn lines(array: &Array, dim: usize) -> Vec<Vec<f64>> {
    let outer: usize = array.shape[..dim].iter().product();
    let inner: usize = array.shape[dim + 1..].iter().product();
    let (length, values) = (array.shape[dim], array.to_reals());
    let line = |o: usize, i: usize| {
        (0..length)
            .map(|k| values[(o * length + k) * inner + i])
            .collect()
    };
    (0..outer)
        .flat_map(|o| (0..inner).map(move |i| (o, i)))
        .map(|(o, i)| line(o, i))
        .collect()
}

fn best(line: &[f64], is_max: bool) -> (usize, f64) {
    let mut at = 0;
    for (i, &v) in line.iter().enumerate() {
        if v.is_nan() {
            return (i, v);
        }
        if is_max && v > line[at] || !is_max && v < line[at] {
            at = i;
        }
    }
    (at, line.get(at).copied().unwrap_or(0.0))
}

fn reduce(name: &str, args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let rank = array.shape.len();
    // Forms: (self, dtype), (self, dim, keepdim, …), (self).
    let has_dims = match args.named("dim") {
        Some(Val::None) => false,
        Some(_) => true,
        None => matches!(name, "max" | "min") && args.len() > 1,
    };
    let dims: Vec<usize> = match has_dims {
        true => {
            let dims = args.ints(1).map_err(|e| e.message)?;
            let dims: Vec<usize> = dims
                .into_iter()
                .map(|d| dimension(d, rank))
                .collect::<Result<_, _>>()?;
            if dims.is_empty() {
                (0..rank).collect()
            } else {
                dims
            }
        }
        false => (0..rank).collect(),
    };
    // A scalar has no dimension to reduce.
    let dims: Vec<usize> = dims.into_iter().filter(|&d| d < rank).collect();
    let keep = has_dims && args.flag(2).unwrap_or(false);
    let asked = args.named("dtype").map(dtype).transpose()?.flatten();
    let own = match name {
        "sum" | "prod" if is_integer(array.dtype) => DType::I64,
        "all" | "any" => DType::Bool,
        _ => array.dtype,
    };
    let out = asked.unwrap_or(own);
    let mut current = Array::real(DType::F64, &array.shape, array.to_reals());
    let mut index = None;
    let whole: usize = dims.iter().map(|&d| array.shape[d]).product();
    if matches!(name, "argmax" | "argmin") && !has_dims {
        let (at, _) = best(&array.to_reals(), name == "argmax");
        return Ok(Val::array(Array::int(DType::I64, &[], vec![at as i64])));
    }
    for &dim in &dims {
        let found = lines(&current, dim);
        let mut shape = current.shape.clone();
        shape[dim] = 1;
        let step = |line: &Vec<f64>| match name {
            // In float64, rounded once: libtorch's cascades agree to the last bit for short tables only.
            "sum" | "mean" => line.iter().sum(),
            "prod" => line.iter().product(),
            "all" => f64::from(u8::from(line.iter().all(|&v| v != 0.0))),
            "any" => f64::from(u8::from(line.iter().any(|&v| v != 0.0))),
            "amax" | "max" | "argmax" => best(line, true).1,
            _ => best(line, false).1,
        };
        let is_max = matches!(name, "amax" | "max" | "argmax");
        let at = found
            .iter()
            .map(|line| best(line, is_max).0 as i64)
            .collect();
        index = Some(Array::int(DType::I64, &shape, at));
        current = Array::real(DType::F64, &shape, found.iter().map(step).collect());
    }
    if name == "mean" {
        let mean = current
            .to_reals()
            .iter()
            .map(|v| v / whole.max(1) as f64)
            .collect();
        current = Array::real(DType::F64, &current.shape.clone(), mean);
    }
    let kept = current.shape.iter().enumerate();
    let shape: Vec<usize> = kept
        .filter(|(i, _)| keep || !dims.contains(i))
        .map(|(_, n)| *n)
        .collect();
    let value = current.reshaped(&shape).to(out);
    let index = index.map(|i| Val::array(i.reshaped(&shape)));
    Ok(match (name, has_dims, index) {
        ("max" | "min", true, Some(index)) => Val::seq([Val::array(value), index]),
        ("argmax" | "argmin", _, Some(index)) => index,
        _ => Val::array(value),
    })
}

fn cumsum(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let dim = dimension(args.int(1).map_err(|e| e.message)?, array.shape.len())?;
    let length = *array.shape.get(dim).ok_or("a scalar")?;
    let inner: usize = array.shape[dim + 1..].iter().product();
    let is_whole = is_integer(array.dtype);
    let out = if is_whole { DType::I64 } else { array.dtype };
    let mut values = array.to_reals();
    for at in 0..values.len() {
        if !(at / inner).is_multiple_of(length) {
            // libtorch accumulates float32 in float64 and stores each sum rounded.
            values[at] += values[at - inner];
        }
    }
    Ok(Val::array(match (is_whole, &array.data) {
        (true, Data::Int(_)) => Array::int(
            out,
            &array.shape,
            values.iter().map(|&v| v as i64).collect(),
        ),
        _ => {
            let rounded = values.iter().map(|&v| keep_real(out, v)).collect();
            Array::real(out, &array.shape, rounded)
        }
    }))
}
