//! What loops run over.

use super::body::Body;
use super::error::{CONSTRUCT, MISMATCH, Result, fail};
use super::term::{Iterable, Term, Val, describe};
use crate::diag::Span;
use crate::ir::{ClassKind, Op, Type};

/// Elements of a tuple a loop is unrolled for.
const MAX_UNROLLED: usize = 4096;

impl Body<'_, '_> {
    /// What a loop over a term runs over.
    pub(super) fn iterable(&mut self, term: Term, span: Option<Span>) -> Result<Iterable> {
        match term {
            Term::Iterable(iterable) => Ok(*iterable),
            Term::Many(items) => Ok(Iterable::Elements(items)),
            other => {
                let val = self.term_value(other, span)?;
                self.iterable_value(val, span)
            }
        }
    }

    fn iterable_value(&mut self, val: Val, span: Option<Span>) -> Result<Iterable> {
        match &val.ty {
            Type::List(_) | Type::Str | Type::Tensor => Ok(Iterable::Value(val)),
            Type::Dict(_) => Ok(Iterable::Value(self.call_operator(
                "aten::keys",
                &[val],
                span,
            )?)),
            Type::Tuple(_) | Type::Class(_) => match self.tuple_items(&val.ty) {
                Some(items) if items.len() <= MAX_UNROLLED => {
                    let parts = self.unpacked(&val, &items, span);
                    Ok(Iterable::Elements(
                        parts.into_iter().map(Term::Val).collect(),
                    ))
                }
                _ => fail(
                    MISMATCH,
                    format!("expected something to iterate over, found `{}`", val.ty),
                    span,
                ),
            },
            ty => fail(
                MISMATCH,
                format!("expected something to iterate over, found `{ty}`"),
                span,
            ),
        }
    }

    /// The element types of a tuple or named tuple.
    pub(super) fn tuple_items(&mut self, ty: &Type) -> Option<Vec<Type>> {
        match ty {
            Type::Tuple(items) => Some(items.to_vec()),
            Type::Class(name) => {
                let id = self.unit.class(name)?;
                let class = &self.unit.program.classes[id];
                let fields = || class.attributes.iter().map(|a| a.ty.clone()).collect();
                (class.kind == ClassKind::NamedTuple).then(fields)
            }
            _ => None,
        }
    }

    /// How many iterations there are.
    pub(super) fn length(&mut self, iterable: &Iterable, span: Option<Span>) -> Result<Val> {
        match iterable {
            Iterable::Count(end) => Ok(end.clone()),
            Iterable::Range(start, end, step) => self.call_operator(
                "aten::__range_length",
                &[start.clone(), end.clone(), step.clone()],
                span,
            ),
            Iterable::Value(val) => {
                self.call_operator("aten::len", std::slice::from_ref(val), span)
            }
            Iterable::Endless(_) => Ok(self.int(i64::MAX, span)),
            Iterable::Elements(items) => Ok(self.int(items.len() as i64, span)),
            Iterable::Zip(parts) => {
                let mut lengths = Vec::with_capacity(parts.len());
                self.lengths(parts, &mut lengths, span)?;
                let ids: Vec<_> = lengths.iter().map(|val| val.id).collect();
                let list = self.emit(Op::ListConstruct, ids, Type::list(Type::Int), span);
                self.call_operator("prim::min", &[list], span)
            }
        }
    }

    /// The lengths of all that is zipped, however nested.
    fn lengths(
        &mut self,
        parts: &[Iterable],
        lengths: &mut Vec<Val>,
        span: Option<Span>,
    ) -> Result<()> {
        for part in parts {
            match part {
                Iterable::Zip(inner) => self.lengths(inner, lengths, span)?,
                _ => lengths.push(self.length(part, span)?),
            }
        }
        Ok(())
    }

    /// The element of one iteration.
    pub(super) fn element(
        &mut self,
        iterable: &Iterable,
        index: &Val,
        span: Option<Span>,
    ) -> Result<Term> {
        Ok(match iterable {
            Iterable::Count(_) => Term::Val(index.clone()),
            Iterable::Range(start, _, step) => {
                let inputs = [index.clone(), start.clone(), step.clone()];
                Term::Val(self.call_operator("aten::__derive_index", &inputs, span)?)
            }
            Iterable::Endless(start) if self.is_int(start, 0) => Term::Val(index.clone()),
            Iterable::Endless(start) => {
                let one = self.int(1, span);
                Term::Val(self.call_operator(
                    "aten::__derive_index",
                    &[index.clone(), start.clone(), one],
                    span,
                )?)
            }
            Iterable::Value(val) if val.ty == Type::Tensor => {
                let zero = self.int(0, span);
                Term::Val(self.call_operator(
                    "aten::select",
                    &[val.clone(), zero, index.clone()],
                    span,
                )?)
            }
            Iterable::Value(val) => Term::Val(self.call_operator(
                "aten::__getitem__",
                &[val.clone(), index.clone()],
                span,
            )?),
            Iterable::Zip(parts) => {
                let mut items = Vec::with_capacity(parts.len());
                for part in parts {
                    items.push(self.element(part, index, span)?);
                }
                Term::Many(items)
            }
            Iterable::Elements(_) => {
                return fail(
                    CONSTRUCT,
                    "expected no tuple beside something of unknown length in `zip`",
                    span,
                );
            }
        })
    }

