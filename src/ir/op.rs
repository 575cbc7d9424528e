//! What a node does: closed where ptool must know the meaning, open where libtorch does.

use super::constant::Constant;
use super::schema::Schema;
use super::types::Type;
use smol_str::SmolStr;

/// The operation of a node (`torchscript.md` 4.1).
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A constant; no inputs, one output.
    Constant(Constant),
    /// `prim::If`: input condition, two blocks.
    If,
    /// `prim::Loop`: inputs max trip count, condition, carried…; one block.
    Loop,
    /// Attribute of the object in input 0.
    GetAttr(SmolStr),
    /// Sets an attribute of input 0 to input 1; no output.
    SetAttr(SmolStr),
    /// Method of the object in input 0 on all inputs; defaults are materialised.
    CallMethod(SmolStr),
    /// Free function by qualified name on all inputs; defaults are materialised.
    CallFunction(SmolStr),
    /// `C.__new__(C)`: an uninitialised object of the output's class.
    CreateObject,
    /// List of all inputs; the type is on the output.
    ListConstruct,
    /// Tuple or named tuple of all inputs; the type is on the output.
    TupleConstruct,
    /// Dict of inputs key, value, key, value, …
    DictConstruct,
    /// List into exactly as many outputs.
    ListUnpack,
    /// Tuple into its elements.
    TupleUnpack,
    /// Element of a tuple: `(t)[i]`, the index a constant input 1.
    TupleIndex,
    /// `(t)[begin:end]`
    TupleSlice {
        /// First element.
        begin: i64,
        /// One past the last.
        end: i64,
    },
    /// Run-time type test of input 0.
    IsInstance(Vec<Type>),
    /// `unchecked_cast(T, e)`: refinement without check; the type is on the output.
    UncheckedCast,
    /// `uninitialized(T)`: a placeholder that is never read.
    Uninitialized,
    /// `with` begins: input 0 is the context manager, the output what `as` binds.
    Enter,
    /// `with` ends.
    Exit,
    /// `fork(f)`: one block, the closure's body, that takes no parameters and uses values around it; output `Future[T]`.
    Fork,
    /// `awaitable(f)`: like [`Op::Fork`] with output `Await[T]`.
    Awaitable,
    /// `(t).tolist()`; the type is on the output.
    ToList,
    /// `print(…)`
    Print,
    /// A member's name: `(e).name`.
    EnumName,
    /// A member's value: `(e).value`.
    EnumValue,
    /// An operator whose schema is known: inputs are all schema arguments in order (varargs: as many as given).
    Operator(&'static Schema),
    /// An operator no schema is known for, carried as written.
    Opaque(Box<OpaqueOp>),
}

/// A call of an operator without a known schema: `ops.torchvision.nms(boxes, scores, iou=0.5)`.
#[derive(Clone, Debug, PartialEq)]
pub struct OpaqueOp {
    /// Qualified name, such as `torchvision::nms`.
    pub name: SmolStr,
    /// Names of the trailing keyword inputs; the inputs before them are positional.
    pub keywords: Vec<SmolStr>,
}

impl Op {
    /// The node kind as torch spells it, such as `prim::If` or `aten::add`.
    pub fn kind(&self) -> &str {
        match self {
            Op::Constant(_) => "prim::Constant",
            Op::If => "prim::If",
            Op::Loop => "prim::Loop",
            Op::GetAttr(_) => "prim::GetAttr",
            Op::SetAttr(_) => "prim::SetAttr",
            Op::CallMethod(_) => "prim::CallMethod",
            Op::CallFunction(_) => "prim::CallFunction",
            Op::CreateObject => "prim::CreateObject",
            Op::ListConstruct => "prim::ListConstruct",
            Op::TupleConstruct => "prim::TupleConstruct",
            Op::DictConstruct => "prim::DictConstruct",
            Op::ListUnpack => "prim::ListUnpack",
            Op::TupleUnpack => "prim::TupleUnpack",
            Op::TupleIndex => "prim::TupleIndex",
            Op::TupleSlice { .. } => "prim::TupleSlice",
            Op::IsInstance(_) => "prim::isinstance",
            Op::UncheckedCast => "prim::unchecked_cast",
            Op::Uninitialized => "prim::Uninitialized",
            Op::Enter => "prim::Enter",
            Op::Exit => "prim::Exit",
            Op::Fork => "prim::fork",
            Op::Awaitable => "prim::awaitable",
            Op::ToList => "prim::tolist",
            Op::Print => "prim::Print",
            Op::EnumName => "prim::EnumName",
            Op::EnumValue => "prim::EnumValue",
            Op::Operator(schema) => schema.name(),
            Op::Opaque(op) => &op.name,
        }
    }
}
