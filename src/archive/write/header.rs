//! Headers, descriptors and end records as torch writes them.

use byteorder::{ByteOrder, LittleEndian};

use crate::archive::zip::{
    CENTRAL_SIGNATURE, CENTRAL_SIZE, END_SIGNATURE, END_SIZE, FLAG_DESCRIPTOR, LOCAL_SIGNATURE,
    LOCAL_SIZE, LOCATOR_SIGNATURE, LOCATOR_SIZE, Method, ZIP64_END_SIGNATURE, ZIP64_END_SIZE,
    ZIP64_EXTRA, extra_fields,
};

/// Data of every record starts at a multiple of this.
const ALIGNMENT: u64 = 64;
const PADDING_EXTRA: u16 = u16::from_le_bytes(*b"FB");
const DESCRIPTOR_SIGNATURE: u32 = 0x0807_4b50;
const FLAG_UTF8: u16 = 1 << 11;
/// 32-bit fields hold less than this; torch turns to zip64 at it, not past it.
pub(super) const ZIP64_AT: u64 = u32::MAX as u64;
/// "Made by" of torch's zip64 end record.
const ZIP64_MADE_BY: u16 = 0x031e;
const ZIP64_NEEDED: u16 = 0x2d;

/// What headers say of one record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) compressed_size: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

impl Facts {
    /// The zip64 values of the local header: sizes, then (torch's own way) the header's offset.
    fn local_zip64(&self) -> Option<Vec<u8>> {
        let mut values = Vec::new();
        if self.size >= ZIP64_AT || self.compressed_size >= ZIP64_AT {
            // The compressed size is not known yet when torch writes this.
            values.extend([self.size, 0]);
        }
        if self.offset >= ZIP64_AT {
            values.push(self.offset);
        }
        zip64_extra(&values)
    }

    fn central_zip64(&self) -> Option<Vec<u8>> {
        let mut values = Vec::new();
        if self.size >= ZIP64_AT || self.compressed_size >= ZIP64_AT {
            values.extend([self.size, self.compressed_size]);
        }
        if self.offset >= ZIP64_AT {
            values.push(self.offset);
        }
        zip64_extra(&values)
    }

    fn flags(&self) -> u16 {
        if self.size == 0 {
            FLAG_UTF8
        } else {
            FLAG_UTF8 | FLAG_DESCRIPTOR
        }
    }

    fn method_code(&self) -> (u16, u16) {
        match self.method {
            Method::Stored => (0, 0),
            Method::Deflated => (8, 20),
        }
    }
}

fn zip64_extra(values: &[u64]) -> Option<Vec<u8>> {
    if values.is_empty() {
        return None;
    }
    let mut extra = [
        ZIP64_EXTRA.to_le_bytes(),
        (8 * values.len() as u16).to_le_bytes(),
    ]
    .concat();
    values.iter().for_each(|it| extra.extend(it.to_le_bytes()));
    Some(extra)
}

/// The local header of a new record, padded so that its data is aligned.
pub(super) fn local(name: &[u8], facts: &Facts) -> Vec<u8> {
    let (method, needed) = facts.method_code();
    let mut fixed = vec![0; LOCAL_SIZE];
    LittleEndian::write_u32(&mut fixed, LOCAL_SIGNATURE);
    LittleEndian::write_u16(&mut fixed[4..], needed);
    LittleEndian::write_u16(&mut fixed[6..], facts.flags());
    LittleEndian::write_u16(&mut fixed[8..], method);
    finish_local(
        fixed,
        name,
        facts.local_zip64().unwrap_or_default(),
        facts.offset,
    )
}

/// The local header of a kept record at another offset: everything but zip64 values and padding stays.
pub(super) fn moved_local(old: &[u8], extra: &[u8], name: &[u8], facts: &Facts) -> Vec<u8> {
    let described = LittleEndian::read_u16(&old[6..]) & FLAG_DESCRIPTOR != 0;
    let mut kept = if described {
        facts.local_zip64().unwrap_or_default()
    } else {
        Vec::new()
    };
    for (id, payload) in extra_fields(extra) {
        if id == PADDING_EXTRA || id == ZIP64_EXTRA && described {
            continue;
        }
        kept.extend(id.to_le_bytes());
        kept.extend((payload.len() as u16).to_le_bytes());
        kept.extend(payload);
    }
    finish_local(old[..LOCAL_SIZE].to_vec(), name, kept, facts.offset)
}

fn finish_local(mut header: Vec<u8>, name: &[u8], extra: Vec<u8>, offset: u64) -> Vec<u8> {
    let start = offset + (LOCAL_SIZE + name.len() + extra.len() + 4) as u64;
    let padding = (start.wrapping_neg() % ALIGNMENT) as usize;
    LittleEndian::write_u16(&mut header[26..], name.len() as u16);
    header.extend_from_slice(name);
    header.extend_from_slice(&extra);
    // A foreign header may leave no room for the padding; it is then written without.
    let room = extra.len() + 4 + padding <= u16::MAX as usize;
    let extra_len = if room {
        extra.len() + 4 + padding
    } else {
        extra.len()
    };
    LittleEndian::write_u16(&mut header[28..], extra_len as u16);
    if room {
        header.extend_from_slice(b"FB");
        header.extend((padding as u16).to_le_bytes());
        header.resize(header.len() + padding, b'Z');
    }
    header
}

