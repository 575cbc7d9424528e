//! Matching arguments to formals, for operators and user functions alike (`torchscript.md` 3.10).

use super::body::Body;
use super::convert::Conversion;
use super::literal;
use super::term::Val;
use crate::diag::Span;
use crate::ir::schema::Arg;
use crate::ir::{Constant, Op, Param, Type};
use smallvec::SmallVec;
use smol_str::SmolStr;

/// What a call passes.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    pub(super) positional: SmallVec<[Val; 6]>,
    pub(super) keywords: SmallVec<[(SmolStr, Val); 2]>,
    /// The value an operator was taken from as a method: it goes to `self`.
    pub(super) receiver: Option<Val>,
}

/// One formal argument of an operator or function.
#[derive(Clone, Copy)]
pub(super) struct Formal<'s> {
    pub(super) name: &'s str,
    pub(super) ty: &'s Type,
    fixed_size: Option<u32>,
    default: Option<&'s Constant>,
    kwarg_only: bool,
}

impl<'s> From<&'s Arg> for Formal<'s> {
    fn from(arg: &'s Arg) -> Formal<'s> {
        Formal {
            name: &arg.name,
            ty: &arg.ty,
            fixed_size: arg.fixed_size,
            default: arg.default.as_ref(),
            kwarg_only: arg.kwarg_only,
        }
    }
}

impl<'s> From<&'s Param> for Formal<'s> {
    fn from(param: &'s Param) -> Formal<'s> {
        Formal {
            name: &param.name,
            ty: &param.ty,
            fixed_size: None,
            default: param.default.as_ref(),
            kwarg_only: param.kwarg_only,
        }
    }
}

/// What is called.
pub(super) struct Signature<'s> {
    pub(super) formals: SmallVec<[Formal<'s>; 10]>,
    /// More positional arguments than formals are allowed.
    pub(super) vararg: bool,
    /// A keyword `input` also names `self`.
    pub(super) aten: bool,
}

/// Why a signature does not fit.
#[derive(Clone, Debug)]
pub(super) enum Mismatch {
    Missing(SmolStr),
    Surplus {
        expected: usize,
        found: usize,
    },
    Keyword(SmolStr),
    Receiver,
    Type {
        name: SmolStr,
        expected: Type,
        found: Type,
    },
    Conversion(String),
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Mismatch::Missing(name) => write!(f, "argument `{name}` is missing"),
            Mismatch::Surplus { expected, found } => {
                write!(
                    f,
                    "expected at most {expected} positional arguments, found {found}"
                )
            }
            Mismatch::Keyword(name) => {
                write!(f, "no argument is named `{name}`, or it is given twice")
            }
            Mismatch::Receiver => f.write_str("it is no method"),
            Mismatch::Type {
                name,
                expected,
                found,
            } => {
                write!(
                    f,
                    "expected `{expected}` for argument `{name}`, found `{found}`"
                )
            }
            Mismatch::Conversion(reason) => f.write_str(reason),
        }
    }
}

/// The types that type variables stand for in one call.
pub(super) type Variables = SmallVec<[(SmolStr, Type); 2]>;

/// One input of the node to be made.
enum Slot<'s> {
    Given(Val),
    Default(&'s Constant, &'s Type),
}

impl Body<'_, '_> {
    /// All inputs in the order of the formals, defaults as constants; nodes made for a failed attempt are taken back.
    pub(super) fn match_signature(
        &mut self,
        signature: &Signature,
        args: &Args,
        conversion: Conversion,
        variables: &mut Variables,
        span: Option<Span>,
    ) -> Result<SmallVec<[Val; 8]>, Mismatch> {
        let mark = self.mark();
        let mut decided = Vec::new();
        match self.match_slots(signature, args, conversion, variables, &mut decided, span) {
            Ok(slots) => {
                for (id, ty) in decided {
                    self.undecided.remove(&id);
                    self.graph.value_mut(id).ty = ty;
                }
                Ok(slots
                    .into_iter()
                    .map(|slot| self.fill(slot, span))
                    .collect())
            }
            Err(mismatch) => {
                self.rollback(mark);
                Err(mismatch)
            }
        }
    }

    fn fill(&mut self, slot: Slot, span: Option<Span>) -> Val {
        match slot {
            Slot::Given(val) => val,
            Slot::Default(constant, ty) => {
                let ty = literal::type_of(constant, ty);
                self.typed_constant(constant.clone(), ty, span)
            }
        }
    }

