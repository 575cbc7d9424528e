//! Statements.

use super::{Flow, Role, Slot, Step, Val};
use crate::pass::to_device::names::{annotation, dotted};
use crate::torchscript::ast::{BinaryOp, Expr, ExprKind, FunctionDef, Stmt, StmtKind, Targets};

impl<'a> Flow<'a> {
    /// A suite; tensors defined in it are not at hand after it.
    pub(super) fn suite(&mut self, body: &'a [Stmt]) {
        let at_hand = self.tensors.clone();
        for stmt in body {
            self.stmt(stmt);
        }
        self.tensors = at_hand;
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        crate::torchscript::deep(|| self.stmt_inner(stmt));
    }

    fn stmt_inner(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Assign { targets, value } => self.assign(targets, value),
            StmtKind::AnnAssign {
                target, ty, value, ..
            } => {
                if let ExprKind::Name(name) = &target.kind {
                    self.constants.note(self.func, name, value.as_ref());
                }
                let mut val = value.as_ref().map(|v| self.eval(v)).unwrap_or_default();
                val.ty = Some(annotation(ty));
                self.bind(target, val);
            }
            StmtKind::AugAssign { target, op, value } => self.aug_assign(target, *op, value, stmt),
            StmtKind::Expr(expr) => {
                self.eval(expr);
            }
            StmtKind::Return(value) => self.returns(value.as_ref()),
            StmtKind::If { cond, then, orelse } => {
                self.eval(cond);
                self.suite(then);
                self.suite(orelse);
            }
            StmtKind::While { cond, body } => {
                self.eval(cond);
                self.suite(body);
            }
            StmtKind::For {
                targets,
                iter,
                body,
            } => {
                let item = self.eval(iter).element();
                for target in &targets.items {
                    if let ExprKind::Name(name) = &target.kind {
                        self.constants.note(self.func, name, None);
                    }
                }
                self.bind_all(targets, item);
                self.suite(body);
            }
            StmtKind::With { items, body } => {
                for (context, target) in items {
                    let value = self.eval(context);
                    if let Some(target) = target {
                        self.bind(target, value);
                    }
                }
                self.suite(body);
            }
            StmtKind::Def(def) => self.closure(def),
            StmtKind::Raise(value) => {
                if let Some(expr) = value {
                    let val = self.eval(expr);
                    self.meet(&val, &Role::Message, expr.range);
                }
            }
            StmtKind::Assert(cond, message) => {
                self.eval(cond);
                if let Some(expr) = message {
                    let val = self.eval(expr);
                    self.meet(&val, &Role::Message, expr.range);
                }
            }
            StmtKind::Delete(items) => {
                for item in items {
                    self.eval(item);
                }
            }
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => {}
        }
    }

    fn assign(&mut self, targets: &'a [Targets], value: &'a Expr) {
        self.note_alias(targets, value);
        self.note_constant(targets, value);
        if let (
            ExprKind::Tuple {
                items, bare: true, ..
            },
            [only],
        ) = (&value.kind, targets)
            && items.len() == only.items.len()
        {
            let values: Vec<Val> = items.iter().map(|i| self.eval(i)).collect();
            for (target, val) in only.items.iter().zip(values) {
                self.bind(target, val);
            }
            return;
        }
        let val = self.eval(value);
        for target in targets {
            self.bind_all(target, val.clone());
        }
    }

    fn note_constant(&mut self, targets: &'a [Targets], value: &'a Expr) {
        let single = |t: &Targets| t.items.len() == 1 && !t.trailing_comma;
        for target in targets {
            for item in &target.items {
                if let ExprKind::Name(name) = &item.kind {
                    let value = Some(value).filter(|_| single(target));
                    self.constants.note(self.func, name, value);
                }
            }
        }
    }

    /// `_0 = __torch__.pkg.fn`: later calls of `_0` are calls of the function.
    fn note_alias(&mut self, targets: &[Targets], value: &Expr) {
        let [Targets { items, .. }] = targets else {
            return;
        };
        if let [
            Expr {
                kind: ExprKind::Name(name),
                ..
            },
        ] = items.as_slice()
            && let Some(func) = dotted(value).and_then(|p| self.names.free.get(&p).copied())
        {
            self.aliases.insert((self.func, name.clone()), func);
        }
    }

    fn aug_assign(&mut self, target: &'a Expr, op: BinaryOp, value: &'a Expr, stmt: &Stmt) {
        let left = self.eval(target);
        let right = self.eval(value);
        if let ExprKind::Name(name) = &target.kind {
            self.constants.note(self.func, name, None);
        }
        let result = self.binary(op, left, right, stmt.range);
        self.bind(target, result);
    }

    fn returns(&mut self, value: Option<&'a Expr>) {
        let Some(expr) = value else { return };
        let val = self.eval(expr);
        if let Some(name) = self.closure.clone() {
            self.flow_into(Slot::Closure(self.func, name), val.tokens);
            return;
        }
        let class = self.names.functions[self.func].class.as_ref();
        if class.is_some() && class == self.root_class.as_ref() {
            self.meet(&val, &Role::Returned, expr.range);
        }
        self.flow_into(Slot::Return(self.func), val.tokens);
    }

    /// The body of a fork; it shares the variables around it.
    fn closure(&mut self, def: &'a FunctionDef) {
        let outer = self.closure.replace(def.name.clone());
        self.suite(&def.body);
        self.closure = outer;
    }

    fn bind_all(&mut self, targets: &'a Targets, value: Val) {
        match targets.items.as_slice() {
            [only] if !targets.trailing_comma => self.bind(only, value),
            items => {
                for (index, item) in items.iter().enumerate() {
                    self.bind(item, value.field(index));
                }
            }
        }
    }

    pub(super) fn bind(&mut self, target: &'a Expr, value: Val) {
        match &target.kind {
            ExprKind::Name(name) => self.set_var(name.clone(), value),
            ExprKind::Attribute(base, name) => {
                let object = self.eval(base);
                if let Some(class) = object.class().cloned() {
                    if self.recording && value.is_device() {
                        self.facts.written.insert((class.clone(), name.clone()));
                    }
                    self.flow_into(Slot::Attr(class, name.clone()), value.tokens);
                }
            }
            ExprKind::Subscript(base, index) => {
                let container = self.eval(base);
                for key in index {
                    let key_val = self.eval(key);
                    self.meet(&key_val, &Role::Key, key.range);
                }
                self.store(base, value.below(container.content_step()));
            }
            ExprKind::Tuple { items, .. } | ExprKind::List { items, .. } => {
                for (index, item) in items.iter().enumerate() {
                    self.bind(item, value.field(index));
                }
            }
            ExprKind::Paren(inner) => self.bind(inner, value),
            ExprKind::Starred(inner) => self.bind(inner, value.element().below(Step::Item)),
            _ => {
                self.eval(target);
            }
        }
    }
}
