//! Calls of functions, methods and classes.

use super::body::Body;
use super::convert::Conversion;
use super::error::{ATTRIBUTE, CALL, CONSTRUCT, MISMATCH, Result, fail};
use super::iterate::not_a_value;
use super::matching::{Args, Formal, Signature, Variables};
use super::term::{Iterable, Term, Val, describe};
use crate::diag::Span;
use crate::ir::{ClassKind, FuncId, Op, Param, Type};
use crate::torchscript::ast::{Call, Expr, ExprKind};
use smol_str::SmolStr;

impl Body<'_, '_> {
    /// `func(args…)`
    pub(super) fn call(
        &mut self,
        call: &Call,
        hint: Option<&Type>,
        binders: usize,
        span: Option<Span>,
    ) -> Result<Term> {
        let callee = self.term(&call.func, None, 1)?;
        match callee {
            Term::Special(special) => self.special(special, call, hint, binders, span),
            Term::Operator(name, receiver) => {
                let mut args = self.args(call)?;
                args.receiver = receiver;
                self.operator(&name, args, binders, hint, span)
            }
            Term::Method(object, name) => {
                let args = self.args(call)?;
                self.call_method(
                    &object,
                    &name,
                    args.positional.into_vec(),
                    args.keywords.into_vec(),
                    span,
                )
            }
            Term::Function(name, id) => {
                let args = self.args(call)?;
                self.call_function(name, id, args, span)
            }
            Term::Class(name) => self.construct(name, call, span),
            Term::New(name) => self.create_object(name, call, span),
            Term::TensorCast(val, dtype) => self.tensor_cast(val, dtype, call, span),
            Term::ToList(val) => self.tolist(val, hint, span),
            Term::Val(val) if matches!(val.ty, Type::Class(_)) => {
                let args = self.args(call)?;
                self.call_method(
                    &val,
                    "__call__",
                    args.positional.into_vec(),
                    args.keywords.into_vec(),
                    span,
                )
            }
            Term::Path(path) => Err(self.unit.unknown(&path, span)),
            other => fail(
                CONSTRUCT,
                format!("expected something to call, found {}", describe(&other)),
                span,
            ),
        }
    }

    /// Lowers the arguments in order.
    pub(super) fn args(&mut self, call: &Call) -> Result<Args> {
        let mut args = Args::default();
        for arg in &call.args {
            match &arg.kind {
                ExprKind::Starred(inner) => {
                    let span = self.span(arg.range);
                    let term = self.term(inner, None, 1)?;
                    let Iterable::Elements(items) = self.iterable(term, span)? else {
                        return fail(CONSTRUCT, "expected a tuple after `*`", span);
                    };
                    for item in items {
                        args.positional.push(self.term_value(item, span)?);
                    }
                }
                _ => args.positional.push(self.value(arg, None)?),
            }
        }
        for (name, value) in &call.keywords {
            let val = self.value(value, None)?;
            args.keywords.push((name.clone(), val));
        }
        Ok(args)
    }

    fn matched(
        &mut self,
        name: &str,
        params: &[Param],
        args: Args,
        span: Option<Span>,
    ) -> Result<Vec<Val>> {
        let signature = Signature {
            formals: params.iter().map(Formal::from).collect(),
            vararg: false,
            aten: false,
        };
        let matched = self.match_signature(
            &signature,
            &args,
            Conversion::Implicit,
            &mut Variables::new(),
            span,
        );
        match matched {
            Ok(inputs) => Ok(inputs.into_vec()),
            Err(mismatch) => fail(CALL, format!("`{name}`: {mismatch}"), span),
        }
    }

    fn call_function(
        &mut self,
        name: SmolStr,
        id: FuncId,
        args: Args,
        span: Option<Span>,
    ) -> Result<Term> {
        let params = self.unit.program.functions[id].params.clone();
        let inputs = self.matched(&name, &params, args, span)?;
        let returns = self.unit.returns(id, span)?;
        let ids: Vec<_> = inputs.iter().map(|val| val.id).collect();
        Ok(Term::Val(self.emit(
            Op::CallFunction(name),
            ids,
            returns,
            span,
        )))
    }

    /// `object.name(…)`
    pub(super) fn call_method(
        &mut self,
        object: &Val,
        name: &str,
        positional: Vec<Val>,
        keywords: Vec<(SmolStr, Val)>,
        span: Option<Span>,
    ) -> Result<Term> {
        let class = object
            .ty
            .class_name()
            .and_then(|class| self.unit.class(class));
        let Some((class_id, class)) = class.map(|id| (id, &self.unit.program.classes[id])) else {
            return fail(
                ATTRIBUTE,
                format!(
                    "expected an object before `.{name}(…)`, found `{}`",
                    object.ty
                ),
                span,
            );
        };
        let op = Op::CallMethod(name.into());
        if class.kind == ClassKind::Native {
            let ty = native_result(&class.name, name);
            let inputs = std::iter::once(object)
                .chain(&positional)
                .chain(keywords.iter().map(|(_, val)| val));
            let ids: Vec<_> = inputs.map(|val| val.id).collect();
            return Ok(Term::Val(self.emit(op, ids, ty, span)));
        }
        let Some(id) = self.unit.method(class_id, name) else {
            return fail(
                ATTRIBUTE,
                format!("expected a method of `{}`, found `{name}`", class.name),
                span,
            );
        };
        let params = self.unit.program.functions[id].params.clone();
        let args = Args {
            positional: std::iter::once(object.clone()).chain(positional).collect(),
            keywords: keywords.into(),
            receiver: None,
        };
        let inputs = self.matched(name, &params, args, span)?;
        let returns = self.unit.returns(id, span)?;
        let ids: Vec<_> = inputs.iter().map(|val| val.id).collect();
        Ok(Term::Val(self.emit(op, ids, returns, span)))
    }

