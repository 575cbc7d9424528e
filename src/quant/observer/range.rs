//! The extremes of values, in one pass.

/// Lanes of a pass: two vectors of the widest kind.
const LANES: usize = 32;

/// The least and the greatest of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    /// The least.
    pub(super) min: f32,
    /// The greatest.
    pub(super) max: f32,
}

impl Range {
    /// Of nothing.
    pub(super) const NONE: Range = Range {
        min: f32::INFINITY,
        max: f32::NEG_INFINITY,
    };

    /// The extremes of both.
    pub(super) fn or(self, other: Range) -> Range {
        Range {
            min: least(self.min, other.min),
            max: greatest(self.max, other.max),
        }
    }

    /// The greatest magnitude.
    pub(super) fn amplitude(self) -> f32 {
        greatest(-self.min, self.max)
    }
}

// Without NaN these are single instructions, unlike `f32::min`.
fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

fn greatest(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The extremes of values that are all finite; `None` when one is not.
pub(super) fn range(x: &[f32]) -> Option<Range> {
    let (mut min, mut max) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let mut zero = [0.0_f32; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            let x = chunk[lane];
            min[lane] = least(x, min[lane]);
            max[lane] = greatest(x, max[lane]);
            // Zero as long as every value is finite, then NaN.
            zero[lane] += x * 0.0;
        }
    }
    let mut range = Range::NONE;
    for lane in 0..LANES {
        range = range.or(Range {
            min: min[lane],
            max: max[lane],
        });
    }
    for &x in rest {
        range = range.or(Range { min: x, max: x });
    }
    let finite = zero.iter().chain(rest).all(|x| x.is_finite());
    finite.then_some(range)
}
