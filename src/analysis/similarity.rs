//! How far two tensors are apart.
//!
//! Elements are compared as numbers: quantised ones after dequantising, complex ones part by part, integers exactly.
//! Two NaN are equal, as are `0.0` and `-0.0` ([`Similarity::same_bits`] tells those apart). An infinity equals
//! itself; its distance to anything else, and that of NaN to any number, is infinite.

use crate::tensor::DType;
use crate::tensor::view::View;
use half::{bf16, f16};
use rayon::prelude::*;
use std::ops::Range;

/// Elements one task compares; a multiple of this is read at a time, so memory stays small.
const CHUNK: usize = 1 << 15;

/// What counts as equal: `|a - b| <= atol + rtol * |b|`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// Relative part.
    pub rtol: f64,
    /// Absolute part.
    pub atol: f64,
}

/// One element of both tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Where.
    pub index: Vec<usize>,
    /// In the first tensor.
    pub a: f64,
    /// In the second tensor.
    pub b: f64,
}

/// How far two tensors of one shape are apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Similarity {
    /// Numbers compared; a complex element counts as two.
    pub count: usize,
    /// Same dtype and the same bytes in order.
    pub same_bits: bool,
    /// Numbers that differ at all.
    pub differing: usize,
    /// Numbers further apart than the tolerance.
    pub outside: usize,
    /// Numbers that are NaN on one side only.
    pub one_sided_nan: usize,
    /// Largest `|a - b|`.
    pub max_abs: f64,
    /// Largest `|a - b| / max(|a|, |b|)`.
    pub max_rel: f64,
    /// Most representable numbers between two elements; only between equal floating dtypes.
    pub max_ulp: Option<u64>,
    /// The first difference.
    pub first: Option<Element>,
    /// The largest difference.
    pub worst: Option<Element>,
    /// Cosine of the angle; `None` when either is all zero or anything is not finite.
    pub cosine: Option<f64>,
    /// Mean squared error; `None` when empty or anything is not finite.
    pub mse: Option<f64>,
    /// `10 * log10(sum(b²) / sum((a - b)²))`, `b` being the reference; infinite when equal.
    pub sqnr_db: Option<f64>,
}

/// Why two tensors cannot be compared element by element.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shapes differ: {} and {}", shape_text(.a), shape_text(.b))]
pub struct ShapeMismatch {
    /// Shape of the first tensor.
    pub a: Vec<usize>,
    /// Shape of the second tensor.
    pub b: Vec<usize>,
}

/// `2x3`, or `scalar`.
pub fn shape_text(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
    sizes.join("x")
}

impl Similarity {
    /// Whether all numbers are equal; dtypes may differ.
    pub fn is_equal(&self) -> bool {
        self.differing == 0
    }

    /// Whether all numbers are within the tolerance.
    pub fn is_close(&self) -> bool {
        self.outside == 0
    }
}

/// Compares two tensors of any dtypes and strides; `b` is the reference.
pub fn similarity(a: &View, b: &View, tolerance: Tolerance) -> Result<Similarity, ShapeMismatch> {
    if a.shape() != b.shape() {
        return Err(ShapeMismatch {
            a: a.shape().to_vec(),
            b: b.shape().to_vec(),
        });
    }
    let is_complex = |v: &View| matches!(v.dtype(), DType::C32 | DType::C64 | DType::C128);
    if is_complex(a) != is_complex(b) {
        // A real number is a complex one without imaginary part; saying so costs a copy, which is rare enough.
        return Ok(mixed(a, b, tolerance));
    }
    let (real_a, real_b) = (a.as_real(), b.as_real());
    let total = chunks(&real_a, &real_b, tolerance);
    let mut result = total.finish(&real_a, ulps(&real_a, &real_b));
    result.same_bits = same_bits(a, b);
    if is_complex(a) {
        for element in [&mut result.first, &mut result.worst].into_iter().flatten() {
            element.index.pop();
        }
    }
    Ok(result)
}

