//! Calls: operators, built-ins, functions and methods.

use super::site::MethodSite;
use super::{Flow, Hint, Role, Slot, Step, Val};
use crate::ir::Type;
use crate::pass::to_device::names::{FuncIx, annotation, dotted};
use crate::pass::to_device::roles::{self, Actual, Formal};
use crate::torchscript::ast::{Call, Expr, ExprKind, Range};
use smol_str::{SmolStr, format_smolstr};

/// torch's code of `float16`.
const HALF: &str = "5";

/// What is called.
enum Callee {
    Builtin(SmolStr),
    Op(SmolStr),
    /// An operator in method spelling, with its object.
    MethodOp(SmolStr, Val),
    Functions(Vec<FuncIx>),
    New(SmolStr),
    Construct(SmolStr),
    Unknown,
}

/// One argument; `actual` counts the object of a method spelling.
pub(super) struct Arg<'a> {
    pub(super) actual: Actual<'a>,
    pub(super) expr: &'a Expr,
    pub(super) value: Val,
}

impl<'a> Flow<'a> {
    pub(super) fn call(&mut self, call: &'a Call, range: Range) -> Val {
        match self.callee(&call.func) {
            Callee::Builtin(name) => self.builtin(&name, call, range),
            Callee::Op(op) => {
                let args = self.args(call, 0);
                self.operator(&op, None, &args, call, range)
            }
            Callee::MethodOp(op, object) => {
                let args = self.args(call, 1);
                self.operator(&op, Some(object), &args, call, range)
            }
            Callee::Functions(functions) => self.functions(&functions, call),
            Callee::New(class) => {
                self.args(call, 0);
                Val::of(Type::Class(class))
            }
            Callee::Construct(class) => self.construct(class, call),
            Callee::Unknown => {
                let role = Role::Other("a call that could not be resolved".into());
                for arg in self.args(call, 0) {
                    self.meet(&arg.value, &role, arg.expr.range);
                }
                Val::default()
            }
        }
    }

    fn callee(&mut self, func: &'a Expr) -> Callee {
        match &func.kind {
            ExprKind::Name(name) => match self.aliases.get(&(self.func, name.clone())) {
                Some(&func) => Callee::Functions(vec![func]),
                None => Callee::Builtin(name.clone()),
            },
            ExprKind::Attribute(base, name) => {
                let path = dotted(func).filter(|p| self.is_global(p));
                match path.and_then(|p| self.global(&p)) {
                    Some(callee) => callee,
                    None => self.method(base, name),
                }
            }
            ExprKind::Paren(inner) => self.callee(inner),
            _ => {
                self.eval(func);
                Callee::Unknown
            }
        }
    }

    /// Local variables hide importer names.
    fn is_global(&self, path: &str) -> bool {
        let head = path.split('.').next().unwrap_or_default();
        !self.types.contains_key(&(self.func, head.into()))
    }

    fn global(&self, path: &str) -> Option<Callee> {
        if let Some(rest) = path.strip_prefix("torch.") {
            let name = rest.strip_prefix("autograd.").unwrap_or(rest);
            return Some(Callee::Op(format_smolstr!("aten::{name}")));
        }
        if let Some((ns, name)) = path.strip_prefix("ops.").and_then(|p| p.split_once('.')) {
            return Some(Callee::Op(format_smolstr!("{ns}::{name}")));
        }
        if !path.starts_with("__torch__.") {
            return None;
        }
        if let Some(&func) = self.names.free.get(path) {
            return Some(Callee::Functions(vec![func]));
        }
        if let Some(class) = path.strip_suffix(".__new__") {
            return Some(Callee::New(class.into()));
        }
        match self.names.classes.contains_key(path) {
            true => Some(Callee::Construct(path.into())),
            false => Some(Callee::Unknown),
        }
    }

    fn method(&mut self, base: &'a Expr, name: &SmolStr) -> Callee {
        let object = self.eval(base);
        let same_name = || self.names.by_method.get(name).cloned().unwrap_or_default();
        let op = format_smolstr!("aten::{name}");
        match object.class() {
            Some(class) => match self.names.classes.get(class) {
                Some(known) if known.is_interface() => Callee::Functions(same_name()),
                Some(known) => match known.method(name) {
                    Some(func) => Callee::Functions(vec![func]),
                    None => Callee::Unknown,
                },
                None => Callee::Unknown,
            },
            None if crate::ir::schema::overloads(&op).is_empty() && !same_name().is_empty() => {
                Callee::Functions(same_name())
            }
            None => Callee::MethodOp(op, object),
        }
    }

