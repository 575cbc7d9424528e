//! The syntax tree of one source record (`torchscript.md` section 3.3).
//!
//! The tree keeps every choice of spelling that torch's own printer makes (number texts, trailing commas,
//! parentheses), so that `print(parse(s)) == s` for every file torch wrote.

mod ranges;

use smol_str::SmolStr;

/// A byte range in the source text the tree was parsed from; `Range::NONE` on synthesised nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Range {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Range {
    /// The range of a node that was made, not parsed.
    pub const NONE: Range = Range {
        start: u32::MAX,
        end: u32::MAX,
    };

    /// The smallest range that covers both.
    pub fn to(self, other: Range) -> Range {
        Range {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// One source record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Top-level statements in file order.
    pub items: Vec<Item>,
}

/// A top-level statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `class X(Module): …`
    Class(ClassDef),
    /// `def f(…) -> T: …`
    Function(FunctionDef),
    /// `import a.b.c` of old files; accepted and without effect.
    Import(SmolStr, Range),
    /// `op_version_set = N` of old files; accepted and without effect.
    OpVersionSet(SmolStr, Range),
}

/// A class of any kind.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassDef {
    /// Unqualified name.
    pub name: SmolStr,
    /// `Module`, `NamedTuple`, `Enum`, `Interface`, `ModuleInterface`, or none for a plain class.
    pub base: Option<SmolStr>,
    /// The body in order.
    pub members: Vec<Member>,
    /// The whole definition.
    pub range: Range,
}

/// One line (or method) of a class body.
#[derive(Clone, Debug, PartialEq)]
pub enum Member {
    /// `__parameters__ = ["w", ]` and its like: `__buffers__`, `__forward_hooks__`, `__forward_pre_hooks__`, `__annotations__ = []`.
    /// Enum members (`RED = 1`) and anything else assigned without a type are also here.
    Assign {
        /// Left side.
        name: SmolStr,
        /// Right side; torch spells non-empty name lists with a trailing comma (`List::trailing_comma`).
        value: Expr,
        /// The line.
        range: Range,
    },
    /// `name : type` or `name : Final[type] = value`.
    Attribute {
        /// Attribute name.
        name: SmolStr,
        /// Its annotation.
        ty: Expr,
        /// The value of a `Final` constant.
        value: Option<Expr>,
        /// The line.
        range: Range,
    },
    /// `__annotations__["2x"] = type`: an attribute whose name is no identifier.
    OddAttribute {
        /// Attribute name, as bytes of the string literal.
        name: SmolStr,
        /// Its annotation.
        ty: Expr,
        /// The line.
        range: Range,
    },
    /// A method (for interfaces with the body `pass`).
    Method(FunctionDef),
    /// A lone `pass`.
    Pass(Range),
}

/// A function, a method, or the nested closure of a fork.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionDef {
    /// Unqualified name.
    pub name: SmolStr,
    /// Parameters in order, `self` included.
    pub params: Vec<Param>,
    /// Return annotation.
    pub returns: Option<Expr>,
    /// Statements.
    pub body: Vec<Stmt>,
    /// The whole definition.
    pub range: Range,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Name.
    pub name: SmolStr,
    /// Annotation.
    pub ty: Option<Expr>,
    /// Default value.
    pub default: Option<Expr>,
    /// After a bare `*`.
    pub kwarg_only: bool,
    /// Name to default.
    pub range: Range,
}

/// A statement with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it stands, nested suites included.
    pub range: Range,
}

