//! Which types stand for which, and what two types have in common.

use super::{Class, ClassKind, Program, Type};

/// Whether a value of type `sub` may be used where `sup` is expected, without conversion.
pub fn is_subtype(program: &Program, sub: &Type, sup: &Type) -> bool {
    if sub == sup || *sup == Type::Any {
        return true;
    }
    match (sub, sup) {
        (Type::Optional(inner), Type::Optional(outer)) => is_subtype(program, inner, outer),
        (Type::Optional(inner), Type::Union(_)) => {
            is_subtype(program, &Type::None, sup) && is_subtype(program, inner, sup)
        }
        (Type::Union(items), _) => items.iter().all(|item| is_subtype(program, item, sup)),
        (Type::None, Type::Optional(_)) => true,
        (_, Type::Optional(inner)) => is_subtype(program, sub, inner),
        (_, Type::Union(items)) => items.iter().any(|item| is_subtype(program, sub, item)),
        (Type::Int | Type::Float | Type::Complex, Type::Number) => true,
        (Type::List(_), Type::AnyList) => true,
        (Type::Tuple(_), Type::AnyTuple) => true,
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b.iter())
                    .all(|(a, b)| is_subtype(program, a, b))
        }
        (Type::Future(a), Type::Future(b))
        | (Type::Await(a), Type::Await(b))
        | (Type::RRef(a), Type::RRef(b)) => is_subtype(program, a, b),
        (Type::Class(name), _) => program
            .class(name)
            .is_some_and(|class| class_is(program, class, sup)),
        _ => false,
    }
}

fn class_is(program: &Program, class: &Class, sup: &Type) -> bool {
    match sup {
        Type::AnyClass => !matches!(class.kind, ClassKind::Enum(_) | ClassKind::NamedTuple),
        Type::AnyEnum => matches!(class.kind, ClassKind::Enum(_)),
        Type::AnyTuple => class.kind == ClassKind::NamedTuple,
        Type::Tuple(items) => {
            class.kind == ClassKind::NamedTuple
                && class.attributes.len() == items.len()
                && class
                    .attributes
                    .iter()
                    .zip(items.iter())
                    .all(|(a, item)| is_subtype(program, &a.ty, item))
        }
        Type::Class(name) => program
            .class(name)
            .is_some_and(|interface| implements(program, class, interface)),
        _ => false,
    }
}

/// Whether a class has every method of an interface, with the same parameters.
fn implements(program: &Program, class: &Class, interface: &Class) -> bool {
    match interface.kind {
        ClassKind::ModuleInterface
            if !matches!(class.kind, ClassKind::Module | ClassKind::ModuleInterface) =>
        {
            return false;
        }
        ClassKind::ModuleInterface | ClassKind::Interface => {}
        _ => return false,
    }
    interface.methods.iter().all(|(name, wanted)| {
        let Some(found) = class.method(name) else {
            return false;
        };
        let (wanted, found) = (&program.functions[*wanted], &program.functions[found]);
        let same = |(a, b): (&super::Param, &super::Param)| a.name == b.name && a.ty == b.ty;
        wanted.params.len() == found.params.len()
            && wanted.params.iter().zip(&found.params).skip(1).all(same)
            && (found.returns == wanted.returns
                || is_simple_subtype(&found.returns, &wanted.returns))
    })
}

/// Result covariance without following interfaces again, which could go round in circles.
fn is_simple_subtype(sub: &Type, sup: &Type) -> bool {
    matches!(sup, Type::Any)
        || matches!(sup, Type::Optional(inner) if *sub == Type::None || **inner == *sub)
        || matches!((sub, sup), (Type::Class(_), Type::Class(_)))
}

/// The type that both convert to, if there is one.
pub fn unify(program: &Program, a: &Type, b: &Type) -> Option<Type> {
    if is_subtype(program, a, b) {
        return Some(b.clone());
    }
    if is_subtype(program, b, a) {
        return Some(a.clone());
    }
    match (a, b) {
        (Type::None, other) | (other, Type::None) => Some(Type::optional(other.clone())),
        (Type::Optional(inner), other) | (other, Type::Optional(inner)) => {
            let other = match other {
                Type::Optional(other) => other,
                other => other,
            };
            unify(program, inner, other).map(Type::optional)
        }
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            let items: Option<Vec<Type>> = a
                .iter()
                .zip(b.iter())
                .map(|(a, b)| unify(program, a, b))
                .collect();
            items.map(Type::tuple)
        }
        (Type::Future(a), Type::Future(b)) => {
            unify(program, a, b).map(|ty| Type::Future(ty.into()))
        }
        _ => None,
    }
}

/// A union without nesting and repetition; `Union[T, None]` is `Optional[T]`.
pub fn union(items: Vec<Type>) -> Type {
    let mut flat: Vec<Type> = Vec::with_capacity(items.len());
    let mut add = |ty: Type| {
        if !flat.contains(&ty) {
            flat.push(ty);
        }
    };
    for item in items {
        match item {
            Type::Union(inner) => inner.iter().cloned().for_each(&mut add),
            Type::Optional(inner) => {
                add((*inner).clone());
                add(Type::None);
            }
            other => add(other),
        }
    }
    match &flat[..] {
        [single] => single.clone(),
        [Type::None, other] | [other, Type::None] => Type::optional(other.clone()),
        _ => Type::Union(flat.into()),
    }
}
