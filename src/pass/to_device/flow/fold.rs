//! Device texts that are computed from constants: `torch.format("cuda:{}", 1)`.

use super::Flow;
use crate::pass::to_device::names::{FuncIx, dotted};
use crate::torchscript::ast::{BinaryOp, Call, Expr, ExprKind};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// Longest text that is worth computing: the longest device text is `privateuseone:127`.
const MAX_TEXT: usize = 64;
/// How deep constant names and calls are followed.
const MAX_FOLD_DEPTH: u32 = 16;

/// The one constant that a variable holds, or nothing once it was assigned a second one.
#[derive(Default)]
pub(super) struct Constants<'a> {
    by_name: FxHashMap<(FuncIx, SmolStr), Option<&'a Expr>>,
}

impl<'a> Constants<'a> {
    /// Notes an assignment; a second one to the same name from another place makes the name unknown.
    pub(super) fn note(&mut self, func: FuncIx, name: &SmolStr, value: Option<&'a Expr>) {
        let entry = self.by_name.entry((func, name.clone())).or_insert(value);
        let same = match (*entry, value) {
            (Some(known), Some(new)) => std::ptr::eq(known, new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            *entry = None;
        }
    }
}

/// A constant that can stand in a device text.
enum Folded {
    Text(String),
    Int(i64),
}

impl Folded {
    fn text(self) -> String {
        match self {
            Folded::Text(text) => text,
            Folded::Int(value) => value.to_string(),
        }
    }
}

impl<'a> Flow<'a> {
    /// The text an expression always has, when that can be told here.
    pub(super) fn fold_text(&self, expr: &'a Expr) -> Option<SmolStr> {
        match self.fold(expr, MAX_FOLD_DEPTH)? {
            Folded::Text(text) if text.len() <= MAX_TEXT => Some(text.into()),
            _ => None,
        }
    }

    /// The text a call always gives.
    pub(super) fn fold_call_text(&self, call: &'a Call) -> Option<SmolStr> {
        match self.fold_call(call, MAX_FOLD_DEPTH)? {
            Folded::Text(text) if text.len() <= MAX_TEXT => Some(text.into()),
            _ => None,
        }
    }

    fn fold(&self, expr: &'a Expr, depth: u32) -> Option<Folded> {
        let depth = depth.checked_sub(1)?;
        match &expr.kind {
            ExprKind::Str(bytes) if bytes.len() <= MAX_TEXT => {
                Some(Folded::Text(String::from_utf8(bytes.to_vec()).ok()?))
            }
            ExprKind::Number(text) => text.parse().ok().map(Folded::Int),
            ExprKind::Paren(inner) => self.fold(inner, depth),
            ExprKind::Name(name) => {
                let value = self.constants.by_name.get(&(self.func, name.clone()))?;
                self.fold((*value)?, depth)
            }
            ExprKind::Binary(BinaryOp::Add, left, right) => {
                concat(self.fold(left, depth)?, self.fold(right, depth)?)
            }
            ExprKind::Binary(BinaryOp::Mod, format, args) => {
                let items = match &args.kind {
                    ExprKind::Tuple { items, .. } => items.iter().collect(),
                    _ => vec![&**args],
                };
                self.fold_format(format, items, percent_format, depth)
            }
            ExprKind::Call(call) => self.fold_call(call, depth),
            _ => None,
        }
    }

    fn fold_call(&self, call: &'a Call, depth: u32) -> Option<Folded> {
        if !call.keywords.is_empty() {
            return None;
        }
        let path = dotted(&call.func);
        match (path.as_deref(), call.args.as_slice()) {
            (Some("torch.format"), [format, args @ ..]) => {
                self.fold_format(format, args.iter().collect(), brace_format, depth)
            }
            (Some("torch.percentFormat"), [format, args @ ..]) => {
                self.fold_format(format, args.iter().collect(), percent_format, depth)
            }
            (Some("torch.add"), [left, right]) => {
                concat(self.fold(left, depth)?, self.fold(right, depth)?)
            }
            (Some("str" | "torch.str"), [value]) => {
                Some(Folded::Text(self.fold(value, depth)?.text()))
            }
            _ => None,
        }
    }

    fn fold_format(
        &self,
        format: &'a Expr,
        args: Vec<&'a Expr>,
        apply: fn(&str, Vec<String>) -> Option<String>,
        depth: u32,
    ) -> Option<Folded> {
        let Folded::Text(format) = self.fold(format, depth)? else {
            return None;
        };
        let args = args
            .into_iter()
            .map(|a| self.fold(a, depth).map(Folded::text));
        apply(&format, args.collect::<Option<_>>()?).map(Folded::Text)
    }
}

fn concat(left: Folded, right: Folded) -> Option<Folded> {
    match (left, right) {
        (Folded::Text(a), Folded::Text(b)) => Some(Folded::Text(a + &b)),
        _ => None,
    }
}

/// `"cuda:{}".format(1)`, without format specifications; `aten::format` knows no others.
fn brace_format(format: &str, args: Vec<String>) -> Option<String> {
    let mut args = args.into_iter();
    let mut parts = format.split("{}");
    let mut out = parts.next()?.to_owned();
    for part in parts {
        out += &args.next()?;
        out += part;
    }
    Some(out)
}

/// `"cuda:%d" % 1` with `%d`, `%i`, `%s` and `%%`.
fn percent_format(format: &str, args: Vec<String>) -> Option<String> {
    let mut args = args.into_iter();
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next()? {
                '%' => out.push('%'),
                'd' | 'i' | 's' => out += &args.next()?,
                _ => return None,
            },
            _ => out.push(c),
        }
    }
    args.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let one = || vec!["1".to_owned()];
        assert_eq!(brace_format("cuda:{}", one()).as_deref(), Some("cuda:1"));
        assert_eq!(brace_format("{}:{}", one()), None);
        assert_eq!(percent_format("cuda:%d", one()).as_deref(), Some("cuda:1"));
        assert_eq!(percent_format("%%%s", one()).as_deref(), Some("%1"));
        assert_eq!(percent_format("%x", one()), None);
        assert_eq!(percent_format("cuda", one()), None);
    }
}
