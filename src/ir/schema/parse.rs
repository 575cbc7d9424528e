//! Reads `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`.

use super::{Arg, Return, Schema};
use crate::ir::{Constant, Type};
use smol_str::SmolStr;

/// Why a declaration is no schema.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The text does not follow the grammar.
    #[error("expected {expected} at `{rest}` in `{declaration}`")]
    Syntax {
        /// What should stand there.
        expected: &'static str,
        /// What follows instead.
        rest: String,
        /// The whole text.
        declaration: String,
    },
    /// Another schema has the name and overload.
    #[error("expected `{known}` as registered before, found `{found}`")]
    Conflict {
        /// The one registered.
        known: String,
        /// The new one.
        found: String,
    },
}

/// Nesting of types such as `Future(t)[]`; torch's own go to depth 3.
const MAX_TYPE_DEPTH: u32 = 16;
/// Longest declaration read; torch's longest has about 1,200 bytes.
const MAX_DECLARATION_BYTES: usize = 64 * 1024;
/// Largest N of `int[N]`; torch's largest is 6.
const MAX_FIXED_SIZE: u32 = 64;

/// Reads one declaration.
pub fn parse(declaration: &str) -> Result<Schema, SchemaError> {
    let mut parser = Parser { rest: declaration };
    let parsed = match declaration.len() <= MAX_DECLARATION_BYTES {
        true => parser.schema(),
        false => Err("a declaration of at most 64 KiB"),
    };
    parsed.map_err(|expected| SchemaError::Syntax {
        expected,
        rest: parser.rest.chars().take(40).collect(),
        declaration: declaration.chars().take(400).collect(),
    })
}

type Parsed<T> = Result<T, &'static str>;

struct Parser<'a> {
    rest: &'a str,
}

/// A type with what schemas say about it beyond the type.
struct Formal {
    ty: Type,
    fixed_size: Option<u32>,
    alias: Option<SmolStr>,
    is_write: bool,
    alias_of_elements: bool,
}

impl<'a> Parser<'a> {
    fn schema(&mut self) -> Parsed<Schema> {
        let namespace = self.word()?;
        if !self.eat("::") {
            return Err("`::` after the namespace");
        }
        let name = SmolStr::from(format!("{namespace}::{}", self.word()?));
        let overload = match self.eat(".") {
            true => self.word()?,
            false => "",
        };
        let mut schema = Schema {
            name,
            overload: overload.into(),
            args: Vec::new(),
            returns: Vec::new(),
            is_vararg: false,
            is_varret: false,
        };
        self.arguments(&mut schema)?;
        if !self.eat("->") {
            return Err("`->`");
        }
        self.returns(&mut schema)?;
        match self.rest.trim().is_empty() {
            true => Ok(schema),
            false => Err("the end"),
        }
    }

    fn arguments(&mut self, schema: &mut Schema) -> Parsed<()> {
        let mut kwarg_only = false;
        self.list("(", ")", |parser| {
            if parser.eat("...") {
                schema.is_vararg = true;
            } else if parser.eat("*") {
                kwarg_only = true;
            } else {
                schema.args.push(parser.argument(kwarg_only)?);
            }
            Ok(())
        })
    }

    fn argument(&mut self, kwarg_only: bool) -> Parsed<Arg> {
        let formal = self.formal(0)?;
        let name = self.word()?.into();
        let default = match self.eat("=") {
            true => Some(self.default(&formal)?),
            false => None,
        };
        Ok(Arg {
            name,
            ty: formal.ty,
            fixed_size: formal.fixed_size,
            default,
            kwarg_only,
            is_write: formal.is_write,
            alias: formal.alias,
            alias_of_elements: formal.alias_of_elements,
        })
    }

    fn returns(&mut self, schema: &mut Schema) -> Parsed<()> {
        if self.eat("...") {
            schema.is_varret = true;
            return Ok(());
        }
        if !self.peek("(") {
            schema.returns.push(self.result()?);
            return Ok(());
        }
        self.list("(", ")", |parser| {
            if parser.eat("...") {
                schema.is_varret = true;
            } else {
                schema.returns.push(parser.result()?);
            }
            Ok(())
        })
    }

    fn result(&mut self) -> Parsed<Return> {
        let formal = self.formal(0)?;
        Ok(Return {
            name: self.word().unwrap_or_default().into(),
            ty: formal.ty,
            alias: formal.alias,
            is_write: formal.is_write,
            alias_of_elements: formal.alias_of_elements,
        })
    }

