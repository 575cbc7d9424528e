//! The segment table of int16 activations (`horizon.md` 3.12, `hbir.md` 1.11).
//!
//! Eight segments: a left line, six tables, a right line. Guesses of the specification, taken as it gives them: a value
//! belongs to the first segment with `x <= max`; both shifts round; the interpolation mixes neighbours by the low 8 bits.

use super::channel::Int;
use super::dtype::QType;
use super::fixed::{Shift, shift_right64};
use super::lut::saturated;
use super::op::{Args, Context, OpError, Output, Shape};
use crate::tensor::DType;

/// Segments, lines included.
const SEGMENTS: usize = 8;

/// Segments that are tables: all but the first and the last.
const TABLES: usize = SEGMENTS - 2;

/// How the line's shift and the interpolation's shift treat dropped bits.
const ROUNDING: Shift = Shift::Round;

/// From this many elements on, all 65536 possible results are computed first.
const MEMO_FROM: usize = 1 << 17;

struct Segment {
    k: i64,
    /// `beta << left_shift`.
    b: i64,
    shift: i32,
    max: i32,
}

struct SegmentLut {
    segments: Vec<Segment>,
    tables: Vec<i32>,
    entries: usize,
    bits: i32,
    symmetric: bool,
    to: QType,
}

impl SegmentLut {
    fn read(a: &Args) -> Result<Self, OpError> {
        let list = |index: usize| -> Result<Vec<i32>, OpError> {
            let list = a.ints32(index)?;
            if list.len() == SEGMENTS {
                Ok(list)
            } else {
                Err(a.wrong(index, "a tensor of 8 integers"))
            }
        };
        let tables = a.ints32(1)?;
        let entries = if a.len() == 12 {
            a.size(10)?
        } else {
            tables.len() / TABLES
        };
        if entries == 0 || entries.checked_mul(TABLES) != Some(tables.len()) {
            return Err(a.shape_error(format!(
                "{} table entries are not six tables of {entries}",
                tables.len()
            )));
        }
        let (k, beta, left, right, max) = (list(2)?, list(3)?, list(4)?, list(5)?, list(6)?);
        if left.iter().chain(&right).any(|s| !(0..=31).contains(s)) {
            return Err(a.value_error("a shift is not from 0 to 31"));
        }
        let segment = |i: usize| Segment {
            k: k[i].into(),
            b: i64::from(beta[i]) << left[i],
            shift: right[i],
            max: max[i],
        };
        let bits = a.int32(8)?;
        if !(0..=15).contains(&bits) {
            return Err(a.value_error(format!("idx_bits {bits} is not from 0 to 15")));
        }
        a.march(a.len() - 1)?;
        let symmetric = a.bool(7)?;
        Ok(Self {
            segments: (0..SEGMENTS).map(segment).collect(),
            tables,
            entries,
            bits,
            symmetric,
            to: a.qtype(9)?,
        })
    }

    fn value(&self, x: i32) -> i64 {
        if self.symmetric && x < 0 {
            let (lo, hi) = self.to.limits();
            return (-self.positive(-x).clamp(lo, hi)).clamp(lo, hi);
        }
        self.positive(x)
    }

    /// `v = (x·k + (b << left)) >> right`; lines give it, tables read at it.
    fn positive(&self, x: i32) -> i64 {
        let at = self
            .segments
            .iter()
            .position(|s| x <= s.max)
            .unwrap_or(SEGMENTS - 1);
        let segment = &self.segments[at];
        let v = shift_right64(
            i64::from(x) * segment.k + segment.b,
            segment.shift,
            ROUNDING,
        );
        if at == 0 || at == SEGMENTS - 1 {
            return v;
        }
        let table = &self.tables[(at - 1) * self.entries..at * self.entries];
        let (i, f) = (v >> self.bits, v & ((1 << self.bits) - 1));
        let entry = |i: i64| i64::from(table[i.clamp(0, self.entries as i64 - 1) as usize]);
        shift_right64(
            entry(i) * ((1 << self.bits) - f) + entry(i + 1) * f,
            self.bits,
            ROUNDING,
        )
    }
}

/// Arguments: data int16, table `[6, E]`, scale, beta, left_shift, right_shift, max (8 each), is_symmetrical, idx_bits, otype,
/// \[num_entries_per_table,\] march.
pub(super) fn run(_: &Context, a: &Args) -> Result<Vec<Output>, OpError> {
    let lut = SegmentLut::read(a)?;
    let tensor = a.filled(0)?;
    let shape = tensor.shape.to_vec();
    if tensor.dtype == DType::I8 {
        let dense = tensor
            .dense::<i8>()
            .ok_or_else(|| a.wrong(0, "a tensor of integers"))?;
        return Ok(vec![saturated(
            dense.data.iter().map(|x| lut.value(x.to_i32())),
            lut.to,
            shape,
            dense.format,
        )]);
    }
    let dense = tensor
        .dense::<i16>()
        .ok_or_else(|| a.wrong(0, "an int16 tensor"))?;
    if dense.data.len() < MEMO_FROM {
        return Ok(vec![saturated(
            dense.data.iter().map(|x| lut.value(x.to_i32())),
            lut.to,
            shape,
            dense.format,
        )]);
    }
    let (lo, hi) = lut.to.limits32();
    let all: Vec<i32> = (0..=u16::MAX)
        .map(|x| lut.value((x as i16).into()).clamp(lo.into(), hi.into()) as i32)
        .collect();
    Ok(vec![saturated(
        dense
            .data
            .iter()
            .map(|x| all[usize::from(*x as u16)].into()),
        lut.to,
        shape,
        dense.format,
    )])
}

pub(super) fn shapes(a: &Args) -> Result<Vec<Shape>, OpError> {
    Ok(vec![(a.qtype(9)?.storage(), a.tensor(0)?.shape.to_vec())])
}
