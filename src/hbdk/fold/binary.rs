//! Two tensors or numbers, element by element, with torch's type promotion.

use super::super::array::{Array, Data, Walk, broadcast, broadcast_steps, is_integer, keep_int};
use super::super::value::Val;
use super::super::walk::Args;
use super::{as_tensor, is_number, tensor};
use crate::tensor::DType;

pub(super) fn eval(name: &str, args: &Args) -> Option<Result<Val, String>> {
    let is_known = matches!(
        name,
        "add"
            | "sub"
            | "subtract"
            | "rsub"
            | "mul"
            | "multiply"
            | "div"
            | "divide"
            | "true_divide"
            | "floor_divide"
            | "floordiv"
            | "remainder"
            | "fmod"
            | "pow"
            | "maximum"
            | "minimum"
            | "atan2"
            | "eq"
            | "ne"
            | "lt"
            | "le"
            | "gt"
            | "ge"
            | "__and__"
            | "__or__"
            | "logical_and"
            | "logical_or"
            | "bitwise_and"
            | "bitwise_or"
            | "__lshift__"
            | "__rshift__"
            | "bitwise_left_shift"
            | "bitwise_right_shift"
    );
    match name {
        _ if is_known => Some(binary(name, args)),
        "where" => Some(choose(args)),
        "masked_fill" => Some(masked_fill(args)),
        "max" | "min" if args.len() == 2 && as_tensor(args.at(1)).is_some() && !is_dim(args) => {
            Some(binary(
                if name == "max" { "maximum" } else { "minimum" },
                args,
            ))
        }
        _ => None,
    }
}

fn is_dim(args: &Args) -> bool {
    matches!((args.at(0), args.at(1)), (Val::Const(_), Val::Int(_)))
}

/// The dtype of a result: tensors with dimensions before those without before numbers, within bool, int, float.
fn promoted(a: &Val, x: &Array, b: &Val, y: &Array) -> DType {
    let class = |d: DType| match d {
        DType::Bool => 0,
        d if is_integer(d) => 1,
        _ => 2,
    };
    let rank = |v: &Val, a: &Array| match (is_number(v), a.shape.is_empty()) {
        (true, _) => 0,
        (_, true) => 1,
        _ => 2,
    };
    let (cx, cy) = (class(x.dtype), class(y.dtype));
    let (rx, ry) = (rank(a, x), rank(b, y));
    let own = |value: &Val, array: &Array| match (is_number(value), array.dtype) {
        // A Python float is float32 beside a tensor, an int is int64.
        (true, DType::F64) => DType::F32,
        (_, dtype) => dtype,
    };
    match (cx.cmp(&cy), rx.cmp(&ry)) {
        (std::cmp::Ordering::Greater, _) => own(a, x),
        (std::cmp::Ordering::Less, _) => own(b, y),
        (_, std::cmp::Ordering::Greater) => x.dtype,
        (_, std::cmp::Ordering::Less) => y.dtype,
        _ => wider(x.dtype, y.dtype),
    }
}

fn wider(a: DType, b: DType) -> DType {
    match (a, b) {
        (a, b) if a == b => a,
        (DType::U8, DType::I8) | (DType::I8, DType::U8) => DType::I16,
        (DType::F16, DType::BF16) | (DType::BF16, DType::F16) => DType::F32,
        (a, b) if b.size() > a.size() => b,
        (a, _) => a,
    }
}

fn is_comparison(name: &str) -> bool {
    matches!(
        name,
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "logical_and" | "logical_or"
    )
}