    /// A type with its suffixes: `Tensor(a!)[]`, `int[2]?`, `t[](a)`.
    fn formal(&mut self, depth: u32) -> Parsed<Formal> {
        let mut formal = Formal {
            ty: self.base_type(depth)?,
            fixed_size: None,
            alias: None,
            is_write: false,
            alias_of_elements: false,
        };
        for _ in 0..MAX_TYPE_DEPTH {
            if self.rest.starts_with('(') {
                self.alias(&mut formal)?;
            } else if self.rest.starts_with('[') {
                self.eat("[");
                formal.fixed_size = match self.peek("]") {
                    true => None,
                    false => Some(self.size()?),
                };
                if !self.eat("]") {
                    return Err("`]`");
                }
                formal.alias_of_elements = formal.alias.is_some();
                formal.ty = Type::list(formal.ty);
            } else if self.rest.starts_with('?') {
                self.eat("?");
                formal.ty = Type::optional(formal.ty);
            } else {
                break;
            }
        }
        Ok(formal)
    }

    /// `(a!)`, `(a -> *)`, `(b|a)`: the names, without the mark of a write.
    fn alias(&mut self, formal: &mut Formal) -> Parsed<()> {
        self.eat("(");
        let end = self.rest.find(')').ok_or("`)` after an alias set")?;
        let (set, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        formal.is_write = set.contains('!');
        formal.alias = Some(set.replace('!', "").into());
        Ok(())
    }

    fn size(&mut self) -> Parsed<u32> {
        match self.word()?.parse() {
            Ok(size) if size <= MAX_FIXED_SIZE => Ok(size),
            _ => Err("a list size up to 64"),
        }
    }

    fn base_type(&mut self, depth: u32) -> Parsed<Type> {
        if depth > MAX_TYPE_DEPTH {
            return Err("a less deeply nested type");
        }
        if self.peek("(") {
            return Ok(Type::tuple(self.types(depth)?));
        }
        let name = self.dotted()?;
        if matches!(name, "Dict" | "Future" | "Await" | "RRef" | "Union") {
            let items = self.types(depth)?;
            return generic(name, items).ok_or("the right number of type arguments");
        }
        named(name).ok_or("a type")
    }

    fn types(&mut self, depth: u32) -> Parsed<Vec<Type>> {
        let mut items = Vec::new();
        self.list("(", ")", |parser| {
            items.push(parser.formal(depth + 1)?.ty);
            Ok(())
        })?;
        Ok(items)
    }

    fn default(&mut self, formal: &Formal) -> Parsed<Constant> {
        let ty = match &formal.ty {
            Type::Optional(inner) => inner,
            other => other,
        };
        if let (Type::List(element), false) = (ty, self.peek("[")) {
            let single = self.scalar_default(element)?;
            return Ok(match (formal.fixed_size, &single) {
                (Some(size), Constant::Int(_) | Constant::Float(_) | Constant::Bool(_)) => {
                    Constant::List(vec![single; size as usize])
                }
                _ => single,
            });
        }
        self.scalar_default(ty)
    }

    fn scalar_default(&mut self, ty: &Type) -> Parsed<Constant> {
        if self.peek("[") {
            let element = match ty {
                Type::List(element) => element,
                _ => ty,
            };
            let mut items = Vec::new();
            self.list("[", "]", |parser| {
                items.push(parser.plain_default(element)?);
                Ok(())
            })?;
            return Ok(Constant::List(items));
        }
        self.plain_default(ty)
    }

    fn plain_default(&mut self, ty: &Type) -> Parsed<Constant> {
        if self.peek("\"") || self.peek("'") {
            return self.string();
        }
        let end = self.rest.find([',', ')', ']']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        let value = plain_constant(text.trim(), ty).ok_or("a default value")?;
        self.rest = rest;
        Ok(value)
    }

    fn string(&mut self) -> Parsed<Constant> {
        let quote = self.rest.as_bytes()[0];
        let mut bytes = Vec::new();
        let mut chars = self.rest.bytes().enumerate().skip(1);
        while let Some((i, byte)) = chars.next() {
            match byte {
                _ if byte == quote => {
                    self.rest = &self.rest[i + 1..];
                    return Ok(Constant::Str(bytes.into()));
                }
                b'\\' => bytes.push(match chars.next() {
                    Some((_, b'n')) => b'\n',
                    Some((_, b't')) => b'\t',
                    Some((_, b'f')) => 0x0c,
                    Some((_, b'v')) => 0x0b,
                    Some((_, other)) => other,
                    None => break,
                }),
                other => bytes.push(other),
            }
        }
        Err("a closing quote")
    }

    fn list(
        &mut self,
        open: &str,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Parsed<()>,
    ) -> Parsed<()> {
        if !self.eat(open) {
            return Err("`(`");
        }
        if self.eat(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.eat(close) {
                return Ok(());
            }
            if !self.eat(",") {
                return Err("`,` or `)`");
            }
        }
    }

    fn dotted(&mut self) -> Parsed<&'a str> {
        self.take(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
    }

    fn word(&mut self) -> Parsed<&'a str> {
        self.take(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn take(&mut self, accept: impl Fn(char) -> bool) -> Parsed<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err("a name");
        }
        self.rest = &rest[end..];
        Ok(&rest[..end])
    }

    fn peek(&self, token: &str) -> bool {
        self.rest.trim_start().starts_with(token)
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

fn generic(name: &str, items: Vec<Type>) -> Option<Type> {
    let mut items = items.into_iter();
    let first = items.next()?;
    let ty = match name {
        "Union" => return Some(Type::Union(std::iter::once(first).chain(items).collect())),
        "Dict" => Type::dict(first, items.next()?),
        "Future" => Type::Future(first.into()),
        "Await" => Type::Await(first.into()),
        _ => Type::RRef(first.into()),
    };
    items.next().is_none().then_some(ty)
}

fn named(name: &str) -> Option<Type> {
    Some(match name {
        "Tensor" => Type::Tensor,
        "int" | "SymInt" | "ScalarType" | "Layout" | "MemoryFormat" | "int64_t" => Type::Int,
        "float" => Type::Float,
        "bool" | "SymBool" => Type::Bool,
        "str" | "Dimname" => Type::Str,
        "complex" => Type::Complex,
        "Scalar" | "number" => Type::Number,
        "NoneType" => Type::None,
        "Any" => Type::Any,
        "Device" => Type::Device,
        "Generator" => Type::Generator,
        "Stream" => Type::Stream,
        "Capsule" => Type::Capsule,
        "Storage" => Type::Storage,
        "QScheme" => Type::QScheme,
        "AnyListType" => Type::AnyList,
        "AnyTupleType" => Type::AnyTuple,
        "AnyEnumType" => Type::AnyEnum,
        "AnyClassType" => Type::AnyClass,
        class if class.contains('.') => Type::Class(class.into()),
        variable if variable.starts_with('t') => Type::Var(variable.into()),
        _ => return None,
    })
}

/// A literal, or one of the C++ constants that declarations written by hand may name.
fn plain_constant(text: &str, ty: &Type) -> Option<Constant> {
    Some(match text {
        "None" => Constant::None,
        "True" => Constant::Bool(true),
        "False" => Constant::Bool(false),
        "contiguous_format" | "strided" => Constant::Int(0),
        "preserve_format" | "Mean" => Constant::Int(1),
        "Sum" => Constant::Int(2),
        "long" => Constant::Int(4),
        number if *ty == Type::Float || number.contains(['.', 'e']) => {
            Constant::Float(number.parse().ok()?)
        }
        number => Constant::Int(number.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_written_spelling_reads() {
        let text = "a::b(Tensor x, int[2] p=0, float e=1, *, MemoryFormat f=contiguous_format) -> (Tensor, Tensor)";
        let schema = parse(text).unwrap();
        assert_eq!(
            schema.args[1].default,
            Some(Constant::List(vec![Constant::Int(0); 2]))
        );
        assert_eq!(schema.args[2].default, Some(Constant::Float(1.0)));
        assert_eq!(schema.args[3].default, Some(Constant::Int(0)));
        assert!(schema.args[3].kwarg_only && !schema.args[2].kwarg_only);
        assert_eq!(schema.returns.len(), 2);
    }

    #[test]
    fn bad_declarations_are_errors() {
        for text in [
            "",
            "a",
            "a::b",
            "a::b(",
            "a::b(Tensor) -> int",
            "a::b(int x=) -> ()",
            "a::b() -> () x",
            "a::b(int[9999999999] x) -> ()",
            "a::b(str s=\"\\",
            "é::b() -> ()",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&format!("a::b({}", "(".repeat(10_000))).is_err());
    }
}
