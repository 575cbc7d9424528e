//! Types in graph text: `int[]`, `Tensor?`, `(Tensor, int)`, `Dict(str, Tensor)`.

use super::cursor::Cursor;
use super::{MAX_NESTING, TextError};
use crate::ir::Type;
use std::fmt::Write;
use std::sync::Arc;

/// The type as torch's graph text spells it.
pub fn type_text(ty: &Type) -> String {
    let mut text = String::new();
    write_type(&mut text, ty);
    text
}

fn write_type(out: &mut String, ty: &Type) {
    match ty {
        Type::Number => out.push_str("Scalar"),
        Type::AnyList => out.push_str("AnyListType"),
        Type::AnyTuple => out.push_str("AnyTupleType"),
        Type::Optional(inner) => {
            write_type(out, inner);
            out.push('?');
        }
        Type::List(element) => {
            write_type(out, element);
            out.push_str("[]");
        }
        Type::Tuple(items) => write_types(out, "(", items, ")"),
        Type::Union(items) => write_types(out, "Union[", items, "]"),
        Type::Dict(kv) => {
            out.push_str("Dict(");
            write_type(out, &kv.0);
            out.push_str(", ");
            write_type(out, &kv.1);
            out.push(')');
        }
        Type::Future(inner) => write_types(out, "Future[", std::slice::from_ref(inner), "]"),
        Type::Await(inner) => write_types(out, "Await[", std::slice::from_ref(inner), "]"),
        Type::RRef(inner) => write_types(out, "RRef[", std::slice::from_ref(inner), "]"),
        Type::Function(_) => out.push_str("Function"),
        Type::Var(name) => {
            let _ = write!(out, "var {name}");
        }
        Type::Class(name) => out.push_str(name),
        Type::Tensor
        | Type::Int
        | Type::Float
        | Type::Bool
        | Type::Str
        | Type::Complex
        | Type::None
        | Type::Any
        | Type::Device
        | Type::Generator
        | Type::Stream
        | Type::Capsule
        | Type::Storage
        | Type::QScheme
        | Type::AnyEnum
        | Type::AnyClass => {
            let _ = write!(out, "{ty}");
        }
    }
}

fn write_types<T: std::borrow::Borrow<Type>>(
    out: &mut String,
    open: &str,
    items: &[T],
    close: &str,
) {
    out.push_str(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_type(out, item.borrow());
    }
    out.push_str(close);
}

/// Reads a type; `depth` counts the types around it.
pub(super) fn read_type(cursor: &mut Cursor, depth: usize) -> Result<Type, TextError> {
    if depth > MAX_NESTING {
        return Err(TextError::TooDeep {
            line: cursor.line(),
            limit: MAX_NESTING,
        });
    }
    let mut ty = read_base(cursor, depth)?;
    let mut suffixes = 0;
    loop {
        if cursor.eat("[]") {
            ty = Type::list(ty);
        } else if cursor.eat("?") {
            ty = Type::optional(ty);
        } else {
            return Ok(ty);
        }
        suffixes += 1;
        if depth + suffixes > MAX_NESTING {
            return Err(TextError::TooDeep {
                line: cursor.line(),
                limit: MAX_NESTING,
            });
        }
    }
}

fn read_base(cursor: &mut Cursor, depth: usize) -> Result<Type, TextError> {
    if cursor.eat("(") {
        return Ok(Type::tuple(read_types(cursor, ")", depth)?));
    }
    let name = cursor.path()?;
    Ok(match name {
        "var" => Type::Var(cursor.path()?.into()),
        "Dict" | "List" | "Optional" | "Future" | "Await" | "RRef" | "Union" | "Tuple" => {
            return read_generic(cursor, name, depth);
        }
        _ => match plain_type(name) {
            Some(ty) => {
                skip_tensor_details(cursor, &ty)?;
                ty
            }
            None if name.contains('.') => Type::Class(name.into()),
            None => return Err(cursor.expected("a type")),
        },
    })
}

/// A traced graph's `Float(1, 2, strides=[2, 1], requires_grad=0, device=cpu)`: only the kind is kept.
fn skip_tensor_details(cursor: &mut Cursor, ty: &Type) -> Result<(), TextError> {
    if *ty != Type::Tensor || !cursor.eat("(") {
        return Ok(());
    }
    cursor.take_while(|b| b != b')' && b != b'\n');
    cursor.expect(")")
}

fn plain_type(name: &str) -> Option<Type> {
    Some(match name {
        "Tensor" | "Float" | "Double" | "Half" | "BFloat16" | "Long" | "Int" | "Short" | "Char"
        | "Byte" | "Bool" | "ComplexFloat" | "ComplexDouble" => Type::Tensor,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "str" => Type::Str,
        "complex" => Type::Complex,
        "Scalar" | "number" => Type::Number,
        "NoneType" | "None" => Type::None,
        "Any" => Type::Any,
        "Device" => Type::Device,
        "Generator" => Type::Generator,
        "Stream" => Type::Stream,
        "Capsule" => Type::Capsule,
        "Storage" => Type::Storage,
        "QScheme" => Type::QScheme,
        "Function" => Type::Function("".into()),
        "AnyListType" | "list" => Type::AnyList,
        "AnyTupleType" | "tuple" => Type::AnyTuple,
        "AnyEnumType" => Type::AnyEnum,
        "AnyClassType" => Type::AnyClass,
        _ => return None,
    })
}

fn read_generic(cursor: &mut Cursor, name: &str, depth: usize) -> Result<Type, TextError> {
    let close = if cursor.eat("[") {
        "]"
    } else {
        cursor.expect("(")?;
        ")"
    };
    let items = read_types(cursor, close, depth)?;
    Ok(match (name, items.as_slice()) {
        ("Tuple", items) => Type::tuple(items.iter().cloned()),
        ("Union", items) => Type::Union(items.into()),
        ("Dict", [key, value]) => Type::dict(key.clone(), value.clone()),
        ("List", [inner]) => Type::list(inner.clone()),
        ("Optional", [inner]) => Type::optional(inner.clone()),
        ("Future", [inner]) => Type::Future(Arc::new(inner.clone())),
        ("Await", [inner]) => Type::Await(Arc::new(inner.clone())),
        ("RRef", [inner]) => Type::RRef(Arc::new(inner.clone())),
        _ => return Err(cursor.expected("as many type arguments as the type has")),
    })
}

fn read_types(
    cursor: &mut Cursor,
    close: &'static str,
    depth: usize,
) -> Result<Vec<Type>, TextError> {
    let mut items = Vec::new();
    while !cursor.eat(close) {
        if !items.is_empty() {
            cursor.expect(",")?;
        }
        items.push(read_type(cursor, depth + 1)?);
    }
    Ok(items)
}
