//! DEFLATE with the output size known and bounded beforehand.

use flate2::{Decompress, FlushDecompress, Status};

use crate::archive::error::RecordFault;
use crate::archive::limits;

/// Inflates to exactly `size` bytes; `size` was bounded by the caller.
pub(super) fn inflate(compressed: &[u8], size: usize) -> Result<Vec<u8>, RecordFault> {
    // One byte more than declared, so that a stream that holds more shows itself.
    let mut out = Vec::with_capacity(size + 1);
    let mut stream = Decompress::new(false);
    let status = stream
        .decompress_vec(compressed, &mut out, FlushDecompress::Finish)
        .map_err(|_| RecordFault::Deflate)?;
    let consumed = stream.total_in() == compressed.len() as u64;
    match status {
        Status::StreamEnd if out.len() == size && consumed => Ok(out),
        Status::StreamEnd if out.len() == size => Err(RecordFault::Deflate),
        Status::StreamEnd => Err(RecordFault::InflatedSize { size: size as u64 }),
        _ if out.len() > size => Err(RecordFault::InflatedSize { size: size as u64 }),
        _ => Err(RecordFault::Deflate),
    }
}

/// Records up to this size are checked as they are read, at once; a stream read piece by piece may accept damage that
/// reading does not.
const AT_ONCE: u64 = 64 << 20;

/// The checksum of the inflated bytes, without keeping them.
pub(super) fn inflated_crc(compressed: &[u8], size: u64) -> Result<u32, RecordFault> {
    if size <= AT_ONCE {
        return Ok(crc32fast::hash(&inflate(compressed, size as usize)?));
    }
    let mut stream = Decompress::new(false);
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let (read, written) = (stream.total_in(), stream.total_out());
        let input = &compressed[read as usize..];
        let status = stream
            .decompress(input, &mut buffer, FlushDecompress::None)
            .map_err(|_| RecordFault::Deflate)?;
        let produced = (stream.total_out() - written) as usize;
        hasher.update(&buffer[..produced]);
        if stream.total_out() > size {
            return Err(RecordFault::InflatedSize { size });
        }
        if status == Status::StreamEnd {
            break;
        }
        if produced == 0 && stream.total_in() == read {
            return Err(RecordFault::Deflate);
        }
    }
    if stream.total_out() != size {
        return Err(RecordFault::InflatedSize { size });
    }
    if stream.total_in() != compressed.len() as u64 {
        return Err(RecordFault::Deflate);
    }
    Ok(hasher.finalize())
}

/// The most bytes that deflated records of `compressed` bytes in all may claim.
pub(super) fn total_limit(compressed: u64) -> u64 {
    compressed
        .saturating_mul(limits::INFLATE_RATIO)
        .max(limits::INFLATE_FREE)
}

/// The most bytes that one deflated text record may claim.
pub(super) fn text_limit(compressed: u64) -> u64 {
    compressed
        .saturating_mul(limits::INFLATE_RATIO)
        .max(limits::TEXT_FREE)
}

/// The most bytes that DEFLATE can make of `compressed` ones.
pub(super) fn possible(compressed: u64) -> u64 {
    compressed
        .saturating_mul(limits::DEFLATE_BEST)
        .saturating_add(limits::DEFLATE_BEST)
}
