//! New tensors: zeros, ranges, copies of numbers.

use super::super::array::{Array, MAX_ELEMENTS, is_integer};
use super::super::value::Val;
use super::super::walk::Args;
use super::{dtype, sizes, tensor};
use crate::tensor::DType;

pub(super) fn eval(name: &str, args: &Args) -> Option<Result<Val, String>> {
    Some(match name {
        "device" => Ok(Val::Device),
        "zeros" => filled(args, 0, Some(0.0), 1),
        "ones" => filled(args, 0, Some(1.0), 1),
        "full" => filled(args, 0, None, 2),
        "zeros_like" => like(args, Some(0.0), 1),
        "ones_like" => like(args, Some(1.0), 1),
        "full_like" => like(args, None, 2),
        "fill" => tensor(args, 0).and_then(|a| {
            let value = tensor(args, 1)?.at(0);
            Array::scalar(a.dtype, value)
                .expanded(&a.shape)
                .map(Val::array)
                .ok_or_else(|| "a shape too large".into())
        }),
        "arange" => arange(args),
        "linspace" => linspace(args),
        "scalar_tensor" | "tensor" => single(args),
        _ => return None,
    })
}

/// The dtype asked for by name, or at a position where the schema has no names.
fn asked(args: &Args, at: usize) -> Result<Option<DType>, String> {
    match args.named("dtype") {
        Some(value) => dtype(value),
        None => dtype(args.at(at)),
    }
}

fn value(args: &Args, at: usize) -> Result<(f64, DType), String> {
    Ok(match args.at(at) {
        Val::Int(v) => (*v as f64, DType::I64),
        Val::Bool(v) => (f64::from(u8::from(*v)), DType::Bool),
        Val::Float(v) => (*v, DType::F32),
        other => match super::as_tensor(other) {
            Some(array) if array.numel() == 1 => (array.at(0), array.dtype),
            _ => return Err(format!("a number is needed, found {}", other.kind())),
        },
    })
}

fn filled(args: &Args, shape: usize, fixed: Option<f64>, code: usize) -> Result<Val, String> {
    let shape = sizes(&args.ints(shape).map_err(|e| e.message)?)?;
    let (value, own) = match fixed {
        Some(value) => (value, DType::F32),
        None => value(args, 1)?,
    };
    let dtype = asked(args, code)?.unwrap_or(own);
    expand(dtype, value, &shape)
}

fn like(args: &Args, fixed: Option<f64>, code: usize) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let value = match fixed {
        Some(value) => value,
        None => value(args, 1)?.0,
    };
    let dtype = asked(args, code)?.unwrap_or(array.dtype);
    expand(dtype, value, &array.shape)
}

fn expand(dtype: DType, value: f64, shape: &[usize]) -> Result<Val, String> {
    let array = Array::scalar(dtype, value).expanded(shape);
    array
        .map(Val::array)
        .ok_or_else(|| "a shape too large".into())
}

/// `arange(end)`, `arange(start, end)`, `arange(start, end, step)`, each with dtype, layout, device, pin_memory.
fn arange(args: &Args) -> Result<Val, String> {
    // Numbers come first; what follows is dtype, layout, device, pin_memory.
    let count = args.len().saturating_sub(4).clamp(1, 3);
    let numbers: Vec<(f64, DType)> = (0..count)
        .map(|at| value(args, at))
        .collect::<Result<_, _>>()?;
    let (start, end, step) = match numbers.as_slice() {
        [end] => (0.0, end.0, 1.0),
        [start, end] => (start.0, end.0, 1.0),
        [start, end, step, ..] => (start.0, end.0, step.0),
        [] => return Err("arange of nothing".into()),
    };
    let is_whole = numbers.iter().all(|(_, dtype)| is_integer(*dtype));
    let own = if is_whole { DType::I64 } else { DType::F32 };
    let dtype = asked(args, count)?.unwrap_or(own);
    let length = ((end - start) / step).ceil().max(0.0);
    if step == 0.0 || !length.is_finite() || length as usize > MAX_ELEMENTS {
        return Err(format!("arange from {start} to {end} by {step}"));
    }
    let each = (0..length as usize).map(|i| start + i as f64 * step);
    Ok(Val::array(match is_integer(dtype) {
        true => Array::int(dtype, &[length as usize], each.map(|v| v as i64).collect()),
        false => Array::real(dtype, &[length as usize], each.collect()),
    }))
}

/// `linspace(start, end, steps, dtype, …)` in float32: from both ends to the middle, as libtorch does.
fn linspace(args: &Args) -> Result<Val, String> {
    let (start, end) = (value(args, 0)?.0 as f32, value(args, 1)?.0 as f32);
    let steps = args.size(2).map_err(|e| e.message)?;
    if steps > MAX_ELEMENTS {
        return Err(format!("linspace of {steps} steps"));
    }
    let dtype = asked(args, 3)?.unwrap_or(DType::F32);
    let step = if steps > 1 {
        (end - start) / (steps - 1) as f32
    } else {
        0.0
    };
    let each = (0..steps).map(|i| match i < steps / 2 {
        true => f64::from(start + step * i as f32),
        false => f64::from(end - step * (steps - i - 1) as f32),
    });
    let array = Array::real(DType::F32, &[steps], each.collect());
    Ok(Val::array(array.to(dtype)))
}

fn single(args: &Args) -> Result<Val, String> {
    if let Val::Seq(items) = args.at(0) {
        let arrays: Option<Vec<_>> = items.iter().map(super::as_tensor).collect();
        let arrays = arrays.filter(|all| all.iter().all(|a| a.numel() == 1));
        let arrays = arrays.ok_or("a list of other things than numbers")?;
        let is_whole = arrays.iter().all(|a| is_integer(a.dtype));
        let dtype = asked(args, 1)?.unwrap_or(if is_whole { DType::I64 } else { DType::F32 });
        let data: Vec<f64> = arrays.iter().map(|a| a.at(0)).collect();
        let array = Array::real(DType::F64, &[data.len()], data);
        return Ok(Val::array(array.to(dtype)));
    }
    let (value, own) = value(args, 0)?;
    let dtype = asked(args, 1)?.unwrap_or(own);
    Ok(Val::array(Array::scalar(dtype, value)))
}
