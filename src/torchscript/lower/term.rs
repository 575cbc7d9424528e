//! What an expression can stand for while a body is lowered: values, and names that are no values.

use crate::ir::{FuncId, NodeId, Type, ValueId};
use smol_str::SmolStr;

/// A value with the type it has where it is used: `r : Optional[int] = 3` makes a view of an int as an optional.
#[derive(Clone, Debug)]
pub(super) struct Val {
    pub(super) id: ValueId,
    pub(super) ty: Type,
}

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(super) enum Term {
    /// A value.
    Val(Val),
    /// Several values that are not a tuple yet: results of one operator, `x, y` on the right of `=`.
    Many(Vec<Term>),
    /// `torch`
    Torch,
    /// `ops`
    Ops,
    /// `ops.ns`
    Namespace(SmolStr),
    /// `CONSTANTS`
    Constants,
    /// `__torch__.a`: a prefix of qualified names.
    Path(SmolStr),
    /// An operator by qualified name, with the value it was taken from as a method.
    Operator(SmolStr, Option<Val>),
    /// A method of an object.
    Method(Val, SmolStr),
    /// A free function.
    Function(SmolStr, FuncId),
    /// A class.
    Class(SmolStr),
    /// `C.__new__`
    New(SmolStr),
    /// A name with its own rules.
    Special(Special),
    /// `x.float()` and its like: `aten::to` with a dtype.
    TensorCast(Val, i64),
    /// `x.tolist`
    ToList(Val),
    /// A nested `def`: the node that holds its body, until it is forked.
    Closure(NodeId),
    /// `range(…)`, `zip(…)`, `enumerate(…)`.
    Iterable(Box<Iterable>),
    /// `AssertionError`, with its message once called.
    Exception(Option<Val>),
}

/// Something only a loop can use.
#[derive(Clone, Debug)]
pub(super) enum Iterable {
    /// `range(end)`
    Count(Val),
    /// `range(start, end, step)`
    Range(Val, Val, Val),
    /// `zip(…)`; `enumerate` is a zip with an endless count.
    Zip(Vec<Iterable>),
    /// 0, 1, 2, … from a start.
    Endless(Val),
    /// A list, string or tensor.
    Value(Val),
    /// Known elements: the loop is unrolled.
    Elements(Vec<Term>),
}

/// Names with rules of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Annotate,
    UncheckedCast,
    Uninitialized,
    Fork,
    Awaitable,
    IsInstance,
    HasAttr,
    GetAttr,
    Print,
    Range,
    Zip,
    Enumerate,
    List,
    Dict,
    Tuple,
    /// `int(x)`, `float(x)`, `bool(x)`, `str(x)`.
    Int,
    Float,
    Bool,
    Str,
    /// `len(x)` and others that classes answer by a method such as `__len__`.
    Len,
    Hex,
    Oct,
    Round,
    Exception,
}

impl Special {
    /// The special form with this name.
    pub(super) fn named(name: &str) -> Option<Special> {
        Some(match name {
            "annotate" => Special::Annotate,
            "unchecked_cast" => Special::UncheckedCast,
            "uninitialized" => Special::Uninitialized,
            "fork" => Special::Fork,
            "awaitable" => Special::Awaitable,
            "isinstance" => Special::IsInstance,
            "hasattr" => Special::HasAttr,
            "getattr" => Special::GetAttr,
            "print" => Special::Print,
            "range" => Special::Range,
            "zip" => Special::Zip,
            "enumerate" => Special::Enumerate,
            "list" => Special::List,
            "dict" => Special::Dict,
            "tuple" => Special::Tuple,
            "int" => Special::Int,
            "float" => Special::Float,
            "bool" => Special::Bool,
            "str" => Special::Str,
            "len" => Special::Len,
            "hex" => Special::Hex,
            "oct" => Special::Oct,
            "round" => Special::Round,
            "AssertionError" => Special::Exception,
            _ => return None,
        })
    }

    /// The operator behind a name that classes may answer themselves, and the method they answer with.
    pub(super) fn operator(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Special::Int => ("aten::Int", "__int__"),
            Special::Float => ("aten::Float", "__float__"),
            Special::Bool => ("aten::Bool", "__bool__"),
            Special::Str => ("aten::str", "__str__"),
            Special::Len => ("aten::len", "__len__"),
            Special::Hex => ("aten::hex", "__hex__"),
            Special::Oct => ("aten::oct", "__oct__"),
            Special::Round => ("aten::round", "__round__"),
            _ => return None,
        })
    }
}

/// The operator a built-in name calls.
pub(super) fn builtin_operator(name: &str) -> Option<&'static str> {
    Some(match name {
        "hash" => "aten::hash",
        "id" => "prim::id",
        "min" => "prim::min",
        "max" => "prim::max",
        "abs" => "prim::abs",
        "all" => "aten::all",
        "any" => "aten::any",
        "divmod" => "aten::divmod",
        "sum" => "aten::sum",
        "ord" => "aten::ord",
        "chr" => "aten::chr",
        "bin" => "aten::bin",
        "pow" => "aten::pow",
        "complex" => "aten::Complex",
        "rangelist" => "prim::rangelist",
        "sorted" => "aten::sorted",
        "_to_tensor" => "prim::NumToTensor",
        _ => return None,
    })
}

/// What a term is, for messages.
pub(super) fn describe(term: &Term) -> String {
    match term {
        Term::Val(val) => format!("a value of type `{}`", val.ty),
        Term::Many(items) => format!("{} values", items.len()),
        Term::Torch | Term::Ops | Term::Namespace(_) | Term::Constants => "a namespace".into(),
        Term::Path(path) => format!("the namespace `{path}`"),
        Term::Operator(name, _) => format!("the operator `{name}`"),
        Term::Method(_, name) => format!("the method `{name}`"),
        Term::Function(name, _) => format!("the function `{name}`"),
        Term::Class(name) | Term::New(name) => format!("the class `{name}`"),
        Term::Special(_) | Term::TensorCast(..) | Term::ToList(_) => "a built-in function".into(),
        Term::Closure(_) => "a closure".into(),
        Term::Iterable(_) => "something only a loop can use".into(),
        Term::Exception(_) => "an exception".into(),
    }
}
