//! Files, classes, functions and parameters.

use super::{PResult, ParseError, ParseErrorKind, Parser};
use crate::torchscript::ast::{
    ClassDef, Expr, ExprKind, File, FunctionDef, Item, Member, Param, Range, Stmt, StmtKind,
    Targets,
};
use crate::torchscript::lexer::TokenKind as T;
use smol_str::SmolStr;

impl Parser<'_> {
    /// `file ::= ["op_version_set" "=" NUMBER] {"import" …} {class | def}`
    pub(super) fn file(&mut self) -> File {
        let mut items = vec![];
        while !self.at(T::Eof) {
            match self.item(items.is_empty(), items.iter().all(is_preamble)) {
                Ok(item) => items.push(item),
                Err(error) => {
                    self.recover(*error);
                    self.eat(T::Dedent);
                }
            }
        }
        File { items }
    }

    fn item(&mut self, first: bool, preamble: bool) -> PResult<Item> {
        match self.cur.kind {
            T::Class => self.class().map(Item::Class),
            T::Def => self.function(false).map(Item::Function),
            T::Import if preamble => self.import(),
            T::Name if first && self.text(self.cur) == "op_version_set" => self.op_version_set(),
            _ => Err(self.unexpected("`class` or `def`")),
        }
    }

    /// `"import" NAME {"." NAME} NEWLINE`
    fn import(&mut self) -> PResult<Item> {
        let start = self.bump().start;
        let from = self.cur.start;
        self.name()?;
        while self.eat(T::Dot) {
            self.name()?;
        }
        let path: String = self.src[from as usize..self.prev_end as usize]
            .iter()
            .map(|&b| b as char)
            .collect();
        self.expect(T::Newline)?;
        let path: SmolStr = path.split_whitespace().collect();
        Ok(Item::Import(path, self.range_from(start)))
    }

    /// `"op_version_set" "=" NUMBER NEWLINE`
    fn op_version_set(&mut self) -> PResult<Item> {
        let start = self.bump().start;
        self.expect(T::Assign)?;
        let number = self.expect(T::Number)?;
        self.expect(T::Newline)?;
        Ok(Item::OpVersionSet(
            self.text(number),
            self.range_from(start),
        ))
    }

    /// `"class" NAME ["(" NAME ")"] ":" INDENT member {member} DEDENT`
    fn class(&mut self) -> PResult<ClassDef> {
        let start = self.bump().start;
        let (name, _) = self.name()?;
        let base = match self.eat(T::LParen) {
            true => {
                let (base, _) = self.name()?;
                self.expect(T::RParen)?;
                Some(base)
            }
            false => None,
        };
        self.expect(T::Colon)?;
        self.expect(T::Indent)?;
        let mut members = vec![];
        loop {
            match self.nested(Self::member) {
                Ok(member) => members.extend(member),
                Err(error) => self.recover(*error),
            }
            if self.eat(T::Dedent) || self.at(T::Eof) {
                break;
            }
        }
        Ok(ClassDef {
            name,
            base,
            members,
            range: self.range_from(start),
        })
    }

    /// One line or method of a class; what may not stand there is reported and left out.
    fn member(&mut self) -> PResult<Option<Member>> {
        if self.at(T::Def) {
            return self
                .function(true)
                .map(|method| Some(Member::Method(method)));
        }
        let stmt = self.stmt()?;
        Ok(match into_member(stmt) {
            Ok(member) => Some(member),
            Err(error) => {
                self.report(*error);
                None
            }
        })
    }

    /// `"def" NAME params ["->" exp] ":" (suite | stmt)`
    pub(super) fn function(&mut self, is_method: bool) -> PResult<FunctionDef> {
        let start = self.bump().start;
        let (name, _) = self.name()?;
        let mut params = self.params()?;
        let mut returns = if self.eat(T::Arrow) {
            Some(self.exp()?)
        } else {
            None
        };
        self.expect(T::Colon)?;
        let body = if self.eat(T::Indent) {
            if self.at(T::TypeComment) {
                match self.type_comment(&mut params, is_method) {
                    Ok(ty) => returns = ty,
                    Err(error) => self.recover(*error),
                }
            }
            self.rest_of_suite()?
        } else {
            // The grammar allows one statement on the line of the header, for functions only.
            vec![self.nested(Self::stmt)?]
        };
        Ok(FunctionDef {
            name,
            params,
            returns,
            body,
            range: self.range_from(start),
        })
    }

    /// `params ::= "(" [param {"," param} [","]] ")"`, where `"*"` makes the rest keyword-only
    fn params(&mut self) -> PResult<Vec<Param>> {
        self.expect(T::LParen)?;
        let mut params = vec![];
        let mut kwarg_only = false;
        while !self.at(T::RParen) {
            if !kwarg_only && self.eat(T::Star) {
                kwarg_only = true;
            } else {
                params.push(self.param(kwarg_only)?);
            }
            if !self.eat(T::Comma) {
                break;
            }
        }
        if !self.eat(T::RParen) {
            return Err(self.unexpected("`,` or `)`"));
        }
        Ok(params)
    }

    /// `param ::= NAME [":" exp] ["=" exp]`
    fn param(&mut self, kwarg_only: bool) -> PResult<Param> {
        let (name, range) = self.name()?;
        let ty = if self.eat(T::Colon) {
            Some(self.exp()?)
        } else {
            None
        };
        let default = if self.eat(T::Assign) {
            Some(self.exp()?)
        } else {
            None
        };
        Ok(Param {
            name,
            ty,
            default,
            kwarg_only,
            range: self.range_from(range.start),
        })
    }

    /// `"# type:" "(" [exp {"," exp}] ")" ["->" exp]`: types of the parameters after `self`, and the return type
    fn type_comment(&mut self, params: &mut [Param], is_method: bool) -> PResult<Option<Expr>> {
        let start = self.bump().start;
        self.expect(T::LParen)?;
        let mut types = vec![];
        while !self.at(T::RParen) {
            types.push(self.exp()?);
            if !self.eat(T::Comma) {
                break;
            }
        }
        self.expect(T::RParen)?;
        let returns = if self.eat(T::Arrow) {
            Some(self.exp()?)
        } else {
            None
        };
        let params = params.get_mut(usize::from(is_method)..).unwrap_or_default();
        self.expect(T::Newline)?;
        if params.len() != types.len() {
            let kind = ParseErrorKind::TypeComment {
                expected: params.len(),
                found: types.len(),
            };
            self.report(ParseError {
                kind,
                range: self.range_from(start),
            });
        }
        for (param, ty) in params.iter_mut().zip(types) {
            param.ty = Some(ty);
        }
        Ok(returns)
    }
}

