//! Functions of one number in terms of those that have a table or are clips and sums; logarithms of sums.

use super::{Recipe, dims, one, reduction};
use crate::ir::{NodeId, Type, ValueId};
use crate::quant::fuse::Net;
use crate::quant::qconfig::March;
use std::f64::consts::LN_2;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Recipe> {
    let x = *net.node(id).inputs.first()?;
    let number = |name| net.number_arg(id, name);
    match name {
        "softshrink" => {
            let bound = number("lambd")?;
            one(move |b| {
                let (low, high) = (b.float(-bound), b.float(bound));
                let inside = b.aten("clamp", "", &[x, low, high])?;
                b.aten("sub", "Tensor", &[x, inside])
            })
        }
        // Only where what it gives below the threshold is the threshold does it not jump.
        "threshold" => {
            let bound = number("threshold").filter(|it| number("value") == Some(*it))?;
            match bound == 0.0 {
                true => one(move |b| b.aten("relu", "", &[x])),
                false => one(move |b| {
                    let bound = b.float(bound);
                    b.aten("clamp_min", "", &[x, bound])
                }),
            }
        }
        "rrelu" if net.bool(net.arg(id, "training")?) == Some(false) => {
            let slope = f64::midpoint(number("lower")?, number("upper")?);
            one(move |b| {
                let slope = b.float(slope);
                b.aten("leaky_relu", "", &[x, slope])
            })
        }
        "erfc" if march.has_int16() => one(move |b| {
            let (minus, one) = (b.float(-1.0), b.float(1.0));
            let y = b.aten("erf", "", &[x])?;
            let y = b.aten("mul", "Scalar", &[y, minus])?;
            b.aten("add", "Scalar", &[y, one])
        }),
        "exp2" => power(LN_2, x),
        "pow" if *net.graph().ty(x) != Type::Tensor => {
            let base = net.number(x).filter(|it| *it > 0.0)?;
            power(base.ln(), *net.node(id).inputs.get(1)?)
        }
        "expm1" if !march.has_int16() => one(move |b| {
            let minus = b.float(-1.0);
            let y = b.aten("exp", "", &[x])?;
            b.aten("add", "Scalar", &[y, minus])
        }),
        "logsumexp" if march.has_int16() => log_sum(net, id, x),
        _ => None,
    }
}

/// `exp(x · c)`
fn power(c: f64, x: ValueId) -> Option<Recipe> {
    one(move |b| {
        let c = b.float(c);
        let x = b.aten("mul", "Scalar", &[x, c])?;
        b.aten("exp", "", &[x])
    })
}

/// `log Σ exp(x - max) + max`
fn log_sum(net: &Net<'_>, id: NodeId, x: ValueId) -> Option<Recipe> {
    let &[dim] = &dims(net, id)?[..] else {
        return None;
    };
    let keepdim = net.bool(net.arg(id, "keepdim")?)?;
    one(move |b| {
        let top = reduction(b, "amax", x, &[dim], true)?;
        let below = b.aten("sub", "Tensor", &[x, top])?;
        b.wide(below);
        let powers = b.aten("exp", "", &[below])?;
        b.wide(powers);
        let total = reduction(b, "sum", powers, &[dim], true)?;
        b.wide(total);
        let log = b.aten("log", "", &[total])?;
        b.wide(log);
        let y = b.aten("add", "Tensor", &[log, top])?;
        if keepdim {
            return Some(y);
        }
        let dim = b.int(dim);
        b.aten("squeeze", "dim", &[y, dim])
    })
}
