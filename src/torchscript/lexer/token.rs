//! The kinds of tokens, their spelling in messages, and the tables of keywords and operators.

use crate::torchscript::ast::Range;

/// One token: a kind and a byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Token {
    pub(crate) fn new(kind: TokenKind, start: usize, end: usize) -> Token {
        Token {
            kind,
            start: start as u32,
            end: end as u32,
        }
    }

    pub(crate) fn range(self) -> Range {
        Range {
            start: self.start,
            end: self.end,
        }
    }
}

/// One row per kind: variant and its spelling in messages.
macro_rules! kinds {
    ($($variant:ident $text:literal),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum TokenKind { $($variant),* }

        impl TokenKind {
            /// How messages name it; fixed spellings in backticks.
            pub(crate) const fn describe(self) -> &'static str {
                match self { $(TokenKind::$variant => $text),* }
            }
        }
    };
}

kinds! {
    Name "a name", Number "a number", Str "a string",
    Newline "the end of the line", Indent "an indented block", Dedent "the end of the block",
    Eof "the end of the file", TypeComment "`# type:`", Error "an unknown token",
    Def "`def`", If "`if`", Else "`else`", Elif "`elif`", While "`while`", For "`for`", In "`in`", Not "`not`",
    NotIn "`not in`", Is "`is`", IsNot "`is not`", And "`and`", Or "`or`", Return "`return`", Raise "`raise`",
    Assert "`assert`", Pass "`pass`", Break "`break`", Continue "`continue`", Del "`del`", Class "`class`",
    Import "`import`", With "`with`", As "`as`", Global "`global`", True "`True`", False "`False`", None "`None`",
    NoneType "`NoneType`", Ellipsis "`...`",
    LParen "`(`", RParen "`)`", LBracket "`[`", RBracket "`]`", LBrace "`{`", RBrace "`}`",
    Comma "`,`", Colon "`:`", Dot "`.`", Arrow "`->`", Assign "`=`",
    Plus "`+`", Minus "`-`", Star "`*`", Slash "`/`", FloorDiv "`//`", Percent "`%`", At "`@`", Pow "`**`",
    Tilde "`~`", Amp "`&`", Pipe "`|`", Caret "`^`", Shl "`<<`", Shr "`>>`",
    Lt "`<`", Gt "`>`", Le "`<=`", Ge "`>=`", EqEq "`==`", NotEq "`!=`",
    PlusEq "`+=`", MinusEq "`-=`", StarEq "`*=`", SlashEq "`/=`", PercentEq "`%=`", PowEq "`**=`",
    AmpEq "`&=`", PipeEq "`|=`", CaretEq "`^=`", ShlEq "`<<=`", ShrEq "`>>=`",
}

/// The keyword or name that the first `len` bytes of `rest` spell, and its length with two-word operators joined.
pub(crate) fn keyword(rest: &[u8], len: usize) -> (TokenKind, usize) {
    use TokenKind::*;
    // The longest keyword is `continue` or `NoneType` or `Ellipsis`.
    if !(2..=8).contains(&len) {
        return (Name, len);
    }
    let kind = match &rest[..len] {
        b"def" => Def,
        b"if" => If,
        b"else" => Else,
        b"elif" => Elif,
        b"while" => While,
        b"for" => For,
        b"in" => In,
        // torch's scanner takes `not in` and `is not` with exactly one space as one token.
        b"not" if word_follows(rest, len, b" in") => return (NotIn, len + 3),
        b"not" => Not,
        b"is" if word_follows(rest, len, b" not") => return (IsNot, len + 4),
        b"is" => Is,
        b"and" => And,
        b"or" => Or,
        b"return" => Return,
        b"raise" => Raise,
        b"assert" => Assert,
        b"pass" => Pass,
        b"break" => Break,
        b"continue" => Continue,
        b"del" => Del,
        b"class" => Class,
        b"import" => Import,
        b"with" => With,
        b"as" => As,
        b"global" => Global,
        b"True" => True,
        b"False" => False,
        b"None" => None,
        b"NoneType" => NoneType,
        b"Ellipsis" => Ellipsis,
        _ => Name,
    };
    (kind, len)
}

fn word_follows(rest: &[u8], len: usize, word: &[u8]) -> bool {
    let after = &rest[len..];
    after.starts_with(word)
        && !after
            .get(word.len())
            .is_some_and(|&b| b == b'_' || b.is_ascii_alphanumeric())
}

/// The longest operator at the start of `rest`, and its length; `Error` when there is none.
pub(crate) fn punct(rest: &[u8]) -> (TokenKind, usize) {
    use TokenKind::*;
    let second = rest.get(1).copied().unwrap_or(0);
    let third = rest.get(2).copied().unwrap_or(0);
    match (rest[0], second, third) {
        (b'*', b'*', b'=') => (PowEq, 3),
        (b'<', b'<', b'=') => (ShlEq, 3),
        (b'>', b'>', b'=') => (ShrEq, 3),
        (b'.', b'.', b'.') => (Ellipsis, 3),
        (b'*', b'*', _) => (Pow, 2),
        (b'/', b'/', _) => (FloorDiv, 2),
        (b'<', b'<', _) => (Shl, 2),
        (b'>', b'>', _) => (Shr, 2),
        (b'-', b'>', _) => (Arrow, 2),
        (b'<', b'=', _) => (Le, 2),
        (b'>', b'=', _) => (Ge, 2),
        (b'=', b'=', _) => (EqEq, 2),
        (b'!', b'=', _) => (NotEq, 2),
        (b'+', b'=', _) => (PlusEq, 2),
        (b'-', b'=', _) => (MinusEq, 2),
        (b'*', b'=', _) => (StarEq, 2),
        (b'/', b'=', _) => (SlashEq, 2),
        (b'%', b'=', _) => (PercentEq, 2),
        (b'&', b'=', _) => (AmpEq, 2),
        (b'|', b'=', _) => (PipeEq, 2),
        (b'^', b'=', _) => (CaretEq, 2),
        // Every other `#` was skipped as a comment.
        (b'#', ..) => (TypeComment, "# type:".len()),
        (first, ..) => (single(first), 1),
    }
}

fn single(byte: u8) -> TokenKind {
    use TokenKind::*;
    match byte {
        b'(' => LParen,
        b')' => RParen,
        b'[' => LBracket,
        b']' => RBracket,
        b'{' => LBrace,
        b'}' => RBrace,
        b',' => Comma,
        b':' => Colon,
        b'.' => Dot,
        b'=' => Assign,
        b'+' => Plus,
        b'-' => Minus,
        b'*' => Star,
        b'/' => Slash,
        b'%' => Percent,
        b'@' => At,
        b'~' => Tilde,
        b'&' => Amp,
        b'|' => Pipe,
        b'^' => Caret,
        b'<' => Lt,
        b'>' => Gt,
        _ => Error,
    }
}
