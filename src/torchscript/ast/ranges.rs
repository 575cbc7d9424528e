//! A walk over every range of a tree: to compare trees by shape, or to move them in their text.

use super::{
    ClassDef, Comprehension, Expr, ExprKind, File, FunctionDef, Item, Member, Param, Range, Stmt,
    StmtKind, Targets,
};

impl File {
    /// The same tree with every range replaced by [`Range::NONE`]: equal trees differ in nothing but layout.
    pub fn without_ranges(mut self) -> File {
        self.for_each_range(&mut |range| *range = Range::NONE);
        self
    }

    /// Calls `f` on every range, outer before inner.
    pub fn for_each_range(&mut self, f: &mut dyn FnMut(&mut Range)) {
        for item in &mut self.items {
            match item {
                Item::Class(class) => class_ranges(class, f),
                Item::Function(function) => function_ranges(function, f),
                Item::Import(_, range) | Item::OpVersionSet(_, range) => f(range),
            }
        }
    }
}

fn class_ranges(class: &mut ClassDef, f: &mut dyn FnMut(&mut Range)) {
    f(&mut class.range);
    for member in &mut class.members {
        match member {
            Member::Assign {
                name: _,
                value,
                range,
            } => {
                f(range);
                expr_ranges(value, f);
            }
            Member::Attribute {
                name: _,
                ty,
                value,
                range,
            } => {
                f(range);
                expr_ranges(ty, f);
                exprs_ranges(value, f);
            }
            Member::OddAttribute { name: _, ty, range } => {
                f(range);
                expr_ranges(ty, f);
            }
            Member::Method(method) => function_ranges(method, f),
            Member::Pass(range) => f(range),
        }
    }
}

fn function_ranges(function: &mut FunctionDef, f: &mut dyn FnMut(&mut Range)) {
    let FunctionDef {
        name: _,
        params,
        returns,
        body,
        range,
    } = function;
    f(range);
    for Param {
        name: _,
        ty,
        default,
        kwarg_only: _,
        range,
    } in params
    {
        f(range);
        exprs_ranges(ty, f);
        exprs_ranges(default, f);
    }
    exprs_ranges(returns, f);
    suite_ranges(body, f);
}

fn suite_ranges(stmts: &mut [Stmt], f: &mut dyn FnMut(&mut Range)) {
    stmts
        .iter_mut()
        .for_each(|stmt| crate::torchscript::deep(|| stmt_ranges(stmt, f)));
}

fn stmt_ranges(stmt: &mut Stmt, f: &mut dyn FnMut(&mut Range)) {
    f(&mut stmt.range);
    match &mut stmt.kind {
        StmtKind::Assign { targets, value } => {
            targets
                .iter_mut()
                .for_each(|targets| targets_ranges(targets, f));
            expr_ranges(value, f);
        }
        StmtKind::AnnAssign {
            target,
            ty,
            value,
            spaced: _,
        } => {
            exprs_ranges([target, ty], f);
            exprs_ranges(value, f);
        }
        StmtKind::AugAssign {
            target,
            op: _,
            value,
        } => exprs_ranges([target, value], f),
        StmtKind::Expr(value) => expr_ranges(value, f),
        StmtKind::Return(value) | StmtKind::Raise(value) => exprs_ranges(value, f),
        StmtKind::If { cond, then, orelse } => {
            expr_ranges(cond, f);
            suite_ranges(then, f);
            suite_ranges(orelse, f);
        }
        StmtKind::While { cond, body } => {
            expr_ranges(cond, f);
            suite_ranges(body, f);
        }
        StmtKind::For {
            targets,
            iter,
            body,
        } => {
            targets_ranges(targets, f);
            expr_ranges(iter, f);
            suite_ranges(body, f);
        }
        StmtKind::With { items, body } => {
            for (context, target) in items {
                expr_ranges(context, f);
                exprs_ranges(target, f);
            }
            suite_ranges(body, f);
        }
        StmtKind::Def(function) => function_ranges(function, f),
        StmtKind::Assert(cond, message) => {
            expr_ranges(cond, f);
            exprs_ranges(message, f);
        }
        StmtKind::Delete(items) => exprs_ranges(items, f),
        StmtKind::Pass | StmtKind::Break | StmtKind::Continue => {}
    }
}

fn targets_ranges(targets: &mut Targets, f: &mut dyn FnMut(&mut Range)) {
    exprs_ranges(&mut targets.items, f);
}

fn exprs_ranges<'a>(exprs: impl IntoIterator<Item = &'a mut Expr>, f: &mut dyn FnMut(&mut Range)) {
    exprs.into_iter().for_each(|e| expr_ranges(e, f));
}

fn comprehension_ranges(comp: &mut Comprehension, f: &mut dyn FnMut(&mut Range)) {
    expr_ranges(&mut comp.element, f);
    targets_ranges(&mut comp.target, f);
    expr_ranges(&mut comp.iter, f);
}

fn expr_ranges(e: &mut Expr, f: &mut dyn FnMut(&mut Range)) {
    f(&mut e.range);
    crate::torchscript::deep(|| match &mut e.kind {
        ExprKind::Name(_) | ExprKind::Number(_) | ExprKind::Str(_) => {}
        ExprKind::True | ExprKind::False | ExprKind::None | ExprKind::Ellipsis => {}
        ExprKind::Attribute(inner, _)
        | ExprKind::Paren(inner)
        | ExprKind::Starred(inner)
        | ExprKind::Unary(_, inner) => {
            expr_ranges(inner, f);
        }
        ExprKind::Subscript(base, indices) => {
            expr_ranges(base, f);
            exprs_ranges(indices, f);
        }
        ExprKind::Slice(parts) => exprs_ranges(parts.iter_mut().flatten(), f),
        ExprKind::Call(call) => {
            expr_ranges(&mut call.func, f);
            exprs_ranges(&mut call.args, f);
            exprs_ranges(call.keywords.iter_mut().map(|(_, value)| value), f);
        }
        ExprKind::List { items, .. } | ExprKind::Tuple { items, .. } => exprs_ranges(items, f),
        ExprKind::Dict(pairs) => {
            exprs_ranges(pairs.iter_mut().flat_map(|(key, value)| [key, value]), f)
        }
        ExprKind::Binary(_, left, right) => exprs_ranges([&mut **left, &mut **right], f),
        ExprKind::Conditional(parts) => exprs_ranges(&mut **parts, f),
        ExprKind::ListComp(comp) => comprehension_ranges(comp, f),
        ExprKind::DictComp(key, comp) => {
            expr_ranges(key, f);
            comprehension_ranges(comp, f);
        }
    });
}
