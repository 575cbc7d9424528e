//! A schema in torch's spelling, with the types that lowering sees.

use super::{Arg, Return, Schema};
use crate::ir::{Constant, Type};
use std::fmt::{self, Display, Formatter};

impl Display for Schema {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.overload.is_empty() {
            write!(f, ".{}", self.overload)?;
        }
        f.write_str("(")?;
        let mut separator = "";
        let mut starred = false;
        for arg in &self.args {
            if arg.kwarg_only && !starred {
                write!(f, "{separator}*")?;
                separator = ", ";
                starred = true;
            }
            write!(f, "{separator}{arg}")?;
            separator = ", ";
        }
        if self.is_vararg {
            write!(f, "{separator}...")?;
        }
        f.write_str(") -> ")?;
        write_returns(f, self)
    }
}

fn write_returns(f: &mut Formatter<'_>, schema: &Schema) -> fmt::Result {
    match &schema.returns[..] {
        [] if schema.is_varret => f.write_str("..."),
        // Torch keeps `((str, t)[])` apart from two results.
        [single] if !schema.is_varret && !starts_with_paren(&single.ty) => single.fmt(f),
        many => {
            f.write_str("(")?;
            for (i, item) in many.iter().enumerate() {
                write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
            }
            f.write_str(if schema.is_varret { ", ...)" } else { ")" })
        }
    }
}

fn starts_with_paren(ty: &Type) -> bool {
    match ty {
        Type::List(inner) | Type::Optional(inner) => starts_with_paren(inner),
        other => matches!(other, Type::Tuple(_)),
    }
}

impl Display for Arg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let alias = Alias::new(&self.alias, self.is_write, self.alias_of_elements);
        write_type(f, &self.ty, self.fixed_size, alias)?;
        write!(f, " {}", self.name)?;
        match &self.default {
            Some(default) => {
                f.write_str("=")?;
                write_default(f, default)
            }
            None => Ok(()),
        }
    }
}

impl Display for Return {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let alias = Alias::new(&self.alias, self.is_write, self.alias_of_elements);
        write_type(f, &self.ty, None, alias)?;
        if self.name.is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.name)
    }
}

#[derive(Clone, Copy)]
struct Alias<'a> {
    set: Option<&'a str>,
    is_write: bool,
    of_elements: bool,
}

impl<'a> Alias<'a> {
    const NONE: Alias<'static> = Alias {
        set: None,
        is_write: false,
        of_elements: false,
    };

    fn new(set: &'a Option<smol_str::SmolStr>, is_write: bool, of_elements: bool) -> Alias<'a> {
        Alias {
            set: set.as_deref(),
            is_write,
            of_elements,
        }
    }

    fn write(self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(set) = self.set else { return Ok(()) };
        let mark = if self.is_write { "!" } else { "" };
        match set.split_once(" -> ") {
            Some((before, after)) => write!(f, "({before}{mark} -> {after})"),
            None => write!(f, "({set}{mark})"),
        }
    }
}

fn write_type(f: &mut Formatter<'_>, ty: &Type, size: Option<u32>, alias: Alias) -> fmt::Result {
    match ty {
        Type::Optional(inner) => {
            write_type(f, inner, size, alias)?;
            f.write_str("?")
        }
        Type::List(element) => {
            let (inside, outside) = match alias.of_elements {
                true => (alias, Alias::NONE),
                false => (Alias::NONE, alias),
            };
            write_type(f, element, None, inside)?;
            match size {
                Some(size) => write!(f, "[{size}]")?,
                None => f.write_str("[]")?,
            }
            outside.write(f)
        }
        other => {
            write_plain(f, other)?;
            alias.write(f)
        }
    }
}

fn write_plain(f: &mut Formatter<'_>, ty: &Type) -> fmt::Result {
    match ty {
        Type::Number => f.write_str("Scalar"),
        Type::Dict(kv) => write_call(f, "Dict", &[&kv.0, &kv.1]),
        Type::Future(inner) => write_call(f, "Future", &[inner]),
        Type::Await(inner) => write_call(f, "Await", &[inner]),
        Type::RRef(inner) => write_call(f, "RRef", &[inner]),
        Type::Tuple(items) => write_call(f, "", &items.iter().collect::<Vec<_>>()),
        other => other.fmt(f),
    }
}

fn write_call(f: &mut Formatter<'_>, head: &str, items: &[&Type]) -> fmt::Result {
    write!(f, "{head}(")?;
    for (i, item) in items.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { ", " })?;
        write_type(f, item, None, Alias::NONE)?;
    }
    f.write_str(")")
}

fn write_default(f: &mut Formatter<'_>, value: &Constant) -> fmt::Result {
    match value {
        Constant::Bool(true) => f.write_str("True"),
        Constant::Bool(false) => f.write_str("False"),
        Constant::Int(value) => write!(f, "{value}"),
        Constant::Float(value) => write!(f, "{value:?}"),
        Constant::Str(bytes) => write_string(f, bytes),
        Constant::List(items) => {
            f.write_str("[")?;
            for (i, item) in items.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { ", " })?;
                write_default(f, item)?;
            }
            f.write_str("]")
        }
        // Schemas have no other defaults.
        _ => f.write_str("None"),
    }
}

fn write_string(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("\"")?;
    for &byte in bytes {
        match byte {
            b'\\' => f.write_str("\\\\")?,
            b'"' => f.write_str("\\\"")?,
            b'\'' => f.write_str("\\'")?,
            b'\n' => f.write_str("\\n")?,
            b'\t' => f.write_str("\\t")?,
            0x0c => f.write_str("\\f")?,
            0x0b => f.write_str("\\v")?,
            b' '..=b'~' => write!(f, "{}", byte as char)?,
            other => write!(f, "\\{other:03o}")?,
        }
    }
    f.write_str("\"")
}