/// The descriptor after a record's data: wide whenever the local header has zip64 values.
pub(super) fn descriptor(facts: &Facts) -> Vec<u8> {
    let mut out = [DESCRIPTOR_SIGNATURE.to_le_bytes(), facts.crc.to_le_bytes()].concat();
    for size in [facts.compressed_size, facts.size] {
        match facts.local_zip64() {
            Some(_) => out.extend(size.to_le_bytes()),
            None => out.extend((size as u32).to_le_bytes()),
        }
    }
    out
}

/// The descriptor of a new record; an empty record has none.
pub(super) fn new_descriptor(facts: &Facts) -> Vec<u8> {
    if facts.size == 0 {
        Vec::new()
    } else {
        descriptor(facts)
    }
}

/// The directory entry of a new record.
pub(super) fn central(name: &[u8], facts: &Facts) -> Vec<u8> {
    let (method, needed) = facts.method_code();
    let mut out = vec![0; CENTRAL_SIZE];
    LittleEndian::write_u32(&mut out, CENTRAL_SIGNATURE);
    LittleEndian::write_u16(&mut out[6..], needed);
    LittleEndian::write_u16(&mut out[8..], facts.flags());
    LittleEndian::write_u16(&mut out[10..], method);
    LittleEndian::write_u32(&mut out[16..], facts.crc);
    LittleEndian::write_u16(&mut out[28..], name.len() as u16);
    out.extend_from_slice(name);
    set_central(&mut out, facts, &[]);
    out
}

/// The directory entry of a kept record at another offset.
pub(super) fn moved_central(old: &[u8], facts: &Facts) -> Vec<u8> {
    let lengths = [28, 30].map(|at| LittleEndian::read_u16(&old[at..]) as usize);
    let extra = CENTRAL_SIZE + lengths[0];
    let comment = extra + lengths[1];
    let mut kept = Vec::new();
    for (id, payload) in extra_fields(&old[extra..comment]).filter(|it| it.0 != ZIP64_EXTRA) {
        kept.extend(id.to_le_bytes());
        kept.extend((payload.len() as u16).to_le_bytes());
        kept.extend(payload);
    }
    let mut out = old[..extra].to_vec();
    set_central(&mut out, facts, &kept);
    out.extend_from_slice(&old[comment..]);
    out
}

/// Fills sizes and offset of a directory entry that ends after its name, and appends its extra fields.
fn set_central(out: &mut Vec<u8>, facts: &Facts, kept: &[u8]) {
    let wide_sizes = facts.size >= ZIP64_AT || facts.compressed_size >= ZIP64_AT;
    let narrow = |value: u64, wide: bool| if wide { u32::MAX } else { value as u32 };
    LittleEndian::write_u32(&mut out[20..], narrow(facts.compressed_size, wide_sizes));
    LittleEndian::write_u32(&mut out[24..], narrow(facts.size, wide_sizes));
    LittleEndian::write_u32(
        &mut out[42..],
        narrow(facts.offset, facts.offset >= ZIP64_AT),
    );
    let mut extra = facts.central_zip64().unwrap_or_default();
    extra.extend_from_slice(kept);
    extra.truncate(u16::MAX as usize);
    LittleEndian::write_u16(&mut out[30..], extra.len() as u16);
    out.extend_from_slice(&extra);
}

/// The zip64 end record and its locator.
pub(super) fn zip64_end(count: u64, size: u64, start: u64) -> Vec<u8> {
    let mut out = vec![0; ZIP64_END_SIZE + LOCATOR_SIZE];
    LittleEndian::write_u32(&mut out, ZIP64_END_SIGNATURE);
    LittleEndian::write_u64(&mut out[4..], ZIP64_END_SIZE as u64 - 12);
    LittleEndian::write_u16(&mut out[12..], ZIP64_MADE_BY);
    LittleEndian::write_u16(&mut out[14..], ZIP64_NEEDED);
    LittleEndian::write_u64(&mut out[24..], count);
    LittleEndian::write_u64(&mut out[32..], count);
    LittleEndian::write_u64(&mut out[40..], size);
    LittleEndian::write_u64(&mut out[48..], start);
    let locator = &mut out[ZIP64_END_SIZE..];
    LittleEndian::write_u32(locator, LOCATOR_SIGNATURE);
    LittleEndian::write_u64(&mut locator[8..], start + size);
    LittleEndian::write_u32(&mut locator[16..], 1);
    out
}

/// The classic end record, which ends with `after`: a comment and what followed it in the input.
pub(super) fn end(count: u64, size: u64, start: u64, comment_len: u16, after: &[u8]) -> Vec<u8> {
    let mut out = vec![0; END_SIZE];
    LittleEndian::write_u32(&mut out, END_SIGNATURE);
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    LittleEndian::write_u16(&mut out[8..], count);
    LittleEndian::write_u16(&mut out[10..], count);
    LittleEndian::write_u32(&mut out[12..], size.min(ZIP64_AT) as u32);
    LittleEndian::write_u32(&mut out[16..], start.min(ZIP64_AT) as u32);
    LittleEndian::write_u16(&mut out[20..], comment_len);
    out.extend_from_slice(after);
    out
}
