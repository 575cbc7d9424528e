//! Variances, deviations and root mean squares: the steps of a layer norm (horizon.md 3.15), between them 16 bits.

use super::{Recipe, dims, one, reduction};
use crate::ir::{NodeId, ValueId};
use crate::quant::fuse::{Builder, Net};
use crate::quant::qconfig::March;
use crate::tensor::DType;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Recipe> {
    if !march.has_int16() {
        return None;
    }
    match name {
        "var" | "std" | "var_mean" | "std_mean" => spread(net, id, name),
        "rms_norm" => root_mean_square(net, id),
        _ => None,
    }
}

/// `mean((x - mean(x))²)`, times `n / (n - correction)`; its root.
fn spread(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    let x = *net.node(id).inputs.first()?;
    let dims = dims(net, id)?;
    let keepdim = net.bool(net.arg(id, "keepdim")?)?;
    let correction = correction(net, id)?;
    let (root, with_mean) = (name.starts_with("std"), name.ends_with("_mean"));
    Some(Box::new(move |b| {
        let mean = reduction(b, "mean", x, &dims, true)?;
        b.wide(mean);
        let apart = b.aten("sub", "Tensor", &[x, mean])?;
        b.wide(apart);
        let squares = b.aten("mul", "Tensor", &[apart, apart])?;
        b.wide(squares);
        let mut value = reduction(b, "mean", squares, &dims, keepdim)?;
        if correction != 0 {
            b.wide(value);
            let factor = unbiased(b, x, &dims, correction)?;
            b.wide(factor);
            value = b.aten("mul", "Tensor", &[value, factor])?;
        }
        if root {
            b.wide(value);
            value = b.aten("sqrt", "", &[value])?;
        }
        let mut results = vec![value];
        if with_mean {
            results.push(reduction(b, "mean", x, &dims, keepdim)?);
        }
        Some(results)
    }))
}

/// What is taken off the number of elements: 1 unless the call says otherwise.
fn correction(net: &Net<'_>, id: NodeId) -> Option<i64> {
    if let Some(unbiased) = net.arg(id, "unbiased") {
        return Some(i64::from(net.bool(unbiased)?));
    }
    match net.arg(id, "correction").filter(|it| !net.is_none(*it)) {
        Some(given) => {
            let given = net.number(given)?;
            (given.fract() == 0.0).then_some(given as i64)
        }
        None => Some(1),
    }
}

/// `n / (n - correction)` of the elements of these dimensions, as a tensor: the number is known where the model runs.
fn unbiased(b: &mut Builder<'_>, x: ValueId, dims: &[i64], correction: i64) -> Option<ValueId> {
    let mut count = b.int(1);
    for &dim in dims {
        let dim = b.int(dim);
        let size = b.aten("size", "int", &[x, dim])?;
        count = b.aten("mul", "int", &[count, size])?;
    }
    let correction = b.int(correction);
    let rest = b.aten("sub", "int", &[count, correction])?;
    let factor = b.aten("div", "int", &[count, rest])?;
    let (one, dtype) = (b.ints(&[1]), b.int(DType::F32.code()));
    b.aten("full", "", &[one, factor, dtype])
}

/// `x / √(mean(x²) + eps) · weight`
fn root_mean_square(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let arg = |name| net.arg(id, name);
    let x = arg("input")?;
    let count = net.ints(arg("normalized_shape")?)?.len() as i64;
    let weight = arg("weight").filter(|it| !net.is_none(*it));
    let eps = match arg("eps").filter(|it| !net.is_none(*it)) {
        Some(eps) => net.number(eps)?,
        None => f64::from(f32::EPSILON),
    };
    let dims: Vec<i64> = (-count..0).collect();
    one(move |b| {
        let squares = b.aten("mul", "Tensor", &[x, x])?;
        b.wide(squares);
        let mean = reduction(b, "mean", squares, &dims, true)?;
        b.wide(mean);
        let eps = b.float(eps);
        let mean = b.aten("add", "Scalar", &[mean, eps])?;
        b.wide(mean);
        let inverse = b.aten("rsqrt", "", &[mean])?;
        b.wide(inverse);
        let y = b.aten("mul", "Tensor", &[x, inverse])?;
        match weight {
            Some(weight) => {
                b.wide(y);
                b.aten("mul", "Tensor", &[y, weight])
            }
            None => Some(y),
        }
    })
}