    fn is_int(&self, val: &Val, value: i64) -> bool {
        self.constant_of(val) == Some(&crate::ir::Constant::Int(value))
    }

    /// `range(end)`, `range(start, end)`, `range(start, end, step)`
    pub(super) fn range(&mut self, args: Vec<Val>, span: Option<Span>) -> Result<Iterable> {
        let mut ints = Vec::with_capacity(3);
        for arg in args {
            let found = arg.ty.clone();
            let val = self.convert(arg, &Type::Int, super::convert::Conversion::Implicit, span)?;
            if val.ty != Type::Int {
                return fail(
                    MISMATCH,
                    format!("expected an int for `range`, found `{found}`"),
                    span,
                );
            }
            ints.push(val);
        }
        let mut ints = ints.into_iter();
        match (ints.next(), ints.next(), ints.next(), ints.next()) {
            (Some(end), None, ..) => Ok(Iterable::Count(end)),
            (Some(start), Some(end), step, None) => {
                let step = match step {
                    Some(step) => step,
                    None => self.int(1, span),
                };
                Ok(Iterable::Range(start, end, step))
            }
            _ => fail(CONSTRUCT, "expected 1 to 3 arguments for `range`", span),
        }
    }

    /// `zip(a, b)`; tuples of one length are walked element by element.
    pub(super) fn zip(&mut self, terms: Vec<Term>, span: Option<Span>) -> Result<Iterable> {
        let mut parts = Vec::with_capacity(terms.len());
        for term in terms {
            parts.push(self.iterable(term, span)?);
        }
        zipped(parts, span)
    }

    /// `enumerate(x)`, `enumerate(x, start)`
    pub(super) fn enumerate(
        &mut self,
        term: Term,
        start: Option<Val>,
        span: Option<Span>,
    ) -> Result<Iterable> {
        let start = match start {
            Some(start) => start,
            None => self.int(0, span),
        };
        let part = self.iterable(term, span)?;
        if let Iterable::Elements(items) = part {
            let Some(crate::ir::Constant::Int(first)) = self.constant_of(&start).cloned() else {
                return fail(
                    CONSTRUCT,
                    "expected a constant start for `enumerate` over a tuple",
                    span,
                );
            };
            let pair = |(i, item)| {
                Term::Many(vec![Term::Val(self.int(first.wrapping_add(i), span)), item])
            };
            return Ok(Iterable::Elements((0i64..).zip(items).map(pair).collect()));
        }
        Ok(Iterable::Zip(vec![Iterable::Endless(start), part]))
    }
}

fn zipped(parts: Vec<Iterable>, span: Option<Span>) -> Result<Iterable> {
    let known: Vec<usize> = parts
        .iter()
        .filter_map(|part| match part {
            Iterable::Elements(items) => Some(items.len()),
            _ => None,
        })
        .collect();
    let Some(&count) = known.iter().min() else {
        return match parts.is_empty() {
            true => fail(CONSTRUCT, "expected at least one argument for `zip`", span),
            false => Ok(Iterable::Zip(parts)),
        };
    };
    if known.len() != parts.len() {
        return fail(
            CONSTRUCT,
            "expected no tuple beside something of unknown length in `zip`",
            span,
        );
    }
    let mut rows = vec![Vec::with_capacity(parts.len()); count];
    for part in parts {
        if let Iterable::Elements(items) = part {
            rows.iter_mut()
                .zip(items)
                .for_each(|(row, item)| row.push(item));
        }
    }
    Ok(Iterable::Elements(
        rows.into_iter().map(Term::Many).collect(),
    ))
}

/// The error for a term that is no value.
pub(super) fn not_a_value<T>(term: &Term, span: Option<Span>) -> Result<T> {
    fail(
        CONSTRUCT,
        format!("expected a value, found {}", describe(term)),
        span,
    )
}
