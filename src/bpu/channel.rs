//! Element-wise work with one set of parameters per tensor or per channel, over either memory order.

use super::op::{Args, Element, MemoryFormat, OpError, TensorRef};

/// An integer element.
pub(super) trait Int: Element + Ord {
    fn from_i32(value: i32) -> Self;
    /// From a whole number in the type's range; NaN gives 0.
    fn from_f32(value: f32) -> Self;
    fn to_i32(self) -> i32;
}

macro_rules! ints {
    ($($ty:ty, $from_f32:expr);*) => {$(
        impl Int for $ty {
            #[inline(always)]
            fn from_i32(value: i32) -> Self {
                value as $ty
            }
            #[inline(always)]
            fn from_f32(value: f32) -> Self {
                $from_f32(value) as $ty
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self as i32
            }
        }
    )*};
}

ints!(i8, small; i16, small; i32, (|v| v as i32); i64, (|v| v as i64); u8, small);

/// A whole number below `2^22` to an integer by its bits: unlike a saturating cast, loops of it use vectors.
#[inline(always)]
fn small(value: f32) -> i32 {
    const UNIT: f32 = (3 << 22) as f32;
    let value = if value.is_nan() { 0.0 } else { value };
    ((value + UNIT).to_bits() as i32).wrapping_sub(UNIT.to_bits() as i32)
}

/// A dense tensor seen as `outer × channels × inner` in memory order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) outer: usize,
    pub(super) channels: usize,
    pub(super) inner: usize,
}

impl Layout {
    /// Where the channels of `axis` lie. `params` is how many parameters there are; one serves the whole tensor.
    pub(super) fn of(
        a: &Args,
        shape: &[usize],
        format: MemoryFormat,
        axis: usize,
        params: usize,
    ) -> Result<Self, OpError> {
        let numel = shape.iter().product();
        if params == 1 {
            return Ok(Self {
                outer: 1,
                channels: 1,
                inner: numel,
            });
        }
        if shape.get(axis) != Some(&params) {
            return Err(a.shape_error(format!(
                "{params} scales do not go with dimension {axis} of shape {shape:?}"
            )));
        }
        let (before, after) = match format {
            MemoryFormat::Contiguous => (&shape[..axis], &shape[axis + 1..]),
            MemoryFormat::ChannelsLast if axis == 0 => (&shape[..0], &shape[1..]),
            MemoryFormat::ChannelsLast => {
                let outer = numel / params.max(1);
                return Ok(Self {
                    outer,
                    channels: params,
                    inner: 1,
                });
            }
        };
        Ok(Self {
            outer: before.iter().product(),
            channels: params,
            inner: after.iter().product(),
        })
    }

    /// Calls `run` with a channel and the range of its elements, in memory order.
    pub(super) fn for_runs(self, mut run: impl FnMut(usize, std::ops::Range<usize>)) {
        let mut at = 0;
        for _ in 0..self.outer {
            for channel in 0..self.channels {
                run(channel, at..at + self.inner);
                at += self.inner;
            }
        }
    }

    /// Whether each channel is a run long enough to be worth a loop of its own.
    pub(super) fn is_planar(self) -> bool {
        self.inner >= 16 || self.channels == 1
    }
}

/// Elements of `tensor` in a dense order in which `axis` has a [`Layout`], in that order.
pub(super) fn dense<'a, T: Element>(
    tensor: &TensorRef<'a>,
    axis: usize,
    params: usize,
) -> Option<super::op::Dense<'a, T>> {
    if params == 1 || axis < 2 {
        return tensor.dense();
    }
    let data = tensor.contiguous()?;
    Some(super::op::Dense {
        data,
        format: MemoryFormat::Contiguous,
    })
}

/// The axis that `params` parameters belong to: `axis` if given, else the channels `[N, C, …]`.
pub(super) fn axis_of(axis: i64, rank: usize) -> usize {
    match usize::try_from(axis) {
        Ok(axis) => axis,
        Err(_) if axis < -1 && axis.unsigned_abs() as usize <= rank => {
            rank - axis.unsigned_abs() as usize
        }
        Err(_) => usize::from(rank > 1),
    }
}

/// `values[channel]`, or the only one.
pub(super) fn pick<T: Copy>(values: &[T], channel: usize) -> T {
    if values.len() == 1 {
        values[0]
    } else {
        values[channel]
    }
}

/// Checks that a parameter list has one entry or `n`, and repeats a single one.
pub(super) fn spread<T: Copy>(
    a: &Args,
    what: &str,
    values: &[T],
    n: usize,
) -> Result<Vec<T>, OpError> {
    match values {
        [only] => Ok(vec![*only; n]),
        _ if values.len() == n => Ok(values.to_vec()),
        _ => Err(a.shape_error(format!(
            "{what} has {} entries for {n} channels",
            values.len()
        ))),
    }
}
