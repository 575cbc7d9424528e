//! Names with rules of their own: `annotate`, `fork`, `isinstance`, `range`, casts.

use super::body::Body;
use super::convert::Conversion;
use super::error::{ATTRIBUTE, CALL, CONSTRUCT, MISMATCH, Result, error, fail};
use super::matching::Args;
use super::term::{Iterable, Special, Term, Val, describe};
use crate::diag::{Diagnostic, Span};
use crate::ir::{Constant, Op, Type};
use crate::torchscript::ast::{Call, Expr, ExprKind};

impl Body<'_, '_> {
    pub(super) fn special(
        &mut self,
        special: Special,
        call: &Call,
        hint: Option<&Type>,
        binders: usize,
        span: Option<Span>,
    ) -> Result<Term> {
        let value = match special {
            Special::Annotate => self.annotate(call, span)?,
            Special::UncheckedCast => {
                let [ty, value] = self.exactly(call, span)?;
                let ty = self.unit.annotation(self.file, ty)?;
                let val = self.value(value, Some(&ty))?;
                self.emit(Op::UncheckedCast, [val.id], ty, span)
            }
            Special::Uninitialized => {
                let [ty] = self.exactly(call, span)?;
                let ty = self.unit.annotation(self.file, ty)?;
                self.uninitialized(ty, span)
            }
            Special::Fork | Special::Awaitable => self.fork(special, call, span)?,
            Special::IsInstance => self.instance_check(call, span)?.value,
            Special::HasAttr => self.has_attribute(call, span)?.value,
            Special::GetAttr => return self.get_attribute(call, span),
            Special::Print => self.print(call, span)?,
            Special::Range | Special::Zip | Special::Enumerate => {
                return Ok(Term::Iterable(Box::new(
                    self.iterable_call(special, call, span)?,
                )));
            }
            Special::List => self.list_call(call, hint, span)?,
            Special::Dict => return self.dict_call(call, hint, span),
            Special::Tuple => {
                let [value] = self.exactly(call, span)?;
                let val = self.value(value, None)?;
                match self.tuple_items(&val.ty) {
                    Some(_) => val,
                    None => {
                        return fail(
                            MISMATCH,
                            format!("expected a tuple for `tuple`, found `{}`", val.ty),
                            span,
                        );
                    }
                }
            }
            Special::Exception => return self.exception(call, span),
            Special::Int | Special::Float | Special::Bool | Special::Str => {
                return self.cast(special, call, binders, span);
            }
            Special::Len | Special::Hex | Special::Oct | Special::Round => {
                let args = self.args(call)?;
                return self.magic(special, args, binders, hint, span);
            }
        };
        Ok(Term::Val(value))
    }

