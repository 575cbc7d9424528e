//! An affine grid as a product: the places of the result, with a 1 beside, by the matrix (horizon.md 8.3).

use super::{Recipe, one};
use crate::ir::{NodeId, Op, ValueId};
use crate::quant::fuse::{Builder, Net};
use crate::quant::qconfig::March;
use crate::tensor::DType;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Recipe> {
    if name != "affine_grid_generator" || !march.has_int16() {
        return None;
    }
    let theta = net.arg(id, "theta")?;
    let align = net.bool(net.arg(id, "align_corners")?)?;
    let sizes = sizes(net, net.arg(id, "size")?)?;
    one(move |b| {
        let (h, w) = (sizes[0].value(b)?, sizes[1].value(b)?);
        let base = base(b, h, w, align)?;
        let (none, one, two) = (b.int(0), b.int(1), b.int(2));
        let count = b.aten("size", "int", &[theta, none])?;
        let (rest, three) = (b.int(-1), b.int(3));
        let whole = b.int_list(&[count, rest, three]);
        let base = b.aten("expand", "", &[base, whole])?;
        let matrix = b.aten("transpose", "int", &[theta, one, two])?;
        let grid = b.aten("matmul", "", &[base, matrix])?;
        let shape = b.int_list(&[count, h, w, two]);
        b.aten("reshape", "", &[grid, shape])
    })
}

/// A size that is constant or a value.
#[derive(Clone, Copy)]
enum Size {
    Known(i64),
    Value(ValueId),
    /// A dimension of a tensor.
    Of(ValueId, i64),
}

impl Size {
    fn value(self, b: &mut Builder<'_>) -> Option<ValueId> {
        match self {
            Size::Known(size) => Some(b.int(size)),
            Size::Value(value) => Some(value),
            Size::Of(tensor, dim) => {
                let dim = b.int(dim);
                b.aten("size", "int", &[tensor, dim])
            }
        }
    }
}

/// Height and width of `[n, c, h, w]`.
fn sizes(net: &Net<'_>, list: ValueId) -> Option<[Size; 2]> {
    if let Some(ints) = net.ints(list) {
        return match ints[..] {
            [_, _, h, w] => Some([Size::Known(h), Size::Known(w)]),
            _ => None,
        };
    }
    let node = net.node(net.graph().producer(list)?);
    match (&node.op, &node.inputs[..]) {
        (Op::ListConstruct, &[_, _, h, w]) => Some([Size::Value(h), Size::Value(w)]),
        (Op::Operator(schema), &[x]) if schema.name() == "aten::size" && net.rank(x) == Some(4) => {
            Some([Size::Of(x, 2), Size::Of(x, 3)])
        }
        _ => None,
    }
}

/// `(x, y, 1)` of every place, `[1, h·w, 3]`.
fn base(b: &mut Builder<'_>, h: ValueId, w: ValueId, align: bool) -> Option<ValueId> {
    let one = b.int(1);
    let whole = b.int_list(&[h, w, one]);
    let columns = places(b, w, align)?;
    let row = b.ints(&[1, -1, 1]);
    let columns = b.aten("reshape", "", &[columns, row])?;
    let columns = b.aten("expand", "", &[columns, whole])?;
    let rows = places(b, h, align)?;
    let column = b.ints(&[-1, 1, 1]);
    let rows = b.aten("reshape", "", &[rows, column])?;
    let rows = b.aten("expand", "", &[rows, whole])?;
    let ones = b.aten("ones_like", "", &[columns])?;
    let list = b.tensors(&[columns, rows, ones]);
    let last = b.int(-1);
    let base = b.aten("cat", "", &[list, last])?;
    let shape = b.ints(&[1, -1, 3]);
    b.aten("reshape", "", &[base, shape])
}

/// From -1 to 1: the centres of the first and last pixel, or their outer edges.
fn places(b: &mut Builder<'_>, size: ValueId, align: bool) -> Option<ValueId> {
    let dtype = b.int(DType::F32.code());
    let numbers = b.aten("arange", "", &[size, dtype])?;
    let (two, one) = (b.float(2.0), b.float(1.0));
    let doubled = b.aten("mul", "Scalar", &[numbers, two])?;
    let scaled = match align {
        true => {
            let less = b.int(1);
            let span = b.aten("sub", "int", &[size, less])?;
            b.aten("div", "Scalar", &[doubled, span])?
        }
        false => {
            let centres = b.aten("add", "Scalar", &[doubled, one])?;
            b.aten("div", "Scalar", &[centres, size])?
        }
    };
    let minus = b.float(-1.0);
    b.aten("add", "Scalar", &[scaled, minus])
}
