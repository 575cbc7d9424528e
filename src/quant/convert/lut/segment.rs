//! The segment table of int16 inputs: parameters (`horizon.md` 3.12) and what they compute (`hbir.md` 1.11).
//!
//! The plugin makes these tensors with aten nodes in the traced graph; here they are computed at convert time and stored
//! as buffers under the names that older plugins stored them with, so that every reader sees the same integers
//! without evaluating floats. Arithmetic is in `f64`, as in the worked example of `hbir.md` 3.7.

use super::{Function, Output};

/// Segments: the left line, six tables, the right line.
pub const SEGMENTS: usize = 8;
/// Tables.
pub const TABLES: usize = 6;
/// Entries of a table.
pub const ENTRIES: usize = 64;
/// Equal steps of the curvature strategy.
const CURVATURE_STEPS: usize = 256;
/// Fraction bits of an index into a table.
const INDEX_BITS: u32 = 8;

/// How the range is cut into tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Into equal parts.
    Evenly,
    /// Into parts of equal summed second derivative.
    Curvature,
    /// Into parts that grow by one factor from the lower end on, as roots and logarithms need them.
    Growing,
    /// Whichever of these has the smallest largest error over all inputs.
    Best,
}

/// What is asked of the generator.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The float function.
    pub function: &'a Function,
    /// Scale of the input.
    pub in_scale: f64,
    /// Smallest and largest input integer.
    pub in_range: (i64, i64),
    /// What the outputs are.
    pub out: Output,
    /// Ends of the interval that gets tables, where they are tighter than what the input can hold.
    pub range: (Option<f64>, Option<f64>),
    /// `F(-x) = -F(x)`: only inputs from 0 on get tables.
    pub centrosymmetric: bool,
    /// How the interval is cut.
    pub strategy: Strategy,
    /// Slopes of the outer lines, where they are given.
    pub gradients: (Option<f64>, Option<f64>),
}

/// The tensors of `bpu_segment_lut`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// `[6, 64]`
    pub table: Vec<i16>,
    /// Slopes, `[8]`.
    pub alpha: [i16; SEGMENTS],
    /// Offsets before the left shift, `[8]`.
    pub beta: [i16; SEGMENTS],
    /// Left shift of the offsets, `[8]`.
    pub left_shift: [i8; SEGMENTS],
    /// Right shift of the sums, `[8]`.
    pub right_shift: [i8; SEGMENTS],
    /// Largest input of each segment, `[8]`.
    pub max: [i16; SEGMENTS],
    /// Negative inputs give `-F(-x)`.
    pub centrosymmetric: bool,
}

/// Computes the tensors.
pub fn segments(request: &Request) -> Segments {
    let one = |strategy| with_strategy(request, strategy);
    match request.strategy {
        Strategy::Best => {
            let mut best = one(Strategy::Evenly);
            let mut smallest = error(request, &best);
            for strategy in [Strategy::Curvature, Strategy::Growing] {
                let made = one(strategy);
                let error = error(request, &made);
                if error < smallest {
                    (best, smallest) = (made, error);
                }
            }
            best
        }
        strategy => one(strategy),
    }
}

/// The largest distance from the exact value, in output steps, over the inputs that have tables.
fn error(request: &Request, segments: &Segments) -> f64 {
    let (low, high) = interval(request);
    let (from, to) = request.in_range;
    let worst = (from..=to)
        .map(|x| (x, x as f64 * request.in_scale))
        .filter(|(_, real)| (low..=high).contains(real))
        .map(|(x, real)| {
            let exact = request.out.steps(request.function.at(real));
            (segments.at(x, request.out) as f64 - exact).abs()
        });
    worst.filter(|e| !e.is_nan()).fold(0.0, f64::max)
}

fn with_strategy(request: &Request, strategy: Strategy) -> Segments {
    let (low, high) = interval(request);
    let points = match strategy {
        Strategy::Curvature => by_curvature(request.function, low, high),
        Strategy::Growing => growing(low, high, request.in_scale),
        _ => None,
    }
    .unwrap_or_else(|| evenly(low, high));
    let (qmin, qmax) = request.in_range;
    let mut max = points.map(|p| clip(p / request.in_scale, qmin as f64, qmax as f64) as i16);
    max[SEGMENTS - 1] = qmax as i16;
    let points = max.map(|m| m as f64 * request.in_scale);
    let mut made = Segments {
        table: Vec::with_capacity(TABLES * ENTRIES),
        alpha: [0; SEGMENTS],
        beta: [0; SEGMENTS],
        left_shift: [0; SEGMENTS],
        right_shift: [0; SEGMENTS],
        max,
        centrosymmetric: request.centrosymmetric,
    };
    let lines = outer_lines(request, &points, low, high);
    made.set(0, lines.0, request.in_scale, request.out.scale);
    made.set(SEGMENTS - 1, lines.1, request.in_scale, request.out.scale);
    for i in 1..=TABLES {
        made.set_table(i, request, points[i - 1], points[i]);
    }
    made
}