fn is_preamble(item: &Item) -> bool {
    matches!(item, Item::Import(..) | Item::OpVersionSet(..))
}

#[cold]
fn not_a_member(found: &'static str, range: Range) -> Box<ParseError> {
    Box::new(ParseError {
        kind: ParseErrorKind::Member(found),
        range,
    })
}

fn into_member(stmt: Stmt) -> PResult<Member> {
    let range = stmt.range;
    let found = match stmt.kind {
        StmtKind::Assign { targets, value } => match <[Targets; 1]>::try_from(targets) {
            Ok([targets]) => return assigned_member(targets, value, range),
            Err(_) => "a chained assignment",
        },
        StmtKind::AnnAssign {
            target:
                Expr {
                    kind: ExprKind::Name(name),
                    ..
                },
            ty,
            value,
            ..
        } => {
            return Ok(Member::Attribute {
                name,
                ty,
                value,
                range,
            });
        }
        StmtKind::AnnAssign { .. } => "an annotation of something else than a name",
        StmtKind::Pass => return Ok(Member::Pass(range)),
        StmtKind::Expr(_) => "an expression",
        StmtKind::AugAssign { .. } => "an augmented assignment",
        StmtKind::If { .. } => "`if`",
        StmtKind::While { .. } => "`while`",
        StmtKind::For { .. } => "`for`",
        StmtKind::With { .. } => "`with`",
        StmtKind::Def(_) => "`def`",
        StmtKind::Return(_) => "`return`",
        StmtKind::Raise(_) => "`raise`",
        StmtKind::Assert(..) => "`assert`",
        StmtKind::Break => "`break`",
        StmtKind::Continue => "`continue`",
        StmtKind::Delete(_) => "`del`",
    };
    Err(not_a_member(found, range))
}

/// `name = value` or `__annotations__["name"] = type`
fn assigned_member(targets: Targets, value: Expr, range: Range) -> PResult<Member> {
    let [target] =
        <[Expr; 1]>::try_from(targets.items).map_err(|_| not_a_member("several targets", range))?;
    match target.kind {
        ExprKind::Name(name) if !targets.trailing_comma => {
            Ok(Member::Assign { name, value, range })
        }
        ExprKind::Subscript(base, indices) => {
            let name = match (&base.kind, indices.as_slice()) {
                (
                    ExprKind::Name(base),
                    [
                        Expr {
                            kind: ExprKind::Str(name),
                            ..
                        },
                    ],
                ) if base == "__annotations__" => name,
                _ => return Err(not_a_member("an assignment to a subscript", range)),
            };
            let name = std::str::from_utf8(name).map_err(|_| {
                Box::new(ParseError {
                    kind: ParseErrorKind::AttributeName,
                    range: target.range,
                })
            })?;
            Ok(Member::OddAttribute {
                name: name.into(),
                ty: value,
                range,
            })
        }
        _ => Err(not_a_member(
            "an assignment to something else than a name",
            range,
        )),
    }
}
