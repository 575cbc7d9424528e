//! A syntax tree as an indented list of s-expressions, so that precedence and grouping can be read.

use ptool::torchscript::ast::*;

pub(crate) fn dump(file: &File) -> String {
    let mut out = String::new();
    for item in &file.items {
        match item {
            Item::Class(class) => {
                out.push_str(&format!(
                    "class {} base={:?}\n",
                    class.name,
                    class.base.as_deref().unwrap_or_default()
                ));
                class.members.iter().for_each(|m| member(m, &mut out));
            }
            Item::Function(f) => function(f, 0, &mut out),
            Item::Import(path, _) => out.push_str(&format!("import {path}\n")),
            Item::OpVersionSet(n, _) => out.push_str(&format!("op_version_set {n}\n")),
        }
    }
    out
}

fn member(m: &Member, out: &mut String) {
    match m {
        Member::Assign { name, value, .. } => {
            out.push_str(&format!("  assign {name} {}\n", expr(value)))
        }
        Member::Attribute {
            name, ty, value, ..
        } => {
            out.push_str(&format!(
                "  attribute {name} {}{}\n",
                expr(ty),
                option(value)
            ));
        }
        Member::OddAttribute { name, ty, .. } => {
            out.push_str(&format!("  odd-attribute {name:?} {}\n", expr(ty)))
        }
        Member::Method(f) => function(f, 1, out),
        Member::Pass(_) => out.push_str("  pass\n"),
    }
}

fn function(f: &FunctionDef, level: usize, out: &mut String) {
    let params: Vec<String> = f
        .params
        .iter()
        .map(|p| {
            format!(
                "({}{}{}{})",
                if p.kwarg_only { "* " } else { "" },
                p.name,
                option(&p.ty),
                option(&p.default)
            )
        })
        .collect();
    let pad = "  ".repeat(level);
    out.push_str(&format!(
        "{pad}def {} [{}]{}\n",
        f.name,
        params.join(" "),
        option(&f.returns)
    ));
    suite(&f.body, level + 1, out);
}

fn suite(stmts: &[Stmt], level: usize, out: &mut String) {
    for s in stmts {
        out.push_str(&"  ".repeat(level));
        stmt(&s.kind, level, out);
    }
}

fn stmt(kind: &StmtKind, level: usize, out: &mut String) {
    let text = match kind {
        StmtKind::Assign {
            targets: all,
            value,
        } => {
            format!(
                "assign {} {}",
                all.iter().map(targets).collect::<Vec<_>>().join(" "),
                expr(value)
            )
        }
        StmtKind::AnnAssign {
            target, ty, value, ..
        } => format!("annotated {} {}{}", expr(target), expr(ty), option(value)),
        StmtKind::AugAssign { target, op, value } => {
            format!("augmented {op:?} {} {}", expr(target), expr(value))
        }
        StmtKind::Expr(e) => format!("expr {}", expr(e)),
        StmtKind::Return(e) => format!("return{}", option(e)),
        StmtKind::Raise(e) => format!("raise{}", option(e)),
        StmtKind::Assert(e, m) => format!("assert {}{}", expr(e), option(m)),
        StmtKind::Delete(items) => format!("del {}", exprs(items)),
        StmtKind::Pass => "pass".into(),
        StmtKind::Break => "break".into(),
        StmtKind::Continue => "continue".into(),
        StmtKind::If { cond, then, orelse } => {
            out.push_str(&format!("if {}\n", expr(cond)));
            suite(then, level + 1, out);
            if !orelse.is_empty() {
                out.push_str(&format!("{}else\n", "  ".repeat(level)));
                suite(orelse, level + 1, out);
            }
            return;
        }
        StmtKind::While { cond, body } => {
            out.push_str(&format!("while {}\n", expr(cond)));
            return suite(body, level + 1, out);
        }
        StmtKind::For {
            targets: t,
            iter,
            body,
        } => {
            out.push_str(&format!("for {} {}\n", targets(t), expr(iter)));
            return suite(body, level + 1, out);
        }
        StmtKind::With { items, body } => {
            let items: Vec<_> = items
                .iter()
                .map(|(e, t)| format!("({}{})", expr(e), option(t)))
                .collect();
            out.push_str(&format!("with {}\n", items.join(" ")));
            return suite(body, level + 1, out);
        }
        StmtKind::Def(f) => {
            out.push('\n');
            return function(f, level, out);
        }
    };
    out.push_str(&text);
    out.push('\n');
}

fn targets(t: &Targets) -> String {
    format!(
        "{{{}{}}}",
        exprs(&t.items),
        if t.trailing_comma { "," } else { "" }
    )
}

fn option(e: &Option<Expr>) -> String {
    e.as_ref()
        .map(|e| format!(" {}", expr(e)))
        .unwrap_or_default()
}

fn exprs(items: &[Expr]) -> String {
    items.iter().map(expr).collect::<Vec<_>>().join(" ")
}

fn comma(trailing: bool) -> &'static str {
    if trailing { " ," } else { "" }
}

fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Name(n) | ExprKind::Number(n) => n.to_string(),
        ExprKind::Str(s) => format!("\"{}\"", s.escape_ascii()),
        ExprKind::True => "True".into(),
        ExprKind::False => "False".into(),
        ExprKind::None => "None".into(),
        ExprKind::Ellipsis => "...".into(),
        ExprKind::Attribute(base, name) => format!("{}.{name}", expr(base)),
        ExprKind::Subscript(base, indices) => format!("(index {} {})", expr(base), exprs(indices)),
        ExprKind::Slice(parts) => {
            let part = |e: &Option<Expr>| e.as_ref().map_or("_".into(), expr);
            format!(
                "(slice {} {} {})",
                part(&parts[0]),
                part(&parts[1]),
                part(&parts[2])
            )
        }
        ExprKind::Call(call) => {
            let keywords: String = call
                .keywords
                .iter()
                .map(|(n, e)| format!(" {n}={}", expr(e)))
                .collect();
            let args: String = call.args.iter().map(|e| format!(" {}", expr(e))).collect();
            format!(
                "(call {}{args}{keywords}{})",
                expr(&call.func),
                comma(call.trailing_comma)
            )
        }
        ExprKind::List {
            items,
            trailing_comma,
        } => format!("[{}{}]", exprs(items), comma(*trailing_comma)),
        ExprKind::Tuple {
            items,
            bare,
            trailing_comma,
        } => {
            format!(
                "({} {}{})",
                if *bare { "bare" } else { "tuple" },
                exprs(items),
                comma(*trailing_comma)
            )
        }
        ExprKind::Dict(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| format!("{}: {}", expr(k), expr(v)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        ExprKind::Paren(inner) => format!("(paren {})", expr(inner)),
        ExprKind::Unary(op, inner) => format!("({op:?} {})", expr(inner)),
        ExprKind::Binary(op, left, right) => format!("({op:?} {} {})", expr(left), expr(right)),
        ExprKind::Conditional(parts) => format!(
            "(if {} {} {})",
            expr(&parts[0]),
            expr(&parts[1]),
            expr(&parts[2])
        ),
        ExprKind::ListComp(c) => format!(
            "(list-of {} {} {})",
            expr(&c.element),
            targets(&c.target),
            expr(&c.iter)
        ),
        ExprKind::DictComp(k, c) => {
            format!(
                "(dict-of {} {} {} {})",
                expr(k),
                expr(&c.element),
                targets(&c.target),
                expr(&c.iter)
            )
        }
        ExprKind::Starred(inner) => format!("(star {})", expr(inner)),
    }
}