/// Step 1 to 3: the interval that gets tables.
fn interval(request: &Request) -> (f64, f64) {
    let (qmin, qmax) = request.in_range;
    let (domain_low, domain_high) = request.function.domain();
    let mut low = (qmin as f64 * request.in_scale).max(domain_low);
    let mut high = (qmax as f64 * request.in_scale).min(domain_high);
    let (out_min, out_max) = request.out.range;
    let end = |integer: i64| request.function.inverse(integer as f64 * request.out.scale);
    if let (Some(from_min), Some(from_max)) = (end(out_min), end(out_max)) {
        let decreasing = request.function.at(high / 4.0) > request.function.at(high / 2.0);
        let bound = if decreasing { from_max } else { from_min };
        low = if bound.is_finite() { bound } else { low };
    }
    low = request.range.0.map_or(low, |it| low.max(it));
    high = request.range.1.map_or(high, |it| high.min(it));
    if request.centrosymmetric && low < 0.0 {
        low = 0.0;
    }
    (low.min(high), high)
}

fn evenly(low: f64, high: f64) -> [f64; SEGMENTS] {
    std::array::from_fn(|k| low + k as f64 * (high - low) / TABLES as f64)
}

/// The first table has an entry for each input; none where one table has them all.
fn growing(low: f64, high: f64, in_scale: f64) -> Option<[f64; SEGMENTS]> {
    let first = (ENTRIES - 1) as f64 * in_scale;
    let factor = ((high - low) / first).powf(1.0 / (TABLES - 1) as f64);
    let point = |k: usize| match k {
        0 => low,
        _ => (low + first * factor.powi(k as i32 - 1)).min(high),
    };
    (factor.is_finite() && factor > 1.0).then(|| std::array::from_fn(point))
}

/// Step 4, `curvature`; none where the function has no curvature to share out.
fn by_curvature(function: &Function, low: f64, high: f64) -> Option<[f64; SEGMENTS]> {
    let step = (high - low) / CURVATURE_STEPS as f64;
    let x = |i: usize| low + i as f64 * step;
    let y: Vec<f64> = (0..=CURVATURE_STEPS).map(|i| function.at(x(i))).collect();
    let second = |i: usize| ((y[i + 2] - 2.0 * y[i + 1] + y[i]) / (step * step)).abs();
    let mut bends: Vec<f64> = (0..CURVATURE_STEPS - 1).map(second).collect();
    bends.push(*bends.last()?);
    let mut sum = 0.0;
    let sums: Vec<f64> = bends
        .iter()
        .map(|bend| {
            sum += if bend.is_finite() { *bend } else { 0.0 };
            sum
        })
        .collect();
    if !(sum.is_finite() && sum > 0.0) {
        return None;
    }
    let mut points = vec![low];
    for (j, part) in sums.iter().enumerate() {
        let wanted = (part / (sum / TABLES as f64)).floor() as usize + 1;
        if wanted > TABLES {
            break;
        }
        if wanted > points.len() {
            points.push(x(j + 1));
        }
    }
    points.push(x(CURVATURE_STEPS));
    points.resize(SEGMENTS, high);
    points.try_into().ok()
}

/// A line `y = slope · x + offset`.
type Line = (f64, f64);

/// Step 6.
fn outer_lines(request: &Request, p: &[f64; SEGMENTS], low: f64, high: f64) -> (Line, Line) {
    let f = |x: f64| request.function.at(x);
    let through = |a: f64, b: f64| {
        let slope = if a == b { 0.0 } else { (f(a) - f(b)) / (a - b) };
        (slope, f(a) - a * slope)
    };
    let part = (ENTRIES - 1) as f64;
    let left = match request.gradients.0 {
        Some(slope) => (slope, f(p[0])),
        None if low == p[0] => through(low, p[0] + (p[1] - p[0]) / part),
        None => through(low, p[0]),
    };
    let last = SEGMENTS - 1;
    let right = match request.gradients.1 {
        Some(slope) => (slope, f(p[last - 1])),
        None if high == p[last] => through(p[last] + (p[last - 1] - p[last]) / part, high),
        None => through(p[last], high),
    };
    (left, right)
}

