//! Constant propagation (`horizon.md` 5.7): operators on constant tensors and numbers, computed while building.

mod binary;
mod create;
mod reduce;
mod shape;
mod unary;

use super::array::{Array, MAX_ELEMENTS};
use super::params::{frexp, half_up};
use super::value::Val;
use super::walk::Args;
use crate::tensor::DType;

/// The result of an operator, such as `aten::mul`, whose arguments are all constants.
pub(super) fn eval(kind: &str, args: &Args) -> Result<Val, String> {
    let (space, name) = kind.split_once("::").unwrap_or(("", kind));
    let found = match space {
        "horizon" => horizon(name, args),
        "aten" | "prim" => create::eval(name, args)
            .or_else(|| shape::eval(name, args))
            .or_else(|| binary::eval(name, args))
            .or_else(|| reduce::eval(name, args))
            .or_else(|| unary::eval(name, args)),
        _ => None,
    };
    found.unwrap_or_else(|| Err("unreachable constant propagation: node schema".into()))
}

/// Operators of the plugin that tables are made with (2.1, #22 to #24).
fn horizon(name: &str, args: &Args) -> Option<Result<Val, String>> {
    let reals = |f: &dyn Fn(&Array) -> Val| tensor(args, 0).map(|a| f(&a));
    match name {
        "round" => Some(reals(&|a| {
            let data = a.to_reals().into_iter().map(half_up).collect();
            Val::array(Array::real(DType::F32, &a.shape, data))
        })),
        "frexp" => Some(reals(&|a| {
            let (m, e): (Vec<f64>, Vec<i64>) = a.to_reals().into_iter().map(frexp).unzip();
            Val::seq([
                Val::array(Array::real(DType::F32, &a.shape, m)),
                Val::array(Array::int(DType::I32, &a.shape, e)),
            ])
        })),
        "toqint" => Some(toqint(args)),
        _ => None,
    }
}

/// `x ≈ q·2^shift` with at most `qbits` signed bits (3.12).
fn toqint(args: &Args) -> Result<Val, String> {
    let array = tensor(args, 0)?;
    let int = |at: usize| args.int(at).map_err(|e| e.message);
    let (qbits, max_bits, left, right) = (int(1)?, int(2)?, int(3)? != 0, int(4)? != 0);
    if !(1..=32).contains(&qbits) || !(1..=63).contains(&max_bits) {
        return Err(format!("toqint of {qbits} and {max_bits} bits"));
    }
    let one = |x: f64| {
        let (_, e) = frexp(x);
        let low = if right { -62 } else { 0 };
        let high = if left {
            max_bits.saturating_sub(qbits)
        } else {
            0
        };
        let shift = (e - (qbits - 1)).clamp(low, high.clamp(low, 62));
        let limit = 2f64.powi(qbits as i32 - 1);
        let q = half_up(x / 2f64.powi(shift as i32)).clamp(-limit, limit - 1.0);
        (q as i64, shift)
    };
    let (q, shift): (Vec<i64>, Vec<i64>) = array.to_reals().into_iter().map(one).unzip();
    let dtype = if qbits <= 8 {
        DType::I8
    } else if qbits <= 16 {
        DType::I16
    } else {
        DType::I32
    };
    Ok(Val::seq([
        Val::array(Array::int(dtype, &array.shape, q)),
        Val::array(Array::int(DType::I32, &array.shape, shift)),
    ]))
}

// --- arguments -----------------------------------------------------------------------------------------------

/// An argument as a tensor; numbers have no dimensions.
fn tensor(args: &Args, at: usize) -> Result<std::rc::Rc<Array>, String> {
    as_tensor(args.at(at)).ok_or_else(|| format!("argument {at} is {}", args.at(at).kind()))
}

fn as_tensor(value: &Val) -> Option<std::rc::Rc<Array>> {
    let scalar = |dtype, v| Some(Array::scalar(dtype, v).into());
    match value {
        Val::Const(array) => Some(array.clone()),
        Val::Int(v) => Some(Array::int(DType::I64, &[], vec![*v]).into()),
        Val::Float(v) => scalar(DType::F64, *v),
        Val::Bool(v) => scalar(DType::Bool, f64::from(u8::from(*v))),
        _ => None,
    }
}

/// A number that is no tensor.
fn is_number(value: &Val) -> bool {
    matches!(value, Val::Int(_) | Val::Float(_) | Val::Bool(_))
}

/// The dtype an argument names by torch's code.
fn dtype(value: &Val) -> Result<Option<DType>, String> {
    match value {
        Val::Int(code) => DType::from_code(*code)
            .map(Some)
            .ok_or_else(|| format!("unknown dtype {code}")),
        Val::None => Ok(None),
        other => Err(format!("expected a dtype, found {}", other.kind())),
    }
}

/// Sizes, none of them negative and not too many elements.
fn sizes(list: &[i64]) -> Result<Vec<usize>, String> {
    let sizes: Option<Vec<usize>> = list.iter().map(|&v| usize::try_from(v).ok()).collect();
    let sizes = sizes.ok_or_else(|| format!("sizes {list:?}"))?;
    let count = sizes.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
    match count {
        Some(count) if count <= MAX_ELEMENTS => Ok(sizes),
        _ => Err(format!(
            "a constant of sizes {sizes:?} is larger than {MAX_ELEMENTS} elements"
        )),
    }
}

/// A dimension that may count from the end.
fn dimension(dim: i64, rank: usize) -> Result<usize, String> {
    let at = if dim < 0 { dim + rank as i64 } else { dim };
    let at = usize::try_from(at).ok();
    at.filter(|&d| d < rank.max(1))
        .ok_or_else(|| format!("dimension {dim} of a tensor of rank {rank}"))
}
