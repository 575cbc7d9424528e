//! Decoded values: an arena in which sharing in the pickle stays sharing.

use smallvec::SmallVec;

use super::OpId;
use crate::tensor::DType;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            pub(in crate::archive) fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// One value; the same object has the same id wherever it is referenced.
    ValueId;
    /// One `GLOBAL` op's module and name.
    GlobalId;
    /// One list or set.
    ListId;
    /// One dict.
    DictId;
    /// One class instance.
    ObjectId;
    /// One tensor.
    TensorId;
    /// One persistent id. Two storages with equal keys are the same memory.
    StorageId;
    /// One byte string that had to be decoded.
    BytesId;
}

/// Text inside the pickle's bytes; not necessarily UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    pub(in crate::archive) start: u32,
    pub(in crate::archive) len: u32,
}

/// A value at one place: which, and the op that put it there. Patches address the op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    /// The value.
    pub value: ValueId,
    /// The op that pushed it: the one that made it, or a memo fetch.
    pub op: OpId,
}

/// The items of a tuple: a range of [`super::Pickle::items`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Items {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Items {
    /// Number of items.
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// True for `()`.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// One decoded value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A longer integer: little-endian two's complement (Python pickles only).
    BigInt(Text),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A string.
    Str(Text),
    /// A byte string (Python pickles only).
    Bytes(BytesId),
    /// A device.
    Device(Device),
    /// A `GLOBAL` used as a value: a dtype, a quantisation scheme, a class.
    Global(GlobalId),
    /// A layout by name (Python pickles only).
    Layout(Text),
    /// A tuple.
    Tuple(Items),
    /// A `torch.Size` (Python pickles only).
    Size(Items),
    /// A list.
    List(ListId),
    /// A set (Python pickles only).
    Set(ListId),
    /// A dict.
    Dict(DictId),
    /// A class instance.
    Object(ObjectId),
    /// An enum member.
    Enum {
        /// Its class.
        class: GlobalId,
        /// The member's value.
        value: Use,
    },
    /// A tensor.
    Tensor(TensorId),
    /// A tensor wrapped as a parameter.
    Parameter {
        /// The tensor.
        tensor: Use,
        /// The parameter's own flag; the inner tensor's says nothing.
        requires_grad: bool,
    },
    /// A storage by itself.
    Storage(StorageId),
}

impl Value {
    /// What it is, with its article, for messages.
    pub fn describe(&self) -> &'static str {
        match self {
            Value::None => "`None`",
            Value::Bool(_) => "a bool",
            Value::Int(_) | Value::BigInt(_) => "an int",
            Value::Float(_) => "a float",
            Value::Complex(..) => "a complex number",
            Value::Str(_) => "a string",
            Value::Bytes(_) => "bytes",
            Value::Device(_) => "a device",
            Value::Global(_) => "a global name",
            Value::Layout(_) => "a layout",
            Value::Tuple(_) => "a tuple",
            Value::Size(_) => "a size",
            Value::List(_) => "a list",
            Value::Set(_) => "a set",
            Value::Dict(_) => "a dict",
            Value::Object(_) => "an object",
            Value::Enum { .. } => "an enum member",
            Value::Tensor(_) => "a tensor",
            Value::Parameter { .. } => "a parameter",
            Value::Storage(_) => "a storage",
        }
    }
}

/// A device and the use of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// `cuda:0`; only the type where Python pickled the index by itself.
    pub text: Text,
    /// The op that pushed the text.
    pub text_op: OpId,
    /// Python's separate index.
    pub index: Option<i16>,
}

/// A `GLOBAL`: where it came from and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    /// `torch._utils`, `__torch__.pkg.mod`.
    pub module: Text,
    /// `_rebuild_tensor_v2`, `Net`.
    pub name: Text,
    /// What it means.
    pub kind: GlobalKind,
    /// The op that named it.
    pub op: OpId,
}

/// The globals that are understood; nothing else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are torch's")]
pub enum GlobalKind {
    /// A TorchScript class, named tuple or enum.
    Class,
    Storage(DType),
    UntypedStorage,
    DType(DType),
    PerTensorAffine,
    PerChannelAffine {
        float_qparams: bool,
    },
    OrderedDict,
    RebuildTensor,
    RebuildTensorV2,
    RebuildTensorV3,
    RebuildQTensor,
    RebuildSparseTensor,
    RebuildMetaTensor,
    RebuildParameter,
    RebuildParameterWithState,
    RebuildFromType,
    BuildList(ListKind),
    RestoreTypeTag,
    Complex,
    Device,
    Size,
    Encode,
    Set,
    GetLayout,
    /// `torch.Tensor`, `torch.nn.parameter.Parameter`: only ever an argument.
    TensorClass,
}

