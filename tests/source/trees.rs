//! Trees that no text was parsed into: `parse(print(a)) == a` but for added parentheses.

use super::dump::dump;
use proptest::prelude::*;
use ptool::torchscript::ast::*;
use ptool::torchscript::{parse, print};

const BINARY: [BinaryOp; 25] = [
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Lt,
    BinaryOp::Gt,
    BinaryOp::Le,
    BinaryOp::Ge,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::Is,
    BinaryOp::IsNot,
    BinaryOp::In,
    BinaryOp::NotIn,
    BinaryOp::BitOr,
    BinaryOp::BitXor,
    BinaryOp::BitAnd,
    BinaryOp::Shl,
    BinaryOp::Shr,
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::FloorDiv,
    BinaryOp::Mod,
    BinaryOp::MatMul,
    BinaryOp::Pow,
];

fn node(kind: ExprKind) -> Expr {
    Expr {
        kind,
        range: Range::NONE,
    }
}

fn name() -> impl Strategy<Value = Expr> {
    prop::sample::select(vec!["x", "inner", "nothing", "inf", "nanj"])
        .prop_map(|n| node(ExprKind::Name(n.into())))
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        name(),
        prop::sample::select(vec!["1", "2.5", "1e-05", "3.j", "0x1F"])
            .prop_map(|n| node(ExprKind::Number(n.into()))),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(|s| node(ExprKind::Str(s.into()))),
        Just(node(ExprKind::None)),
        Just(node(ExprKind::Ellipsis)),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(6, 60, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new).boxed();
        let many = prop::collection::vec(inner.clone(), 0..4).boxed();
        let option = prop::option::of(inner.clone()).boxed();
        prop_oneof![
            3 => (prop::sample::select(BINARY.to_vec()), boxed.clone(), boxed.clone())
                .prop_map(|(op, a, b)| node(ExprKind::Binary(op, a, b))),
            2 => (prop::sample::select(vec![UnaryOp::Neg, UnaryOp::Not, UnaryOp::Invert]), boxed.clone())
                .prop_map(|(op, e)| node(ExprKind::Unary(op, e))),
            1 => [inner.clone(), inner.clone(), inner.clone()].prop_map(|p| node(ExprKind::Conditional(Box::new(p)))),
            1 => boxed.clone().prop_map(|e| node(ExprKind::Attribute(e, "a".into()))),
            1 => (boxed.clone(), [option.clone(), option.clone(), option])
                .prop_map(|(e, s)| node(ExprKind::Subscript(e, vec![node(ExprKind::Slice(Box::new(s)))]))),
            1 => (inner.clone(), many.clone(), inner.clone(), any::<bool>()).prop_map(|(func, args, value, trailing_comma)| {
                let keywords = vec![("k".into(), value)];
                node(ExprKind::Call(Box::new(Call { func, args, keywords, trailing_comma })))
            }),
            1 => many.clone().prop_map(|items| node(ExprKind::List { trailing_comma: items.len() > 2, items })),
            1 => many.prop_map(|items| {
                node(ExprKind::Tuple { trailing_comma: items.len() > 2, items, bare: false })
            }),
            1 => (inner.clone(), inner.clone()).prop_map(|pair| node(ExprKind::Dict(vec![pair]))),
            1 => (inner.clone(), name(), inner).prop_map(|(element, target, iter)| {
                let target = Targets { items: vec![target], trailing_comma: false };
                let comp = node(ExprKind::ListComp(Box::new(Comprehension { element, target, iter })));
                // Alone in brackets it would be the comprehension of the brackets.
                node(ExprKind::Tuple { items: vec![comp, node(ExprKind::None)], bare: false, trailing_comma: false })
            }),
            1 => boxed.prop_map(|e| node(ExprKind::Starred(e))),
        ]
    })
}

/// The dump without the `(paren …)` that printing adds.
fn without_parens(dump: &str) -> String {
    let mut out = String::new();
    let mut dropped = vec![];
    let mut rest = dump;
    let mut quoted = false;
    while let Some(c) = rest.chars().next() {
        let mut len = c.len_utf8();
        match c {
            '\\' if quoted => len += 1,
            '"' => quoted = !quoted,
            '(' if !quoted => {
                dropped.push(rest.starts_with("(paren "));
                if dropped.last() == Some(&true) {
                    rest = &rest["(paren ".len()..];
                    continue;
                }
            }
            ')' if !quoted && dropped.pop() == Some(true) => {
                rest = &rest[1..];
                continue;
            }
            _ => {}
        }
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn survive_printing(e in expr()) {
        let body = vec![Stmt { kind: StmtKind::Return(Some(e)), range: Range::NONE }];
        let f = FunctionDef { name: "f".into(), params: vec![], returns: None, body, range: Range::NONE };
        let file = File { items: vec![Item::Function(f)] };
        let text = print::print(&file);
        let parsed = parse::parse_strict(text.as_bytes()).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        let (before, after) = (without_parens(&dump(&file)), without_parens(&dump(&parsed)));
        prop_assert_eq!(before, after, "{}", text);
    }
}
