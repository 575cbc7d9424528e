//! Expressions.

use super::{Flow, Hint, Role, Slot, Source, Step, Token, Val, is_device_text};
use crate::ir::Type;
use crate::pass::to_device::flow::site::DeviceRead;
use crate::pass::to_device::names::dotted;
use crate::torchscript::ast::{BinaryOp, Comprehension, Expr, ExprKind, Range};
use smallvec::smallvec;
use smol_str::SmolStr;

impl<'a> Flow<'a> {
    /// The value of an expression; every string in it is traced on the way.
    pub(super) fn eval(&mut self, expr: &'a Expr) -> Val {
        crate::torchscript::deep(|| self.eval_inner(expr))
    }

    fn eval_inner(&mut self, expr: &'a Expr) -> Val {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name),
            ExprKind::Str(bytes) => self.literal(bytes, expr.range),
            ExprKind::Number(text) => Val::of(number_type(text)),
            ExprKind::True | ExprKind::False => Val::of(Type::Bool),
            ExprKind::None => Val::of(Type::None),
            ExprKind::Ellipsis => Val::default(),
            ExprKind::Attribute(base, name) => self.attribute(base, name, expr),
            ExprKind::Subscript(base, index) => self.subscript(base, index),
            ExprKind::Slice(bounds) => {
                for bound in bounds.iter().flatten() {
                    self.eval(bound);
                }
                Val::default()
            }
            ExprKind::Call(call) => self.call(call, expr.range),
            ExprKind::List { items, .. } => self.list(items),
            ExprKind::Tuple { items, .. } => self.tuple(items),
            ExprKind::Dict(pairs) => self.dict(pairs),
            ExprKind::Paren(inner) => self.eval(inner),
            ExprKind::Starred(inner) => self.eval(inner),
            ExprKind::Unary(_, inner) => Val {
                ty: self.eval(inner).ty,
                ..Val::default()
            },
            ExprKind::Binary(op, left, right) => {
                let text = self.fold_text(expr);
                let (left, right) = (self.eval(left), self.eval(right));
                self.binary_folded(*op, left, right, expr.range, text)
            }
            ExprKind::Conditional(parts) => {
                let [cond, then, orelse] = &**parts;
                self.eval(cond);
                let then = self.eval(then);
                then.or(self.eval(orelse))
            }
            ExprKind::ListComp(comp) => self.comprehension(comp).below(Step::Item),
            ExprKind::DictComp(key, comp) => {
                let value = self.comprehension(comp).below(Step::Value);
                let key_val = self.eval(key);
                self.meet(&key_val, &Role::Key, key.range);
                value
            }
        }
    }

    fn name(&mut self, name: &SmolStr) -> Val {
        Val {
            tokens: self.tokens_of(&Slot::Var(self.func, name.clone())),
            ty: self.types.get(&(self.func, name.clone())).cloned(),
        }
    }

    fn literal(&mut self, bytes: &[u8], range: Range) -> Val {
        let mut value = Val::of(Type::Str);
        if is_device_text(bytes) {
            let source = self.intern(Source::Literal {
                at: self.at(range),
                is_default: self.in_default,
                text: String::from_utf8_lossy(bytes).into(),
            });
            value.tokens.push(Token {
                source,
                path: Default::default(),
            });
        }
        value
    }

    fn attribute(&mut self, base: &'a Expr, name: &SmolStr, expr: &'a Expr) -> Val {
        if let Some(index) = constant_index(base, name) {
            return self.table_constant(index);
        }
        let object = self.eval(base);
        self.get_attribute(&object, name, expr.range)
    }

    fn table_constant(&mut self, index: u32) -> Val {
        let mut value = Val::default();
        for (id, source) in self.facts.sources.iter().enumerate() {
            if let Source::Stored {
                root: super::Root::Constant(n),
                path,
            } = source
                && *n == index
            {
                value.tokens.push(Token {
                    source: id as u32,
                    path: path.clone(),
                });
            }
        }
        value
    }

    /// `object.name` and `getattr(object, "name")`.
    pub(super) fn get_attribute(&mut self, object: &Val, name: &SmolStr, range: Range) -> Val {
        let Some(class) = object.class().cloned() else {
            return self.builtin_attribute(object, name, range);
        };
        let mut value = Val {
            tokens: self.tokens_of(&Slot::Attr(class.clone(), name.clone())),
            ty: None,
        };
        if let Some(def) = self.names.classes.get(&class) {
            value.ty = def.attribute(name).cloned();
            // A named tuple read from a pickle is a bare tuple.
            let position = def.attributes.iter().position(|a| a.0 == *name);
            if let Some(position) = position.filter(|_| def.base.as_deref() == Some("NamedTuple")) {
                value.tokens.extend(object.field(position).tokens);
            }
        }
        if self.recording && value.ty == Some(Type::Device) {
            let read = DeviceRead {
                at: self.at(range),
                class,
                name: name.clone(),
                tensor: self.tensor_at_hand(),
            };
            self.facts.reads.push(read);
        }
        value
    }

    /// Attributes of tensors and devices, in hand-written spelling.
    fn builtin_attribute(&mut self, object: &Val, name: &str, range: Range) -> Val {
        match (name, object.is_device()) {
            ("device", _) => Val::of(Type::Device),
            ("type", true) => Val::of(Type::Str),
            ("index", true) => {
                self.hint(Hint::Branch, range);
                Val::default()
            }
            ("is_cuda", _) => {
                self.hint(Hint::Branch, range);
                Val::of(Type::Bool)
            }
            ("data" | "grad" | "T" | "mT" | "H", _) => Val::of(Type::Tensor),
            _ => Val::default(),
        }
    }

    fn subscript(&mut self, base: &'a Expr, index: &'a [Expr]) -> Val {
        let container = self.eval(base);
        for key in index {
            let key_val = self.eval(key);
            self.meet(&key_val, &Role::Key, key.range);
        }
        let [only] = index else {
            return container.content();
        };
        match (&only.kind, &container.ty) {
            (ExprKind::Slice(_), _) => container,
            (ExprKind::Number(text), Some(Type::Tuple(_)) | None) => match text.parse() {
                Ok(position) => container.field(position),
                Err(_) => container.content(),
            },
            (_, Some(Type::Tensor)) => Val::of(Type::Tensor),
            (_, Some(Type::Str)) => {
                self.meet(&container, &Role::Text, base.range);
                Val::of(Type::Str)
            }
            _ => container.content(),
        }
    }

    fn list(&mut self, items: &'a [Expr]) -> Val {
        let mut all = Val::default();
        for item in items {
            all = all.or(self.eval(item));
        }
        let ty = all.ty.clone().map(Type::list);
        let mut list = all.below(Step::Item);
        list.ty = ty;
        list
    }

    fn tuple(&mut self, items: &'a [Expr]) -> Val {
        let mut tuple = Val::default();
        let mut types = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let value = self.eval(item);
            types.push(value.ty.clone().unwrap_or(Type::Any));
            tuple
                .tokens
                .extend(value.below(Step::Field(index as u16)).tokens);
        }
        tuple.ty = Some(Type::tuple(types));
        tuple
    }

    fn dict(&mut self, pairs: &'a [(Expr, Expr)]) -> Val {
        let mut all = Val::default();
        let mut key_type = None;
        for (key, value) in pairs {
            let key_val = self.eval(key);
            self.meet(&key_val, &Role::Key, key.range);
            key_type = key_type.or(key_val.ty);
            all = all.or(self.eval(value));
        }
        let ty = key_type.zip(all.ty.clone()).map(|(k, v)| Type::dict(k, v));
        let mut dict = all.below(Step::Value);
        dict.ty = ty;
        dict
    }

    fn comprehension(&mut self, comp: &'a Comprehension) -> Val {
        let item = self.eval(&comp.iter).element();
        if let [only] = comp.target.items.as_slice() {
            self.bind(only, item);
        } else {
            for (index, target) in comp.target.items.iter().enumerate() {
                self.bind(target, item.field(index));
            }
        }
        let mut value = self.eval(&comp.element);
        value.ty = None;
        value
    }

    /// An infix operator.
    pub(super) fn binary(&mut self, op: BinaryOp, left: Val, right: Val, range: Range) -> Val {
        self.binary_folded(op, left, right, range, None)
    }

    fn binary_folded(
        &mut self,
        op: BinaryOp,
        left: Val,
        right: Val,
        range: Range,
        text: Option<SmolStr>,
    ) -> Val {
        use BinaryOp::*;
        match op {
            And | Or => left.or(right),
            Lt | Gt | Le | Ge | Eq | Ne | In | NotIn => {
                self.compare(&[left, right], range);
                Val::of(Type::Bool)
            }
            Is | IsNot => Val::of(Type::Bool),
            Add if left.ty != Some(Type::Str) && right.ty != Some(Type::Str) => left.or(right),
            Add | Mod if left.ty == Some(Type::Str) || right.ty == Some(Type::Str) => {
                self.text_operation(&[left, right], range, text)
            }
            _ => Val {
                ty: left.ty.or(right.ty),
                ..Val::default()
            },
        }
    }

    /// A comparison; one that involves a device makes the outcome depend on it.
    pub(super) fn compare(&mut self, values: &[Val], range: Range) {
        for value in values {
            self.meet(value, &Role::Compared, range);
        }
        if values
            .iter()
            .any(|v| v.is_device() || v.tokens.iter().any(|t| t.path.is_empty()))
        {
            self.hint(Hint::Branch, range);
        }
    }

    /// A string operation: its operands stay as they are, its result is a source of its own.
    pub(super) fn text_operation(
        &mut self,
        values: &[Val],
        range: Range,
        text: Option<SmolStr>,
    ) -> Val {
        let text = text.filter(|t| is_device_text(t.as_bytes()));
        if text.is_none() {
            for value in values {
                self.meet(value, &Role::Text, range);
            }
        }
        let source = self.intern(Source::Computed {
            at: self.at(range),
            text,
        });
        Val {
            tokens: smallvec![Token {
                source,
                path: Default::default(),
            }],
            ty: Some(Type::Str),
        }
    }
}

fn number_type(text: &str) -> Type {
    if text.ends_with('j') {
        Type::Complex
    } else if text.parse::<i64>().is_ok() {
        Type::Int
    } else {
        Type::Float
    }
}

/// `CONSTANTS.c12`: 12.
fn constant_index(base: &Expr, name: &str) -> Option<u32> {
    match dotted(base)?.as_str() {
        "CONSTANTS" => name.get(1..)?.parse().ok(),
        _ => None,
    }
}
