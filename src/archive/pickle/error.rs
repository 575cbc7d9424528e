//! What can be wrong at one op of a pickle.

/// Why decoding stopped; the op's position is reported with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum PickleFault {
    #[error("the pickle ends in the middle of an op")]
    Truncated,
    #[error("unknown opcode 0x{0:02x}")]
    Opcode(u8),
    #[error("it does not begin with PROTO")]
    NoProto,
    #[error("protocol {found}, expected {expected}")]
    Protocol { found: u8, expected: &'static str },
    #[error("a second PROTO")]
    SecondProto,
    #[error("a length of {length} with {left} bytes left")]
    Length { length: u64, left: u64 },
    #[error("an integer of {0} bytes, expected 8")]
    LongLength(usize),
    #[error("nothing on the stack")]
    StackUnderflow,
    #[error("no mark on the stack")]
    NoMark,
    #[error("{0} values left at STOP, expected 1")]
    LeftOver(usize),
    #[error("memo id {0} was never set")]
    NoMemo(u32),
    #[error("memo id {id} in a pickle of {length} bytes")]
    MemoId { id: u32, length: usize },
    #[error("found {found}, expected {expected}")]
    Expected {
        expected: &'static str,
        found: &'static str,
    },
    #[error("{found} items, expected {expected}")]
    Arity {
        expected: &'static str,
        found: usize,
    },
    #[error("an odd number of items for a dict")]
    OddItems,
    #[error("shared values are copied more often than a pickle of this length can need")]
    Budget,
    #[error("values nested more than {0} deep")]
    Depth(u16),
    #[error("unknown type name `{0}`")]
    UnknownType(String),
    #[error(
        "`{0}` is a Python class: the file holds Python objects, not only tensors and plain values; save a state dict, or the module by `torch.jit.save`"
    )]
    PythonClass(String),
    #[error("`{0}` cannot be called here")]
    NotCallable(String),
    #[error("unknown storage type `{0}`")]
    StorageType(String),
    #[error("a persistent id of kind `{0}`, expected `storage`")]
    PersistentId(String),
    #[error("{what} is {value}, expected zero or more")]
    Negative { what: &'static str, value: i64 },
    #[error("{sizes} sizes and {strides} strides")]
    Rank { sizes: usize, strides: usize },
    #[error("a tensor of {0} dimensions, the limit is 64")]
    TooManyDims(usize),
    #[error("the tensor's size does not fit 64 bits")]
    Overflow,
    #[error("unknown quantizer `{0}`")]
    Quantizer(String),
    #[error("unknown layout {0}")]
    Layout(i64),
    #[error("an object of class `{0}` without state")]
    NoState(String),
    #[error("text that is not UTF-8 where {0} is expected")]
    NotUtf8(&'static str),
    #[error(
        "a storage that is a view of another, as torch before 0.4 wrote; load and save it with a newer torch"
    )]
    StorageView,
}
