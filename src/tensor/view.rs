//! A strided look at tensor elements, whoever owns the bytes.

use crate::tensor::DType;
use half::{bf16, f16};
use smallvec::SmallVec;

/// Elements of a tensor: any dtype, any strides, little-endian bytes.
#[derive(Clone, Debug)]
pub struct View<'a> {
    dtype: DType,
    shape: SmallVec<[usize; 6]>,
    /// In elements.
    strides: SmallVec<[isize; 6]>,
    bytes: &'a [u8],
    /// First element, in elements.
    offset: usize,
    quantizer: Option<Quantizer<'a>>,
}

/// How stored integers of a quantised tensor become numbers: `(q - zero_point) * scale`.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantizer<'a> {
    /// One scale.
    PerTensor {
        /// Step between two integers.
        scale: f64,
        /// The integer that means zero.
        zero_point: i64,
    },
    /// One scale for each index along an axis.
    PerChannel {
        /// One for each index.
        scales: &'a [f64],
        /// One for each index.
        zero_points: &'a [f64],
        /// The axis.
        axis: usize,
    },
}

/// Why bytes, shape and strides do not make a tensor.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ViewError {
    /// Shape and strides disagree.
    #[error("shape has {shape} dimensions, strides have {strides}")]
    Rank {
        /// Dimensions of the shape.
        shape: usize,
        /// Dimensions of the strides.
        strides: usize,
    },
    /// The element furthest away lies outside.
    #[error("elements reach outside the {available} bytes of the storage")]
    OutOfBounds {
        /// Bytes there are.
        available: usize,
    },
    /// Per-channel parameters do not fit the shape.
    #[error("quantiser has {found} scales, expected {expected}")]
    Quantizer {
        /// Size of the axis.
        expected: usize,
        /// Scales there are.
        found: usize,
    },
}

