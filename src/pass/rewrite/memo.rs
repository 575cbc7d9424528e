//! Sharing of equal strings in a patched pickle.
//!
//! torch stores every string in the memo and writes it once (`torchscript.md` 2.2); a patch breaks a string out of
//! that sharing. When a later patch makes it equal again, writing it as torch would have done restores the
//! original bytes. Strings are values: sharing them means nothing to a reader.

use super::edit::{EditError, Edits};
use crate::archive::pickle::{OpId, Pickle, code};
use crate::torchscript::ast::Range;
use rustc_hash::FxHashMap;

/// The pickle with every repetition of `text` fetched from the memo, where it is stored already.
pub fn share(pickle: &Pickle, text: &[u8]) -> Result<Vec<u8>, EditError> {
    let mut edits = Edits::default();
    let mut holds: FxHashMap<u32, bool> = FxHashMap::default();
    let mut slots: Vec<u32> = Vec::new();
    let mut is_text = false;
    for (id, op) in pickle.ops() {
        let stored = put(pickle, id);
        if let Some(slot) = stored {
            let before = holds.insert(slot, is_text);
            if is_text && before != Some(true) {
                slots.push(slot);
            }
            continue;
        }
        is_text = match op.code {
            code::BINUNICODE => pickle.op_bytes(id).get(5..) == Some(text),
            _ => get(pickle, id).is_some_and(|slot| holds.get(&slot) == Some(&true)),
        };
        if op.code != code::BINUNICODE || !is_text {
            continue;
        }
        let next = OpId(id.0 + 1);
        let follows = (next.0 < pickle.op_count() as u32)
            .then(|| put(pickle, next))
            .flatten();
        let holding = |slot: &u32| holds.get(slot) == Some(&true);
        let (slot, end) = match follows {
            Some(slot) => (Some(slot).filter(holding), pickle.op(next).bytes.end),
            None => (slots.iter().copied().find(holding), op.bytes.end),
        };
        if let Some(slot) = slot {
            let range = Range {
                start: op.bytes.start,
                end,
            };
            edits.replace(range, fetch(slot));
        }
    }
    Ok(edits.apply(pickle.blob())?.text)
}

fn put(pickle: &Pickle, id: OpId) -> Option<u32> {
    let bytes = pickle.op_bytes(id);
    match bytes[0] {
        code::BINPUT | code::LONG_BINPUT => slot(&bytes[1..]),
        _ => None,
    }
}

fn get(pickle: &Pickle, id: OpId) -> Option<u32> {
    let bytes = pickle.op_bytes(id);
    match bytes[0] {
        code::BINGET | code::LONG_BINGET => slot(&bytes[1..]),
        _ => None,
    }
}

fn slot(operand: &[u8]) -> Option<u32> {
    match *operand {
        [a] => Some(a.into()),
        [a, b, c, d] => Some(u32::from_le_bytes([a, b, c, d])),
        _ => None,
    }
}

fn fetch(slot: u32) -> Vec<u8> {
    match u8::try_from(slot) {
        Ok(slot) => vec![code::BINGET, slot],
        Err(_) => [&[code::LONG_BINGET][..], &slot.to_le_bytes()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Blob;
    use crate::archive::pickle::Dialect;

    fn shared(bytes: &[u8]) -> Vec<u8> {
        let pickle = Pickle::decode(Blob::from(bytes.to_vec()), Dialect::Jit).expect("decodes");
        share(&pickle, b"cpu").expect("edits fit")
    }

    #[test]
    fn repetitions_are_fetched() {
        let cpu = b"X\x03\0\0\0cpu";
        let put = [&b"\x80\x02("[..], cpu, b"q\x01", cpu, b"t."].concat();
        assert_eq!(
            shared(&put),
            [&b"\x80\x02("[..], cpu, b"q\x01h\x01t."].concat()
        );
        let again = [&b"\x80\x02("[..], cpu, b"q\x01", cpu, b"q\x01h\x01t."].concat();
        assert_eq!(
            shared(&again),
            [&b"\x80\x02("[..], cpu, b"q\x01h\x01h\x01t."].concat()
        );
    }

    #[test]
    fn another_value_in_between_counts() {
        let cpu = b"X\x03\0\0\0cpu";
        let other = [
            &b"\x80\x02("[..],
            cpu,
            b"q\x01K\x05q\x01",
            cpu,
            b"q\x01",
            cpu,
            b"q\x02t.",
        ]
        .concat();
        assert_eq!(shared(&other), other);
        let first = [&b"\x80\x02("[..], cpu, cpu, b"q\x01t."].concat();
        assert_eq!(shared(&first), first);
    }
}