/// What a statement is.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `a, b, = value` or `a, b = x, y`; a value of several expressions is a `Tuple` without parentheses (`Tuple::bare`).
    /// Chained `a = b = v` has several target lists.
    Assign {
        /// One per `=`.
        targets: Vec<Targets>,
        /// Right side.
        value: Expr,
    },
    /// `name : T = value` or `name : T`.
    AnnAssign {
        /// Left side.
        target: Expr,
        /// Annotation.
        ty: Expr,
        /// Right side.
        value: Option<Expr>,
        /// A blank before the colon: torch writes it for the results of an `if`, and `name: T = value` for what a loop carries.
        spaced: bool,
    },
    /// `a += b`.
    AugAssign {
        /// Left side.
        target: Expr,
        /// The operator without `=`.
        op: BinaryOp,
        /// Right side.
        value: Expr,
    },
    /// An expression for its effect.
    Expr(Expr),
    /// `return e`; nothing for a bare `return`.
    Return(Option<Expr>),
    /// `pass`
    Pass,
    /// `if c: … else: …`; `elif` is an `If` alone in `orelse`.
    If {
        /// Condition.
        cond: Expr,
        /// Taken when true.
        then: Vec<Stmt>,
        /// Taken when false; empty when there is no `else`.
        orelse: Vec<Stmt>,
    },
    /// `while c: …`
    While {
        /// Condition.
        cond: Expr,
        /// Body.
        body: Vec<Stmt>,
    },
    /// `for t in e: …`
    For {
        /// Loop targets.
        targets: Targets,
        /// What is iterated; several expressions are a bare tuple.
        iter: Expr,
        /// Body.
        body: Vec<Stmt>,
    },
    /// `with e as v: …`
    With {
        /// Each item with its optional target.
        items: Vec<(Expr, Option<Expr>)>,
        /// Body.
        body: Vec<Stmt>,
    },
    /// A nested `def` (the closure of `fork`).
    Def(FunctionDef),
    /// `raise e`
    Raise(Option<Expr>),
    /// `assert c, m`
    Assert(Expr, Option<Expr>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `del a, b`
    Delete(Vec<Expr>),
}

/// Left side of one `=`, or the targets of a `for`.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// Names, attributes, subscripts, parenthesised groups, starred names.
    pub items: Vec<Expr>,
    /// `a, b, = t`: the mark of an unpack node.
    pub trailing_comma: bool,
}

/// An expression with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub range: Range,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A name.
    Name(SmolStr),
    /// A number as spelled, without sign: `3`, `0.10000000000000001`, `1e-05`, `1.j`.
    Number(SmolStr),
    /// A string literal's value; bytes, because torch does not require UTF-8.
    Str(Box<[u8]>),
    /// `True`
    True,
    /// `False`
    False,
    /// `None` (also `NoneType` in annotations is a `Name`).
    None,
    /// `...`
    Ellipsis,
    /// `base.name`
    Attribute(Box<Expr>, SmolStr),
    /// `base[i, j:k]`
    Subscript(Box<Expr>, Vec<Expr>),
    /// `lower:upper:step`, only inside a subscript.
    Slice(Box<[Option<Expr>; 3]>),
    /// `func(args, name=value, )`
    Call(Box<Call>),
    /// `[a, b]`; with a trailing comma in name lists (`["w", ]`).
    List {
        /// Elements.
        items: Vec<Expr>,
        /// `["w", ]`
        trailing_comma: bool,
    },
    /// `(a, b)`, `(a,)`, `()`; `bare` without parentheses.
    Tuple {
        /// Elements.
        items: Vec<Expr>,
        /// No parentheses were written.
        bare: bool,
        /// A comma follows the last of several elements: `("cuda", 5, )`.
        trailing_comma: bool,
    },
    /// `{k: v}`
    Dict(Vec<(Expr, Expr)>),
    /// `(e)`
    Paren(Box<Expr>),
    /// `-e`, `not e`, `~e`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b` and all other infix operators, `and` and `or` included.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `then if cond else orelse`, in the order cond, then, orelse.
    Conditional(Box<[Expr; 3]>),
    /// `[element for target in iter]`
    ListComp(Box<Comprehension>),
    /// `{key: element for target in iter}`
    DictComp(Box<Expr>, Box<Comprehension>),
    /// `*e`
    Starred(Box<Expr>),
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub func: Expr,
    /// Positional arguments.
    pub args: Vec<Expr>,
    /// Keyword arguments.
    pub keywords: Vec<(SmolStr, Expr)>,
    /// `(obj).forward(a, )`: method and function calls are spelled so.
    pub trailing_comma: bool,
}

/// `element for target in iter`
#[derive(Clone, Debug, PartialEq)]
pub struct Comprehension {
    /// What is collected.
    pub element: Expr,
    /// Loop target.
    pub target: Targets,
    /// What is iterated.
    pub iter: Expr,
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum UnaryOp {
    Neg,
    Not,
    Invert,
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BinaryOp {
    And,
    Or,
    Lt,
    Gt,
    Le,
    Ge,
    Eq,
    Ne,
    Is,
    IsNot,
    In,
    NotIn,
    BitOr,
    BitXor,
    BitAnd,
    Shl,
    Shr,
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    MatMul,
    Pow,
}
