//! Type annotations (`torchscript.md` 3.6).

use super::error::{Result, TYPE, fail};
use super::subtype;
use super::unit::{Unit, span};
use crate::diag::FileId;
use crate::ir::Type;
use crate::torchscript::ast::{BinaryOp, Expr, ExprKind};
use smol_str::SmolStr;

impl Unit<'_> {
    /// The type an annotation writes; classes it names are declared.
    pub(super) fn annotation(&mut self, file: FileId, expr: &Expr) -> Result<Type> {
        let ty = self.annotated(file, expr)?;
        self.define_classes();
        Ok(ty)
    }

    fn annotated(&mut self, file: FileId, expr: &Expr) -> Result<Type> {
        crate::torchscript::deep(|| match &expr.kind {
            ExprKind::None => Ok(Type::None),
            ExprKind::Name(name) => match simple(name) {
                Some(ty) => Ok(ty),
                None => self.type_error(file, expr, name),
            },
            ExprKind::Attribute(..) => self.dotted_type(file, expr),
            ExprKind::Subscript(base, args) => self.generic_type(file, base, args),
            ExprKind::Paren(inner) => self.annotated(file, inner),
            ExprKind::Binary(BinaryOp::BitOr, left, right) => {
                let items = [self.annotated(file, left)?, self.annotated(file, right)?];
                Ok(subtype::union(items.into()))
            }
            _ => fail(
                TYPE,
                "expected a type, found another expression",
                span(file, expr.range),
            ),
        })
    }

    fn type_error(&self, file: FileId, expr: &Expr, found: &str) -> Result<Type> {
        fail(
            TYPE,
            format!("expected a type, found `{found}`"),
            span(file, expr.range),
        )
    }

    fn dotted_type(&mut self, file: FileId, expr: &Expr) -> Result<Type> {
        let Some(path) = dotted(expr) else {
            return fail(
                TYPE,
                "expected a type, found another expression",
                span(file, expr.range),
            );
        };
        if let Some(ty) = path.strip_prefix("torch.").and_then(of_torch) {
            return Ok(ty);
        }
        match self.declare_class(&path) {
            Some(_) => Ok(Type::Class(path)),
            None => Err(self.unknown(&path, span(file, expr.range))),
        }
    }

    fn generic_type(&mut self, file: FileId, base: &Expr, args: &[Expr]) -> Result<Type> {
        let Some(head) = dotted(base) else {
            return fail(
                TYPE,
                "expected a type, found another expression",
                span(file, base.range),
            );
        };
        let mut items = Vec::with_capacity(args.len());
        for arg in args {
            match &arg.kind {
                ExprKind::Tuple { items: inner, .. } => {
                    for item in inner {
                        items.push(self.annotated(file, item)?);
                    }
                }
                _ => items.push(self.annotated(file, arg)?),
            }
        }
        let count = items.len();
        match generic(&head, items) {
            Some(ty) => Ok(ty),
            None => fail(
                TYPE,
                format!(
                    "expected a generic type with its number of arguments, found `{head}` with {count}"
                ),
                span(file, base.range),
            ),
        }
    }
}

/// `a.b.c` as text.
pub(super) fn dotted(expr: &Expr) -> Option<SmolStr> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Attribute(..) => {
            let mut names = Vec::new();
            let mut current = expr;
            while let ExprKind::Attribute(base, name) = &current.kind {
                names.push(name.as_str());
                current = base;
            }
            let ExprKind::Name(name) = &current.kind else {
                return None;
            };
            names.push(name);
            names.reverse();
            Some(names.join(".").into())
        }
        _ => None,
    }
}

fn simple(name: &str) -> Option<Type> {
    Some(match name {
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "str" => Type::Str,
        "complex" => Type::Complex,
        "number" => Type::Number,
        "NoneType" => Type::None,
        "Any" => Type::Any,
        "Capsule" => Type::Capsule,
        "Device" => Type::Device,
        "list" | "List" => Type::AnyList,
        "tuple" | "Tuple" => Type::AnyTuple,
        // Spellings that `torch.` may precede.
        other => return of_torch(other),
    })
}

fn of_torch(name: &str) -> Option<Type> {
    Some(match name {
        "Tensor" | "LongTensor" | "FloatTensor" | "DoubleTensor" | "HalfTensor" | "BoolTensor"
        | "IntTensor" | "ShortTensor" | "CharTensor" | "ByteTensor" => Type::Tensor,
        "device" => Type::Device,
        "Generator" => Type::Generator,
        "Stream" => Type::Stream,
        _ => return None,
    })
}

fn generic(head: &str, items: Vec<Type>) -> Option<Type> {
    if matches!(head, "Tuple" | "tuple") {
        return Some(Type::tuple(items));
    }
    if head == "Union" {
        return (!items.is_empty()).then(|| subtype::union(items));
    }
    let mut items = items.into_iter();
    let first = items.next()?;
    let ty = match head {
        "Optional" => Type::optional(first),
        "List" | "list" => Type::list(first),
        "Dict" | "dict" => Type::dict(first, items.next()?),
        "Future" => Type::Future(first.into()),
        "Await" => Type::Await(first.into()),
        "RRef" => Type::RRef(first.into()),
        "Final" => first,
        _ if head.starts_with("BroadcastingList") => Type::list(first),
        _ => return None,
    };
    items.next().is_none().then_some(ty)
}

/// Types nested deeper than this in a text are refused.
const MAX_TEXT_DEPTH: u32 = 64;

/// The type that a text such as `Dict[str, List[int]]` writes, as in the type tags of pickles; none if it writes none.
pub fn annotation_type(text: &str) -> Option<Type> {
    let mut rest = text;
    let ty = text_type(&mut rest, 0)?;
    rest.trim().is_empty().then_some(ty)
}

fn text_type(rest: &mut &str, depth: u32) -> Option<Type> {
    if depth > MAX_TEXT_DEPTH {
        return None;
    }
    let text = rest.trim_start();
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')))
        .unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    *rest = after;
    if !after.trim_start().starts_with('[') {
        return match name.strip_prefix("torch.").and_then(of_torch) {
            Some(ty) => Some(ty),
            None if name.contains('.') => Some(Type::Class(name.into())),
            None => simple(name),
        };
    }
    let items = text_arguments(rest, depth + 1)?;
    generic(name, items)
}

/// `[int, str]`, `[()]`
fn text_arguments(rest: &mut &str, depth: u32) -> Option<Vec<Type>> {
    let text = rest.trim_start().strip_prefix('[')?.trim_start();
    if let Some(after) = text.strip_prefix("()") {
        *rest = after.trim_start().strip_prefix(']')?;
        return Some(Vec::new());
    }
    *rest = text;
    let mut items = Vec::new();
    loop {
        items.push(text_type(rest, depth)?);
        let text = rest.trim_start();
        if let Some(after) = text.strip_prefix(']') {
            *rest = after;
            return Some(items);
        }
        *rest = text.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_types_print_back() {
        for text in [
            "Dict[str, List[int]]",
            "Tuple[()]",
            "Optional[__torch__.a.B]",
            "Tuple[int, Union[str, Tensor, float], Future[Tensor]]",
        ] {
            assert_eq!(annotation_type(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "List",
            "List[",
            "List[int",
            "List[int]]",
            "Nope",
            "Dict[int]",
        ] {
            let ty = annotation_type(text);
            assert!(ty.is_none() || ty == Some(Type::AnyList), "{text}");
        }
        assert_eq!(annotation_type(&"List[".repeat(100_000)), None);
    }
}