    fn match_slots<'s>(
        &mut self,
        signature: &Signature<'s>,
        args: &Args,
        conversion: Conversion,
        variables: &mut Variables,
        decided: &mut Vec<(crate::ir::ValueId, Type)>,
        span: Option<Span>,
    ) -> Result<SmallVec<[Slot<'s>; 8]>, Mismatch> {
        let formals = &signature.formals;
        let mut slots = SmallVec::with_capacity(formals.len());
        let mut receiver = args.receiver.as_ref();
        let mut next = 0;
        let mut keywords_used = 0;
        for (i, formal) in formals.iter().enumerate() {
            let actual = if let (Some(val), "self") = (receiver, formal.name) {
                receiver = None;
                val
            } else if let (false, Some(val)) = (formal.kwarg_only, args.positional.get(next)) {
                let last = formals.get(i + 1).is_none_or(|f| f.kwarg_only);
                if conversion == Conversion::Implicit && last && self.spreads(formal, &val.ty) {
                    let list =
                        self.spread(formal, &args.positional[next..], variables, decided, span)?;
                    slots.push(Slot::Given(list));
                    next = args.positional.len();
                    continue;
                }
                next += 1;
                val
            } else if let Some((_, val)) = keyword(args, formal.name, signature.aten) {
                keywords_used += 1;
                val
            } else if let Some(default) = formal.default {
                slots.push(Slot::Default(default, formal.ty));
                continue;
            } else {
                return Err(Mismatch::Missing(formal.name.into()));
            };
            let val =
                self.match_value(formal, actual.clone(), conversion, variables, decided, span)?;
            slots.push(Slot::Given(val));
        }
        if receiver.is_some() {
            return Err(Mismatch::Receiver);
        }
        if next < args.positional.len() {
            if !signature.vararg {
                return Err(Mismatch::Surplus {
                    expected: formals.iter().filter(|f| !f.kwarg_only).count(),
                    found: args.positional.len(),
                });
            }
            slots.extend(args.positional[next..].iter().cloned().map(Slot::Given));
        }
        if keywords_used < args.keywords.len() {
            return Err(surplus_keyword(signature, args));
        }
        Ok(slots)
    }

    /// Whether the remaining positional arguments form the list of the last formal: `torch.zeros(2, 3)`.
    fn spreads(&self, formal: &Formal, actual: &Type) -> bool {
        let Type::List(element) = formal.ty else {
            return false;
        };
        if formal.fixed_size.is_some() || matches!(**element, Type::Var(_)) {
            return false;
        }
        match actual {
            Type::List(_) => false,
            Type::Tuple(items) => !items.iter().all(|item| self.is_subtype(item, element)),
            _ => true,
        }
    }

    fn spread(
        &mut self,
        formal: &Formal,
        rest: &[Val],
        variables: &mut Variables,
        decided: &mut Vec<(crate::ir::ValueId, Type)>,
        span: Option<Span>,
    ) -> Result<Val, Mismatch> {
        let Type::List(element) = formal.ty else {
            return Err(Mismatch::Missing(formal.name.into()));
        };
        let item = Formal {
            ty: element,
            fixed_size: None,
            ..*formal
        };
        let mut items = Vec::with_capacity(rest.len());
        for val in rest {
            items.push(
                self.match_value(
                    &item,
                    val.clone(),
                    Conversion::Implicit,
                    variables,
                    decided,
                    span,
                )?
                .id,
            );
        }
        Ok(self.emit(Op::ListConstruct, items, formal.ty.clone(), span))
    }

    fn match_value(
        &mut self,
        formal: &Formal,
        val: Val,
        conversion: Conversion,
        variables: &mut Variables,
        decided: &mut Vec<(crate::ir::ValueId, Type)>,
        span: Option<Span>,
    ) -> Result<Val, Mismatch> {
        let val = self.broadcast(formal, val, span);
        if !has_variables(formal.ty) {
            return self.match_concrete(formal.name, formal.ty, val, conversion, decided, span);
        }
        let bound = self.bind_variables(formal.ty, &val.ty, variables);
        let concrete = substitute(formal.ty, variables);
        let Some(concrete) = concrete.clone().filter(|_| bound) else {
            return Err(Mismatch::Type {
                name: formal.name.into(),
                expected: concrete.unwrap_or_else(|| formal.ty.clone()),
                found: val.ty,
            });
        };
        self.match_concrete(formal.name, &concrete, val, conversion, decided, span)
    }

    fn match_concrete(
        &mut self,
        name: &str,
        ty: &Type,
        val: Val,
        conversion: Conversion,
        decided: &mut Vec<(crate::ir::ValueId, Type)>,
        span: Option<Span>,
    ) -> Result<Val, Mismatch> {
        if val.ty == *ty {
            return Ok(val);
        }
        if conversion == Conversion::Implicit
            && self.undecided.contains(&val.id)
            && !self.is_subtype(&val.ty, ty)
        {
            decided.push((val.id, ty.clone()));
            return Ok(Val {
                id: val.id,
                ty: ty.clone(),
            });
        }
        let found = val.ty.clone();
        let converted = self.convert(val, ty, conversion, span);
        let converted = converted.map_err(|diagnostic| Mismatch::Conversion(diagnostic.message))?;
        match self.is_subtype(&converted.ty, ty) {
            true => Ok(converted),
            false => Err(Mismatch::Type {
                name: name.into(),
                expected: ty.clone(),
                found,
            }),
        }
    }

    /// One number for `int[2]`: repeated.
    fn broadcast(&mut self, formal: &Formal, val: Val, span: Option<Span>) -> Val {
        let Some(size) = formal.fixed_size else {
            return val;
        };
        let list = match formal.ty {
            Type::Optional(inner) => inner,
            other => other,
        };
        match list {
            Type::List(element)
                if **element == val.ty && matches!(val.ty, Type::Int | Type::Float) =>
            {
                let items =
                    std::iter::repeat_n(val.id, size as usize).collect::<SmallVec<[_; 4]>>();
                self.emit(Op::ListConstruct, items, list.clone(), span)
            }
            _ => val,
        }
    }

    /// Learns what type variables stand for from one argument.
    fn bind_variables(&self, formal: &Type, actual: &Type, variables: &mut Variables) -> bool {
        match (formal, actual) {
            (Type::Var(name), _) => match variables.iter().find(|(n, _)| n == name) {
                Some((_, bound)) => bound == actual || self.unify(bound, actual).is_some(),
                None => {
                    variables.push((name.clone(), actual.clone()));
                    true
                }
            },
            (Type::Optional(_), Type::None) => true,
            (Type::Optional(formal), Type::Optional(actual)) => {
                self.bind_variables(formal, actual, variables)
            }
            (Type::Optional(formal), _) => self.bind_variables(formal, actual, variables),
            (Type::List(formal), Type::List(actual)) => {
                self.bind_variables(formal, actual, variables)
            }
            (Type::List(formal), Type::Tuple(items)) => {
                let mut items = items.iter();
                let Some(first) = items.next() else {
                    return false;
                };
                let common = items.try_fold(first.clone(), |ty, item| self.unify(&ty, item));
                common.is_some_and(|ty| self.bind_variables(formal, &ty, variables))
            }
            (Type::Tuple(formals), Type::Tuple(actuals)) => {
                formals.len() == actuals.len()
                    && formals
                        .iter()
                        .zip(actuals.iter())
                        .all(|(f, a)| self.bind_variables(f, a, variables))
            }
            (Type::Future(f), Type::Future(a))
            | (Type::Await(f), Type::Await(a))
            | (Type::RRef(f), Type::RRef(a)) => self.bind_variables(f, a, variables),
            (Type::Dict(f), Type::Dict(a)) => {
                self.bind_variables(&f.0, &a.0, variables)
                    && self.bind_variables(&f.1, &a.1, variables)
            }
            _ => !has_variables(formal),
        }
    }
}

