//! Element-wise product of the shift scheme, march bernoulli (`hbir.md` 2).

use super::channel::{axis_of, spread};
use super::dtype::QType;
use super::fixed::{Shift, shift_right64};
use super::lut::saturated;
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use crate::tensor::DType;

/// The output shift floors: `enable_rounding` is false by default.
const ROUNDING: Shift = Shift::Floor;

/// `y = sat8(x0·x1 >> (shift0 + shift1 - output shift))`; operands broadcast. A negative difference shifts left.
///
/// Arguments: input0, input1, input_shift0, input_shift1, output_shift (int8 tensors, one entry or one per channel), march.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let shape = broadcast(a)?;
    a.march(5)?;
    let channel = axis_of(-1, shape.len());
    let channels = shape.get(channel).copied().unwrap_or(1);
    let list = |index: usize| spread(a, "a shift", &a.ints32(index)?, channels);
    let (s0, s1, so) = (list(2)?, list(3)?, list(4)?);
    let (x0, x1) = (Operand::read(a, 0, &shape)?, Operand::read(a, 1, &shape)?);
    let inner: usize = shape.iter().skip(channel + 1).product();
    let n: usize = shape.iter().product();
    let value = |i: usize| {
        let c = if shape.is_empty() {
            0
        } else {
            i / inner % channels
        };
        let by = s0[c].saturating_add(s1[c]).saturating_sub(so[c]);
        let product = x0.at(i) * x1.at(i);
        if by >= 0 {
            shift_right64(product, by, ROUNDING)
        } else {
            product.saturating_mul(1 << by.saturating_neg().min(40))
        }
    };
    Ok(vec![saturated(
        (0..n).map(value),
        QType::Qint8,
        shape.clone(),
        MemoryFormat::Contiguous,
    )])
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(DType::I8, broadcast(a)?)])
}

fn broadcast(a: &Args) -> Result<Vec<usize>, OpError> {
    let (x, y) = (a.tensor(0)?.shape, a.tensor(1)?.shape);
    let rank = x.len().max(y.len());
    let size =
        |shape: &[usize], d: usize| (d + shape.len()).checked_sub(rank).map_or(1, |d| shape[d]);
    (0..rank)
        .map(|d| match (size(x, d), size(y, d)) {
            (m, n) if m == n || n == 1 => Ok(m),
            (1, n) => Ok(n),
            _ => Err(a.shape_error(format!("{x:?} and {y:?} do not broadcast"))),
        })
        .collect()
}

/// An operand, read as if it had the result's shape.
struct Operand {
    values: Vec<i32>,
    /// Size of the result and step in the operand, per dimension; empty if they are laid out alike.
    steps: Vec<(usize, usize)>,
}

impl Operand {
    fn read(a: &Args, index: usize, shape: &[usize]) -> Result<Self, OpError> {
        let values = a.ints32(index)?;
        let own = a.tensor(index)?.shape;
        if own == shape {
            return Ok(Self {
                values,
                steps: Vec::new(),
            });
        }
        let (mut step, mut steps) = (1, Vec::new());
        for (d, size) in shape.iter().enumerate().rev() {
            let own = (d + own.len())
                .checked_sub(shape.len())
                .map_or(1, |d| own[d]);
            steps.push((*size, if own == 1 { 0 } else { step }));
            step *= own;
        }
        Ok(Self { values, steps })
    }

    fn at(&self, mut index: usize) -> i64 {
        if self.steps.is_empty() {
            return self.values[index].into();
        }
        let mut at = 0;
        for (size, step) in &self.steps {
            at += index % size * step;
            index /= size;
        }
        self.values[at].into()
    }
}
