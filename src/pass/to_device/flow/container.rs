//! Tokens in tuples, lists and dicts.

use super::{Flow, MAX_PATH, Slot, Step, Token, Val};
use crate::ir::Type;
use crate::torchscript::ast::{Expr, ExprKind};

impl Val {
    /// A container that holds this value.
    pub(super) fn below(self, step: Step) -> Val {
        let tokens = self.tokens.into_iter().map(|mut token| {
            if token.path.len() < MAX_PATH {
                token.path.insert(0, step);
            }
            token
        });
        Val {
            tokens: tokens.collect(),
            ty: None,
        }
    }

    /// Element `index` of an unpacked tuple or list.
    pub(super) fn field(&self, index: usize) -> Val {
        let ty = match &self.ty {
            Some(Type::Tuple(items)) => items.get(index).cloned(),
            Some(Type::List(item)) => Some((**item).clone()),
            _ => None,
        };
        let wanted = Step::Field(index as u16);
        let take = |s: Step| s == wanted || s == Step::Item;
        Val {
            tokens: self.inside(take),
            ty,
        }
    }

    /// Any element of a list, tuple or iterated thing; the values of a dict are not among them, its keys are iterated.
    pub(super) fn element(&self) -> Val {
        let ty = match &self.ty {
            Some(Type::List(item)) => Some((**item).clone()),
            Some(Type::Dict(kv)) => Some(kv.0.clone()),
            _ => None,
        };
        Val {
            tokens: self.inside(|s| s != Step::Value),
            ty,
        }
    }

    /// Anything found by an index or a key.
    pub(super) fn content(&self) -> Val {
        let ty = match &self.ty {
            Some(Type::List(item)) => Some((**item).clone()),
            Some(Type::Dict(kv)) => Some(kv.1.clone()),
            _ => None,
        };
        Val {
            tokens: self.inside(|_| true),
            ty,
        }
    }

    /// What an assignment by index or key adds to.
    pub(super) fn content_step(&self) -> Step {
        match &self.ty {
            Some(Type::Dict(_)) => Step::Value,
            _ => Step::Item,
        }
    }

    fn inside(&self, take: impl Fn(Step) -> bool) -> smallvec::SmallVec<[Token; 1]> {
        let inner = self.tokens.iter().filter_map(|token| {
            let (first, rest) = token.path.split_first()?;
            take(*first).then(|| Token {
                source: token.source,
                path: rest.into(),
            })
        });
        inner.collect()
    }

    /// Both.
    pub(super) fn or(mut self, other: Val) -> Val {
        self.tokens.extend(other.tokens);
        self.ty = self.ty.or(other.ty);
        self
    }
}

impl<'a> Flow<'a> {
    /// Adds tokens to the container that an expression names.
    pub(super) fn store(&mut self, container: &'a Expr, value: Val) {
        match &container.kind {
            ExprKind::Name(name) => {
                self.flow_into(Slot::Var(self.func, name.clone()), value.tokens);
            }
            ExprKind::Attribute(base, name) => {
                let object = self.eval(base);
                if let Some(class) = object.class().cloned() {
                    self.flow_into(Slot::Attr(class, name.clone()), value.tokens);
                }
            }
            ExprKind::Subscript(base, _) => {
                let outer = self.eval(base);
                self.store(base, value.below(outer.content_step()));
            }
            ExprKind::Paren(inner) => self.store(inner, value),
            _ => {}
        }
    }
}