impl<'a> View<'a> {
    /// A view; every element is checked to lie inside `bytes`.
    pub fn new(
        dtype: DType,
        shape: &[usize],
        strides: &[isize],
        bytes: &'a [u8],
        offset: usize,
    ) -> Result<View<'a>, ViewError> {
        if shape.len() != strides.len() {
            return Err(ViewError::Rank {
                shape: shape.len(),
                strides: strides.len(),
            });
        }
        let view = View {
            dtype,
            shape: shape.into(),
            strides: strides.into(),
            bytes,
            offset,
            quantizer: None,
        };
        if view.is_inside() {
            Ok(view)
        } else {
            Err(ViewError::OutOfBounds {
                available: bytes.len(),
            })
        }
    }

    /// A row-major view of all of `bytes`.
    pub fn contiguous(
        dtype: DType,
        shape: &[usize],
        bytes: &'a [u8],
    ) -> Result<View<'a>, ViewError> {
        View::new(dtype, shape, &row_major(shape), bytes, 0)
    }

    /// Reads elements as `(q - zero_point) * scale`.
    pub fn with_quantizer(mut self, quantizer: Quantizer<'a>) -> Result<View<'a>, ViewError> {
        if let Quantizer::PerChannel {
            scales,
            zero_points,
            axis,
        } = &quantizer
        {
            let expected = self.shape.get(*axis).copied().unwrap_or(0);
            if let Some(found) = [scales.len(), zero_points.len()]
                .into_iter()
                .find(|n| *n != expected)
            {
                return Err(ViewError::Quantizer { expected, found });
            }
        }
        self.quantizer = Some(quantizer);
        Ok(self)
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Sizes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The quantiser, if elements are quantised.
    pub fn quantizer(&self) -> Option<&Quantizer<'a>> {
        self.quantizer.as_ref()
    }

    /// Number of elements. The bounds check of [`View::new`] does not limit it: a stride may be 0.
    pub fn len(&self) -> usize {
        self.shape
            .iter()
            .fold(1, |n: usize, &s| n.saturating_mul(s))
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The bytes of all elements in order, when they stand in order without gaps.
    pub fn contiguous_bytes(&self) -> Option<&'a [u8]> {
        if self.is_empty() {
            return Some(&[]);
        }
        let mut expected = 1isize;
        for (&size, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if size != 1 && stride != expected {
                return None;
            }
            expected = expected.checked_mul(size as isize)?;
        }
        let start = self.offset * self.dtype.size();
        self.bytes
            .get(start..start + self.len() * self.dtype.size())
    }

    /// The index of an element by its place in row-major order.
    pub fn index_of(&self, mut place: usize) -> Vec<usize> {
        let mut index = vec![0; self.shape.len()];
        for (i, &size) in index.iter_mut().zip(&self.shape).rev() {
            *i = place % size.max(1);
            place /= size.max(1);
        }
        index
    }

    /// The same elements with parts of complex numbers as a last axis of size 2 and packed types as bytes.
    pub(crate) fn as_real(&self) -> View<'a> {
        let dtype = match self.dtype {
            DType::C32 => DType::F16,
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            _ => return self.clone(),
        };
        let mut view = self.clone();
        view.dtype = dtype;
        view.strides.iter_mut().for_each(|s| *s *= 2);
        view.shape.push(2);
        view.strides.push(1);
        view.offset *= 2;
        view
    }

    fn is_inside(&self) -> bool {
        if self.is_empty() {
            return true;
        }
        let (mut low, mut high) = (self.offset as i128, self.offset as i128);
        for (&size, &stride) in self.shape.iter().zip(&self.strides) {
            let reach = (size as i128 - 1) * stride as i128;
            low += reach.min(0);
            high += reach.max(0);
        }
        let end = (high + 1).saturating_mul(self.dtype.size() as i128);
        low >= 0 && end <= self.bytes.len() as i128
    }

    /// Calls `f` with the byte position of each element in `range`, in row-major order.
    fn positions(&self, range: std::ops::Range<usize>, mut f: impl FnMut(usize, &[usize])) {
        let size = self.dtype.size();
        let mut index = self.index_of(range.start);
        for _ in range {
            let steps = index.iter().zip(&self.strides);
            let element = steps.fold(self.offset as isize, |at, (&i, &s)| at + i as isize * s);
            f(element as usize * size, &index);
            for (i, &n) in index.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < n {
                    break;
                }
                *i = 0;
            }
        }
    }

    /// Appends the raw bytes of elements in `range` in row-major order.
    pub(crate) fn copy_bytes(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        let size = self.dtype.size();
        if let Some(bytes) = self.contiguous_bytes() {
            out.extend_from_slice(&bytes[range.start * size..range.end * size]);
        } else {
            self.positions(range, |at, _| {
                out.extend_from_slice(&self.bytes[at..at + size])
            });
        }
    }

    /// All elements' bytes in row-major order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len().saturating_mul(self.dtype.size()));
        self.copy_bytes(0..self.len(), &mut out);
        out
    }

    /// The elements in `range` as numbers, in row-major order; a complex number is its real part.
    pub fn read_f64(&self, range: std::ops::Range<usize>, out: &mut Vec<f64>) {
        out.clear();
        match &self.quantizer {
            None => {
                let mut bytes = Vec::with_capacity(range.len() * self.dtype.size());
                self.copy_bytes(range, &mut bytes);
                out.extend(
                    bytes
                        .chunks_exact(self.dtype.size())
                        .map(|e| decode(self.dtype, e)),
                );
            }
            Some(quantizer) => {
                let size = self.dtype.size();
                self.positions(range, |at, index| {
                    let q = decode(self.dtype, &self.bytes[at..at + size]);
                    out.push(quantizer.dequantize(q, index));
                });
            }
        }
    }

    /// The elements in `range` as integers; only for integer dtypes without a quantiser.
    pub(crate) fn read_i128(&self, range: std::ops::Range<usize>, out: &mut Vec<i128>) {
        out.clear();
        let mut bytes = Vec::with_capacity(range.len() * self.dtype.size());
        self.copy_bytes(range, &mut bytes);
        let is_signed = is_signed(self.dtype);
        out.extend(
            bytes
                .chunks_exact(self.dtype.size())
                .map(|e| integer(e, is_signed)),
        );
    }

    /// Whether elements are integers that `f64` might round.
    pub(crate) fn is_wide_integer(&self) -> bool {
        self.quantizer.is_none() && matches!(self.dtype, DType::I64 | DType::U64)
    }

    /// Whether elements are exact integers.
    pub(crate) fn is_integer(&self) -> bool {
        use DType::*;
        self.quantizer.is_none()
            && matches!(
                self.dtype,
                U8 | I8 | I16 | I32 | I64 | U16 | U32 | U64 | Bool
            )
    }
}

impl Quantizer<'_> {
    fn dequantize(&self, q: f64, index: &[usize]) -> f64 {
        match self {
            Quantizer::PerTensor { scale, zero_point } => (q - *zero_point as f64) * scale,
            Quantizer::PerChannel {
                scales,
                zero_points,
                axis,
            } => (q - zero_points[index[*axis]]) * scales[index[*axis]],
        }
    }
}

