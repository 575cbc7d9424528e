//! Opcodes and their operands' extents.

use std::ops::Range;

use byteorder::{ByteOrder, LittleEndian};

use super::Dialect;
use super::error::PickleFault;

/// Index of an op in one pickle's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpId(pub u32);

/// One op: its opcode and its bytes, opcode included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// The opcode, one of `code`.
    pub code: u8,
    /// Its bytes in the pickle.
    pub bytes: Range<u32>,
}

/// Python's names for the opcodes that are understood.
#[allow(missing_docs, reason = "the names are Python's")]
pub(in crate::archive) mod code {
    pub const MARK: u8 = b'(';
    pub const EMPTY_TUPLE: u8 = b')';
    pub const STOP: u8 = b'.';
    pub const BINBYTES: u8 = b'B';
    pub const SHORT_BINBYTES: u8 = b'C';
    pub const BINFLOAT: u8 = b'G';
    pub const BININT: u8 = b'J';
    pub const BININT1: u8 = b'K';
    pub const BININT2: u8 = b'M';
    pub const NONE: u8 = b'N';
    pub const BINPERSID: u8 = b'Q';
    pub const REDUCE: u8 = b'R';
    pub const BINUNICODE: u8 = b'X';
    pub const EMPTY_LIST: u8 = b']';
    pub const APPEND: u8 = b'a';
    pub const BUILD: u8 = b'b';
    pub const GLOBAL: u8 = b'c';
    pub const DICT: u8 = b'd';
    pub const APPENDS: u8 = b'e';
    pub const BINGET: u8 = b'h';
    pub const LONG_BINGET: u8 = b'j';
    pub const LIST: u8 = b'l';
    pub const BINPUT: u8 = b'q';
    pub const LONG_BINPUT: u8 = b'r';
    pub const SETITEM: u8 = b's';
    pub const TUPLE: u8 = b't';
    pub const SETITEMS: u8 = b'u';
    pub const EMPTY_DICT: u8 = b'}';
    pub const PROTO: u8 = 0x80;
    pub const NEWOBJ: u8 = 0x81;
    pub const TUPLE1: u8 = 0x85;
    pub const TUPLE2: u8 = 0x86;
    pub const TUPLE3: u8 = 0x87;
    pub const NEWTRUE: u8 = 0x88;
    pub const NEWFALSE: u8 = 0x89;
    pub const LONG1: u8 = 0x8a;
    pub const LONG4: u8 = 0x8b;
    pub const SHORT_BINUNICODE: u8 = 0x8c;
    pub const BINUNICODE8: u8 = 0x8d;
    pub const BINBYTES8: u8 = 0x8e;
    pub const EMPTY_SET: u8 = 0x8f;
    pub const ADDITEMS: u8 = 0x90;
    pub const STACK_GLOBAL: u8 = 0x93;
    pub const MEMOIZE: u8 = 0x94;
    pub const FRAME: u8 = 0x95;
}

/// The length of the op at the start of `left`, opcode included.
pub(super) fn length(left: &[u8], dialect: Dialect) -> Result<usize, PickleFault> {
    use code::*;
    let opcode = *left.first().ok_or(PickleFault::Truncated)?;
    let operand = &left[1..];
    let operand_len = match opcode {
        MARK | EMPTY_TUPLE | STOP | NONE | BINPERSID | REDUCE | EMPTY_LIST | APPEND | BUILD
        | DICT | APPENDS | LIST | SETITEM | TUPLE | SETITEMS | EMPTY_DICT | NEWOBJ | TUPLE1
        | TUPLE2 | TUPLE3 | NEWTRUE | NEWFALSE => 0,
        BININT1 | BINGET | BINPUT | PROTO => 1,
        BININT2 => 2,
        BININT | LONG_BINGET | LONG_BINPUT => 4,
        BINFLOAT => 8,
        BINUNICODE => prefixed(operand, 4)?,
        LONG1 => prefixed(operand, 1)?,
        GLOBAL => lines(operand)?,
        _ if dialect == Dialect::Jit => return Err(PickleFault::Opcode(opcode)),
        EMPTY_SET | ADDITEMS | STACK_GLOBAL | MEMOIZE => 0,
        FRAME => 8,
        SHORT_BINBYTES | SHORT_BINUNICODE => prefixed(operand, 1)?,
        BINBYTES | LONG4 => prefixed(operand, 4)?,
        BINUNICODE8 | BINBYTES8 => prefixed(operand, 8)?,
        _ => return Err(PickleFault::Opcode(opcode)),
    };
    if operand_len > operand.len() {
        Err(PickleFault::Truncated)
    } else {
        Ok(1 + operand_len)
    }
}

/// Width of the length prefix of an op that carries text, bytes or a long.
pub(super) fn prefix_width(opcode: u8) -> usize {
    use code::*;
    match opcode {
        BINUNICODE | BINBYTES | LONG4 => 4,
        BINUNICODE8 | BINBYTES8 => 8,
        _ => 1,
    }
}

fn prefixed(operand: &[u8], width: usize) -> Result<usize, PickleFault> {
    let prefix = operand.get(..width).ok_or(PickleFault::Truncated)?;
    let length = LittleEndian::read_uint(prefix, width);
    let left = (operand.len() - width) as u64;
    if length > left {
        Err(PickleFault::Length { length, left })
    } else {
        Ok(width + length as usize)
    }
}

/// GLOBAL: module and name, each ended by a newline.
fn lines(operand: &[u8]) -> Result<usize, PickleFault> {
    let mut ends = operand
        .iter()
        .enumerate()
        .filter(|it| *it.1 == b'\n')
        .map(|it| it.0);
    match (ends.next(), ends.next()) {
        (Some(_), Some(end)) => Ok(end + 1),
        _ => Err(PickleFault::Truncated),
    }
}
