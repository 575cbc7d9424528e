//! The static types of TorchScript values (`torchscript.md` 3.6).

use smol_str::SmolStr;
use std::fmt;
use std::sync::Arc;

/// A type. Class types are named; the [`crate::ir::Program`] knows what kind of class the name is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are torch's types")]
pub enum Type {
    Tensor,
    Int,
    Float,
    Bool,
    Str,
    Complex,
    /// int, float or complex; schemas call it `Scalar`.
    Number,
    None,
    Any,
    Device,
    Generator,
    Stream,
    Capsule,
    Storage,
    QScheme,
    Optional(Arc<Type>),
    Union(Arc<[Type]>),
    List(Arc<Type>),
    Dict(Arc<(Type, Type)>),
    Tuple(Arc<[Type]>),
    Future(Arc<Type>),
    Await(Arc<Type>),
    RRef(Arc<Type>),
    /// A module, plain class, named tuple, enum, interface or C++ class, by qualified name (`__torch__.a.B`).
    Class(SmolStr),
    /// A free function as a value, by qualified name.
    Function(SmolStr),
    /// A type variable of a schema, such as `t`.
    Var(SmolStr),
    /// Bare `list` inside `isinstance`, and `AnyList` in schemas.
    AnyList,
    /// Bare `tuple` inside `isinstance`, and `AnyTuple` in schemas.
    AnyTuple,
    /// `AnyEnum` in schemas.
    AnyEnum,
    /// `AnyClass` in schemas.
    AnyClass,
}

impl Type {
    /// `List[element]`.
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    /// `Optional[inner]`; nested optionals and `Optional[NoneType]` collapse.
    pub fn optional(inner: Type) -> Type {
        match inner {
            Type::Optional(_) | Type::None | Type::Any => inner,
            other => Type::Optional(Arc::new(other)),
        }
    }

    /// `Dict[key, value]`.
    pub fn dict(key: Type, value: Type) -> Type {
        Type::Dict(Arc::new((key, value)))
    }

    /// `Tuple[items]`.
    pub fn tuple(items: impl IntoIterator<Item = Type>) -> Type {
        Type::Tuple(items.into_iter().collect())
    }

    /// The class name, if this is a class type.
    pub fn class_name(&self) -> Option<&SmolStr> {
        match self {
            Type::Class(name) => Some(name),
            _ => None,
        }
    }
}

/// Prints the annotation text of serialised source: `Optional[List[int]]`, `__torch__.a.B`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Tensor => f.write_str("Tensor"),
            Type::Int => f.write_str("int"),
            Type::Float => f.write_str("float"),
            Type::Bool => f.write_str("bool"),
            Type::Str => f.write_str("str"),
            Type::Complex => f.write_str("complex"),
            Type::Number => f.write_str("number"),
            Type::None => f.write_str("NoneType"),
            Type::Any => f.write_str("Any"),
            Type::Device => f.write_str("Device"),
            Type::Generator => f.write_str("Generator"),
            Type::Stream => f.write_str("Stream"),
            Type::Capsule => f.write_str("Capsule"),
            Type::Storage => f.write_str("Storage"),
            Type::QScheme => f.write_str("QScheme"),
            Type::Optional(inner) => write!(f, "Optional[{inner}]"),
            Type::Union(items) => write_items(f, "Union", items),
            Type::List(element) => write!(f, "List[{element}]"),
            Type::Dict(kv) => write!(f, "Dict[{}, {}]", kv.0, kv.1),
            Type::Tuple(items) if items.is_empty() => f.write_str("Tuple[()]"),
            Type::Tuple(items) => write_items(f, "Tuple", items),
            Type::Future(inner) => write!(f, "Future[{inner}]"),
            Type::Await(inner) => write!(f, "Await[{inner}]"),
            Type::RRef(inner) => write!(f, "RRef[{inner}]"),
            Type::Class(name) | Type::Function(name) | Type::Var(name) => f.write_str(name),
            Type::AnyList => f.write_str("list"),
            Type::AnyTuple => f.write_str("tuple"),
            Type::AnyEnum => f.write_str("AnyEnumType"),
            Type::AnyClass => f.write_str("AnyClassType"),
        }
    }
}

fn write_items(f: &mut fmt::Formatter<'_>, head: &str, items: &[Type]) -> fmt::Result {
    write!(f, "{head}[")?;
    for (i, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
    }
    f.write_str("]")
}