/// Strides of a row-major tensor.
pub(crate) fn row_major(shape: &[usize]) -> SmallVec<[isize; 6]> {
    let mut strides: SmallVec<[isize; 6]> = SmallVec::from_elem(1, shape.len());
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i].saturating_mul(shape[i].max(1) as isize);
    }
    strides
}

fn is_signed(dtype: DType) -> bool {
    use DType::*;
    matches!(dtype, I8 | I16 | I32 | I64 | QI8 | QI32)
}

fn integer(bytes: &[u8], is_signed: bool) -> i128 {
    let mut wide = [0u8; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let value = u64::from_le_bytes(wide);
    if is_signed {
        let unused = 64 - 8 * bytes.len() as u32;
        i128::from((value << unused) as i64 >> unused)
    } else {
        i128::from(value)
    }
}

/// One element as a number; `bytes` has the dtype's size.
pub(crate) fn decode(dtype: DType, bytes: &[u8]) -> f64 {
    use DType::*;
    match (dtype, bytes) {
        (F32 | C64, &[a, b, c, d, ..]) => f32::from_le_bytes([a, b, c, d]).into(),
        (F64 | C128, &[a, b, c, d, e, f, g, h, ..]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        (F16 | C32, &[a, b, ..]) => f16::from_le_bytes([a, b]).to_f64(),
        (BF16, &[a, b]) => bf16::from_le_bytes([a, b]).to_f64(),
        (F8E5M2, &[a]) => f16::from_le_bytes([0, a]).to_f64(),
        (F8E4M3, &[a]) if a & 0x7f == 0x7f => f64::NAN,
        (F8E4M3, &[a]) => minifloat(a, 3, 7),
        (F8E4M3Fnuz | F8E5M2Fnuz, &[0x80]) => f64::NAN,
        (F8E4M3Fnuz, &[a]) => minifloat(a, 3, 8),
        (F8E5M2Fnuz, &[a]) => minifloat(a, 2, 16),
        (F8E8M0, &[0xff]) => f64::NAN,
        (F8E8M0, &[a]) => f64::from(a as i32 - 127).exp2(),
        (_, bytes) => integer(bytes, is_signed(dtype)) as f64,
    }
}

/// An 8-bit float without infinities.
fn minifloat(bits: u8, mantissa_bits: u32, bias: i32) -> f64 {
    let mantissa = f64::from(bits & ((1 << mantissa_bits) - 1));
    let exponent = i32::from((bits & 0x7f) >> mantissa_bits);
    let scale = |e: i32| f64::from(e - bias - mantissa_bits as i32).exp2();
    let magnitude = match exponent {
        0 => mantissa * scale(1),
        _ => (mantissa + f64::from(1 << mantissa_bits)) * scale(exponent),
    };
    if bits & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strided_elements_come_in_row_major_order() {
        let bytes: Vec<u8> = (0..6).collect();
        let view = View::new(DType::U8, &[3, 2], &[1, 3], &bytes, 0).unwrap();
        assert_eq!(view.to_bytes(), [0, 3, 1, 4, 2, 5]);
        assert_eq!(view.contiguous_bytes(), None);
        assert_eq!(view.index_of(3), [1, 1]);
    }

    #[test]
    fn views_outside_their_bytes_are_refused() {
        let bytes = [0u8; 8];
        assert!(View::new(DType::F32, &[2], &[1], &bytes, 0).is_ok());
        for (shape, strides, offset) in [
            ([2], [1], 1),
            ([2], [-1], 0),
            ([3], [1], 0),
            ([2], [isize::MAX], 0),
        ] {
            let error = View::new(DType::F32, &shape, &strides, &bytes, offset).unwrap_err();
            assert_eq!(error, ViewError::OutOfBounds { available: 8 });
        }
        assert!(View::new(DType::F32, &[usize::MAX, 0], &[1, 1], &bytes, 9).is_ok());
    }

    #[test]
    fn small_floats_decode_to_their_values() {
        assert_eq!(decode(DType::F8E4M3, &[0x7e]), 448.0);
        assert_eq!(decode(DType::F8E4M3, &[0x01]), 2f64.powi(-9));
        assert_eq!(decode(DType::F8E5M2, &[0x7b]), 57344.0);
        assert_eq!(decode(DType::F8E4M3Fnuz, &[0x7f]), 240.0);
        assert_eq!(decode(DType::F8E5M2Fnuz, &[0x7f]), 57344.0);
        assert_eq!(decode(DType::I64, &(-5i64).to_le_bytes()), -5.0);
        assert_eq!(decode(DType::BF16, &bf16::from_f32(1.5).to_le_bytes()), 1.5);
    }
}