fn keyword<'k>(args: &'k Args, name: &str, aten: bool) -> Option<&'k (SmolStr, Val)> {
    args.keywords
        .iter()
        .find(|(key, _)| key == name || (aten && name == "self" && key == "input"))
}

fn surplus_keyword(signature: &Signature, args: &Args) -> Mismatch {
    let known = |key: &str| signature.formals.iter().any(|f| f.name == key);
    let unknown = args.keywords.iter().find(|(key, _)| !known(key));
    let first = unknown.or(args.keywords.last());
    Mismatch::Keyword(first.map(|(key, _)| key.clone()).unwrap_or_default())
}

fn has_variables(ty: &Type) -> bool {
    match ty {
        Type::Var(_) => true,
        Type::Optional(inner)
        | Type::List(inner)
        | Type::Future(inner)
        | Type::Await(inner)
        | Type::RRef(inner) => has_variables(inner),
        Type::Dict(kv) => has_variables(&kv.0) || has_variables(&kv.1),
        Type::Tuple(items) | Type::Union(items) => items.iter().any(has_variables),
        _ => false,
    }
}

/// A type with its variables replaced; none if one is unknown.
pub(super) fn substitute(ty: &Type, variables: &Variables) -> Option<Type> {
    if !has_variables(ty) {
        return Some(ty.clone());
    }
    Some(match ty {
        Type::Var(name) => variables.iter().find(|(n, _)| n == name)?.1.clone(),
        Type::Optional(inner) => Type::optional(substitute(inner, variables)?),
        Type::List(inner) => Type::list(substitute(inner, variables)?),
        Type::Future(inner) => Type::Future(substitute(inner, variables)?.into()),
        Type::Await(inner) => Type::Await(substitute(inner, variables)?.into()),
        Type::RRef(inner) => Type::RRef(substitute(inner, variables)?.into()),
        Type::Dict(kv) => Type::dict(substitute(&kv.0, variables)?, substitute(&kv.1, variables)?),
        Type::Tuple(items) => {
            let items: Option<Vec<Type>> = items
                .iter()
                .map(|item| substitute(item, variables))
                .collect();
            Type::tuple(items?)
        }
        other => other.clone(),
    })
}