/// How a list says its element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// No mark, or a type tag.
    Plain,
    /// `build_intlist`.
    Int,
    /// `build_doublelist`.
    Float,
    /// `build_boollist`.
    Bool,
    /// `build_tensorlist`.
    Tensor,
}

/// A list's items and type.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// Items in order.
    pub items: Vec<Use>,
    /// Its typed builder.
    pub kind: ListKind,
    /// The type tag's text, such as `List[str]`.
    pub tag: Option<Use>,
}

/// A dict's items and type.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Dict {
    /// Keys and values in order; a repeated key overrides the earlier one.
    pub items: Vec<(Use, Use)>,
    /// The type tag's text, such as `Dict[str, int]`.
    pub tag: Option<Use>,
    /// True for `collections.OrderedDict`.
    pub ordered: bool,
    /// What a BUILD attached, such as `_metadata` of a state dict.
    pub attributes: Option<Use>,
}

/// A class instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its class.
    pub class: GlobalId,
    /// The op that named the class at this instance.
    pub class_op: OpId,
    /// The attribute dict, or what `__getstate__` gave.
    pub state: Option<Use>,
}

/// A storage's claims; its bytes are in the record `<prefix>/<key>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// `0`, `1`, …
    pub key: Text,
    /// The element type named; `None` for an untyped storage, which counts bytes.
    pub dtype: Option<DType>,
    /// Elements, or bytes when untyped.
    pub numel: u64,
    /// `cpu`, `cuda:0`.
    pub location: Text,
    /// The op that pushed the location's text.
    pub location_op: OpId,
    /// The op that made the storage.
    pub op: OpId,
}

impl Storage {
    /// Bytes claimed; does not overflow, the decoder checked.
    pub fn size_bytes(&self) -> u64 {
        self.numel * self.dtype.map_or(1, DType::size) as u64
    }
}

/// Sizes or strides.
pub type Dims = SmallVec<[i64; 4]>;

/// A tensor as pickled. Sizes, strides and offset are not negative, and the element count fits `i64`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Element type.
    pub dtype: DType,
    /// Size of each dimension.
    pub sizes: Dims,
    /// Where the elements are.
    pub layout: Layout,
    /// As pickled; inside a parameter the wrapper's flag counts.
    pub requires_grad: bool,
    /// Quantisation parameters.
    pub quantizer: Option<Quantizer>,
    /// A lazy complex conjugate.
    pub conj: bool,
    /// A lazy negation.
    pub neg: bool,
}

impl Tensor {
    /// Number of elements.
    pub fn numel(&self) -> i64 {
        self.sizes.iter().product()
    }
}

/// Where a tensor's elements are.
#[derive(Clone, Debug, PartialEq)]
pub enum Layout {
    /// A strided view of a storage.
    Strided {
        /// The storage.
        storage: StorageId,
        /// First element.
        offset: i64,
        /// Step of each dimension in elements.
        strides: Dims,
    },
    /// Coordinates and values.
    SparseCoo {
        /// The index tensor.
        indices: Use,
        /// The value tensor.
        values: Use,
        /// Python's flag; TorchScript does not keep it.
        coalesced: Option<bool>,
    },
    /// CSR, CSC, BSR or BSC.
    SparseCompressed {
        /// torch's layout code: 2, 3, 4, 5.
        layout: i64,
        /// Row (or column) starts.
        compressed: Use,
        /// Column (or row) indices.
        plain: Use,
        /// The value tensor.
        values: Use,
    },
    /// No data at all (`torch.save` of a meta tensor).
    Meta {
        /// Step of each dimension in elements.
        strides: Dims,
    },
}

/// Quantisation parameters of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantizer {
    /// One scale and zero point.
    PerTensor {
        /// Scale.
        scale: f64,
        /// Zero point.
        zero_point: i64,
    },
    /// One per slice along an axis.
    PerChannel {
        /// The tensor of scales.
        scales: Use,
        /// The tensor of zero points.
        zero_points: Use,
        /// The axis.
        axis: i64,
        /// True when zero points are floats.
        float_qparams: bool,
    },
}
