//! Literals and constant expressions: numbers, default values, class constants, enum members.

use super::error::{LITERAL, Result, error, fail};
use super::types::dotted;
use super::unit::{Unit, span};
use crate::diag::{FileId, Span};
use crate::ir::{ClassKind, Constant, Type};
use crate::torchscript::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::torchscript::literal::{Number, parse_number};

/// The value of a number as spelled.
pub(super) fn number(text: &str, negative: bool, span: Option<Span>) -> Result<Constant> {
    let parsed = match negative {
        true => parse_number(&format!("-{text}")),
        false => parse_number(text),
    };
    match parsed {
        Ok(Number::Int(value)) => Ok(Constant::Int(value)),
        Ok(Number::Float(value)) => Ok(Constant::Float(value)),
        Ok(Number::Imaginary(value)) => Ok(Constant::Complex(0.0, value)),
        Err(reason) => fail(LITERAL, reason.to_string(), span),
    }
}

/// `inf`, `nan`, `infj`, `nanj`, which are names.
pub(super) fn named_number(name: &str) -> Option<Constant> {
    Some(match name {
        "inf" => Constant::Float(f64::INFINITY),
        "nan" => Constant::Float(f64::NAN),
        "infj" => Constant::Complex(0.0, f64::INFINITY),
        "nanj" => Constant::Complex(0.0, f64::NAN),
        _ => return None,
    })
}

/// Minus a number.
pub(super) fn negated(constant: &Constant) -> Option<Constant> {
    Some(match constant {
        Constant::Int(value) => Constant::Int(value.checked_neg()?),
        Constant::Float(value) => Constant::Float(-value),
        Constant::Complex(re, im) => Constant::Complex(-re, -im),
        _ => return None,
    })
}

/// The type of a constant whose declared type is known; constants of that type have it, others say their own.
pub(super) fn type_of(constant: &Constant, declared: &Type) -> Type {
    let inner = match declared {
        Type::Optional(inner) => inner,
        other => other,
    };
    match constant {
        Constant::None => Type::None,
        Constant::Bool(_) => Type::Bool,
        Constant::Int(_) => Type::Int,
        Constant::Float(_) => Type::Float,
        Constant::Complex(..) => Type::Complex,
        Constant::Str(_) => Type::Str,
        Constant::Device(_) => Type::Device,
        Constant::Enum { class, .. } => Type::Class(class.clone()),
        Constant::Function(name) => Type::Function(name.clone()),
        Constant::List(items) => match (inner, items.first()) {
            (Type::List(element), _) => Type::List(element.clone()),
            (_, Some(first)) => Type::list(type_of(first, &Type::Any)),
            _ => Type::list(Type::Tensor),
        },
        Constant::Tuple(items) => match inner {
            Type::Class(_) => inner.clone(),
            Type::Tuple(types) if types.len() == items.len() => Type::tuple(
                items
                    .iter()
                    .zip(types.iter())
                    .map(|(item, ty)| type_of(item, ty)),
            ),
            _ => Type::tuple(items.iter().map(|item| type_of(item, &Type::Any))),
        },
        Constant::Dict(items) => match (inner, items.first()) {
            (Type::Dict(_), _) => inner.clone(),
            (_, Some((key, value))) => {
                Type::dict(type_of(key, &Type::Any), type_of(value, &Type::Any))
            }
            _ => Type::dict(Type::Str, Type::Tensor),
        },
        Constant::Table(_) => inner.clone(),
    }
}

