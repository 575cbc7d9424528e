//! One tensor, element by element; conversions of numbers.

use super::super::array::{Array, Data, is_integer};
use super::super::float;
use super::super::value::Val;
use super::super::walk::Args;
use super::{dtype, is_number, tensor};
use crate::tensor::DType;

pub(super) fn eval(name: &str, args: &Args) -> Option<Result<Val, String>> {
    Some(match name {
        "alias" | "detach" | "contiguous" | "clone" | "dropout" | "cpu" | "lift_fresh"
        | "detach_copy" | "pin_memory" => Ok(args.at(0).clone()),
        "to" | "type_as" | "_to_copy" => to(name, args),
        "float" => tensor(args, 0).map(|a| Val::array(a.to(DType::F32))),
        "double" => tensor(args, 0).map(|a| Val::array(a.to(DType::F64))),
        "Int" | "IntImplicit" => number(args, |v| Val::Int(v as i64)),
        "Float" | "FloatImplicit" => number(args, Val::Float),
        "Bool" => number(args, |v| Val::Bool(v != 0.0)),
        "item" | "ScalarImplicit" => item(args),
        "NumToTensor" => tensor(args, 0).map(Val::Const),
        "len" => match args.at(0) {
            Val::Seq(items) => Ok(Val::Int(items.len() as i64)),
            Val::Const(a) => Ok(Val::Int(a.shape.first().copied().unwrap_or(0) as i64)),
            other => Err(format!("length of {}", other.kind())),
        },
        "logical_not" => tensor(args, 0).map(|a| {
            let data = a.to_reals().iter().map(|&v| i64::from(v == 0.0)).collect();
            Val::array(Array::int(DType::Bool, &a.shape, data))
        }),
        "__not__" => number(args, |v| Val::Bool(v == 0.0)),
        "clamp" | "clip" | "clamp_min" | "clamp_max" | "hardtanh" => clamp(name, args),
        "gelu" => real(args, |x| {
            let by_tanh = matches!(args.at(1), Val::Str(text) if text == "tanh");
            Some(float::gelu(x, by_tanh))
        }),
        "leaky_relu" | "elu" | "selu" | "celu" | "softplus" => activation(name, args),
        "neg" | "negative" | "abs" | "sign" | "sgn" | "relu" | "square" => keep_kind(name, args),
        "floor" | "ceil" | "round" | "trunc" if is_number(args.at(0)) => {
            number(args, |v| match name {
                "floor" => Val::Int(v.floor() as i64),
                "ceil" => Val::Int(v.ceil() as i64),
                "trunc" => Val::Int(v.trunc() as i64),
                _ => Val::Float(v.round_ties_even()),
            })
        }
        "sqrt" | "exp" | "log" if is_number(args.at(0)) => number(args, |v| {
            Val::Float(match name {
                "sqrt" => v.sqrt(),
                "exp" => v.exp(),
                _ => v.ln(),
            })
        }),
        _ => {
            // Is it one of the float functions?
            float::unary(name, 0.5)?;
            real(args, |x| float::unary(name, x))
        }
    })
}

fn number(args: &Args, f: impl Fn(f64) -> Val) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    match array.numel() {
        1 => Ok(f(array.at(0))),
        n => Err(format!("a number from {n} elements")),
    }
}

fn item(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    match (&array.data, array.numel()) {
        (_, n) if n != 1 => Err(format!("a number from {n} elements")),
        (Data::Int(data), _) if array.dtype == DType::Bool => Ok(Val::Bool(data[0] != 0)),
        (Data::Int(data), _) => Ok(Val::Int(data[0])),
        (Data::Real(data), _) => Ok(Val::Float(data[0])),
    }
}

/// `to` in all its forms: the dtype is named, a code, or another tensor's.
fn to(name: &str, args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let target = match (name, args.named("dtype"), args.at(1)) {
        ("type_as", _, other) => super::as_tensor(other).map(|o| o.dtype),
        (_, Some(named), _) => dtype(named)?,
        (_, None, Val::Const(other)) => Some(other.dtype),
        // Without names: (self, dtype, …) or (self, device, dtype, …).
        (_, None, Val::Device) => dtype(args.at(2)).unwrap_or(None),
        (_, None, other) => dtype(other)?,
    };
    Ok(match target {
        Some(dtype) if !is_integer(dtype) || is_integer(dtype) => Val::array(array.to(dtype)),
        _ => Val::Const(array),
    })
}