fn mixed(a: &View, b: &View, tolerance: Tolerance) -> Similarity {
    let expand = |v: &View| -> Vec<u8> {
        let mut numbers = Vec::new();
        let real = v.as_real();
        real.read_f64(0..real.len(), &mut numbers);
        let imaginary = real.shape().len() == v.shape().len();
        let parts = numbers
            .iter()
            .flat_map(|&n| [Some(n), imaginary.then_some(0.0)]);
        parts.flatten().flat_map(f64::to_le_bytes).collect()
    };
    let (bytes_a, bytes_b) = (expand(a), expand(b));
    let view = |bytes| View::contiguous(DType::C128, a.shape(), bytes);
    match (view(&bytes_a), view(&bytes_b)) {
        (Ok(wide_a), Ok(wide_b)) => match similarity(&wide_a, &wide_b, tolerance) {
            Ok(result) => Similarity {
                same_bits: false,
                max_ulp: None,
                ..result
            },
            Err(_) => unreachable!("both have the shape of `a`"),
        },
        _ => unreachable!("the bytes were made for this shape"),
    }
}

fn same_bits(a: &View, b: &View) -> bool {
    if a.dtype() != b.dtype() || a.quantizer() != b.quantizer() {
        return false;
    }
    if let (Some(a), Some(b)) = (a.contiguous_bytes(), b.contiguous_bytes()) {
        return a == b;
    }
    ranges(a.len()).all(|range| {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        a.copy_bytes(range.clone(), &mut left);
        b.copy_bytes(range, &mut right);
        left == right
    })
}

fn ranges(len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len.div_ceil(CHUNK)).map(move |i| i * CHUNK..((i + 1) * CHUNK).min(len))
}

/// The function that counts representable numbers between two values, when both have one floating dtype.
fn ulps(a: &View, b: &View) -> Option<fn(f64, f64) -> u64> {
    if a.dtype() != b.dtype() || a.quantizer().is_some() {
        return None;
    }
    match a.dtype() {
        DType::F64 => Some(|a, b| distance(a.to_bits(), b.to_bits(), 64)),
        DType::F32 => {
            Some(|a, b| distance((a as f32).to_bits().into(), (b as f32).to_bits().into(), 32))
        }
        DType::F16 => Some(|a, b| {
            distance(
                f16::from_f64(a).to_bits().into(),
                f16::from_f64(b).to_bits().into(),
                16,
            )
        }),
        DType::BF16 => Some(|a, b| {
            distance(
                bf16::from_f64(a).to_bits().into(),
                bf16::from_f64(b).to_bits().into(),
                16,
            )
        }),
        _ => None,
    }
}

/// Distance of two floats by their bits: sign and magnitude become one ordered integer.
fn distance(a: u64, b: u64, bits: u32) -> u64 {
    let sign = 1u64 << (bits - 1);
    let ordered = |x: u64| {
        let magnitude = i128::from(x & (sign - 1));
        if x & sign == 0 { magnitude } else { -magnitude }
    };
    (ordered(a) - ordered(b)).unsigned_abs() as u64
}

/// Sums and extremes of a run of elements, merged in order so that the thread count never shows.
#[derive(Clone, Debug, Default)]
struct Partial {
    count: usize,
    differing: usize,
    outside: usize,
    one_sided_nan: usize,
    max_abs: f64,
    max_rel: f64,
    max_ulp: u64,
    first: Option<(usize, f64, f64)>,
    worst: Option<(usize, f64, f64)>,
    dot: f64,
    norm_a: f64,
    norm_b: f64,
    squares: f64,
}

fn chunks(a: &View, b: &View, tolerance: Tolerance) -> Partial {
    let equal_bytes = match (a.contiguous_bytes(), b.contiguous_bytes()) {
        (Some(x), Some(y)) if a.dtype() == b.dtype() && a.quantizer() == b.quantizer() => {
            Some((x, y))
        }
        _ => None,
    };
    let ulp = ulps(a, b);
    let is_exact = (a.is_wide_integer() || b.is_wide_integer()) && a.is_integer() && b.is_integer();
    let size = a.dtype().size();
    let ranges: Vec<_> = ranges(a.len()).collect();
    let partials: Vec<Partial> = ranges
        .into_par_iter()
        .map(|range| {
            let bytes = range.start * size..range.end * size;
            let same = equal_bytes.is_some_and(|(x, y)| x[bytes.clone()] == y[bytes]);
            if is_exact {
                exact(a, b, range, tolerance)
            } else {
                floating(a, b, range, tolerance, ulp, same)
            }
        })
        .collect();
    partials
        .into_iter()
        .fold(Partial::default(), Partial::merge)
}

fn exact(a: &View, b: &View, range: Range<usize>, tolerance: Tolerance) -> Partial {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    a.read_i128(range.clone(), &mut left);
    b.read_i128(range.clone(), &mut right);
    let mut partial = Partial::default();
    for (place, (&x, &y)) in range.zip(left.iter().zip(&right)) {
        let distance = (x - y).unsigned_abs() as f64;
        partial.add(place, x as f64, y as f64, distance, tolerance);
    }
    partial
}

