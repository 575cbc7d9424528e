//! Ops for plain values, spelled as TorchScript's writer spells them.

use super::Scalar;
use crate::archive::pickle::{Value, op::code};

/// True for the ops that push a plain value by themselves.
pub(super) fn is_scalar(opcode: u8) -> bool {
    use code::*;
    matches!(
        opcode,
        NONE | NEWTRUE
            | NEWFALSE
            | BININT1
            | BININT2
            | BININT
            | LONG1
            | BINFLOAT
            | BINUNICODE
            | SHORT_BINUNICODE
            | GLOBAL
    )
}

/// The value of an op that stands for one constant.
pub(super) fn constant(opcode: u8) -> Option<Value> {
    match opcode {
        code::NONE => Some(Value::None),
        code::NEWTRUE => Some(Value::Bool(true)),
        code::NEWFALSE => Some(Value::Bool(false)),
        _ => None,
    }
}

/// The ops that push a value, without any memo.
pub(super) fn bytes_of(value: &Scalar) -> Vec<u8> {
    match value {
        Scalar::None => vec![code::NONE],
        Scalar::Bool(true) => vec![code::NEWTRUE],
        Scalar::Bool(false) => vec![code::NEWFALSE],
        Scalar::Int(value) => int(*value),
        Scalar::Float(value) => [&[code::BINFLOAT][..], &value.to_be_bytes()].concat(),
        Scalar::Str(text) => [
            &[code::BINUNICODE][..],
            &(text.len() as u32).to_le_bytes(),
            text,
        ]
        .concat(),
        Scalar::Device(text) => {
            let text = bytes_of(&Scalar::Str(text.clone()));
            [
                b"ctorch\ndevice\n",
                &text[..],
                &[code::TUPLE1, code::REDUCE],
            ]
            .concat()
        }
        Scalar::Global { module, name } => [b"c", &module[..], b"\n", name, b"\n"].concat(),
    }
}

fn int(value: i64) -> Vec<u8> {
    if let Ok(value) = u8::try_from(value) {
        vec![code::BININT1, value]
    } else if let Ok(value) = u16::try_from(value) {
        [&[code::BININT2][..], &value.to_le_bytes()].concat()
    } else if let Ok(value) = i32::try_from(value) {
        [&[code::BININT][..], &value.to_le_bytes()].concat()
    } else {
        [&[code::LONG1, 8][..], &value.to_le_bytes()].concat()
    }
}
