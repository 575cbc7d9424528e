//! Tables and lines of int8 and the older int16 scheme (`horizon.md` 3.13, 3.14; `hbir.md` 1.10).

use super::channel::{self, Int};
use super::dtype::QType;
use super::fixed::{Shift, shift_right64};
use super::op::{Args, Context, MemoryFormat, OpError, Output, Shape};
use crate::tensor::DType;

/// Entries of a table.
const ENTRIES: usize = 256;

/// `y = table[x + 128]`, int8 to int8. Arguments: data, table of 256 entries.
pub(super) fn table256(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let (tensor, table) = (a.filled(0)?, a.filled(1)?);
    let table = table
        .contiguous::<i8>()
        .filter(|t| t.len() == ENTRIES)
        .ok_or_else(|| a.wrong(1, "an int8 table of 256 entries"))?;
    let dense = tensor
        .dense::<i8>()
        .ok_or_else(|| a.wrong(0, "an int8 tensor"))?;
    let values = dense
        .data
        .iter()
        .map(|x| table[usize::from((*x as u8) ^ 0x80)])
        .collect();
    Ok(vec![Output::new::<i8>(
        values,
        tensor.shape.to_vec(),
        dense.format,
    )])
}

pub(super) fn table256_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(DType::I8, a.tensor(0)?.shape.to_vec())])
}

/// How the shifts of [`interpolated`] and [`line_fit`] treat dropped bits: `ROUND` is the default of every table unit (`hbir.md` 0.1).
const ROUNDING: Shift = Shift::Round;

/// `v = (x·scale + bias) >> (pshift - itplt_shift)`, entry `v >> itplt_shift`, the low bits interpolate to the next entry.
///
/// The argument names and the generation of `scale` and `bias` are read; the split of the shift and the rounding are not
/// public (choice: round both). Entries beyond either end repeat the last one.
/// Arguments: data, table of 256 entries, otype, scale, bias, pshift, itplt_shift.
pub(super) fn interpolated(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let table = a.ints32(1)?;
    let line = Line::read(a, 3)?;
    let bits = a.int32(6)?;
    if table.len() != ENTRIES || !(0..=16).contains(&bits) || bits > line.shift {
        return Err(a.value_error(format!(
            "table of {} entries, shift {}, interpolation shift {bits}",
            table.len(),
            line.shift
        )));
    }
    let last = ENTRIES as i64 - 1;
    let entry = |at: i64| i64::from(table[at.clamp(0, last) as usize]);
    write(a, a.qtype(2)?, |x| {
        let v = shift_right64(line.sum(x), line.shift - bits, ROUNDING);
        let (at, f) = (v >> bits, v & ((1 << bits) - 1));
        shift_right64(
            entry(at) * ((1 << bits) - f) + entry(at.saturating_add(1)) * f,
            bits,
            ROUNDING,
        )
    })
}

/// Type of argument 2, shape of argument 0.
pub(super) fn otype_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(a.qtype(2)?.storage(), a.tensor(0)?.shape.to_vec())])
}

/// `y = sat((x·scale + bias) >> pshift)`, rounded (choice, as above). Arguments: data, otype, scale, bias, pshift.
pub(super) fn line_fit(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let line = Line::read(a, 2)?;
    write(a, a.qtype(1)?, |x| {
        shift_right64(line.sum(x), line.shift, ROUNDING)
    })
}

pub(super) fn line_fit_shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(a.qtype(1)?.storage(), a.tensor(0)?.shape.to_vec())])
}

/// `x·scale + bias`, to be shifted right.
struct Line {
    scale: i64,
    bias: i64,
    shift: i32,
}

impl Line {
    fn read(a: &Args, at: usize) -> Result<Self, OpError> {
        let (scale, bias, shift) = (a.int32(at)?, a.int32(at + 1)?, a.int32(at + 2)?);
        if !(0..=62).contains(&shift) {
            return Err(a.value_error(format!("shift {shift} is not from 0 to 62")));
        }
        Ok(Self {
            scale: scale.into(),
            bias: bias.into(),
            shift,
        })
    }

    /// Below 2^63: a product of two 32-bit values and a 32-bit bias.
    fn sum(&self, x: i32) -> i64 {
        i64::from(x)
            .wrapping_mul(self.scale)
            .saturating_add(self.bias)
    }
}

/// Applies `f` to every element and saturates to `to`.
pub(super) fn write(a: &Args, to: QType, f: impl Fn(i32) -> i64) -> Result<Vec<Output>, OpError> {
    let tensor = a.filled(0)?;
    macro_rules! go {
        ($ty:ty) => {{
            let dense = channel::dense::<$ty>(&tensor, 0, 1)
                .ok_or_else(|| a.wrong(0, "a tensor of integers"))?;
            Ok(vec![saturated(
                dense.data.iter().map(|x| f(x.to_i32())),
                to,
                tensor.shape.to_vec(),
                dense.format,
            )])
        }};
    }
    match tensor.dtype {
        DType::I8 => go!(i8),
        DType::I16 => go!(i16),
        DType::I32 => go!(i32),
        _ => Err(a.wrong(0, "an int8, int16 or int32 tensor")),
    }
}

/// A tensor of type `to` from 64-bit values.
pub(super) fn saturated(
    values: impl Iterator<Item = i64>,
    to: QType,
    shape: Vec<usize>,
    format: MemoryFormat,
) -> Output {
    let (lo, hi) = to.limits();
    let values = values.map(|v| v.clamp(lo, hi));
    match to.storage() {
        DType::I8 => Output::new(values.map(|v| v as i8).collect(), shape, format),
        DType::I16 => Output::new(values.map(|v| v as i16).collect(), shape, format),
        DType::I32 => Output::new(values.map(|v| v as i32).collect(), shape, format),
        _ => Output::new(values.collect(), shape, format),
    }
}