    /// Exactly as many positional arguments as the pattern has.
    fn exactly<'c, const N: usize>(
        &self,
        call: &'c Call,
        span: Option<Span>,
    ) -> Result<[&'c Expr; N]> {
        let args: Vec<&Expr> = call.args.iter().collect();
        match (args.try_into(), call.keywords.is_empty()) {
            (Ok(args), true) => Ok(args),
            _ => Err(wrong_count(N, call, span)),
        }
    }

    fn annotate(&mut self, call: &Call, span: Option<Span>) -> Result<Val> {
        let [ty, value] = self.exactly(call, span)?;
        let ty = self.unit.annotation(self.file, ty)?;
        let val = self.value(value, Some(&ty))?;
        self.annotated(val, ty, span)
    }

    /// A value under an annotation: converted, and None remembers what it is None of.
    pub(super) fn annotated(&mut self, val: Val, ty: Type, span: Option<Span>) -> Result<Val> {
        let found = val.ty.clone();
        let val = self.convert(val, &ty, Conversion::Implicit, span)?;
        if !self.is_subtype(&val.ty, &ty) {
            return fail(
                MISMATCH,
                format!("expected `{ty}` as annotated, found `{found}`"),
                span,
            );
        }
        if val.ty == Type::None
            && ty != Type::None
            && self.constant_of(&val) == Some(&Constant::None)
        {
            return Ok(self.typed_constant(Constant::None, ty, span));
        }
        Ok(val)
    }

    fn fork(&mut self, special: Special, call: &Call, span: Option<Span>) -> Result<Val> {
        let [closure] = self.exactly(call, span)?;
        let Term::Closure(node) = self.term(closure, None, 1)? else {
            return fail(
                CONSTRUCT,
                "expected a function defined in this function to fork",
                span,
            );
        };
        if self.graph.node(node).parent.is_some() {
            return fail(
                CONSTRUCT,
                "expected a nested function to be forked once, it is forked before",
                span,
            );
        }
        let id = self.graph.node(node).outputs[0];
        if special == Special::Awaitable {
            self.graph.node_mut(node).op = Op::Awaitable;
            if let Type::Future(inner) = self.graph.ty(id).clone() {
                self.graph.value_mut(id).ty = Type::Await(inner);
            }
        }
        self.graph.node_mut(node).span = span;
        self.graph.append(self.block, node);
        Ok(Val {
            id,
            ty: self.graph.ty(id).clone(),
        })
    }

    pub(super) fn has_attribute(
        &mut self,
        call: &Call,
        span: Option<Span>,
    ) -> Result<super::condition::Condition> {
        let [object, name] = self.exactly(call, span)?;
        let val = self.value(object, None)?;
        let name = string(name).ok_or_else(|| {
            error(
                CONSTRUCT,
                "expected a string literal as the attribute name",
                span,
            )
        })?;
        let known = self.knows_attribute(&val, name, span)?;
        let value = self.bool(known, span);
        Ok(super::condition::Condition {
            value,
            when_true: Vec::new(),
            when_false: Vec::new(),
            fixed: Some(known),
        })
    }

    /// `getattr(object, "0")`, with a default for a name the class does not have.
    fn get_attribute(&mut self, call: &Call, span: Option<Span>) -> Result<Term> {
        let (object, name, default) = match &call.args[..] {
            [object, name] => (object, name, None),
            [object, name, default] => (object, name, Some(default)),
            _ => return Err(wrong_count(2, call, span)),
        };
        let Some(name) = string(name) else {
            return fail(
                CONSTRUCT,
                "expected a string literal as the attribute name",
                span,
            );
        };
        let base = self.term(object, None, 1)?;
        if let (Some(default), Term::Val(val)) = (default, &base)
            && (!matches!(val.ty, Type::Class(_)) || !self.knows_attribute(val, name, span)?)
        {
            return self.term(default, None, 1);
        }
        match base {
            Term::Val(val) => self.value_attribute(val, &name.into(), span),
            other => fail(
                ATTRIBUTE,
                format!(
                    "expected an object for `getattr`, found {}",
                    describe(&other)
                ),
                span,
            ),
        }
    }

    fn print(&mut self, call: &Call, span: Option<Span>) -> Result<Val> {
        if !call.keywords.is_empty() {
            return fail(CALL, "expected no keyword argument for `print`", span);
        }
        let args = self.args(call)?;
        self.node(
            Op::Print,
            args.positional.iter().map(|val| val.id),
            [],
            span,
        );
        Ok(self.none(span))
    }

    fn iterable_call(
        &mut self,
        special: Special,
        call: &Call,
        span: Option<Span>,
    ) -> Result<Iterable> {
        if !call.keywords.is_empty() && special != Special::Enumerate {
            return fail(CALL, "expected no keyword argument", span);
        }
        match special {
            Special::Range => {
                let args = self.args(call)?;
                self.range(args.positional.into_vec(), span)
            }
            Special::Zip => {
                let mut terms = Vec::with_capacity(call.args.len());
                for arg in &call.args {
                    terms.push(self.term(arg, None, 1)?);
                }
                self.zip(terms, span)
            }
            _ => {
                let start = call.args.get(1).or_else(|| {
                    call.keywords
                        .iter()
                        .find(|(k, _)| k == "start")
                        .map(|(_, v)| v)
                });
                let Some(first) = call.args.first() else {
                    return Err(wrong_count(1, call, span));
                };
                let term = self.term(first, None, 1)?;
                let start = match start {
                    Some(start) => Some(self.value(start, None)?),
                    None => None,
                };
                self.enumerate(term, start, span)
            }
        }
    }

    /// `list(x)`: a copy of a list or string, otherwise `[i for i in x]`.
    fn list_call(&mut self, call: &Call, hint: Option<&Type>, span: Option<Span>) -> Result<Val> {
        if call.args.is_empty() {
            return Ok(self.empty_list(hint, span));
        }
        let [value] = self.exactly(call, span)?;
        let term = self.term(value, None, 1)?;
        if let Term::Val(val) = &term
            && matches!(val.ty, Type::List(_) | Type::Str)
        {
            return self.call_operator("aten::list", std::slice::from_ref(val), span);
        }
        let iterable = self.iterable(term, span)?;
        self.collect(iterable, hint, span, |_, element| Ok(element))
    }

    fn dict_call(&mut self, call: &Call, hint: Option<&Type>, span: Option<Span>) -> Result<Term> {
        if call.args.is_empty() && call.keywords.is_empty() {
            return Ok(Term::Val(self.dict_value(&[], hint, span)?));
        }
        let args = self.args(call)?;
        self.operator("aten::dict", args, 1, hint, span)
    }

    fn exception(&mut self, call: &Call, span: Option<Span>) -> Result<Term> {
        match &call.args[..] {
            [] => Ok(Term::Exception(None)),
            [message] => {
                let message = self.value(message, None)?;
                Ok(Term::Exception(Some(message)))
            }
            _ => Err(wrong_count(1, call, span)),
        }
    }

    /// `int(x)` of an int is `x`.
    fn cast(
        &mut self,
        special: Special,
        call: &Call,
        binders: usize,
        span: Option<Span>,
    ) -> Result<Term> {
        let args = self.args(call)?;
        if let ([val], true) = (&args.positional[..], args.keywords.is_empty()) {
            let same = match special {
                Special::Int => Type::Int,
                Special::Float => Type::Float,
                Special::Bool => Type::Bool,
                _ => Type::Str,
            };
            if val.ty == same {
                return Ok(Term::Val(val.clone()));
            }
        }
        self.magic(special, args, binders, None, span)
    }

    /// An operator that classes answer by a method.
    fn magic(
        &mut self,
        special: Special,
        args: Args,
        binders: usize,
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Term> {
        let Some((operator, method)) = special.operator() else {
            return fail(CONSTRUCT, "expected a built-in function", span);
        };
        if let Some(object) = args.positional.first().cloned() {
            if self.class_method(&object.ty, method).is_some() {
                let rest = args.positional[1..].to_vec();
                return self.call_method(&object, method, rest, args.keywords.into_vec(), span);
            }
            if let (Special::Len, Some(items)) = (special, self.tuple_items(&object.ty)) {
                return Ok(Term::Val(self.int(items.len() as i64, span)));
            }
        }
        self.operator(operator, args, binders, hint, span)
    }
}

fn string(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Str(bytes) => std::str::from_utf8(bytes).ok(),
        ExprKind::Paren(inner) => string(inner),
        _ => None,
    }
}

#[cold]
fn wrong_count(expected: usize, call: &Call, span: Option<Span>) -> Box<Diagnostic> {
    let found = call.args.len() + call.keywords.len();
    error(
        CALL,
        format!("expected {expected} arguments, found {found}"),
        span,
    )
}
