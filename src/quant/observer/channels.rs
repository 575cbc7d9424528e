//! A tensor as runs of values of one channel.

use super::error::ObserverError;
use super::range::{Range, range};

/// A row-major tensor as `[outer, count, inner]`, the channel in the middle. Per tensor there is one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Channels {
    outer: usize,
    /// The number of channels.
    pub(super) count: usize,
    inner: usize,
}

/// Splits a shape at its channel axis.
pub(super) fn split(
    shape: &[i64],
    ch_axis: Option<usize>,
    len: usize,
) -> Result<Channels, ObserverError> {
    let product = |sizes: &[i64]| {
        sizes.iter().try_fold(1_usize, |n, size| {
            n.checked_mul(usize::try_from(*size).ok()?)
        })
    };
    if product(shape) != Some(len) {
        return Err(ObserverError::Size {
            shape: shape.to_vec(),
            found: len,
        });
    }
    let Some(axis) = ch_axis else {
        return Ok(Channels {
            outer: 1,
            count: 1,
            inner: len,
        });
    };
    let Some(size) = shape.get(axis) else {
        return Err(ObserverError::Axis {
            ch_axis: axis,
            shape: shape.to_vec(),
        });
    };
    Ok(Channels {
        outer: product(&shape[..axis]).unwrap_or_default(),
        count: usize::try_from(*size).unwrap_or_default(),
        inner: product(&shape[axis + 1..]).unwrap_or_default(),
    })
}

impl Channels {
    /// The extremes of each channel; `None` when a value is not finite.
    pub(super) fn ranges(&self, x: &[f32]) -> Option<Vec<Range>> {
        let mut ranges = vec![Range::NONE; self.count];
        if self.inner == 1 {
            return columns(x, ranges);
        }
        for (run, at) in self.runs(x) {
            ranges[at] = ranges[at].or(range(run)?);
        }
        Some(ranges)
    }

    /// The values of a channel, borrowed where they lie together.
    pub(super) fn gather<'x>(&self, x: &'x [f32], channel: usize) -> std::borrow::Cow<'x, [f32]> {
        let run = |outer: usize| {
            let start = (outer * self.count + channel) * self.inner;
            &x[start..start + self.inner]
        };
        match self.outer {
            1 => run(0).into(),
            outer => (0..outer).flat_map(run).copied().collect::<Vec<_>>().into(),
        }
    }

    fn runs<'x>(&self, x: &'x [f32]) -> impl Iterator<Item = (&'x [f32], usize)> {
        let count = self.count.max(1);
        let runs = x.chunks_exact(self.inner.max(1)).enumerate();
        runs.map(move |(at, run)| (run, at % count))
    }
}

/// The channel is the last axis: rows of one value for each.
fn columns(x: &[f32], mut ranges: Vec<Range>) -> Option<Vec<Range>> {
    let mut zero = 0.0_f32;
    for row in x.chunks_exact(ranges.len().max(1)) {
        for (range, &x) in ranges.iter_mut().zip(row) {
            *range = range.or(Range { min: x, max: x });
            zero += x * 0.0;
        }
    }
    (zero == 0.0).then_some(ranges)
}
