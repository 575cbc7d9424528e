//! Type tags of containers: `Dict[str, List[__torch__.a.B]]`.

use crate::ir::Type;

/// How deep tags nest; real ones stay under ten.
const MAX_DEPTH: usize = 64;

/// Reads a type tag; `None` when it is none.
pub(super) fn parse(text: &str) -> Option<Type> {
    let mut rest = text;
    let ty = parse_type(&mut rest, 0)?;
    rest.trim().is_empty().then_some(ty)
}

fn parse_type(rest: &mut &str, depth: usize) -> Option<Type> {
    if depth == MAX_DEPTH {
        return None;
    }
    *rest = rest.trim_start();
    let end = rest.find(['[', ']', ',']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    *rest = after;
    if !rest.starts_with('[') {
        return plain(name.trim());
    }
    let mut items = parse_items(rest, depth)?;
    match (name.trim(), items.len()) {
        ("List", 1) => Some(Type::list(items.remove(0))),
        ("Optional", 1) => Some(Type::optional(items.remove(0))),
        ("Future", 1) => Some(Type::Future(items.remove(0).into())),
        ("Await", 1) => Some(Type::Await(items.remove(0).into())),
        ("RRef", 1) => Some(Type::RRef(items.remove(0).into())),
        ("Dict", 2) => {
            let value = items.pop()?;
            Some(Type::dict(items.pop()?, value))
        }
        ("Tuple", _) => Some(Type::tuple(items)),
        ("Union", _) => Some(Type::Union(items.into())),
        _ => None,
    }
}

/// `[a, b]`, or `[()]` for none.
fn parse_items(rest: &mut &str, depth: usize) -> Option<Vec<Type>> {
    *rest = rest.strip_prefix('[')?;
    if let Some(after) = rest.strip_prefix("()]") {
        *rest = after;
        return Some(Vec::new());
    }
    let mut items = Vec::new();
    loop {
        items.push(parse_type(rest, depth + 1)?);
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            *rest = after;
        } else {
            *rest = rest.strip_prefix(']')?;
            return Some(items);
        }
    }
}

fn plain(name: &str) -> Option<Type> {
    Some(match name {
        "Tensor" => Type::Tensor,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "str" => Type::Str,
        "complex" => Type::Complex,
        "number" | "Scalar" => Type::Number,
        "NoneType" | "None" => Type::None,
        "Any" => Type::Any,
        "Device" => Type::Device,
        "Generator" => Type::Generator,
        "Stream" => Type::Stream,
        "Capsule" => Type::Capsule,
        "Storage" => Type::Storage,
        "QScheme" => Type::QScheme,
        _ if name.starts_with("__torch__") => Type::Class(name.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_read_as_they_print() {
        for text in [
            "Dict[str, List[__torch__.a.___torch_mangle_0.B]]",
            "Tuple[int, Optional[Tensor]]",
            "Tuple[()]",
            "Union[int, str, Tensor]",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn broken_tags_are_none() {
        for text in [
            "",
            "List",
            "List[int",
            "List[int]]",
            "Dict[int]",
            "Foo[int]",
            "List[,]",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"List[".repeat(100_000)), None);
    }
}