fn floating(
    a: &View,
    b: &View,
    range: Range<usize>,
    tolerance: Tolerance,
    ulp: Option<fn(f64, f64) -> u64>,
    same: bool,
) -> Partial {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    b.read_f64(range.clone(), &mut right);
    let mut partial = Partial::default();
    if same {
        partial.count = right.len();
        partial.norm_b = right.iter().map(|y| y * y).sum();
        (partial.norm_a, partial.dot) = (partial.norm_b, partial.norm_b);
        return partial;
    }
    a.read_f64(range.clone(), &mut left);
    for (place, (&x, &y)) in range.zip(left.iter().zip(&right)) {
        let distance = if x == y || (x.is_nan() && y.is_nan()) {
            0.0
        } else if x.is_nan() || y.is_nan() {
            f64::INFINITY
        } else {
            (x - y).abs()
        };
        partial.add(place, x, y, distance, tolerance);
        if distance > 0.0 {
            let ulps = ulp.map_or(0, |ulp| {
                if distance.is_finite() {
                    ulp(x, y)
                } else {
                    u64::MAX
                }
            });
            partial.max_ulp = partial.max_ulp.max(ulps);
        }
    }
    partial
}

impl Partial {
    fn add(&mut self, place: usize, a: f64, b: f64, distance: f64, tolerance: Tolerance) {
        self.count += 1;
        self.dot += a * b;
        self.norm_a += a * a;
        self.norm_b += b * b;
        if distance == 0.0 {
            return;
        }
        self.differing += 1;
        self.squares += distance * distance;
        self.one_sided_nan += usize::from(a.is_nan() != b.is_nan());
        // `<=` is false for NaN and infinite distances, which no tolerance covers.
        let is_close =
            distance.is_finite() && distance <= tolerance.atol + tolerance.rtol * b.abs();
        self.outside += usize::from(!is_close);
        let rel = match distance / a.abs().max(b.abs()) {
            rel if rel.is_nan() => f64::INFINITY,
            rel => rel,
        };
        self.max_rel = self.max_rel.max(rel);
        self.first.get_or_insert((place, a, b));
        if distance > self.max_abs {
            self.max_abs = distance;
            self.worst = Some((place, a, b));
        }
    }

    fn merge(mut self, next: Partial) -> Partial {
        if next.max_abs > self.max_abs {
            self.worst = next.worst;
        }
        self.count += next.count;
        self.differing += next.differing;
        self.outside += next.outside;
        self.one_sided_nan += next.one_sided_nan;
        self.max_abs = self.max_abs.max(next.max_abs);
        self.max_rel = self.max_rel.max(next.max_rel);
        self.max_ulp = self.max_ulp.max(next.max_ulp);
        self.first = self.first.or(next.first);
        self.dot += next.dot;
        self.norm_a += next.norm_a;
        self.norm_b += next.norm_b;
        self.squares += next.squares;
        self
    }

    fn finish(self, view: &View, ulp: Option<fn(f64, f64) -> u64>) -> Similarity {
        let element = |(place, a, b)| Element {
            index: view.index_of(place),
            a,
            b,
        };
        let finite = |value: f64| value.is_finite().then_some(value);
        let norm = finite(self.norm_a.sqrt() * self.norm_b.sqrt()).filter(|n| *n > 0.0);
        let mse = finite(self.squares).filter(|_| self.count > 0);
        let mse = mse.filter(|_| self.norm_b.is_finite() && self.norm_a.is_finite());
        let sqnr = |squares: f64| match squares {
            0.0 => f64::INFINITY,
            _ => 10.0 * (self.norm_b / squares).log10(),
        };
        Similarity {
            count: self.count,
            same_bits: false,
            differing: self.differing,
            outside: self.outside,
            one_sided_nan: self.one_sided_nan,
            max_abs: self.max_abs,
            max_rel: self.max_rel,
            max_ulp: ulp.map(|_| self.max_ulp),
            first: self.first.map(element),
            worst: self.worst.map(element),
            cosine: norm.map(|norm| (self.dot / norm).clamp(-1.0, 1.0)),
            mse: mse.map(|squares| squares / self.count as f64),
            sqnr_db: mse.map(sqnr),
        }
    }
}

#[cfg(test)]
mod tests;