impl Segments {
    /// Step 7: table `i` between two points, and the line that indexes it.
    fn set_table(&mut self, i: usize, request: &Request, low: f64, high: f64) {
        let part = (ENTRIES - 1) as f64;
        let sample = |j: usize| low + j as f64 * (high - low) / part;
        let value = |j| request.out.quantise(request.function.at(sample(j))) as i16;
        self.table.extend((0..ENTRIES).map(value));
        let slope = if high > low { part / (high - low) } else { 0.0 };
        let unit = 1.0 / (1 << INDEX_BITS) as f64;
        self.set(i, (slope, -low * slope), request.in_scale, unit);
    }

    /// Step 8: a line in integers.
    fn set(&mut self, i: usize, (slope, offset): Line, in_scale: f64, out_scale: f64) {
        let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
        let (slope, offset) = (
            finite(slope / out_scale * in_scale),
            finite(offset / out_scale),
        );
        let (mut alpha, shift) = to_qint(slope, 16, 16, false, true);
        let mut right = -shift;
        let room = (30 - (offset.abs() + 1.0).log2().ceil() as i32).max(0);
        if right > room {
            alpha >>= (right - room).min(31);
            right = room;
        }
        let (beta, left) = to_qint(offset * f64::powi(2.0, right), 16, 31, true, false);
        self.alpha[i] = alpha as i16;
        self.beta[i] = beta as i16;
        self.left_shift[i] = left as i8;
        self.right_shift[i] = right as i8;
    }

    /// What the operator gives for one input integer. For choosing between strategies; the operator is `bpu`'s.
    fn at(&self, x: i64, out: Output) -> i64 {
        if self.centrosymmetric && x < 0 {
            return (-self.at(-x, out)).clamp(out.range.0, out.range.1);
        }
        let x = x.clamp(i16::MIN as i64, i16::MAX as i64);
        let found = self.max.iter().position(|&max| x <= max as i64);
        let i = found.unwrap_or(SEGMENTS - 1);
        let sum = x * self.alpha[i] as i64 + ((self.beta[i] as i64) << self.left_shift[i]);
        let v = rounded(sum, self.right_shift[i] as u32);
        if i == 0 || i == SEGMENTS - 1 {
            return v.clamp(out.range.0, out.range.1);
        }
        let entry = |k: i64| {
            let k = k.clamp(0, ENTRIES as i64 - 1) as usize;
            self.table[(i - 1) * ENTRIES + k] as i64
        };
        let (k, fraction) = (v >> INDEX_BITS, v & ((1 << INDEX_BITS) - 1));
        let mixed = entry(k) * ((1 << INDEX_BITS) - fraction) + entry(k + 1) * fraction;
        rounded(mixed, INDEX_BITS).clamp(out.range.0, out.range.1)
    }
}

/// `horizon::toqint`: `x ≈ q · 2^shift` with as much precision as `bits` signed bits hold (inferred, `hbir.md` 4).
fn to_qint(x: f64, bits: i32, max_bits: i32, left: bool, right: bool) -> (i32, i32) {
    let limit = f64::powi(2.0, max_bits - 1);
    let x = x.clamp(-limit, limit - 1.0);
    let mut shift = libm::frexp(x).1 - (bits - 1);
    if (shift > 0 && !left) || (shift < 0 && !right) {
        shift = 0;
    }
    let (low, high) = (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1);
    let q = (x / f64::powi(2.0, shift) + 0.5).floor() as i64;
    (q.clamp(low, high) as i32, shift)
}

fn rounded(value: i64, shift: u32) -> i64 {
    if shift == 0 {
        value
    } else {
        (value >> shift) + ((value >> (shift - 1)) & 1)
    }
}

