//! Expressions by precedence climbing over torch's table.

use super::{PResult, ParseError, ParseErrorKind, Parser};
use crate::torchscript::ast::{
    BinaryOp, Call, Comprehension, Expr, ExprKind, Range, Targets, UnaryOp,
};
use crate::torchscript::lexer::TokenKind as T;
use crate::torchscript::literal;

/// Precedence of comparisons: targets of `for` parse above it, so that `in` ends them.
const COMPARISON: u8 = 4;
/// Precedence of `if … else` and of `for` in a comprehension.
const TERNARY: u8 = 1;

/// Precedence of an infix operator; higher binds tighter. `and` and `or` share a level in torch.
pub(crate) const fn precedence(op: BinaryOp) -> u8 {
    use BinaryOp::*;
    match op {
        And | Or => 2,
        Lt | Gt | Le | Ge | Eq | Ne | Is | IsNot | In | NotIn => COMPARISON,
        BitOr => 5,
        BitXor => 6,
        BitAnd => 7,
        Shl | Shr => 8,
        Add | Sub => 9,
        Mul | Div | FloorDiv | Mod | MatMul => 10,
        Pow => 11,
    }
}

/// Operators tighter than this level go into the operand; torch's `~` takes `x + 1` whole.
pub(crate) const fn unary_precedence(op: UnaryOp) -> u8 {
    match op {
        UnaryOp::Not | UnaryOp::Invert => 3,
        UnaryOp::Neg => STAR,
    }
}

/// The level of the operand of `*`.
pub(crate) const STAR: u8 = 10;

/// The level above which the right operand's operators must be; one less where the operator is right associative.
pub(crate) const fn right_level(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Pow => precedence(op) - 1,
        _ => precedence(op),
    }
}

/// What an infix position can hold.
enum Infix {
    Binary(BinaryOp),
    If,
    For,
}

fn infix(kind: T) -> Option<(Infix, u8)> {
    use BinaryOp::*;
    let op = match kind {
        T::If => return Some((Infix::If, TERNARY)),
        T::For => return Some((Infix::For, TERNARY)),
        T::And => And,
        T::Or => Or,
        T::Lt => Lt,
        T::Gt => Gt,
        T::Le => Le,
        T::Ge => Ge,
        T::EqEq => Eq,
        T::NotEq => Ne,
        T::Is => Is,
        T::IsNot => IsNot,
        T::In => In,
        T::NotIn => NotIn,
        T::Pipe => BitOr,
        T::Caret => BitXor,
        T::Amp => BitAnd,
        T::Shl => Shl,
        T::Shr => Shr,
        T::Plus => Add,
        T::Minus => Sub,
        T::Star => Mul,
        T::Slash => Div,
        T::FloorDiv => FloorDiv,
        T::Percent => Mod,
        T::At => MatMul,
        T::Pow => Pow,
        _ => return None,
    };
    Some((Infix::Binary(op), precedence(op)))
}

