//! Sums of products over named dimensions as matrix products, or as element-wise ones where nothing is summed.

mod equation;
mod pair;

use super::{Recipe, one, reduction};
use crate::ir::{Constant, NodeId, ValueId};
use crate::quant::fuse::Net;
use equation::Equation;
use pair::{Named, permuted, product};

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str) -> Option<Recipe> {
    match name {
        "einsum" => named(net, id),
        "tensordot" => {
            let of = |name| net.arg(id, name).and_then(|it| net.ints(it));
            by_position(net, id, &of("dims_self")?, &of("dims_other")?)
        }
        "inner" => by_position(net, id, &[-1], &[-1]),
        _ => None,
    }
}

/// Two operands, their dimensions named.
pub(super) fn contracted(
    net: &Net<'_>,
    values: [ValueId; 2],
    letters: [&str; 2],
    out: &str,
) -> Option<Recipe> {
    let equation = Equation {
        operands: letters.map(|it| it.as_bytes().to_vec()).to_vec(),
        out: out.as_bytes().to_vec(),
    };
    sum_of_products(net, values.to_vec(), equation)
}

fn named(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let Constant::Str(text) = net.constant(net.arg(id, "equation")?)? else {
        return None;
    };
    let values = net.items(net.arg(id, "tensors")?)?.to_vec();
    let ranks: Vec<Option<i64>> = values.iter().map(|it| net.rank(*it)).collect();
    let equation = Equation::parse(text, &ranks)?;
    sum_of_products(net, values, equation)
}

/// Dimensions that are summed over by their places, those that stay in order.
fn by_position(net: &Net<'_>, id: NodeId, left: &[i64], right: &[i64]) -> Option<Recipe> {
    let &[x, y] = net.node(id).inputs.get(..2)? else {
        return None;
    };
    let equation = Equation::contraction([net.rank(x)?, net.rank(y)?], left, right)?;
    sum_of_products(net, vec![x, y], equation)
}

/// Operands one after the other into one product.
fn sum_of_products(
    net: &Net<'_>,
    mut values: Vec<ValueId>,
    mut equation: Equation,
) -> Option<Recipe> {
    // A stored matrix is the weight of a linear when it is the second.
    if values.len() == 2 && !net.is_live(values[0]) && net.is_live(values[1]) {
        values.reverse();
        equation.operands.reverse();
    }
    let named = values.into_iter().zip(equation.operands);
    let operands: Vec<Named> = named
        .map(|(value, letters)| Named {
            value,
            letters,
            is_weight: net.tensor(value).is_some_and(|it| it.is_f32()),
        })
        .collect();
    let out = equation.out;
    one(move |b| {
        let mut left = operands.into_iter();
        let mut all = left.next()?;
        while let Some(next) = left.next() {
            let later = left.as_slice().iter().flat_map(|it| &it.letters);
            let needed: Vec<u8> = later.chain(&out).copied().collect();
            all = product(b, all, next, &needed)?;
        }
        let all = all.without(b, |letter| !out.contains(&letter), reduction)?;
        permuted(b, &all, &out)
    })
}