fn clip(x: f64, low: f64, high: f64) -> f64 {
    x.round_ties_even().clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::super::Rounding;
    use super::*;

    const INT16: (i64, i64) = (-32768, 32767);

    fn request(function: &Function, in_scale: f64, out_scale: f64) -> Request<'_> {
        Request {
            function,
            in_scale,
            in_range: INT16,
            out: Output {
                scale: out_scale,
                range: INT16,
                rounding: Rounding::HalfToEven,
            },
            range: (None, None),
            centrosymmetric: false,
            strategy: Strategy::Evenly,
            gradients: (None, None),
        }
    }

    #[test]
    fn a_root_is_within_steps_near_zero_too() {
        for (name, limit) in [("sqrt", 2.5), ("log1p", 3.5)] {
            let function = Function::new(name, &[]).expect("known");
            let top = function.at(INT16.1 as f64 * 0.001);
            let request = Request {
                strategy: Strategy::Best,
                ..request(&function, 0.001, top / INT16.1 as f64)
            };
            let found = error(&request, &segments(&request));
            assert!(found < limit, "{name}: {found} steps");
        }
    }

    #[test]
    fn the_worked_example_of_sigmoid() {
        // hbir.md 3.7
        let function = Function::new("sigmoid", &[]).expect("known");
        let request = Request {
            range: (Some(-8.0), Some(8.0)),
            ..request(&function, 0.00025, 1.0 / 32767.0)
        };
        let made = segments(&request);
        let max = [-32000, -21333, -10667, 0, 10667, 21333, 32000, 32767];
        assert_eq!(made.max, max);
        let field = |i: usize| {
            (
                made.alpha[i],
                made.beta[i],
                made.left_shift[i],
                made.right_shift[i],
            )
        };
        assert_eq!(field(5), (24774, -32259, 13, 14));
        assert_eq!(made.table[4 * ENTRIES + 19..][..2], [31779, 31819]);
        assert_eq!(made.at(14000, request.out), 31807);
    }

    #[test]
    fn the_right_line_of_the_worked_example() {
        let function = Function::new("sigmoid", &[]).expect("known");
        // The example takes the line through the last sample of the tables and the largest input.
        let points = [-8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0, 8.19175];
        let request = request(&function, 0.00025, 1.0 / 32767.0);
        let (_, right) = outer_lines(&request, &points, -8.0, 8.19175);
        let mut made = segments(&request);
        made.set(7, right, request.in_scale, request.out.scale);
        let field = (
            made.alpha[7],
            made.beta[7],
            made.left_shift[7],
            made.right_shift[7],
        );
        assert_eq!(field, (74, 32684, 15, 15));
    }

    #[test]
    fn every_smooth_function_is_close_over_its_whole_range() {
        for (name, reach, steps) in [
            ("sigmoid", 8.0, 3.0),
            ("tanh", 4.0, 4.0),
            ("silu", 8.0, 3.0),
            ("gelu", 5.0, 4.0),
            ("exp", 3.0, 6.0),
        ] {
            let function = Function::new(name, &[]).expect("known");
            let in_scale = reach / 32767.0;
            let top = (-100..=100)
                .map(|i| function.at(reach * i as f64 / 100.0).abs())
                .fold(0.0, f64::max);
            let request = Request {
                strategy: Strategy::Best,
                ..request(&function, in_scale, top / 32767.0)
            };
            let worst = error(&request, &segments(&request));
            assert!(worst <= steps, "{name}: {worst} output steps");
        }
    }

    #[test]
    fn the_reciprocal_is_odd_and_saturates_at_its_pole() {
        let function = Function::new("reciprocal", &[]).expect("known");
        let in_scale = 40.0 / 32767.0;
        let request = Request {
            centrosymmetric: true,
            strategy: Strategy::Curvature,
            gradients: (Some(0.0), None),
            range: (Some(32.0 * in_scale), None),
            ..request(&function, in_scale, 1.0 / 32767.0)
        };
        let made = segments(&request);
        assert!(made.centrosymmetric);
        let out = request.out;
        for x in [900, 5000, 20000, 32000] {
            let exact = 32767.0 / (x as f64 * in_scale);
            let exact = exact.min(32767.0);
            let found = made.at(x, out) as f64;
            assert!(
                (found - exact).abs() <= 1.0 + exact * 0.01,
                "{x}: {found} for {exact}"
            );
            assert_eq!(made.at(-x, out), -made.at(x, out));
        }
        assert_eq!(made.at(1, out), 32767);
    }

    #[test]
    fn a_straight_line_has_no_curvature_to_share() {
        let function = Function::new("leaky_relu", &[1.0]).expect("known");
        assert_eq!(by_curvature(&function, -1.0, 1.0), None);
        let request = Request {
            strategy: Strategy::Curvature,
            ..request(&function, 0.0001, 0.0002)
        };
        let worst = error(&request, &segments(&request));
        assert!(worst <= 2.0, "{worst}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_overflows(in_scale in 1e-7f64..1e3, out_scale in 1e-9f64..1e6, name in 0usize..super::super::function::NAMES.len()) {
            let function = Function::new(super::super::function::NAMES[name], &[]).expect("listed");
            let mut asked = request(&function, in_scale, out_scale);
            asked.strategy = Strategy::Best;
            let made = segments(&asked);
            for i in 0..SEGMENTS {
                let shifted = (made.beta[i] as i64) << made.left_shift[i];
                proptest::prop_assert!(shifted.abs() <= 1 << 31);
                proptest::prop_assert!((0..=31).contains(&made.right_shift[i]));
            }
            proptest::prop_assert_eq!(made.table.len(), TABLES * ENTRIES);
        }
    }
}