    /// `C(…)`: a named tuple, or an object and its `__init__`.
    fn construct(&mut self, name: SmolStr, call: &Call, span: Option<Span>) -> Result<Term> {
        let Some(id) = self.unit.class(&name) else {
            return Err(self.unit.unknown(&name, span));
        };
        let args = self.args(call)?;
        match &self.unit.program.classes[id].kind {
            ClassKind::NamedTuple => self.named_tuple(name, args, span),
            ClassKind::Plain => {
                let object = self.emit(Op::CreateObject, [], Type::Class(name), span);
                self.call_method(
                    &object,
                    "__init__",
                    args.positional.into_vec(),
                    args.keywords.into_vec(),
                    span,
                )?;
                Ok(Term::Val(object))
            }
            ClassKind::Enum(members) => {
                let Some((_, first)) = members.first() else {
                    return fail(
                        CONSTRUCT,
                        format!("expected members in the enum `{name}`"),
                        span,
                    );
                };
                let _ = first;
                fail(
                    CONSTRUCT,
                    format!("expected `{name}.MEMBER`, found a call of the enum"),
                    span,
                )
            }
            _ => fail(
                CONSTRUCT,
                format!("expected a named tuple or plain class to construct, found `{name}`"),
                span,
            ),
        }
    }

    fn named_tuple(&mut self, name: SmolStr, args: Args, span: Option<Span>) -> Result<Term> {
        let class = self.unit.program.class(&name);
        let fields = class.into_iter().flat_map(|class| &class.attributes);
        let params: Vec<Param> = fields
            .map(|field| Param {
                name: field.name.clone(),
                ty: field.ty.clone(),
                default: None,
                kwarg_only: false,
            })
            .collect();
        let inputs = self.matched(&name, &params, args, span)?;
        let ids: Vec<_> = inputs.iter().map(|val| val.id).collect();
        Ok(Term::Val(self.emit(
            Op::TupleConstruct,
            ids,
            Type::Class(name),
            span,
        )))
    }

    /// `C.__new__(C)`
    fn create_object(&mut self, name: SmolStr, call: &Call, span: Option<Span>) -> Result<Term> {
        let same = match &call.args[..] {
            [arg] => matches!(self.term(arg, None, 1)?, Term::Class(class) if class == name),
            _ => false,
        };
        if !same {
            return fail(
                CONSTRUCT,
                format!("expected `{name}` as the argument of `__new__`"),
                span,
            );
        }
        Ok(Term::Val(self.emit(
            Op::CreateObject,
            [],
            Type::Class(name),
            span,
        )))
    }

    /// `x.float()` is `x.to(float)`.
    fn tensor_cast(
        &mut self,
        val: Val,
        dtype: i64,
        call: &Call,
        span: Option<Span>,
    ) -> Result<Term> {
        if !call.args.is_empty() || !call.keywords.is_empty() {
            return fail(CALL, "expected no argument for a cast of a tensor", span);
        }
        let dtype = self.int(dtype, span);
        let no = self.bool(false, span);
        let none = self.none(span);
        self.operator_term("aten::to", vec![val, dtype, no.clone(), no, none], span)
    }

    /// `annotate(List[int], x.tolist())`
    fn tolist(&mut self, val: Val, hint: Option<&Type>, span: Option<Span>) -> Result<Term> {
        let Some(ty) = hint else {
            return fail(
                MISMATCH,
                "expected a type for `tolist()`, as in `annotate(List[int], x.tolist())`",
                span,
            );
        };
        Ok(Term::Val(self.emit(Op::ToList, [val.id], ty.clone(), span)))
    }

    /// The value of a term; several values become a tuple.
    pub(super) fn term_value(&mut self, term: Term, span: Option<Span>) -> Result<Val> {
        match term {
            Term::Val(val) => Ok(val),
            Term::Many(items) => {
                let mut vals = Vec::with_capacity(items.len());
                for item in items {
                    vals.push(self.term_value(item, span)?);
                }
                Ok(self.tuple(vals, span))
            }
            Term::Path(path) => Err(self.unit.unknown(&path, span)),
            Term::Function(name, _) => {
                let ty = Type::Function(name.clone());
                Ok(self.typed_constant(crate::ir::Constant::Function(name), ty, span))
            }
            other => not_a_value(&other, span),
        }
    }

    /// The value of an expression; `hint` is the type the context wants.
    pub(super) fn value(&mut self, expr: &Expr, hint: Option<&Type>) -> Result<Val> {
        let term = self.term(expr, hint, 1)?;
        self.term_value(term, self.span(expr.range))
    }
}

/// The result of a method of a C++ class: known for the quantised packed parameters, `Any` otherwise.
fn native_result(class: &str, method: &str) -> Type {
    let packed = class.starts_with("__torch__.torch.classes.quantized.")
        && class.ends_with("PackedParamsBase");
    match method {
        "unpack" if packed => Type::tuple([Type::Tensor, Type::optional(Type::Tensor)]),
        "bias" if packed => Type::optional(Type::Tensor),
        "stride" | "padding" | "output_padding" | "dilation" if packed => Type::list(Type::Int),
        "groups" if packed => Type::Int,
        "transpose" if packed => Type::Bool,
        "set_bias" if packed => Type::None,
        "__getstate__" => Type::Any,
        _ => Type::Any,
    }
}