impl Unit<'_> {
    /// An expression that must be known while reading: a default value, a class constant, an enum member.
    pub(super) fn constant_expr(
        &mut self,
        file: FileId,
        expr: &Expr,
        ty: Option<&Type>,
    ) -> Result<Constant> {
        crate::torchscript::deep(|| self.constant_at(file, expr, ty))
    }

    fn constant_at(&mut self, file: FileId, expr: &Expr, ty: Option<&Type>) -> Result<Constant> {
        let place = span(file, expr.range);
        Ok(match &expr.kind {
            ExprKind::Number(text) => number(text, false, place)?,
            ExprKind::Str(bytes) => Constant::Str(bytes.clone()),
            ExprKind::True => Constant::Bool(true),
            ExprKind::False => Constant::Bool(false),
            ExprKind::None => Constant::None,
            ExprKind::Paren(inner) => self.constant_expr(file, inner, ty)?,
            ExprKind::Name(name) => named_number(name).ok_or_else(|| not_constant(place))?,
            ExprKind::Unary(UnaryOp::Neg, inner) => match &inner.kind {
                ExprKind::Number(text) => number(text, true, place)?,
                _ => {
                    let value = self.constant_expr(file, inner, ty)?;
                    negated(&value).ok_or_else(|| not_constant(place))?
                }
            },
            ExprKind::Binary(BinaryOp::Add, left, right) => {
                self.complex_literal(file, left, right, place)?
            }
            ExprKind::List { items, .. } => Constant::List(self.constants(file, items, ty)?),
            ExprKind::Tuple { items, .. } => Constant::Tuple(self.constants(file, items, ty)?),
            ExprKind::Dict(items) => Constant::Dict(self.constant_pairs(file, items)?),
            ExprKind::Attribute(base, name) => self.constant_name(file, base, name, place)?,
            ExprKind::Call(call) => self.constant_call(file, call, place)?,
            _ => return Err(not_constant(place)),
        })
    }

    fn constants(
        &mut self,
        file: FileId,
        items: &[Expr],
        ty: Option<&Type>,
    ) -> Result<Vec<Constant>> {
        let ty = match ty {
            Some(Type::List(element)) => Some(&**element),
            _ => None,
        };
        items
            .iter()
            .map(|item| self.constant_expr(file, item, ty))
            .collect()
    }

    fn constant_pairs(
        &mut self,
        file: FileId,
        items: &[(Expr, Expr)],
    ) -> Result<Vec<(Constant, Constant)>> {
        let mut pairs = Vec::with_capacity(items.len());
        for (key, value) in items {
            let key = self.constant_expr(file, key, None)?;
            pairs.push((key, self.constant_expr(file, value, None)?));
        }
        Ok(pairs)
    }

    /// `0.+1.j`: how a complex number is written.
    fn complex_literal(
        &mut self,
        file: FileId,
        left: &Expr,
        right: &Expr,
        place: Option<Span>,
    ) -> Result<Constant> {
        let left = self.constant_expr(file, left, None)?;
        let right = self.constant_expr(file, right, None)?;
        match (left, right) {
            (Constant::Float(re), Constant::Complex(zero, im)) => {
                Ok(Constant::Complex(re + zero, im))
            }
            (Constant::Int(re), Constant::Complex(zero, im)) => {
                Ok(Constant::Complex(re as f64 + zero, im))
            }
            _ => Err(not_constant(place)),
        }
    }

    /// `CONSTANTS.c0`, `__torch__.Color.RED`.
    fn constant_name(
        &mut self,
        file: FileId,
        base: &Expr,
        name: &str,
        place: Option<Span>,
    ) -> Result<Constant> {
        let Some(path) = dotted(base) else {
            return Err(not_constant(place));
        };
        if path == "CONSTANTS" {
            return Ok(Constant::Table(self.table_index(name, place)?));
        }
        let Some(id) = self.declare_class(&path) else {
            return Err(self.unknown(&path, place));
        };
        self.define_classes();
        match &self.program.classes[id].kind {
            ClassKind::Enum(_) => Ok(Constant::Enum {
                class: path,
                member: name.into(),
            }),
            _ => fail(
                LITERAL,
                format!("expected an enum class, found `{path}`"),
                span(file, base.range),
            ),
        }
    }

    /// `torch.device("cpu")`, `torch.device("cuda", 1)`, `__torch__.Pt(1, 2)`, `annotate(T, e)`.
    fn constant_call(
        &mut self,
        file: FileId,
        call: &crate::torchscript::ast::Call,
        place: Option<Span>,
    ) -> Result<Constant> {
        let Some(path) = dotted(&call.func) else {
            return Err(not_constant(place));
        };
        if path == "annotate" && call.args.len() == 2 {
            let ty = self.annotation(file, &call.args[0])?;
            return self.constant_expr(file, &call.args[1], Some(&ty));
        }
        let args = self.constants(file, &call.args, None)?;
        match (path.as_str(), &args[..]) {
            ("torch.device", [Constant::Str(name)]) => match std::str::from_utf8(name) {
                Ok(name) => Ok(Constant::Device(name.into())),
                Err(_) => fail(LITERAL, "expected a device name in ASCII", place),
            },
            ("torch.device", [Constant::Str(name), Constant::Int(index)]) => {
                let name = String::from_utf8_lossy(name);
                Ok(Constant::Device(format!("{name}:{index}").into()))
            }
            _ if path.starts_with("__torch__.") && self.declare_class(&path).is_some() => {
                Ok(Constant::Tuple(args))
            }
            _ => Err(not_constant(place)),
        }
    }

    /// N of `CONSTANTS.cN`; the first letter is ignored.
    pub(super) fn table_index(&self, name: &str, place: Option<Span>) -> Result<u32> {
        let index = name.get(1..).and_then(|digits| digits.parse::<u32>().ok());
        match index {
            Some(index) if (index as usize) < self.input.constants.len() => Ok(index),
            Some(index) => {
                let count = self.input.constants.len();
                let message = format!(
                    "expected a constant below {count}, the length of `constants.pkl`, found `{index}`"
                );
                fail(LITERAL, message, place)
            }
            None => fail(
                LITERAL,
                format!("expected `CONSTANTS.c` and a number, found `CONSTANTS.{name}`"),
                place,
            ),
        }
    }
}

fn not_constant(place: Option<Span>) -> Box<crate::diag::Diagnostic> {
    error(
        LITERAL,
        "expected a constant, found an expression that must be computed",
        place,
    )
}
