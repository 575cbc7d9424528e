//! Calls of operators: overloads, results, alias names, operators no schema is known for.

use super::body::Body;
use super::convert::Conversion;
use super::error::{OPERATOR, OVERLOAD, Result, error};
use super::matching::{Args, Formal, Mismatch, Signature, Variables, substitute};
use super::term::{Term, Val};
use crate::diag::{Diagnostic, Span};
use crate::ir::op::OpaqueOp;
use crate::ir::schema::{self, Schema};
use crate::ir::{Op, Type};
use smallvec::SmallVec;

/// Overloads that an error lists.
const SHOWN_OVERLOADS: usize = 8;

impl Body<'_, '_> {
    /// Calls an operator; `binders` is how many targets its results go to, `hint` the type the context wants.
    pub(super) fn operator(
        &mut self,
        name: &str,
        args: Args,
        binders: usize,
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Term> {
        if let Some(term) = self.upgraded(name, &args, span)? {
            return Ok(term);
        }
        let overloads = schema::overloads(name);
        if overloads.is_empty() {
            if let Some(term) = self.builtin(name, &args, Conversion::Implicit, span)? {
                return Ok(term);
            }
            return self.opaque(name, args, binders, hint, span);
        }
        let mut first_mismatch = None;
        let several = overloads.len() > 1 || super::builtin::exists(name);
        let passes: &[Conversion] = match several {
            true => &[Conversion::Exact, Conversion::Implicit],
            false => &[Conversion::Implicit],
        };
        for &conversion in passes {
            for &schema in overloads {
                match self.try_schema(schema, &args, conversion, span) {
                    Ok(term) => return Ok(term),
                    Err(mismatch) => {
                        first_mismatch.get_or_insert(mismatch);
                    }
                }
            }
            if let Some(term) = self.builtin(name, &args, conversion, span)? {
                return Ok(term);
            }
        }
        Err(no_overload(name, overloads, &args, first_mismatch, span))
    }

    /// An operator called by lowering itself.
    pub(super) fn operator_term(
        &mut self,
        name: &str,
        args: Vec<Val>,
        span: Option<Span>,
    ) -> Result<Term> {
        let args = Args {
            positional: args.into(),
            ..Args::default()
        };
        self.operator(name, args, 1, None, span)
    }

    /// An operator with one result, called by lowering itself.
    pub(super) fn call_operator(
        &mut self,
        name: &str,
        args: &[Val],
        span: Option<Span>,
    ) -> Result<Val> {
        let term = self.operator_term(name, args.to_vec(), span)?;
        self.term_value(term, span)
    }

    fn try_schema(
        &mut self,
        schema: &'static Schema,
        args: &Args,
        conversion: Conversion,
        span: Option<Span>,
    ) -> std::result::Result<Term, Mismatch> {
        // `x.view(1)` and `x.view(torch.int8)` cannot be told apart; torch never takes the second.
        if schema.name() == "aten::view" && schema.overload() == "dtype" {
            return Err(Mismatch::Receiver);
        }
        // The commonest reason first, before anything is built.
        let formals = schema.args.len();
        if !schema.is_vararg && args.positional.len() > formals && !takes_spread(schema) {
            return Err(Mismatch::Surplus {
                expected: formals,
                found: args.positional.len(),
            });
        }
        let signature = Signature {
            formals: schema.args.iter().map(Formal::from).collect(),
            vararg: schema.is_vararg,
            aten: schema.name().starts_with("aten::"),
        };
        let mut variables = Variables::new();
        let inputs = self.match_signature(&signature, args, conversion, &mut variables, span)?;
        let mut types: SmallVec<[Type; 2]> = SmallVec::new();
        for result in &schema.returns {
            match substitute(&result.ty, &variables) {
                Some(ty) => types.push(ty),
                None => return Err(Mismatch::Missing("a type variable of the result".into())),
            }
        }
        let mut inputs = inputs;
        let schema = normalized(schema, &mut inputs);
        Ok(self.schema_node(
            schema,
            inputs.iter().map(|val| val.id).collect(),
            types,
            span,
        ))
    }

    fn schema_node(
        &mut self,
        schema: &'static Schema,
        inputs: SmallVec<[crate::ir::ValueId; 8]>,
        types: SmallVec<[Type; 2]>,
        span: Option<Span>,
    ) -> Term {
        let node = self.node(Op::Operator(schema), inputs, types, span);
        let outputs = self.graph.node(node).outputs.clone();
        match outputs[..] {
            [] => Term::Val(self.none(span)),
            [id] => Term::Val(Val {
                id,
                ty: self.graph.ty(id).clone(),
            }),
            _ => {
                let val = |id| {
                    Term::Val(Val {
                        id,
                        ty: self.graph.ty(id).clone(),
                    })
                };
                Term::Many(outputs.into_iter().map(val).collect())
            }
        }
    }

    /// An operator no schema is known for, carried as written.
    fn opaque(
        &mut self,
        name: &str,
        args: Args,
        binders: usize,
        hint: Option<&Type>,
        span: Option<Span>,
    ) -> Result<Term> {
        let mut inputs: Vec<_> = args
            .receiver
            .iter()
            .chain(&args.positional)
            .map(|val| val.id)
            .collect();
        inputs.extend(args.keywords.iter().map(|(_, val)| val.id));
        if matches!(name.split_once("::"), Some(("aten" | "prim", _))) {
            let message = format!("expected an operator of libtorch 2.11, found `{name}`");
            let warning = Diagnostic::warning(OPERATOR, message, span);
            self.unit
                .diagnostics
                .push(warning.with_help("the graph is usable, but it cannot be run"));
        }
        let op = Op::Opaque(Box::new(OpaqueOp {
            name: name.into(),
            keywords: args.keywords.iter().map(|(key, _)| key.clone()).collect(),
        }));
        if binders > 1 {
            let node = self.node(op, inputs, vec![Type::Tensor; binders], span);
            let outputs = self.graph.node(node).outputs.clone();
            return Ok(Term::Many(
                outputs
                    .into_iter()
                    .map(|id| {
                        Term::Val(Val {
                            id,
                            ty: Type::Tensor,
                        })
                    })
                    .collect(),
            ));
        }
        let val = self.emit(op, inputs, hint.cloned().unwrap_or(Type::Tensor), span);
        if hint.is_none() {
            self.undecided.insert(val.id);
            self.any_opaque = true;
        }
        Ok(Term::Val(val))
    }
}

/// Whether the last positional formal takes all that is left: `torch.zeros(2, 3)`.
fn takes_spread(schema: &Schema) -> bool {
    let last = schema.args.iter().rev().find(|arg| !arg.kwarg_only);
    last.is_some_and(|arg| matches!(arg.ty, Type::List(_)) && arg.fixed_size.is_none())
}

#[cold]
fn no_overload(
    name: &str,
    overloads: &[&Schema],
    args: &Args,
    mismatch: Option<Mismatch>,
    span: Option<Span>,
) -> Box<Diagnostic> {
    let reason = match (overloads, mismatch) {
        ([single], Some(mismatch)) => {
            return error(OVERLOAD, format!("`{single}`: {mismatch}"), span);
        }
        _ => found_types(args),
    };
    let mut diagnostic = error(
        OVERLOAD,
        format!("expected arguments of an overload of `{name}`, found {reason}"),
        span,
    );
    let shown: Vec<String> = overloads
        .iter()
        .take(SHOWN_OVERLOADS)
        .map(|s| format!("`{s}`"))
        .collect();
    let more = overloads.len().saturating_sub(SHOWN_OVERLOADS);
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    diagnostic.help = Some(format!("the overloads are {}{tail}", shown.join(", ")));
    diagnostic
}

/// `(Tensor, int, dim=int)`
pub(super) fn found_types(args: &Args) -> String {
    let plain = args
        .receiver
        .iter()
        .chain(&args.positional)
        .map(|val| val.ty.to_string());
    let named = args
        .keywords
        .iter()
        .map(|(key, val)| format!("{key}={}", val.ty));
    format!("`({})`", plain.chain(named).collect::<Vec<_>>().join(", "))
}

/// What torch's importer makes of some operators after matching.
fn normalized(schema: &'static Schema, inputs: &mut SmallVec<[Val; 8]>) -> &'static Schema {
    let both_bool = |inputs: &[Val]| inputs.iter().all(|val| val.ty == Type::Bool);
    let replacement = match (schema.name(), schema.overload()) {
        ("aten::rsub", "Tensor") => {
            inputs.swap(0, 1);
            schema::find("aten::sub", "Tensor")
        }
        ("aten::__is__", _) if both_bool(inputs) => schema::find("aten::eq", "bool"),
        ("aten::__isnot__", _) if both_bool(inputs) => schema::find("aten::ne", "bool"),
        _ => return canonical(schema, inputs.first().map(|val| &val.ty)),
    };
    replacement.unwrap_or(schema)
}

/// The operator torch puts in place of an alias name when the first input is a tensor or tensors.
fn canonical(schema: &'static Schema, first: Option<&Type>) -> &'static Schema {
    match first {
        Some(Type::Tensor) => {}
        Some(Type::List(element)) if **element == Type::Tensor => {}
        _ => return schema,
    }
    let Ok(row) = ALIASES.binary_search_by(|(alias, _)| (*alias).cmp(schema.name())) else {
        return schema;
    };
    let types = |schema: &Schema| {
        schema
            .args
            .iter()
            .map(|arg| arg.ty.clone())
            .collect::<Vec<_>>()
    };
    let wanted = types(schema);
    let candidates = schema::overloads(ALIASES[row].1);
    let same_name = candidates
        .iter()
        .find(|s| s.overload() == schema.overload() && types(s) == wanted);
    same_name
        .or_else(|| candidates.iter().find(|s| types(s) == wanted))
        .copied()
        .unwrap_or(schema)
}

/// Alias names, sorted (`torchscript.md` 3.10).
static ALIASES: &[(&str, &str)] = &[
    ("aten::absolute", "aten::abs"),
    ("aten::absolute_", "aten::abs_"),
    ("aten::adjoint", "aten::mH"),
    ("aten::arccos", "aten::acos"),
    ("aten::arccos_", "aten::acos_"),
    ("aten::arccosh", "aten::acosh"),
    ("aten::arccosh_", "aten::acosh_"),
    ("aten::arcsin", "aten::asin"),
    ("aten::arcsin_", "aten::asin_"),
    ("aten::arcsinh", "aten::asinh"),
    ("aten::arcsinh_", "aten::asinh_"),
    ("aten::arctan", "aten::atan"),
    ("aten::arctan2", "aten::atan2"),
    ("aten::arctan2_", "aten::atan2_"),
    ("aten::arctan_", "aten::atan_"),
    ("aten::arctanh", "aten::atanh"),
    ("aten::arctanh_", "aten::atanh_"),
    ("aten::clip", "aten::clamp"),
    ("aten::clip_", "aten::clamp_"),
    ("aten::concat", "aten::cat"),
    ("aten::concatenate", "aten::cat"),
    ("aten::det", "aten::linalg_det"),
    ("aten::divide", "aten::div"),
    ("aten::divide_", "aten::div_"),
    ("aten::fix", "aten::trunc"),
    ("aten::fix_", "aten::trunc_"),
    ("aten::ger", "aten::outer"),
    ("aten::greater", "aten::gt"),
    ("aten::greater_", "aten::gt_"),
    ("aten::greater_equal", "aten::ge"),
    ("aten::greater_equal_", "aten::ge_"),
    ("aten::inverse", "aten::linalg_inv"),
    ("aten::less", "aten::lt"),
    ("aten::less_", "aten::lt_"),
    ("aten::less_equal", "aten::le"),
    ("aten::less_equal_", "aten::le_"),
    ("aten::matrix_exp", "aten::linalg_matrix_exp"),
    ("aten::matrix_power", "aten::linalg_matrix_power"),
    ("aten::moveaxis", "aten::movedim"),
    ("aten::multiply", "aten::mul"),
    ("aten::multiply_", "aten::mul_"),
    ("aten::negative", "aten::neg"),
    ("aten::negative_", "aten::neg_"),
    ("aten::not_equal", "aten::ne"),
    ("aten::not_equal_", "aten::ne_"),
    ("aten::orgqr", "aten::linalg_householder_product"),
    ("aten::row_stack", "aten::vstack"),
    ("aten::subtract", "aten::sub"),
    ("aten::subtract_", "aten::sub_"),
    ("aten::swapaxes", "aten::transpose"),
    ("aten::swapaxes_", "aten::transpose_"),
    ("aten::swapdims", "aten::transpose"),
    ("aten::swapdims_", "aten::transpose_"),
    ("aten::true_divide", "aten::div"),
    ("aten::true_divide_", "aten::div_"),
];
