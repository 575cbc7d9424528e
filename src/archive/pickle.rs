//! Pickles as TorchScript and `torch.save` write them: decoded into an arena of values, and editable op by op.
//!
//! Decoding runs no code: every `GLOBAL` is one of [`GlobalKind`] or an error. The op stream is kept, so that an
//! edit ([`Patch`]) changes the uses it names and no other byte.

pub mod code {
    //! Opcodes.
    pub use super::op::code::*;
}
mod error;
mod globals;
mod machine;
mod op;
pub mod patch;
mod reduce;
mod value;

use std::ops::Range;

pub use error::PickleFault;
pub use op::{Op, OpId};
pub use patch::{Patch, Scalar};
pub use value::{
    BytesId, Device, Dict, DictId, Dims, Global, GlobalId, GlobalKind, Items, Layout, List, ListId,
    ListKind, Object, ObjectId, Quantizer, Storage, StorageId, Tensor, TensorId, Text, Use, Value,
    ValueId,
};

use super::bytes::Blob;

/// `None`, `False` and `True`: the first values of every arena.
const SHARED_VALUES: usize = 3;

/// Which pickles are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// What the C++ reader of `torch.jit.load` accepts.
    Jit,
    /// What `torch.save` writes from Python.
    Python,
}

/// A decoding error and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickleError {
    /// Byte position of the op.
    pub at: u32,
    /// What is wrong.
    pub fault: PickleFault,
}

/// A decoded pickle.
#[derive(Debug)]
pub struct Pickle {
    blob: Blob,
    dialect: Dialect,
    /// First byte of every op, then the byte after STOP.
    starts: Vec<u32>,
    values: Vec<Value>,
    produced: Vec<OpId>,
    items: Vec<Use>,
    lists: Vec<List>,
    dicts: Vec<Dict>,
    objects: Vec<Object>,
    tensors: Vec<Tensor>,
    tensor_values: Vec<ValueId>,
    storages: Vec<Storage>,
    globals: Vec<Global>,
    bytes: Vec<Box<[u8]>>,
    root: Use,
}

impl Pickle {
    /// Decodes one pickle; bytes after STOP are kept and ignored, as torch does.
    pub fn decode(blob: Blob, dialect: Dialect) -> Result<Pickle, PickleError> {
        machine::run(blob, dialect)
    }

    /// The value left at STOP.
    pub fn root(&self) -> Use {
        self.root
    }

    /// Its dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// All bytes given to [`Pickle::decode`].
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// Length of the pickle itself, STOP included.
    pub fn size_bytes(&self) -> usize {
        self.starts.last().map_or(0, |it| *it as usize)
    }

    /// Number of ops.
    pub fn op_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// One op.
    pub fn op(&self, id: OpId) -> Op {
        let bytes = self.op_range(id);
        Op {
            code: self.blob[bytes.start as usize],
            bytes,
        }
    }

