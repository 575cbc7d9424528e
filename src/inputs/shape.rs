//! `--shape 1x3x224x224[:dtype],…` and tensors made up from it.

use super::error::InputError;
use super::random::Random;
use crate::exec::{HostTensor, Quantizer};
use crate::tensor::DType;
use half::{bf16, f16};
use std::str::FromStr;

/// Bytes of one made-up tensor: a slip such as a missing `x` should not fill the memory.
const MAX_BYTES: usize = 1 << 34;

/// Shape and dtype of one made-up input, and the parameter it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeSpec {
    /// `NAME=` in front.
    pub name: Option<String>,
    /// Element type.
    pub dtype: DType,
    /// Sizes.
    pub shape: Vec<i64>,
}

impl FromStr for ShapeSpec {
    type Err = InputError;

    fn from_str(text: &str) -> Result<ShapeSpec, InputError> {
        let error = |message: String| InputError::Shape {
            text: text.to_owned(),
            message,
        };
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) => (Some(name.to_owned()), rest),
            None => (None, text),
        };
        let (sizes, dtype) = match rest.split_once(':') {
            Some((sizes, dtype)) => (sizes, dtype.strip_prefix("torch.").unwrap_or(dtype)),
            None => (rest, "float32"),
        };
        let dtype =
            DType::from_name(dtype).ok_or_else(|| error(format!("`{dtype}` is no dtype")))?;
        let size = |size: &str| {
            let parsed = size.parse::<i64>().ok().filter(|n| *n >= 0);
            parsed.ok_or_else(|| error(format!("`{size}` is no size")))
        };
        let shape = match sizes {
            "scalar" => Vec::new(),
            _ => sizes.split('x').map(size).collect::<Result<_, _>>()?,
        };
        let bytes = shape
            .iter()
            .try_fold(dtype.size(), |n, &s| n.checked_mul(s as usize));
        match bytes {
            Some(bytes) if bytes <= MAX_BYTES => Ok(ShapeSpec { name, dtype, shape }),
            _ => Err(error(format!("takes more than {} GiB", MAX_BYTES >> 30))),
        }
    }
}

/// Made-up elements: floats are normal, `uint8` and quantised ones use their range, other integers are 0 or 1, which
/// every embedding table can look up.
pub fn make_up(dtype: DType, shape: &[i64], random: &mut Random) -> HostTensor {
    use DType::*;
    let count: usize = shape.iter().map(|&s| s.max(0) as usize).product();
    let mut bytes = Vec::with_capacity(count * dtype.size());
    for _ in 0..count {
        match dtype {
            F64 => bytes.extend(random.normal().to_le_bytes()),
            F32 => bytes.extend((random.normal() as f32).to_le_bytes()),
            F16 => bytes.extend(f16::from_f64(random.normal()).to_le_bytes()),
            BF16 => bytes.extend(bf16::from_f64(random.normal()).to_le_bytes()),
            C64 => (0..2).for_each(|_| bytes.extend((random.normal() as f32).to_le_bytes())),
            C128 => (0..2).for_each(|_| bytes.extend(random.normal().to_le_bytes())),
            C32 => (0..2).for_each(|_| bytes.extend(f16::from_f64(random.normal()).to_le_bytes())),
            // Exponents near 1 only, so that no NaN or infinity appears.
            F8E5M2 | F8E4M3 | F8E5M2Fnuz | F8E4M3Fnuz => bytes.push(0x30 + random.below(16) as u8),
            I16 | I32 | I64 | U16 | U32 | U64 | Bool | QI32 => {
                bytes.push(random.below(2) as u8);
                bytes.extend(std::iter::repeat_n(0, dtype.size() - 1));
            }
            _ => bytes.extend((0..dtype.size()).map(|_| random.below(256) as u8)),
        }
    }
    let is_quantized = matches!(dtype, QI8 | QU8 | QI32 | QU4x2 | QU2x4);
    HostTensor {
        dtype,
        shape: shape.to_vec(),
        bytes,
        quantizer: is_quantized.then_some(Quantizer::PerTensor {
            scale: 1.0 / 64.0,
            zero_point: 0,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_with_dtype_and_name() {
        let read = |text: &str| text.parse::<ShapeSpec>();
        let spec = read("x=2x16:int64").unwrap();
        assert_eq!(
            (spec.name.as_deref(), spec.dtype, spec.shape),
            (Some("x"), DType::I64, vec![2, 16])
        );
        assert_eq!(read("3").unwrap().shape, [3]);
        assert_eq!(read("scalar:torch.float64").unwrap().shape, [0i64; 0]);
        for bad in [
            "",
            "1x",
            "1x-3",
            "1xx3",
            "2:floot32",
            "99999999999x99999999999",
            "1*3",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn made_up_tensors_have_the_size_of_their_shape() {
        for &dtype in DType::ALL {
            let tensor = make_up(dtype, &[3, 5], &mut Random::new(1));
            assert_eq!(Some(tensor.bytes.len()), tensor.expected_bytes(), "{dtype}");
        }
    }
}
