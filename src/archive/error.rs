//! Why a file, a record or a value was refused.

use std::path::PathBuf;

use super::Kind;
use super::pickle::PickleFault;

/// Anything that can be wrong with a `.pt` file, or with writing one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum ArchiveError {
    #[error("cannot read or write `{}`: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("`{}` is not a regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("this is {}; expected a TorchScript file of torch 1.4 or later: {}", kind.describe(), kind.advice())]
    WrongKind { kind: Kind },
    #[error("this is {}; expected a file from `torch.save`", kind.describe())]
    NotTorchSave { kind: Kind },
    #[error("zip: {0}")]
    Zip(#[from] ZipFault),
    #[error("zip record `{record}`: {fault}")]
    Record { record: String, fault: RecordFault },
    #[error("no record `{record}`, which every TorchScript file has")]
    Missing { record: &'static str },
    #[error("`{record}` at byte {at}: {fault}")]
    Pickle {
        record: String,
        at: u32,
        fault: PickleFault,
    },
    #[error("the root of `{record}` is {found}, expected {expected}")]
    Root {
        record: String,
        expected: &'static str,
        found: &'static str,
    },
    #[error("version text `{text}` is not a number")]
    VersionText { text: String },
    #[error("file format version {version}, expected 1 to 10, those torch 2.11 reads")]
    Version { version: u64 },
    #[error("tensor at byte {at} of `{record}`: {fault}")]
    Tensor {
        record: String,
        at: u32,
        fault: TensorFault,
    },
    #[error("`{record}`: {fault}")]
    Legacy { record: String, fault: LegacyFault },
    #[error("cannot write record `{name}`: {fault}")]
    Plan { name: String, fault: PlanFault },
    #[error("cannot edit the pickle at byte {at}: {fault}")]
    Patch { at: u32, fault: PatchFault },
}

/// What is wrong with the zip directory as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum ZipFault {
    #[error("no end-of-directory record: the file is truncated or not a zip")]
    NoEnd,
    #[error("the file does not begin with a zip record")]
    NoStart,
    #[error("the zip64 locator points to byte {at}, where no zip64 end record is")]
    Zip64Locator { at: u64 },
    #[error("`{field}` is {classic} in the end record and {zip64} in its zip64 form")]
    Zip64Disagrees {
        field: &'static str,
        classic: u64,
        zip64: u64,
    },
    #[error("archives in several parts are not supported")]
    MultiDisk,
    #[error("the directory claims bytes {start}..{end}, expected it to end at {expected}")]
    DirectoryRange { start: u64, end: u64, expected: u64 },
    #[error("{count} records do not fit a directory of {size} bytes")]
    Count { count: u64, size: u64 },
    #[error("{count} records, the limit is {limit}")]
    TooMany { count: u64, limit: u64 },
    #[error("no records")]
    Empty,
    #[error("directory entry {index} is cut short or has no signature")]
    Entry { index: u32 },
    #[error("the directory has {left} bytes after its last entry")]
    Trailing { left: usize },
    #[error("records `{first}` and `{second}` have names that differ at most in case")]
    Duplicate { first: String, second: String },
    #[error("records `{first}` and `{second}` overlap")]
    Overlap { first: String, second: String },
    #[error("deflated records claim {total} bytes in all, expected at most {limit}")]
    Bomb { total: u64, limit: u64 },
}

/// What is wrong with one zip record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum RecordFault {
    #[error("encrypted")]
    Encrypted,
    #[error("compression method {0}, expected 0 (stored) or 8 (deflate)")]
    Method(u16),
    #[error("stored, but {compressed} bytes on disk and {size} in use")]
    StoredSize { compressed: u64, size: u64 },
    #[error("a NUL byte in its name")]
    NulName,
    #[error("no name")]
    NoName,
    #[error("zip64 sizes are missing or cut short")]
    Zip64,
    #[error("its header at byte {at} would lie in or after the directory")]
    InDirectory { at: u64 },
    #[error("no record header at byte {at}")]
    Header { at: u64 },
    #[error("its own header and the directory disagree on {0}")]
    Disagrees(&'static str),
    #[error("its bytes would reach past {limit}, where the next record or the directory begins")]
    Overlap { limit: u64 },
    #[error("claims {size} bytes from {compressed} compressed ones, expected at most {limit}")]
    Ratio {
        size: u64,
        compressed: u64,
        limit: u64,
    },
    #[error("broken DEFLATE stream")]
    Deflate,
    #[error("inflates to another size than the {size} bytes declared")]
    InflatedSize { size: u64 },
    #[error("checksum {found:08x}, expected {expected:08x}")]
    Crc { expected: u32, found: u32 },
    #[error("{size} bytes of pickle, the limit is {limit}")]
    TooLarge { size: usize, limit: usize },
}

/// What is wrong with a tensor's claim on its storage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum TensorFault {
    #[error("no record `{record}` for its storage")]
    NoRecord { record: String },
    #[error("record `{record}` holds {found} bytes, its storage needs {needed}")]
    ShortRecord {
        record: String,
        needed: u64,
        found: u64,
    },
    #[error("the view reaches byte {needed} of a storage of {found} bytes")]
    OutOfRange { needed: u64, found: u64 },
    #[error("the view repeats its storage to {size} bytes, the limit is {limit}")]
    Expanded { size: usize, limit: usize },
    #[error("its size in bytes does not fit 64 bits")]
    Overflow,
    #[error("it has no data of its own ({0})")]
    NoData(&'static str),
    #[error("{0} elements cannot be read as numbers")]
    NotNumeric(crate::tensor::DType),
}

/// What is wrong with a `torch.save` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum LegacyFault {
    #[error("protocol {found}, expected 1001")]
    Protocol { found: i64 },
    #[error("the list of storages does not match the pickle")]
    Keys,
    #[error("storage `{key}` is cut short")]
    Short { key: String },
    #[error("byte order `{0}`, expected `little` or `big`")]
    ByteOrder(String),
}

/// Why a record cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum PlanFault {
    #[error("a record of that name (ignoring case) is already there")]
    Duplicate,
    #[error(
        "a name must have at most 65,535 bytes, and its parts cannot be empty, `.` or `..` or hold NUL"
    )]
    Name,
    #[error("more records than the limit allows")]
    TooMany,
    #[error(
        "it would come first in the directory, and torch would look for all records in its folder"
    )]
    FirstFolder,
    #[error("there is nothing left to write")]
    Empty,
    #[error("no such record in the input")]
    NoSuchEntry,
}

/// Why an edit of a pickle is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum PatchFault {
    #[error("no such op")]
    NoSuchOp,
    #[error("it is not the use of a plain value")]
    NotAUse,
    #[error("it is edited twice")]
    Twice,
    #[error("it is of protocol 4 or later, whose frames an edit would break")]
    Framed,
    #[error("a newline in the name of a class")]
    Newline,
    #[error("the text is longer than 4 GiB")]
    TooLong,
    #[error("{0}")]
    Resize(&'static str),
}
