//! Elements as `f64`.

use byteorder::{ByteOrder, LittleEndian as LE};
use half::{bf16, f16};

use crate::tensor::DType;

/// How to read one element; `None` for complex and packed types.
pub(super) fn decoder(dtype: DType) -> Option<fn(&[u8]) -> f64> {
    Some(match dtype {
        DType::U8 | DType::Bool | DType::QU8 | DType::Bits8 => |it| it[0] as f64,
        DType::I8 | DType::QI8 => |it| it[0] as i8 as f64,
        DType::I16 => |it| LE::read_i16(it) as f64,
        DType::I32 | DType::QI32 => |it| LE::read_i32(it) as f64,
        DType::I64 => |it| LE::read_i64(it) as f64,
        DType::U16 | DType::Bits16 => |it| LE::read_u16(it) as f64,
        DType::U32 => |it| LE::read_u32(it) as f64,
        DType::U64 => |it| LE::read_u64(it) as f64,
        DType::F16 => |it| f16::from_bits(LE::read_u16(it)).to_f64(),
        DType::BF16 => |it| bf16::from_bits(LE::read_u16(it)).to_f64(),
        DType::F32 => |it| LE::read_f32(it) as f64,
        DType::F64 => LE::read_f64,
        DType::F8E5M2 => |it| f16::from_bits((it[0] as u16) << 8).to_f64(),
        DType::F8E4M3 => |it| {
            if it[0] & 0x7f == 0x7f {
                f64::NAN
            } else {
                small(it[0], 3, 7)
            }
        },
        DType::F8E5M2Fnuz => |it| {
            if it[0] == 0x80 {
                f64::NAN
            } else {
                small(it[0], 2, 16)
            }
        },
        DType::F8E4M3Fnuz => |it| {
            if it[0] == 0x80 {
                f64::NAN
            } else {
                small(it[0], 3, 8)
            }
        },
        DType::F8E8M0 => |it| {
            if it[0] == 0xff {
                f64::NAN
            } else {
                2f64.powi(it[0] as i32 - 127)
            }
        },
        DType::C32
        | DType::C64
        | DType::C128
        | DType::QU4x2
        | DType::QU2x4
        | DType::Bits1x8
        | DType::Bits2x4
        | DType::Bits4x2
        | DType::F4E2M1x2 => return None,
    })
}

/// An 8-bit float without infinities: sign, exponent, `mantissa_bits` of mantissa.
fn small(bits: u8, mantissa_bits: i32, bias: i32) -> f64 {
    let mantissa = (bits & ((1 << mantissa_bits) - 1)) as f64 / (1 << mantissa_bits) as f64;
    let exponent = ((bits & 0x7f) >> mantissa_bits) as i32;
    let magnitude = match exponent {
        0 => mantissa * 2f64.powi(1 - bias),
        _ => (1.0 + mantissa) * 2f64.powi(exponent - bias),
    };
    if bits & 0x80 != 0 {
        -magnitude
    } else {
        magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bit_floats() {
        let read = |dtype, bits: u8| decoder(dtype).map(|it| it(&[bits]));
        assert_eq!(read(DType::F8E4M3, 0x7e), Some(448.0));
        assert_eq!(read(DType::F8E4M3, 0x01), Some(2f64.powi(-9)));
        assert_eq!(read(DType::F8E5M2, 0x7b), Some(57344.0));
        assert_eq!(read(DType::F8E4M3Fnuz, 0xff), Some(-240.0));
        assert_eq!(read(DType::F8E5M2Fnuz, 0x7f), Some(57344.0));
        assert_eq!(read(DType::F8E8M0, 0x80), Some(2.0));
        assert!(read(DType::F8E4M3, 0xff).is_some_and(f64::is_nan));
    }
}
