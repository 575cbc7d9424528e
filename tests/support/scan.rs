//! An independent look for devices in a file: bytes and characters only, none of the library's own readers.

use ptool::pass::to_device::{Left, Report};
use std::collections::BTreeMap;
use std::io::Read;

/// All records by name inside the archive folder, inflated, in the order of the central directory.
///
/// The smallest reader that does: sizes and offsets of the fixtures fit 32 bits.
pub(crate) fn records(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let u16_at = |at: usize| u16::from_le_bytes([file[at], file[at + 1]]) as usize;
    let u32_at = |at: usize| u16_at(at) | u16_at(at + 2) << 16;
    let end = (0..file.len() - 21)
        .rev()
        .find(|at| file[*at..].starts_with(b"PK\x05\x06"));
    let end = end.expect("an end of the central directory");
    let mut at = u32_at(end + 16);
    let mut records = Vec::new();
    for _ in 0..u16_at(end + 10) {
        let (method, size, name_len) = (u16_at(at + 10), u32_at(at + 20), u16_at(at + 28));
        let full = String::from_utf8_lossy(&file[at + 46..at + 46 + name_len]).into_owned();
        let name = full.split_once('/').map_or("", |(_, n)| n).to_owned();
        let local = u32_at(at + 42);
        let data = local + 30 + u16_at(local + 26) + u16_at(local + 28);
        let mut bytes = file[data..data + size].to_vec();
        if method == 8 {
            let mut inflated = Vec::new();
            let mut decoder = flate2::read::DeflateDecoder::new(&bytes[..]);
            decoder.read_to_end(&mut inflated).expect("deflated");
            bytes = inflated;
        }
        records.push((name, bytes));
        at += 46 + name_len + u16_at(at + 30) + u16_at(at + 32);
    }
    records
}

/// A pickle op, as far as devices are concerned.
#[derive(Clone, Debug, PartialEq)]
enum Op {
    Str(String),
    Global(String),
    Int,
    Other(u8),
}

/// The op stream without memo traffic: every fetch is replaced by the string or global it finds.
fn ops(pickle: &[u8]) -> Vec<Op> {
    let mut memo: BTreeMap<u32, Op> = BTreeMap::new();
    let mut ops = Vec::new();
    let mut at = 0;
    let u32_at = |at: usize| u32::from_le_bytes(pickle[at..at + 4].try_into().expect("4 bytes"));
    while at < pickle.len() {
        let code = pickle[at];
        at += 1;
        match code {
            b'X' => {
                let end = at + 4 + u32_at(at) as usize;
                ops.push(Op::Str(
                    String::from_utf8_lossy(&pickle[at + 4..end]).into_owned(),
                ));
                at = end;
            }
            b'c' => {
                let text = String::from_utf8_lossy(&pickle[at..]).into_owned();
                let mut lines = text.split('\n');
                let name = [
                    lines.next().unwrap_or_default(),
                    lines.next().unwrap_or_default(),
                ];
                at += name[0].len() + name[1].len() + 2;
                ops.push(Op::Global(name.join(".")));
            }
            b'q' | b'r' => {
                let slot = if code == b'q' {
                    pickle[at].into()
                } else {
                    u32_at(at)
                };
                memo.insert(slot, ops.last().cloned().unwrap_or(Op::Other(0)));
                at += if code == b'q' { 1 } else { 4 };
            }
            b'h' | b'j' => {
                let slot = if code == b'h' {
                    pickle[at].into()
                } else {
                    u32_at(at)
                };
                ops.push(memo.get(&slot).cloned().unwrap_or(Op::Other(code)));
                at += if code == b'h' { 1 } else { 4 };
            }
            b'K' | b'M' | b'J' | 0x8a => {
                ops.push(Op::Int);
                at += match code {
                    b'K' => 1,
                    b'M' => 2,
                    b'J' => 4,
                    _ => 1 + pickle[at] as usize,
                };
            }
            b'G' => {
                ops.push(Op::Other(code));
                at += 8;
            }
            0x80 => at += 1,
            b'.' => break,
            _ => ops.push(Op::Other(code)),
        }
    }
    ops
}

/// Devices of storages and device values in a pickle.
fn devices_in_pickle(pickle: &[u8]) -> Vec<String> {
    let ops = ops(pickle);
    let storages = ops.windows(4).filter_map(|w| match w {
        [Op::Str(s), Op::Int, Op::Other(b't'), Op::Other(b'Q')] => Some(s.clone()),
        _ => None,
    });
    let values = ops.windows(4).filter_map(|w| match w {
        [Op::Global(g), Op::Str(s), Op::Other(0x85), Op::Other(b'R')] if g == "torch.device" => {
            Some(s.clone())
        }
        _ => None,
    });
    storages.chain(values).collect()
}

/// String literals of a source text, with their lines.
fn literals(source: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for (line, text) in source.lines().enumerate() {
        let mut rest = text;
        while let Some(start) = rest.find(['"', '\'']) {
            let quote = &rest[start..start + 1];
            let body = &rest[start + 1..];
            let mut end = 0;
            while end < body.len() && !body[end..].starts_with(quote) {
                end += if body[end..].starts_with('\\') { 2 } else { 1 };
                while !body.is_char_boundary(end.min(body.len())) {
                    end += 1;
                }
            }
            let end = end.min(body.len());
            found.push((line as u32 + 1, body[..end].to_owned()));
            rest = body.get(end + 1..).unwrap_or_default();
        }
    }
    found
}

/// Every place that still names the old device and that the report does not say it left.
pub(crate) fn forgotten(file: &[u8], report: &Report, old: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (record, bytes) in records(file) {
        if matches!(&*record, "data.pkl" | "constants.pkl" | "traced_inputs.pkl") {
            let old_devices = devices_in_pickle(&bytes).into_iter().filter(|d| d == old);
            found.extend(old_devices.map(|d| format!("{record}: {d}")));
        }
        if !record.ends_with(".py") {
            continue;
        }
        let source = String::from_utf8_lossy(&bytes).into_owned();
        for (line, text) in literals(&source) {
            let is_left =
                |l: &Left| l.place.record == record && l.place.line == Some(line) && l.text == old;
            if text == old && !report.left.iter().any(is_left) {
                found.push(format!("{record}:{line}: \"{text}\""));
            }
        }
        if source.contains(&format!("torch.{old}(")) {
            found.push(format!("{record}: torch.{old}()"));
        }
    }
    found
}
