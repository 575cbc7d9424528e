//! Operators on numbers, booleans and strings, exactly as libtorch's interpreter computes them.

use crate::ir::Constant::{Bool, Float, Int, Str};
use crate::ir::{Constant, Type};
use std::cmp::Ordering;

/// The type of a plain constant.
pub(super) fn type_of(constant: &Constant) -> Option<Type> {
    Some(match constant {
        Constant::None => Type::None,
        Bool(_) => Type::Bool,
        Int(_) => Type::Int,
        Float(_) => Type::Float,
        Constant::Complex(..) => Type::Complex,
        Str(_) => Type::Str,
        Constant::Device(_) => Type::Device,
        _ => return None,
    })
}

/// The result of an operator, where it is certain.
pub(super) fn compute(name: &str, args: &[&Constant]) -> Option<Constant> {
    match args {
        [a] => unary(name, a),
        [a, b] => binary(name, a, b),
        [Int(a), Int(b), Int(c)] => match name {
            "aten::__range_length" => range_length(*a, *b, *c).map(Int),
            "aten::__derive_index" => b.checked_add(a.checked_mul(*c)?).map(Int),
            _ => None,
        },
        _ => None,
    }
}

fn unary(name: &str, arg: &Constant) -> Option<Constant> {
    Some(match (name, arg) {
        ("aten::neg", Int(a)) => Int(a.checked_neg()?),
        ("aten::neg", Float(a)) => Float(-a),
        ("aten::__not__", Bool(a)) => Bool(!a),
        ("aten::Bool", Int(a)) => Bool(*a != 0),
        ("aten::Bool", Float(a)) => Bool(*a != 0.0),
        ("aten::Int", Int(a)) => Int(*a),
        ("aten::Int", Bool(a)) => Int(i64::from(*a)),
        ("aten::Int", Float(a)) if a.abs() < 9e18 => Int(*a as i64),
        ("aten::Float", Int(a)) => Float(*a as f64),
        ("aten::Float", Bool(a)) => Float(f64::from(u8::from(*a))),
        ("aten::Float", Float(a)) => Float(*a),
        ("aten::sqrt", Int(a)) => Float((*a as f64).sqrt()),
        ("aten::sqrt", Float(a)) => Float(a.sqrt()),
        ("aten::len", Str(a)) => Int(a.len() as i64),
        _ => return None,
    })
}

fn binary(name: &str, a: &Constant, b: &Constant) -> Option<Constant> {
    match (a, b) {
        (Int(a), Int(b)) => integers(name, *a, *b),
        (Float(a), Float(b)) => floats(name, *a, *b),
        (Int(a), Float(b)) => floats(name, *a as f64, *b),
        (Float(a), Int(b)) => floats(name, *a, *b as f64),
        (Bool(a), Bool(b)) => booleans(name, *a, *b),
        (Str(a), Str(b)) => match name {
            "aten::eq" => Some(Bool(a == b)),
            "aten::ne" => Some(Bool(a != b)),
            "aten::add" => Some(Str([&a[..], &b[..]].concat().into())),
            _ => None,
        },
        _ => None,
    }
}

fn integers(name: &str, a: i64, b: i64) -> Option<Constant> {
    Some(match name {
        "aten::add" => Int(a.checked_add(b)?),
        "aten::sub" => Int(a.checked_sub(b)?),
        "aten::mul" => Int(a.checked_mul(b)?),
        "aten::div" if b != 0 => Float(a as f64 / b as f64),
        "aten::floordiv" => Int(floor_div(a, b)?),
        "aten::remainder" => Int(a.checked_sub(floor_div(a, b)?.checked_mul(b)?)?),
        "aten::__and__" => Int(a & b),
        "aten::__or__" => Int(a | b),
        "aten::__xor__" => Int(a ^ b),
        "prim::min" => Int(a.min(b)),
        "prim::max" => Int(a.max(b)),
        _ => return compared(name, a.cmp(&b)),
    })
}

fn floats(name: &str, a: f64, b: f64) -> Option<Constant> {
    Some(match name {
        "aten::add" => Float(a + b),
        "aten::sub" => Float(a - b),
        "aten::mul" => Float(a * b),
        "aten::div" if b != 0.0 => Float(a / b),
        _ => return compared(name, a.partial_cmp(&b)?),
    })
}

fn booleans(name: &str, a: bool, b: bool) -> Option<Constant> {
    Some(Bool(match name {
        "aten::__and__" => a & b,
        "aten::__or__" => a | b,
        "aten::__xor__" | "aten::ne" => a ^ b,
        "aten::eq" => a == b,
        _ => return None,
    }))
}

fn compared(name: &str, order: Ordering) -> Option<Constant> {
    Some(Bool(match name {
        "aten::eq" => order.is_eq(),
        "aten::ne" => order.is_ne(),
        "aten::lt" => order.is_lt(),
        "aten::le" => order.is_le(),
        "aten::gt" => order.is_gt(),
        "aten::ge" => order.is_ge(),
        _ => return None,
    }))
}

/// Python's `//`.
fn floor_div(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    let inexact = a % b != 0;
    Some(quotient - i64::from(inexact && (a < 0) != (b < 0)))
}

fn range_length(low: i64, high: i64, step: i64) -> Option<i64> {
    let (from, to, step) = match step {
        0 => return None,
        s if s > 0 => (low, high, s),
        s => (high, low, s.checked_neg()?),
    };
    if from >= to {
        return Some(0);
    }
    let span = to.checked_sub(from)?;
    Some(1 + (span - 1) / step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, args: &[Constant]) -> Option<Constant> {
        compute(name, &args.iter().collect::<Vec<_>>())
    }

    #[test]
    fn division_rounds_as_in_python() {
        for (a, b, quotient, rest) in [
            (7, 2, 3, 1),
            (-7, 2, -4, 1),
            (7, -2, -4, -1),
            (-7, -2, 3, -1),
        ] {
            assert_eq!(of("aten::floordiv", &[Int(a), Int(b)]), Some(Int(quotient)));
            assert_eq!(of("aten::remainder", &[Int(a), Int(b)]), Some(Int(rest)));
        }
    }

    #[test]
    fn what_libtorch_refuses_stays() {
        assert_eq!(of("aten::floordiv", &[Int(1), Int(0)]), None);
        assert_eq!(of("aten::floordiv", &[Int(i64::MIN), Int(-1)]), None);
        assert_eq!(of("aten::add", &[Int(i64::MAX), Int(1)]), None);
        assert_eq!(of("aten::div", &[Float(1.0), Float(0.0)]), None);
        assert_eq!(of("aten::lt", &[Float(f64::NAN), Float(0.0)]), None);
    }

    #[test]
    fn ranges_have_pythons_length() {
        for (low, high, step, length) in [(0, 5, 1, 5), (0, 5, 2, 3), (5, 0, -2, 3), (5, 0, 1, 0)] {
            let args = [Int(low), Int(high), Int(step)];
            assert_eq!(of("aten::__range_length", &args), Some(Int(length)));
        }
        let args = [Int(2), Int(10), Int(-3)];
        assert_eq!(of("aten::__derive_index", &args), Some(Int(4)));
    }
}