fn binary(name: &str, args: &Args) -> Result<Val, String> {
    let (a, b) = (args.at(0), args.at(1));
    if let (Val::Str(x), Val::Str(y)) = (a, b) {
        return Ok(Val::Bool((x == y) == (name == "eq")));
    }
    if let (Val::Seq(x), Val::Seq(y), "add") = (a, b, name) {
        let all = [&x[..], &y[..]].concat();
        return match Val::is_flat(&all) {
            true => Ok(Val::seq(all)),
            false => Err("lists are nested too deep".into()),
        };
    }
    let (x, y) = (tensor(args, 0)?, tensor(args, 1)?);
    if is_number(a) && is_number(b) {
        return plain(name, args, &x, &y);
    }
    let (a, b, x, y) = match name {
        "rsub" => (b, a, y, x),
        _ => (a, b, x, y),
    };
    let common = promoted(a, &x, b, &y);
    let mode = match args.named("rounding_mode") {
        Some(Val::Str(text)) => Some(text.clone()),
        _ => None,
    };
    let is_division = matches!(name, "div" | "divide" | "true_divide");
    let common = match is_division && mode.is_none() && is_integer(common) {
        true => DType::F32,
        false => common,
    };
    // add and sub: self + alpha·other.
    let alpha = match (
        name,
        args.named("alpha")
            .or((args.len() == 3).then(|| args.at(2))),
    ) {
        ("add" | "sub" | "subtract" | "rsub", Some(Val::Int(v))) => *v as f64,
        ("add" | "sub" | "subtract" | "rsub", Some(Val::Float(v))) => *v,
        _ => 1.0,
    };
    let shape = broadcast(&x.shape, &y.shape)
        .ok_or_else(|| format!("shapes {:?} and {:?} do not broadcast", x.shape, y.shape))?;
    let steps = |from: &Array| broadcast_steps(&from.shape, &shape).unwrap_or_default();
    let (sx, sy) = (steps(&x), steps(&y));
    let places = Walk::new(&shape, &sx).zip(Walk::new(&shape, &sy));
    if let (Data::Int(x), Data::Int(y), true) = (&x.data, &y.data, is_integer(common)) {
        let each = places.map(|(p, q)| int(name, mode.as_deref(), x[p], y[q], alpha as i64));
        let data = each.collect::<Result<Vec<i64>, String>>()?;
        let dtype = if is_comparison(name) {
            DType::Bool
        } else {
            common
        };
        let data = data.into_iter().map(|v| keep_int(dtype, v)).collect();
        return Ok(Val::array(Array::int(dtype, &shape, data)));
    }
    // Operands are float32 before they meet.
    let keep = |v: f64| super::super::array::keep_real(common, v);
    let (rx, ry) = (x.to_reals(), y.to_reals());
    let each = places.map(|(p, q)| real(name, mode.as_deref(), keep(rx[p]), keep(ry[q]), alpha));
    let data = each.collect::<Result<Vec<f64>, String>>()?;
    Ok(Val::array(match is_comparison(name) {
        true => {
            let data = data.into_iter().map(|v| v as i64).collect();
            Array::int(DType::Bool, &shape, data)
        }
        false => Array::real(common, &shape, data),
    }))
}

/// Two Python numbers.
fn plain(name: &str, args: &Args, x: &Array, y: &Array) -> Result<Val, String> {
    let (x, y) = match name {
        "rsub" => (y, x),
        _ => (x, y),
    };
    let is_true_division = matches!(name, "div" | "divide" | "true_divide");
    let mode = args.named("rounding_mode").map(Val::text);
    if let (Data::Int(a), Data::Int(b), false) = (&x.data, &y.data, is_true_division) {
        let value = int(name, mode.as_deref(), a[0], b[0], 1)?;
        return Ok(match is_comparison(name) {
            true => Val::Bool(value != 0),
            false => Val::Int(value),
        });
    }
    let value = real(name, mode.as_deref(), x.at(0), y.at(0), 1.0)?;
    Ok(match is_comparison(name) {
        true => Val::Bool(value != 0.0),
        false => Val::Float(value),
    })
}

