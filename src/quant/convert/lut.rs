//! Tables: 256 entries where input and output are int8 (`horizon.md` 3.13), segments otherwise (3.12).

pub mod function;
pub mod segment;

pub use function::Function;
pub use segment::{Segments, Strategy};

/// How a quantiser rounds (`horizon.md` 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest, ties to even.
    HalfToEven,
    /// `⌊x + 0.5⌋`.
    HalfUp,
}

/// The grid that outputs of a table lie on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// Its scale.
    pub scale: f64,
    /// Smallest and largest integer.
    pub range: (i64, i64),
    /// How values are rounded to it.
    pub rounding: Rounding,
}

impl Output {
    /// A value in units of the scale, inside the range, not rounded.
    fn steps(&self, value: f64) -> f64 {
        (value / self.scale).clamp(self.range.0 as f64, self.range.1 as f64)
    }

    /// A value's integer; 0 for NaN.
    pub fn quantise(&self, value: f64) -> i64 {
        let steps = self.steps(value);
        let rounded = match self.rounding {
            Rounding::HalfToEven => steps.round_ties_even(),
            Rounding::HalfUp => (steps + 0.5).floor(),
        };
        (rounded as i64).clamp(self.range.0, self.range.1)
    }
}

/// The 256 outputs for the inputs -128 to 127.
pub fn table(function: &Function, in_scale: f64, out: Output) -> Vec<i8> {
    let entry = |x: i64| out.quantise(function.at(x as f64 * in_scale)) as i8;
    (-128..128).map(entry).collect()
}