/// A float function; integers become float32 first.
fn real(args: &Args, f: impl Fn(f32) -> Option<f32>) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let dtype = if is_integer(array.dtype) {
        DType::F32
    } else {
        array.dtype
    };
    let values: Option<Vec<f64>> = array
        .to_f32()
        .into_iter()
        .map(|x| f(x).map(f64::from))
        .collect();
    let values = values.ok_or("unreachable constant propagation: node schema")?;
    Ok(Val::array(Array::real(dtype, &array.shape, values)))
}

/// Functions that integers keep their dtype under.
fn keep_kind(name: &str, args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let is_plain = is_number(args.at(0));
    let result = match &array.data {
        Data::Int(data) => {
            let f = |&v: &i64| match name {
                "neg" | "negative" => v.wrapping_neg(),
                "abs" => v.wrapping_abs(),
                "relu" => v.max(0),
                "square" => v.wrapping_mul(v),
                _ => v.signum(),
            };
            let keep = |v| super::super::array::keep_int(array.dtype, v);
            Array::int(
                array.dtype,
                &array.shape,
                data.iter().map(f).map(keep).collect(),
            )
        }
        Data::Real(_) if is_plain => {
            let x = array.at(0);
            let y = match name {
                "neg" | "negative" => -x,
                "abs" => x.abs(),
                "relu" => x.max(0.0),
                "square" => x * x,
                _ => x.signum(),
            };
            Array::real(DType::F64, &[], vec![y])
        }
        Data::Real(_) => return real(args, |x| float::unary(name, x)),
    };
    match (is_plain, &result.data) {
        (true, Data::Int(data)) => Ok(Val::Int(data[0])),
        (true, Data::Real(data)) => Ok(Val::Float(data[0])),
        _ => Ok(Val::array(result)),
    }
}

fn clamp(name: &str, args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let bound = |at: usize| match args.at(at) {
        Val::None => Ok(None),
        _ => tensor(args, at).map(|b| Some(b).filter(|b| b.numel() > 0)),
    };
    let (low, high) = match name {
        "clamp_min" => (bound(1)?, None),
        "clamp_max" => (None, bound(1)?),
        _ => (bound(1)?, bound(2)?),
    };
    let pick = |b: &Option<std::rc::Rc<Array>>, i: usize| {
        b.as_ref().map(|b| {
            if b.numel() == 1 {
                b.at(0)
            } else {
                b.at(i % b.numel().max(1))
            }
        })
    };
    let apply = |(i, v): (usize, f64)| {
        let v = pick(&low, i).map_or(v, |l| v.max(l));
        pick(&high, i).map_or(v, |h| v.min(h))
    };
    let values: Vec<f64> = array
        .to_reals()
        .into_iter()
        .enumerate()
        .map(apply)
        .collect();
    Ok(Val::array(match is_integer(array.dtype) {
        true => {
            // Bounds of integers are integers; both are below 2^53 in every table.
            let ints = values.iter().map(|&v| v as i64).collect();
            Array::int(array.dtype, &array.shape, ints)
        }
        false => Array::real(array.dtype, &array.shape, values),
    }))
}

fn activation(name: &str, args: &Args) -> Result<Val, String> {
    let parameter = |at: usize, default: f64| match args.at(at) {
        Val::Float(v) => *v,
        Val::Int(v) => *v as f64,
        _ => default,
    };
    real(args, |x| {
        let wide = f64::from(x);
        let value = match name {
            "leaky_relu" => {
                let slope = parameter(1, 0.01) as f32;
                return Some(if x > 0.0 { x } else { x * slope });
            }
            "elu" => {
                let (alpha, scale, input) =
                    (parameter(1, 1.0), parameter(2, 1.0), parameter(3, 1.0));
                match wide > 0.0 {
                    true => wide * scale,
                    false => (wide * input).exp_m1() * alpha * scale,
                }
            }
            "celu" => {
                let alpha = parameter(1, 1.0);
                if wide > 0.0 {
                    wide
                } else {
                    alpha * (wide / alpha).exp_m1()
                }
            }
            "selu" => {
                let (alpha, scale) = (1.673_263_242_354_377_2, 1.050_700_987_355_480_5);
                if wide > 0.0 {
                    wide * scale
                } else {
                    wide.exp_m1() * alpha * scale
                }
            }
            _ => {
                let (beta, threshold) = (parameter(1, 1.0), parameter(2, 20.0));
                if wide * beta > threshold {
                    wide
                } else {
                    (wide * beta).exp().ln_1p() / beta
                }
            }
        };
        Some(value as f32)
    })
}
