//! Operators on containers and strings.

use super::call::Arg;
use super::{Flow, Path, Role, Step, Token, Val};
use crate::ir::Type;
use crate::torchscript::ast::{Call, Range};

impl<'a> Flow<'a> {
    /// Operators that move elements in and out of containers, or hand a value on.
    pub(super) fn container_op(
        &mut self,
        name: &str,
        object: Option<&Val>,
        args: &[Arg<'a>],
    ) -> Option<Val> {
        if object.is_some() {
            return None;
        }
        let value = |n: usize| args.get(n).map(|a| a.value.clone()).unwrap_or_default();
        let first = args.first()?;
        let done = Some(Val::default());
        match name {
            "_unwrap_optional" | "wait" | "list" | "tuple" | "copy" | "dict" | "sorted"
            | "reversed" | "awaitable_wait" => Some(value(0)),
            "slice" if is_container(&first.value) => Some(value(0)),
            "append" => {
                self.store(first.expr, value(1).below(Step::Item));
                done
            }
            "insert" => {
                self.store(first.expr, value(2).below(Step::Item));
                done
            }
            "_set_item" => {
                self.key(args.get(1));
                self.store(first.expr, value(2).below(first.value.content_step()));
                done
            }
            "extend" | "update" => {
                self.store(first.expr, value(1));
                done
            }
            "__getitem__" | "pop" | "get" if first.value.ty != Some(Type::Str) => {
                self.key(args.get(1));
                Some(first.value.content().or(value(2)))
            }
            "setdefault" => {
                self.key(args.get(1));
                self.store(first.expr, value(2).below(Step::Value));
                Some(first.value.content().or(value(2)))
            }
            "values" => Some(relocated(&first.value, &[Step::Item])),
            "items" | "popitem" => Some(relocated(&first.value, &[Step::Item, Step::Field(1)])),
            "keys" | "len" | "__is__" | "__isnot__" | "__not__" | "Bool" => done,
            "add" | "add_" if is_container(&first.value) => {
                if name == "add_" {
                    self.store(first.expr, value(1));
                }
                Some(value(0).or(value(1)))
            }
            "Delete" | "__delitem__" => {
                self.key(args.get(1));
                done
            }
            _ => None,
        }
    }

    fn key(&mut self, arg: Option<&Arg<'a>>) {
        if let Some(arg) = arg {
            self.meet(&arg.value, &Role::Key, arg.expr.range);
        }
    }

    /// Operators on strings, comparisons, and messages.
    pub(super) fn string_op(
        &mut self,
        name: &str,
        object: Option<&Val>,
        args: &[Arg<'a>],
        call: &'a Call,
        range: Range,
    ) -> Option<Val> {
        let values: Vec<Val> = object
            .into_iter()
            .cloned()
            .chain(args.iter().map(|a| a.value.clone()))
            .collect();
        let first_is_text = values.first().is_some_and(|v| v.ty == Some(Type::Str));
        match name {
            "eq" | "ne" | "lt" | "gt" | "le" | "ge" | "__contains__" | "count" | "startswith"
            | "endswith" | "find" | "rfind" => {
                self.compare(&values, range);
                Some(Val::of(Type::Bool))
            }
            "RaiseException" | "warn" | "_print" | "Print" => {
                for arg in args {
                    self.meet(&arg.value, &Role::Message, arg.expr.range);
                }
                Some(Val::default())
            }
            "format" | "percentFormat" | "str" | "join" => {
                Some(self.text_call(&values, call, range))
            }
            "add" | "mul" | "lower" | "upper" | "strip" | "lstrip" | "rstrip" | "replace"
            | "capitalize" | "title" | "swapcase" | "__getitem__" | "slice" | "zfill"
            | "center" | "ljust" | "rjust" | "expandtabs"
                if first_is_text =>
            {
                Some(self.text_call(&values, call, range))
            }
            "split" | "rsplit" | "splitlines" | "partition" | "rpartition" if first_is_text => {
                Some(self.text_call(&values, call, range).below(Step::Item))
            }
            _ => None,
        }
    }

    fn text_call(&mut self, values: &[Val], call: &'a Call, range: Range) -> Val {
        let text = self.fold_call_text(call);
        self.text_operation(values, range, text)
    }
}

fn is_container(value: &Val) -> bool {
    matches!(
        value.ty,
        Some(Type::List(_) | Type::Dict(_) | Type::Tuple(_))
    ) || value.ty.is_none() && value.tokens.iter().any(|t| !t.path.is_empty())
}

/// The values of a dict under another path.
fn relocated(dict: &Val, to: &[Step]) -> Val {
    let tokens = dict.tokens.iter().filter_map(|token| {
        let (&Step::Value, rest) = token.path.split_first()? else {
            return None;
        };
        let path: Path = to.iter().chain(rest).copied().collect();
        Some(Token {
            source: token.source,
            path,
        })
    });
    Val {
        tokens: tokens.collect(),
        ty: None,
    }
}
