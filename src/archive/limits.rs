//! Named limits: what a file may ask of this process, each with its reason.

/// Records in one archive. Fifty times the largest real models (20,000 storages and sources).
pub const MAX_ENTRIES: u64 = 1 << 20;

/// Bytes that all deflated records together may inflate to, whatever their ratio.
pub const INFLATE_FREE: u64 = 64 << 20;

/// Beyond [`INFLATE_FREE`]: inflated bytes per compressed byte. Source text reaches 50; a bomb 1,032.
pub const INFLATE_RATIO: u64 = 256;

/// The best DEFLATE can do; a record that declares more is lying.
pub const DEFLATE_BEST: u64 = 1032;

/// Bytes that one deflated text record (source, pickle) may inflate to, whatever its ratio.
pub const TEXT_FREE: u64 = 1 << 20;

/// Bytes of one pickle. Decoding takes up to about 40 bytes per byte of pickle.
pub const MAX_PICKLE: usize = 512 << 20;

/// Nesting of values in a pickle. Real models stay under 100; consumers may recurse to this depth.
pub const MAX_DEPTH: u16 = 1000;

/// Dimensions of a tensor (torch's own tensor iterator stops at 64).
pub const MAX_RANK: usize = 64;

/// Bytes of the `version` and `byteorder` records that are looked at.
pub const MAX_VERSION_TEXT: usize = 64;

/// The operator-set versions that torch 2.11 reads.
pub const VERSIONS: std::ops::RangeInclusive<u64> = 1..=10;

/// Bytes of a `GLOBAL`'s module and name. Qualified names of real classes stay under 300.
pub const MAX_GLOBAL_NAME: usize = 4096;

/// Bytes that a view with stride 0 or overlaps may be copied out to, when that is more than its storage.
pub const MAX_EXPANDED: usize = 256 << 20;