impl Parser<'_> {
    /// `exp ::= any expression but a bare tuple`
    pub(super) fn exp(&mut self) -> PResult<Expr> {
        self.exp_above(0)
    }

    /// A `for` target.
    pub(super) fn target_exp(&mut self) -> PResult<Expr> {
        self.exp_above(COMPARISON)
    }

    /// `exps ::= exp | exp {"," exp} [","]`; several are a bare tuple.
    pub(super) fn exp_or_tuple(&mut self) -> PResult<Expr> {
        let start = self.cur.start;
        let first = self.exp()?;
        if !self.at(T::Comma) {
            return Ok(first);
        }
        let mut height = self.height;
        let mut items = vec![first];
        let mut trailing_comma = false;
        while self.eat(T::Comma) {
            if self.after_tuple() {
                trailing_comma = items.len() > 1;
                break;
            }
            items.push(self.exp()?);
            height = height.max(self.height);
        }
        self.node(
            start,
            height,
            ExprKind::Tuple {
                items,
                bare: true,
                trailing_comma,
            },
        )
    }

    /// Whether a comma before this token ended a tuple.
    fn after_tuple(&self) -> bool {
        matches!(self.cur.kind, T::Newline | T::Assign | T::RParen)
            || super::stmt::aug_assign(self.cur.kind).is_some()
    }

    /// Builds a node over children of the given height.
    fn node(&mut self, start: u32, child_height: u32, kind: ExprKind) -> PResult<Expr> {
        self.height = child_height + 1;
        self.check_height(self.height)?;
        Ok(Expr {
            kind,
            range: self.range_from(start),
        })
    }

    /// The longest expression whose infix operators bind tighter than `level`.
    fn exp_above(&mut self, level: u8) -> PResult<Expr> {
        self.nested(|p| {
            let start = p.cur.start;
            let mut left = p.prefix()?;
            while let Some((infix, precedence)) = infix(p.cur.kind) {
                if precedence <= level {
                    break;
                }
                p.bump();
                let height = p.height;
                left = match infix {
                    Infix::Binary(op) => {
                        let right = p.exp_above(right_level(op))?;
                        let height = height.max(p.height);
                        p.node(
                            start,
                            height,
                            ExprKind::Binary(op, Box::new(left), Box::new(right)),
                        )?
                    }
                    Infix::If => p.conditional(start, left)?,
                    Infix::For => p.comprehension(start, left)?,
                };
            }
            Ok(left)
        })
    }

    /// `prefix ::= ("-" | "*" | "not" | "~") exp | primary`
    fn prefix(&mut self) -> PResult<Expr> {
        let op = match self.cur.kind {
            T::Minus => Some(UnaryOp::Neg),
            T::Not => Some(UnaryOp::Not),
            T::Tilde => Some(UnaryOp::Invert),
            T::Star => None,
            _ => return self.primary(),
        };
        let start = self.bump().start;
        let operand = Box::new(self.exp_above(op.map_or(STAR, unary_precedence))?);
        let kind = match op {
            Some(op) => ExprKind::Unary(op, operand),
            None => ExprKind::Starred(operand),
        };
        self.node(start, self.height, kind)
    }

    /// `… "if" exp "else" exp`
    fn conditional(&mut self, start: u32, then: Expr) -> PResult<Expr> {
        let mut height = self.height;
        let cond = self.exp()?;
        height = height.max(self.height);
        self.expect(T::Else)?;
        // Right associative: the level is one less than the operator's.
        let orelse = self.exp_above(TERNARY - 1)?;
        height = height.max(self.height);
        self.node(
            start,
            height,
            ExprKind::Conditional(Box::new([cond, then, orelse])),
        )
    }

    /// `… "for" target "in" exp`; without brackets it is a list comprehension all the same.
    fn comprehension(&mut self, start: u32, element: Expr) -> PResult<Expr> {
        let mut height = self.height;
        let target = self.target_exp()?;
        height = height.max(self.height);
        self.expect(T::In)?;
        let iter = self.exp()?;
        height = height.max(self.height);
        check_target(&target)?;
        let target = Targets {
            items: vec![target],
            trailing_comma: false,
        };
        self.node(
            start,
            height,
            ExprKind::ListComp(Box::new(Comprehension {
                element,
                target,
                iter,
            })),
        )
    }

    /// `primary ::= atom {"." NAME | "(" args ")" | "[" subscripts "]"}`
    fn primary(&mut self) -> PResult<Expr> {
        let start = self.cur.start;
        let mut base = self.atom()?;
        loop {
            let height = self.height;
            base = match self.cur.kind {
                T::Dot => {
                    self.bump();
                    let (name, _) = self.name()?;
                    self.node(start, height, ExprKind::Attribute(Box::new(base), name))?
                }
                T::LParen => self.call(start, base)?,
                T::LBracket => self.subscript(start, base)?,
                _ => return Ok(base),
            };
        }
    }

    fn atom(&mut self) -> PResult<Expr> {
        let token = self.cur;
        let kind = match token.kind {
            T::Name | T::NoneType => ExprKind::Name(self.text(token)),
            T::Number => ExprKind::Number(self.text(token)),
            T::True => ExprKind::True,
            T::False => ExprKind::False,
            T::None => ExprKind::None,
            T::Ellipsis => ExprKind::Ellipsis,
            T::Str => return self.string(),
            T::LParen => return self.paren(),
            T::LBracket => return self.list(),
            T::LBrace => return self.dict(),
            _ => return Err(self.unexpected("an expression")),
        };
        self.bump();
        self.node(token.start, 0, kind)
    }

    /// `string ::= STRING {STRING}`: adjacent literals are one.
    fn string(&mut self) -> PResult<Expr> {
        let start = self.cur.start;
        let mut value = self.string_part()?;
        while self.at(T::Str) {
            value = [value, self.string_part()?].concat().into();
        }
        self.node(start, 0, ExprKind::Str(value))
    }

    fn string_part(&mut self) -> PResult<Box<[u8]>> {
        let token = self.bump();
        let text = self.lexer.text(token);
        let quotes = crate::torchscript::lexer::scan::quote_len(text);
        let (value, error) = literal::unescape(&text[quotes..text.len() - quotes]);
        let Some((at, error)) = error else {
            return Ok(value);
        };
        let at = token.start + (quotes + at) as u32;
        // The statement is kept, with the value that was meant.
        let keep = error.is_torchs_own();
        let error = ParseError {
            kind: error.into(),
            range: Range {
                start: at,
                end: (at + 2).min(token.end),
            },
        };
        if !keep {
            return Err(Box::new(error));
        }
        self.report(error);
        Ok(value)
    }

    /// `paren ::= "(" ")" | "(" exps ")"`
    fn paren(&mut self) -> PResult<Expr> {
        let start = self.bump().start;
        if self.eat(T::RParen) {
            return self.node(
                start,
                0,
                ExprKind::Tuple {
                    items: vec![],
                    bare: false,
                    trailing_comma: false,
                },
            );
        }
        let first = self.exp_or_tuple()?;
        let height = self.height;
        self.expect(T::RParen)?;
        match first.kind {
            // The group is the tuple: same height.
            ExprKind::Tuple {
                items,
                bare: true,
                trailing_comma,
            } => self.node(
                start,
                height - 1,
                ExprKind::Tuple {
                    items,
                    bare: false,
                    trailing_comma,
                },
            ),
            _ => self.node(start, height, ExprKind::Paren(Box::new(first))),
        }
    }

    /// `sequence(end) ::= [item {"," item} [","]] end`: whether the last comma had nothing after it.
    fn sequence(
        &mut self,
        end: T,
        mut item: impl FnMut(&mut Self) -> PResult<()>,
    ) -> PResult<bool> {
        let mut height = 0;
        let mut trailing_comma = false;
        while !self.at(end) {
            item(self)?;
            height = height.max(self.height);
            trailing_comma = self.eat(T::Comma);
            if !trailing_comma {
                break;
            }
        }
        if !self.eat(end) {
            return Err(self.unexpected(match end {
                T::RParen => "`,` or `)`",
                T::RBracket => "`,` or `]`",
                _ => end.describe(),
            }));
        }
        self.height = height;
        Ok(trailing_comma)
    }

    /// `list ::= "[" exps "]"`, or a comprehension alone in brackets
    fn list(&mut self) -> PResult<Expr> {
        let start = self.bump().start;
        let mut items = vec![];
        let trailing_comma = self.sequence(T::RBracket, |p| {
            items.push(p.exp()?);
            Ok(())
        })?;
        let is_comp = |e: &Expr| matches!(e.kind, ExprKind::ListComp(_));
        match (items.pop(), items.len()) {
            // As in torch, `[[x for x in a]]` is `[x for x in a]`.
            (
                Some(Expr {
                    kind: kind @ ExprKind::ListComp(_),
                    ..
                }),
                0,
            ) => Ok(Expr {
                kind,
                range: self.range_from(start),
            }),
            (last, before) => {
                items.extend(last);
                if items.iter().any(is_comp) {
                    let range = self.range_from(start);
                    return Err(Box::new(ParseError {
                        kind: ParseErrorKind::Comprehension(before + 1),
                        range,
                    }));
                }
                self.node(
                    start,
                    self.height,
                    ExprKind::List {
                        items,
                        trailing_comma,
                    },
                )
            }
        }
    }

    /// `dict ::= "{" [exp ":" exp {"," exp ":" exp}] "}"`, or a comprehension
    fn dict(&mut self) -> PResult<Expr> {
        let start = self.bump().start;
        let mut pairs = vec![];
        let mut height = 0;
        if !self.at(T::RBrace) {
            loop {
                let key = self.exp()?;
                height = height.max(self.height);
                self.expect(T::Colon)?;
                let value = self.exp()?;
                height = height.max(self.height);
                pairs.push((key, value));
                if !self.eat(T::Comma) {
                    break;
                }
            }
        }
        if !self.eat(T::RBrace) {
            return Err(self.unexpected("`,` or `}`"));
        }
        let kind = match (pairs.pop(), pairs.len()) {
            (
                Some((
                    key,
                    Expr {
                        kind: ExprKind::ListComp(comp),
                        ..
                    },
                )),
                0,
            ) => ExprKind::DictComp(Box::new(key), comp),
            (last, _) => {
                pairs.extend(last);
                ExprKind::Dict(pairs)
            }
        };
        self.node(start, height, kind)
    }

    /// `args ::= [arg {"," arg} [","]]`, `arg ::= [NAME "="] exp`
    fn call(&mut self, start: u32, func: Expr) -> PResult<Expr> {
        let height = self.height;
        self.bump();
        let mut args = vec![];
        let mut keywords = vec![];
        let trailing_comma = self.sequence(T::RParen, |p| {
            if p.at(T::Name) && p.lexer.assign_follows() {
                let (name, _) = p.name()?;
                p.bump();
                keywords.push((name, p.exp()?));
            } else {
                args.push(p.exp()?);
            }
            Ok(())
        })?;
        let height = height.max(self.height);
        self.node(
            start,
            height,
            ExprKind::Call(Box::new(Call {
                func,
                args,
                keywords,
                trailing_comma,
            })),
        )
    }

    /// `subscripts ::= subscript {"," subscript} [","]`
    fn subscript(&mut self, start: u32, base: Expr) -> PResult<Expr> {
        let height = self.height;
        self.bump();
        if self.at(T::RBracket) {
            // torch crashes on it.
            return Err(self.unexpected("an index"));
        }
        let mut indices = vec![];
        self.sequence(T::RBracket, |p| {
            indices.push(p.subscript_exp()?);
            Ok(())
        })?;
        let height = height.max(self.height);
        self.node(start, height, ExprKind::Subscript(Box::new(base), indices))
    }

    /// `subscript ::= exp | [exp] ":" [exp] [":" [exp]]`
    fn subscript_exp(&mut self) -> PResult<Expr> {
        let start = self.cur.start;
        let mut height = 0;
        let mut part = |p: &mut Self, ends: &[T]| -> PResult<Option<Expr>> {
            if ends.contains(&p.cur.kind) {
                return Ok(None);
            }
            let exp = p.exp()?;
            height = height.max(p.height);
            Ok(Some(exp))
        };
        let lower = part(self, &[T::Colon])?;
        if !self.eat(T::Colon) {
            return lower.ok_or_else(|| self.unexpected("`:`"));
        }
        let upper = part(self, &[T::Comma, T::RBracket, T::Colon])?;
        let step = if self.eat(T::Colon) {
            part(self, &[T::Comma, T::RBracket])?
        } else {
            None
        };
        self.node(
            start,
            height,
            ExprKind::Slice(Box::new([lower, upper, step])),
        )
    }
}

/// Checks that an expression can stand on the left of `=`.
pub(super) fn check_target(target: &Expr) -> PResult<()> {
    let found = match &target.kind {
        ExprKind::Name(_) | ExprKind::Attribute(..) | ExprKind::Subscript(..) => return Ok(()),
        // Bounded by the height of the tree.
        ExprKind::Paren(inner) | ExprKind::Starred(inner) => return check_target(inner),
        ExprKind::Tuple { items, .. } => return items.iter().try_for_each(check_target),
        ExprKind::Number(_) => "a number",
        ExprKind::Str(_) => "a string",
        ExprKind::True | ExprKind::False | ExprKind::None | ExprKind::Ellipsis => "a constant",
        ExprKind::Call(_) => "a call",
        ExprKind::List { .. } | ExprKind::ListComp(_) => "a list",
        ExprKind::Dict(_) | ExprKind::DictComp(..) => "a dict",
        ExprKind::Slice(_) => "a slice",
        ExprKind::Unary(..) | ExprKind::Binary(..) | ExprKind::Conditional(_) => "an operation",
    };
    Err(Box::new(ParseError {
        kind: ParseErrorKind::Target(found),
        range: target.range,
    }))
}