    fn args(&mut self, call: &'a Call, first: usize) -> Vec<Arg<'a>> {
        let mut args = Vec::with_capacity(call.args.len() + call.keywords.len());
        for (index, expr) in call.args.iter().enumerate() {
            let value = self.eval(expr);
            args.push(Arg {
                actual: Actual::Position(first + index),
                expr,
                value,
            });
        }
        for (name, expr) in &call.keywords {
            let value = self.eval(expr);
            args.push(Arg {
                actual: Actual::Keyword(name),
                expr,
                value,
            });
        }
        args
    }

    /// Arguments flow into the parameters of every function that may be meant.
    fn functions(&mut self, functions: &[FuncIx], call: &'a Call) -> Val {
        let args = self.args(call, 0);
        let mut result = Val::default();
        for &func in functions {
            let callee = &self.names.functions[func];
            if callee.class.as_deref().is_some_and(is_autocast) {
                for arg in &args {
                    self.meet(&arg.value, &Role::Autocast, arg.expr.range);
                }
                continue;
            }
            let params = &callee.def.params
                [usize::from(callee.class.is_some()).min(callee.def.params.len())..];
            for arg in &args {
                let param = match arg.actual {
                    Actual::Position(index) => params.get(index),
                    Actual::Keyword(name) => params.iter().find(|p| p.name == name),
                };
                if let Some(param) = param {
                    let slot = Slot::Var(func, param.name.clone());
                    self.flow_into(slot, arg.value.tokens.iter().cloned());
                }
            }
            result = result.or(Val {
                tokens: self.tokens_of(&Slot::Return(func)),
                ty: callee.def.returns.as_ref().map(annotation),
            });
        }
        result
    }

    /// A named tuple, or an object of a plain class in hand-written spelling.
    fn construct(&mut self, class: SmolStr, call: &'a Call) -> Val {
        let names = self.names;
        let Some(def) = names.classes.get(&class) else {
            return Val::default();
        };
        if let Some(init) = def.method("__init__") {
            self.functions(&[init], call);
            return Val::of(Type::Class(class));
        }
        let mut value = Val::default();
        for (index, arg) in self.args(call, 0).into_iter().enumerate() {
            let field = match arg.actual {
                Actual::Position(index) => def.attributes.get(index).map(|a| a.0.clone()),
                Actual::Keyword(name) => Some(name.into()),
            };
            if let Some(field) = field {
                let slot = Slot::Attr(class.clone(), field);
                self.flow_into(slot, arg.value.tokens.iter().cloned());
            }
            value = value.or(arg.value.below(Step::Field(index as u16)));
        }
        value.ty = Some(Type::Class(class));
        value
    }

    fn builtin(&mut self, name: &str, call: &'a Call, range: Range) -> Val {
        match (name, call.args.as_slice()) {
            ("annotate" | "unchecked_cast", [ty, expr]) => Val {
                ty: Some(annotation(ty)),
                ..self.eval(expr)
            },
            ("uninitialized", [ty]) => Val::of(annotation(ty)),
            ("isinstance", [expr, _]) => {
                self.eval(expr);
                Val::of(Type::Bool)
            }
            (
                "getattr" | "hasattr",
                [
                    object,
                    Expr {
                        kind: ExprKind::Str(attr),
                        ..
                    },
                    rest @ ..,
                ],
            ) => {
                let object = self.eval(object);
                let attr = String::from_utf8_lossy(attr);
                let value = self.get_attribute(&object, &SmolStr::new(&attr), range);
                rest.iter()
                    .fold(value, |value, default| value.or(self.eval(default)))
            }
            (
                "fork" | "awaitable",
                [
                    Expr {
                        kind: ExprKind::Name(closure),
                        ..
                    },
                ],
            ) => Val {
                tokens: self.tokens_of(&Slot::Closure(self.func, closure.clone())),
                ty: None,
            },
            ("enumerate", [iter]) => {
                let element = self.eval(iter).element();
                element.below(Step::Field(1)).below(Step::Item)
            }
            ("zip", iters) => {
                let mut all = Val::default();
                for (index, iter) in iters.iter().enumerate() {
                    let element = self.eval(iter).element();
                    all = all.or(element.below(Step::Field(index as u16)).below(Step::Item));
                }
                all
            }
            ("print" | "AssertionError", _) => {
                for arg in self.args(call, 0) {
                    self.meet(&arg.value, &Role::Message, arg.expr.range);
                }
                Val::default()
            }
            _ => {
                let op = format_smolstr!("aten::{name}");
                let args = self.args(call, 0);
                self.operator(&op, None, &args, call, range)
            }
        }
    }

    fn operator(
        &mut self,
        op: &str,
        object: Option<Val>,
        args: &[Arg<'a>],
        call: &'a Call,
        range: Range,
    ) -> Val {
        self.operator_hints(op, args, range);
        let first = object.as_ref().or(args.first().map(|a| &a.value));
        let ty = roles::result(op, first.and_then(|f| f.ty.as_ref()));
        let short = op.split_once("::").map_or(op, |(_, name)| name);
        match short {
            "device" if op == "aten::device" => return self.device_call(args, range),
            "cuda" | "cpu" if op.starts_with("aten::") && (object.is_some() || args.len() == 1) => {
                self.method_site(short, object.is_some(), args, call, range);
            }
            _ => {}
        }
        if let Some(value) = self.container_op(short, object.as_ref(), args) {
            return Val {
                ty: value.ty.or(ty),
                ..value
            };
        }
        if let Some(value) = self.string_op(short, object.as_ref(), args, call, range) {
            return value;
        }
        for arg in args {
            self.operator_arg(op, arg);
        }
        Val {
            ty,
            ..Val::default()
        }
    }

    fn operator_arg(&mut self, op: &str, arg: &Arg<'a>) {
        let is_text = arg.value.ty == Some(Type::Str) || !arg.value.tokens.is_empty();
        if !is_text || arg.value.is_device() {
            return;
        }
        let role = match roles::formal(op, arg.actual) {
            Formal::Device => {
                let text = self.fold_text(arg.expr);
                self.device_site(arg.expr.range, &arg.value, text, None);
                Role::Device
            }
            Formal::Other(_) if op.contains("autocast") => Role::Autocast,
            Formal::Other(name) => Role::Other(format_smolstr!("argument `{name}` of `{op}`")),
        };
        self.meet(&arg.value, &role, arg.expr.range);
    }

    /// `torch.device(text)` and `torch.device(type, index)`.
    fn device_call(&mut self, args: &[Arg<'a>], range: Range) -> Val {
        match args {
            [only] => {
                let text = self.fold_text(only.expr);
                self.meet(&only.value, &Role::Device, only.expr.range);
                self.device_site(range, &only.value, text, None);
            }
            [kind, index] => self.indexed_device(kind, index, range),
            _ => {}
        }
        Val::of(Type::Device)
    }

    fn indexed_device(&mut self, kind: &Arg<'a>, index: &Arg<'a>, range: Range) {
        let positional = matches!(index.actual, Actual::Position(_));
        match (&kind.expr.kind, &index.expr.kind) {
            (ExprKind::Str(name), ExprKind::Number(index_text)) if positional => {
                let text = format_smolstr!("{}:{index_text}", String::from_utf8_lossy(name));
                let pair = (kind.expr.range.start, index.expr.range.end);
                self.meet(&kind.value, &Role::Device, kind.expr.range);
                self.device_site(range, &kind.value, Some(text), Some(pair));
            }
            _ => {
                self.meet(&kind.value, &Role::Indexed, kind.expr.range);
                self.device_site(range, &kind.value, None, None);
            }
        }
    }

    fn method_site(
        &mut self,
        kind: &str,
        is_method: bool,
        args: &[Arg<'a>],
        call: &'a Call,
        range: Range,
    ) {
        if !self.recording {
            return;
        }
        let start = match (&call.func.kind, is_method) {
            (ExprKind::Attribute(base, _), true) => base.range.end,
            _ => call.func.range.start,
        };
        let site = MethodSite {
            at: self.at(range),
            kind: if kind == "cuda" { "cuda" } else { "cpu" },
            callee: (start, call.func.range.end),
            args_end: args
                .last()
                .map_or(range.end.saturating_sub(1), |a| a.expr.range.end),
            is_method,
            tensor: self.tensor_at_hand(),
        };
        self.facts.methods.push(site);
    }

    fn operator_hints(&mut self, op: &str, args: &[Arg<'a>], range: Range) {
        let names_cuda = ["cudnn", "miopen", "_cuda"]
            .iter()
            .any(|part| op.contains(part) && !op.ends_with("is_cuda"));
        if op.starts_with("cuda::") || names_cuda {
            self.hint(|at| Hint::CudaOnly(at, op.into()), range);
        }
        match op {
            "prim::is_cuda" | "aten::is_cuda" | "prim::index" | "aten::get_device" => {
                self.hint(Hint::Branch, range);
            }
            "aten::pin_memory" => self.hint(Hint::Pinned, range),
            "aten::half" => self.hint(Hint::Half, range),
            _ => {}
        }
        for arg in args {
            let is_named = |name| roles::arg_is_named(op, arg.actual, name);
            match &arg.expr.kind {
                ExprKind::True if is_named("pin_memory") => self.hint(Hint::Pinned, arg.expr.range),
                ExprKind::Number(n) if n == HALF && is_named("dtype") => {
                    self.hint(Hint::Half, arg.expr.range);
                }
                _ => {}
            }
        }
    }
}

/// `torch.autocast` and its relatives: their device is a dispatch key, not a placement.
fn is_autocast(class: &str) -> bool {
    class
        .rsplit('.')
        .next()
        .is_some_and(|name| name == "autocast")
}