    /// All ops in order.
    pub fn ops(&self) -> impl ExactSizeIterator<Item = (OpId, Op)> + '_ {
        (0..self.op_count() as u32).map(|it| (OpId(it), self.op(OpId(it))))
    }

    /// The op whose bytes are at `id`.
    pub fn op_bytes(&self, id: OpId) -> &[u8] {
        let range = self.op_range(id);
        &self.blob[range.start as usize..range.end as usize]
    }

    fn op_range(&self, id: OpId) -> Range<u32> {
        self.starts[id.0 as usize]..self.starts[id.0 as usize + 1]
    }

    /// One value.
    pub fn value(&self, id: ValueId) -> Value {
        self.values[id.index()]
    }

    /// The value at a use.
    pub fn at(&self, it: Use) -> Value {
        self.value(it.value)
    }

    /// All values, in the order they were made. `None`, `True` and `False` exist once each.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (ValueId, Value)> + '_ {
        self.values
            .iter()
            .enumerate()
            .map(|(id, value)| (ValueId(id as u32), *value))
    }

    /// The op that completed a value (meaningless for `None`, `True` and `False`, which are shared).
    pub fn produced_by(&self, id: ValueId) -> OpId {
        self.produced[id.index()]
    }

    /// A string's bytes; they need not be UTF-8.
    pub fn text(&self, text: Text) -> &[u8] {
        &self.blob[text.start as usize..(text.start + text.len) as usize]
    }

    /// A string as UTF-8, when it is.
    pub fn str(&self, text: Text) -> Option<&str> {
        std::str::from_utf8(self.text(text)).ok()
    }

    /// The string at a use, when it is one and is UTF-8.
    pub fn str_at(&self, it: Use) -> Option<&str> {
        match self.at(it) {
            Value::Str(text) => self.str(text),
            _ => None,
        }
    }

    /// A tuple's items.
    pub fn items(&self, items: Items) -> &[Use] {
        &self.items[items.start as usize..(items.start + items.len) as usize]
    }

    /// The items of a tuple, size, list or set.
    pub fn sequence(&self, value: Value) -> Option<&[Use]> {
        match value {
            Value::Tuple(items) | Value::Size(items) => Some(self.items(items)),
            Value::List(list) | Value::Set(list) => Some(&self.list(list).items),
            _ => None,
        }
    }

    /// A list or set.
    pub fn list(&self, id: ListId) -> &List {
        &self.lists[id.index()]
    }

    /// A dict.
    pub fn dict(&self, id: DictId) -> &Dict {
        &self.dicts[id.index()]
    }

    /// The value under a string key; the last one wins.
    pub fn get(&self, id: DictId, key: &str) -> Option<Use> {
        let is_key =
            |it: Use| matches!(self.at(it), Value::Str(text) if self.text(text) == key.as_bytes());
        self.dict(id)
            .items
            .iter()
            .rev()
            .find(|it| is_key(it.0))
            .map(|it| it.1)
    }

    /// A class instance.
    pub fn object(&self, id: ObjectId) -> &Object {
        &self.objects[id.index()]
    }

    /// An attribute of a class instance whose state is a dict.
    pub fn attribute(&self, id: ObjectId, name: &str) -> Option<Use> {
        match self.at(self.object(id).state?) {
            Value::Dict(dict) => self.get(dict, name),
            _ => None,
        }
    }

    /// A tensor.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// All tensors, in the order they were made.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = (TensorId, &Tensor)> {
        self.tensors
            .iter()
            .enumerate()
            .map(|(id, tensor)| (TensorId(id as u32), tensor))
    }

    /// The op that made a tensor.
    pub fn tensor_op(&self, id: TensorId) -> OpId {
        self.produced_by(self.tensor_values[id.index()])
    }

    /// The tensor that a value is, or wraps as a parameter.
    pub fn as_tensor(&self, value: Value) -> Option<TensorId> {
        match value {
            Value::Tensor(id) => Some(id),
            Value::Parameter { tensor, .. } => match self.at(tensor) {
                Value::Tensor(id) => Some(id),
                _ => None,
            },
            _ => None,
        }
    }

    /// A storage.
    pub fn storage(&self, id: StorageId) -> &Storage {
        &self.storages[id.index()]
    }

    /// All storages, in the order of their persistent ids.
    pub fn storages(&self) -> impl ExactSizeIterator<Item = (StorageId, &Storage)> {
        self.storages
            .iter()
            .enumerate()
            .map(|(id, storage)| (StorageId(id as u32), storage))
    }

    /// A `GLOBAL`.
    pub fn global(&self, id: GlobalId) -> &Global {
        &self.globals[id.index()]
    }

    /// All `GLOBAL`s, in order.
    pub fn globals(&self) -> impl ExactSizeIterator<Item = (GlobalId, &Global)> {
        self.globals
            .iter()
            .enumerate()
            .map(|(id, global)| (GlobalId(id as u32), global))
    }

    /// `module.name` of a `GLOBAL`, such as `__torch__.pkg.mod.Net`.
    pub fn qualified_name(&self, id: GlobalId) -> String {
        let Global { module, name, .. } = *self.global(id);
        globals::qualified(self.text(module), self.text(name))
    }

    /// A byte string.
    pub fn bytes(&self, id: BytesId) -> &[u8] {
        &self.bytes[id.index()]
    }
}