fn int(name: &str, mode: Option<&str>, a: i64, b: i64, alpha: i64) -> Result<i64, String> {
    let zero = || "a division by zero".to_owned();
    Ok(match name {
        "add" => a.wrapping_add(b.wrapping_mul(alpha)),
        "sub" | "subtract" | "rsub" => a.wrapping_sub(b.wrapping_mul(alpha)),
        "mul" | "multiply" => a.wrapping_mul(b),
        "div" | "divide" if mode == Some("trunc") => a.checked_div(b).ok_or_else(zero)?,
        "div" | "divide" | "floor_divide" | "floordiv" => {
            let quotient = a.checked_div(b).ok_or_else(zero)?;
            quotient - i64::from(a % b != 0 && (a < 0) != (b < 0))
        }
        "remainder" => a
            .checked_rem(b)
            .map(|r| {
                if r != 0 && (r < 0) != (b < 0) {
                    r + b
                } else {
                    r
                }
            })
            .ok_or_else(zero)?,
        "fmod" => a.checked_rem(b).ok_or_else(zero)?,
        "pow" => match u32::try_from(b) {
            Ok(b) => a.wrapping_pow(b),
            Err(_) => return Err("an integer to a negative power".into()),
        },
        "maximum" => a.max(b),
        "minimum" => a.min(b),
        "eq" => i64::from(a == b),
        "ne" => i64::from(a != b),
        "lt" => i64::from(a < b),
        "le" => i64::from(a <= b),
        "gt" => i64::from(a > b),
        "ge" => i64::from(a >= b),
        "logical_and" => i64::from(a != 0 && b != 0),
        "logical_or" => i64::from(a != 0 || b != 0),
        "__and__" | "bitwise_and" => a & b,
        "__or__" | "bitwise_or" => a | b,
        "__lshift__" | "bitwise_left_shift" => a.wrapping_shl(b.clamp(0, 63) as u32),
        "__rshift__" | "bitwise_right_shift" => a >> b.clamp(0, 63),
        _ => return Err(format!("`{name}` of integers")),
    })
}

fn real(name: &str, mode: Option<&str>, a: f64, b: f64, alpha: f64) -> Result<f64, String> {
    let truth = |v: bool| f64::from(u8::from(v));
    Ok(match name {
        "add" => a + alpha * b,
        "sub" | "subtract" | "rsub" => a - alpha * b,
        "mul" | "multiply" => a * b,
        "div" | "divide" | "true_divide" => match mode {
            Some("floor") => (a / b).floor(),
            Some("trunc") => (a / b).trunc(),
            _ => a / b,
        },
        "floor_divide" | "floordiv" => (a / b).floor(),
        "remainder" => a - b * (a / b).floor(),
        "fmod" => a % b,
        "pow" if b == 2.0 => a * a,
        "pow" if b == 0.5 => a.sqrt(),
        "pow" => a.powf(b),
        "atan2" => a.atan2(b),
        "maximum" => {
            if a.is_nan() {
                a
            } else {
                b.max(a)
            }
        }
        "minimum" => {
            if a.is_nan() {
                a
            } else {
                b.min(a)
            }
        }
        "eq" => truth(a == b),
        "ne" => truth(a != b),
        "lt" => truth(a < b),
        "le" => truth(a <= b),
        "gt" => truth(a > b),
        "ge" => truth(a >= b),
        "logical_and" => truth(a != 0.0 && b != 0.0),
        "logical_or" => truth(a != 0.0 || b != 0.0),
        _ => return Err(format!("`{name}` of floats")),
    })
}

/// `where(condition, x, y)`
fn choose(args: &Args) -> Result<Val, String> {
    let (condition, x, y) = (tensor(args, 0)?, tensor(args, 1)?, tensor(args, 2)?);
    let dtype = promoted(args.at(1), &x, args.at(2), &y);
    pick(&condition, &x.to(dtype), &y.to(dtype))
}

fn masked_fill(args: &Args) -> Result<Val, String> {
    let (x, mask, value) = (tensor(args, 0)?, tensor(args, 1)?, tensor(args, 2)?);
    pick(&mask, &value.to(x.dtype), &x)
}

fn pick(condition: &Array, x: &Array, y: &Array) -> Result<Val, String> {
    let failed = || "shapes do not broadcast".to_owned();
    let shape = broadcast(&x.shape, &y.shape).and_then(|s| broadcast(&s, &condition.shape));
    let shape = shape.ok_or_else(failed)?;
    let wide = |a: &Array| a.expanded(&shape).ok_or_else(failed);
    let (c, x, y) = (wide(condition)?, wide(x)?, wide(y)?);
    let is_x = c.to_reals();
    let dtype = x.dtype;
    match (&x.data, &y.data) {
        (Data::Int(x), Data::Int(y)) => {
            let each = (0..is_x.len()).map(|i| if is_x[i] != 0.0 { x[i] } else { y[i] });
            Ok(Val::array(Array::int(dtype, &shape, each.collect())))
        }
        (Data::Real(x), Data::Real(y)) => {
            let each = (0..is_x.len()).map(|i| if is_x[i] != 0.0 { x[i] } else { y[i] });
            Ok(Val::array(Array::real(dtype, &shape, each.collect())))
        }
        _ => Err("values of two kinds".into()),
    }
}
