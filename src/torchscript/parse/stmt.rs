//! Statements and suites.

use super::expr::check_target;
use super::{PResult, ParseError, ParseErrorKind, Parser};
use crate::torchscript::ast::{BinaryOp, Expr, ExprKind, Stmt, StmtKind, Targets};
use crate::torchscript::lexer::TokenKind as T;

/// The operator of an augmented assignment.
pub(super) const fn aug_assign(kind: T) -> Option<BinaryOp> {
    Some(match kind {
        T::PlusEq => BinaryOp::Add,
        T::MinusEq => BinaryOp::Sub,
        T::StarEq => BinaryOp::Mul,
        T::SlashEq => BinaryOp::Div,
        T::PercentEq => BinaryOp::Mod,
        T::PowEq => BinaryOp::Pow,
        T::AmpEq => BinaryOp::BitAnd,
        T::PipeEq => BinaryOp::BitOr,
        T::CaretEq => BinaryOp::BitXor,
        T::ShlEq => BinaryOp::Shl,
        T::ShrEq => BinaryOp::Shr,
        _ => return None,
    })
}

impl Parser<'_> {
    /// `suite ::= INDENT stmt {stmt} DEDENT`
    pub(super) fn suite(&mut self) -> PResult<Vec<Stmt>> {
        self.expect(T::Indent)?;
        self.rest_of_suite()
    }

    /// The statements after the indent; broken ones are reported and left out.
    pub(super) fn rest_of_suite(&mut self) -> PResult<Vec<Stmt>> {
        let mut stmts = vec![];
        loop {
            match self.nested(Self::stmt) {
                Ok(stmt) => stmts.push(stmt),
                Err(error) => self.recover(*error),
            }
            if self.eat(T::Dedent) || self.at(T::Eof) {
                return Ok(stmts);
            }
        }
    }

    pub(super) fn stmt(&mut self) -> PResult<Stmt> {
        let start = self.cur.start;
        let kind = match self.cur.kind {
            T::If => self.if_stmt()?,
            T::While => self.while_stmt()?,
            T::For => self.for_stmt()?,
            T::With => self.with_stmt()?,
            T::Def => StmtKind::Def(self.function(false)?),
            T::Return | T::Raise | T::Assert | T::Pass | T::Break | T::Continue | T::Del => {
                let kind = self.keyword_stmt()?;
                self.expect(T::Newline)?;
                kind
            }
            T::Global => return Err(self.unsupported("`global`")),
            T::Import => return Err(self.unsupported("`import` below the first lines of the file")),
            T::Class => return Err(self.unsupported("a `class` that is not at the top level")),
            T::Newline | T::Indent | T::Dedent | T::Eof => {
                return Err(self.unexpected("a statement"));
            }
            _ => {
                let kind = self.expr_stmt()?;
                self.expect(T::Newline)?;
                kind
            }
        };
        Ok(Stmt {
            kind,
            range: self.range_from(start),
        })
    }

    #[cold]
    fn unsupported(&mut self, what: &'static str) -> Box<ParseError> {
        Box::new(ParseError {
            kind: ParseErrorKind::Unsupported(what),
            range: self.cur.range(),
        })
    }

    /// `"return" [exps] | "raise" exp | "assert" exp ["," exp] | "pass" | "break" | "continue" | "del" exp {"," exp}`
    fn keyword_stmt(&mut self) -> PResult<StmtKind> {
        Ok(match self.bump().kind {
            T::Return if self.at(T::Newline) => StmtKind::Return(None),
            T::Return => StmtKind::Return(Some(self.exp_or_tuple()?)),
            T::Raise => StmtKind::Raise(Some(self.exp()?)),
            T::Assert => {
                let cond = self.exp()?;
                StmtKind::Assert(
                    cond,
                    if self.eat(T::Comma) {
                        Some(self.exp()?)
                    } else {
                        None
                    },
                )
            }
            T::Break => StmtKind::Break,
            T::Continue => StmtKind::Continue,
            T::Del => StmtKind::Delete(self.items_until(T::Newline, Self::exp)?.0),
            _ => StmtKind::Pass,
        })
    }

    /// `item {"," item} [","]` before `end`, and whether a comma ended it.
    fn items_until(
        &mut self,
        end: T,
        item: fn(&mut Self) -> PResult<Expr>,
    ) -> PResult<(Vec<Expr>, bool)> {
        let mut items = vec![item(self)?];
        while self.eat(T::Comma) {
            if self.at(end) {
                return Ok((items, true));
            }
            items.push(item(self)?);
        }
        Ok((items, false))
    }

    /// `"if" exp ":" suite {"elif" exp ":" suite} ["else" ":" suite]`, at `if` or `elif`
    fn if_stmt(&mut self) -> PResult<StmtKind> {
        self.bump();
        let cond = self.exp()?;
        self.expect(T::Colon)?;
        let then = self.suite()?;
        let start = self.cur.start;
        let orelse = if self.eat(T::Else) {
            self.expect(T::Colon)?;
            self.suite()?
        } else if self.at(T::Elif) {
            let kind = self.nested(Self::if_stmt)?;
            vec![Stmt {
                kind,
                range: self.range_from(start),
            }]
        } else {
            vec![]
        };
        Ok(StmtKind::If { cond, then, orelse })
    }

    /// `"while" exp ":" suite`
    fn while_stmt(&mut self) -> PResult<StmtKind> {
        self.bump();
        let cond = self.exp()?;
        self.expect(T::Colon)?;
        Ok(StmtKind::While {
            cond,
            body: self.suite()?,
        })
    }

    /// `"for" target {"," target} [","] "in" exps ":" suite`
    fn for_stmt(&mut self) -> PResult<StmtKind> {
        self.bump();
        let (items, trailing_comma) = self.items_until(T::In, Self::target_exp)?;
        items.iter().try_for_each(check_target)?;
        self.expect(T::In)?;
        let start = self.cur.start;
        let (mut iters, comma) = self.items_until(T::Colon, Self::exp)?;
        let range = self.range_from(start);
        let iter = match iters.pop() {
            Some(iter) if iters.is_empty() && !comma => iter,
            last => {
                iters.extend(last);
                let trailing_comma = comma && iters.len() > 1;
                Expr {
                    kind: ExprKind::Tuple {
                        items: iters,
                        bare: true,
                        trailing_comma,
                    },
                    range,
                }
            }
        };
        self.expect(T::Colon)?;
        Ok(StmtKind::For {
            targets: Targets {
                items,
                trailing_comma,
            },
            iter,
            body: self.suite()?,
        })
    }

    /// `"with" exp ["as" NAME] {"," exp ["as" NAME]} ":" suite`
    fn with_stmt(&mut self) -> PResult<StmtKind> {
        self.bump();
        let mut items = vec![];
        loop {
            let context = self.exp()?;
            let target = match self.eat(T::As) {
                true => {
                    let (name, range) = self.name()?;
                    Some(Expr {
                        kind: ExprKind::Name(name),
                        range,
                    })
                }
                false => None,
            };
            items.push((context, target));
            if !self.eat(T::Comma) || self.at(T::Colon) {
                break;
            }
        }
        self.expect(T::Colon)?;
        Ok(StmtKind::With {
            items,
            body: self.suite()?,
        })
    }

    /// An expression for its effect, or any assignment.
    fn expr_stmt(&mut self) -> PResult<StmtKind> {
        let first = self.exp_or_tuple()?;
        if let Some(op) = aug_assign(self.cur.kind) {
            return self.aug_assign_stmt(first, op);
        }
        match self.cur.kind {
            T::Colon => self.ann_assign(first),
            T::Assign => self.assign(first),
            T::Newline => Ok(StmtKind::Expr(first)),
            _ => Err(self.unexpected("the end of the line")),
        }
    }

    /// `targets "=" {targets "="} exps`
    fn assign(&mut self, first: Expr) -> PResult<StmtKind> {
        let mut targets = vec![];
        let mut value = first;
        while self.eat(T::Assign) {
            check_target(&value)?;
            targets.push(into_targets(value));
            value = self.exp_or_tuple()?;
        }
        Ok(StmtKind::Assign { targets, value })
    }

    /// `target ":" type ["=" exps]`
    fn ann_assign(&mut self, target: Expr) -> PResult<StmtKind> {
        if let ExprKind::Tuple { bare: true, .. } = target.kind {
            return Err(Box::new(ParseError {
                kind: ParseErrorKind::Target("several before `:`"),
                range: target.range,
            }));
        }
        check_target(&target)?;
        let spaced = self.bump().start > target.range.end;
        let ty = self.exp()?;
        let value = if self.eat(T::Assign) {
            Some(self.exp_or_tuple()?)
        } else {
            None
        };
        Ok(StmtKind::AnnAssign {
            target,
            ty,
            value,
            spaced,
        })
    }

    /// `target op "=" exps`
    fn aug_assign_stmt(&mut self, target: Expr, op: BinaryOp) -> PResult<StmtKind> {
        if let ExprKind::Tuple { .. } = target.kind {
            return Err(Box::new(ParseError {
                kind: ParseErrorKind::Target("a tuple"),
                range: target.range,
            }));
        }
        check_target(&target)?;
        self.bump();
        Ok(StmtKind::AugAssign {
            target,
            op,
            value: self.exp_or_tuple()?,
        })
    }
}

fn into_targets(value: Expr) -> Targets {
    match value.kind {
        // `a, = t` has one target and a comma: it unpacks.
        ExprKind::Tuple {
            items,
            bare: true,
            trailing_comma,
        } => Targets {
            trailing_comma: trailing_comma || items.len() == 1,
            items,
        },
        _ => Targets {
            items: vec![value],
            trailing_comma: false,
        },
    }
}
