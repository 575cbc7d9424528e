//! What operators of older files mean in today's (`torchscript.md` 1.9).

use super::body::Body;
use super::error::{Result, error};
use super::matching::Args;
use super::term::{Term, Val};
use crate::diag::Span;
use crate::ir::{Constant, Type};
use crate::torchscript::ast::{File, FunctionDef, Item};
use crate::torchscript::parse::parse_strict;
use std::sync::OnceLock;

/// Steps of `linspace` and `logspace` when a file does not say.
const DEFAULT_STEPS: i64 = 100;

/// Bodies as in the language itself, inlined where the old operator stands.
const SOURCE: &str = "\
def div_tensor(self: Tensor, other: Tensor) -> Tensor:
  if torch.is_floating_point(self) or torch.is_floating_point(other):
    result = torch.div(self, other)
  else:
    result = torch.div(self, other, rounding_mode=\"trunc\")
  return result
def div_tensor_(self: Tensor, other: Tensor) -> Tensor:
  if torch.is_floating_point(self) or torch.is_floating_point(other):
    result = torch.div_(self, other)
  else:
    result = torch.div_(self, other, rounding_mode=\"trunc\")
  return result
def div_scalar(self: Tensor, other: number) -> Tensor:
  if torch.is_floating_point(self) or isinstance(other, float):
    result = torch.div(self, other)
  else:
    result = torch.div(self, other, rounding_mode=\"trunc\")
  return result
def div_scalar_(self: Tensor, other: number) -> Tensor:
  if torch.is_floating_point(self) or isinstance(other, float):
    result = torch.div_(self, other)
  else:
    result = torch.div_(self, other, rounding_mode=\"trunc\")
  return result
def div_out(self: Tensor, other: Tensor, out: Tensor) -> Tensor:
  if torch.is_floating_point(self) or torch.is_floating_point(other) or torch.is_floating_point(out):
    result = torch.div(self, other, out=out)
  else:
    result = torch.div(self, other, rounding_mode=\"trunc\", out=out)
  return result
";

fn upgrader(name: &str) -> Option<&'static FunctionDef> {
    static PARSED: OnceLock<File> = OnceLock::new();
    let file = PARSED.get_or_init(|| parse_strict(SOURCE.as_bytes()).unwrap_or_default());
    file.items.iter().find_map(|item| match item {
        Item::Function(def) if def.name == name => Some(def),
        _ => None,
    })
}

impl Body<'_, '_> {
    /// The meaning of an operator that changed after this file's version; none if it did not.
    pub(super) fn upgraded(
        &mut self,
        name: &str,
        args: &Args,
        span: Option<Span>,
    ) -> Result<Option<Term>> {
        let version = self.unit.input.version;
        if version > 8 || self.call_site.is_some() {
            return Ok(None);
        }
        match name {
            "aten::div" | "aten::div_" if version <= 3 => {
                self.old_div(name == "aten::div_", args, span)
            }
            "aten::full" if version <= 4 => self.old_full(args, span),
            "aten::linspace" if version <= 7 => self.with_steps(name, args, span),
            "aten::logspace" => self.with_steps(name, args, span),
            _ => Ok(None),
        }
    }

    /// Division of integers truncated; a rounding mode was always obeyed.
    fn old_div(&mut self, in_place: bool, args: &Args, span: Option<Span>) -> Result<Option<Term>> {
        let all: Vec<Val> = args
            .receiver
            .iter()
            .chain(&args.positional)
            .cloned()
            .collect();
        let ([left, right], true) = (&all[..], left_is_tensor(&all)) else {
            return Ok(None);
        };
        let def = match (&right.ty, &args.keywords[..]) {
            (Type::Tensor, [(out, _)]) if out == "out" && !in_place => "div_out",
            (_, [_, ..]) => return Ok(None),
            (Type::Tensor, []) if in_place => "div_tensor_",
            (Type::Tensor, []) => "div_tensor",
            (Type::Int | Type::Float | Type::Number, []) if in_place => "div_scalar_",
            (Type::Int | Type::Float | Type::Number, []) => "div_scalar",
            _ => return Ok(None),
        };
        let out = args.keywords.iter().map(|(_, val)| val.clone());
        let values = [left.clone(), right.clone()]
            .into_iter()
            .chain(out)
            .collect();
        self.inlined(def, values, span).map(Some)
    }

    fn inlined(&mut self, name: &str, values: Vec<Val>, span: Option<Span>) -> Result<Term> {
        let Some(def) = upgrader(name) else {
            return Err(error(
                super::error::OPERATOR,
                format!("expected the upgrade rule `{name}`"),
                span,
            ));
        };
        let outer = self.call_site.replace(span.unwrap_or(crate::diag::Span {
            file: self.file,
            start: 0,
            end: 0,
        }));
        self.push_frame();
        for (param, val) in def.params.iter().zip(values) {
            self.bind(param.name.clone(), Term::Val(val));
        }
        let lowered = self.definition(def, Some(Type::Tensor));
        self.pop_frame();
        self.call_site = outer;
        lowered.map(|(val, _)| Term::Val(val))
    }

    /// `full` without dtype always made floats.
    fn old_full(&mut self, args: &Args, span: Option<Span>) -> Result<Option<Term>> {
        let keyword = |name: &str| {
            args.keywords
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, val)| val)
        };
        if keyword("out").is_some() || keyword("names").is_some() {
            return Ok(None);
        }
        let typed = keyword("dtype").is_some_and(|val| val.ty != Type::None);
        let fill = args.positional.get(1).or_else(|| keyword("fill_value"));
        let (false, Some(fill)) = (typed, fill) else {
            return Ok(None);
        };
        if !matches!(fill.ty, Type::Int | Type::Bool | Type::Number) {
            return Ok(None);
        }
        let float = self.call_operator("aten::Float", std::slice::from_ref(fill), span)?;
        let mut args = args.clone();
        match args.positional.get_mut(1) {
            Some(slot) => *slot = float,
            None => {
                if let Some((_, slot)) = args
                    .keywords
                    .iter_mut()
                    .find(|(key, _)| key == "fill_value")
                {
                    *slot = float;
                }
            }
        }
        self.again("aten::full", args, span)
    }

    fn with_steps(&mut self, name: &str, args: &Args, span: Option<Span>) -> Result<Option<Term>> {
        let mut args = args.clone();
        let steps = self.typed_constant(Constant::Int(DEFAULT_STEPS), Type::Int, span);
        if let Some(slot) = args.keywords.iter_mut().find(|(key, _)| key == "steps") {
            match slot.1.ty {
                Type::None => slot.1 = steps,
                _ => return Ok(None),
            }
        } else {
            match args.positional.len() {
                2 => args.positional.push(steps),
                3.. if args.positional[2].ty == Type::None => args.positional[2] = steps,
                _ => return Ok(None),
            }
        }
        self.again(name, args, span)
    }

    /// Calls the operator of today.
    fn again(&mut self, name: &str, args: Args, span: Option<Span>) -> Result<Option<Term>> {
        let place = span.unwrap_or(Span {
            file: self.file,
            start: 0,
            end: 0,
        });
        let outer = self.call_site.replace(place);
        let term = self.operator(name, args, 1, None, span);
        self.call_site = outer;
        term.map(Some)
    }
}

fn left_is_tensor(all: &[Val]) -> bool {
    all.first().is_some_and(|val| val.ty == Type::Tensor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_parses() {
        for name in [
            "div_tensor",
            "div_tensor_",
            "div_scalar",
            "div_scalar_",
            "div_out",
        ] {
            assert!(upgrader(name).is_some(), "{name}");
        }
    }
}
