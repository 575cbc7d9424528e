//! Classes and functions of the source records, and the static types of annotations.
//!
//! The analysis reads syntax trees, not the lowered graph: it edits text, must work on files whose operators
//! nobody knows, and must cost little next to copying the file.

use crate::ir::Type;
use crate::torchscript::ast::{self, ClassDef, Expr, ExprKind, FunctionDef, Item, Member};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

/// One parsed source record.
#[derive(Debug)]
pub(super) struct Unit {
    /// Record name below the archive folder.
    pub(super) record: String,
    /// Its text.
    pub(super) text: Vec<u8>,
    /// Its tree.
    pub(super) file: ast::File,
    /// Position of every line break.
    breaks: Vec<u32>,
}

impl Unit {
    /// A parsed record.
    pub(super) fn new(record: String, text: Vec<u8>, file: ast::File) -> Unit {
        let breaks = text.iter().enumerate().filter(|(_, b)| **b == b'\n');
        Unit {
            breaks: breaks.map(|(at, _)| at as u32).collect(),
            record,
            text,
            file,
        }
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, byte: u32) -> u32 {
        1 + self.breaks.partition_point(|at| *at < byte) as u32
    }
}

/// Index of a function in [`Names::functions`].
pub(super) type FuncIx = usize;

/// A function or method.
pub(super) struct Func<'a> {
    /// Qualified name.
    pub(super) name: SmolStr,
    /// Index of its source record.
    pub(super) unit: usize,
    /// The class it is a method of.
    pub(super) class: Option<SmolStr>,
    /// Its definition.
    pub(super) def: &'a FunctionDef,
}

/// A class.
#[derive(Default)]
pub(super) struct Class {
    /// What it is: `Module`, `NamedTuple`, `Enum`, `Interface`, `ModuleInterface`, or none.
    pub(super) base: Option<SmolStr>,
    /// Slots in order.
    pub(super) attributes: Vec<(SmolStr, Type)>,
    /// Methods in order.
    pub(super) methods: Vec<(SmolStr, FuncIx)>,
}

impl Class {
    /// The type of a slot.
    pub(super) fn attribute(&self, name: &str) -> Option<&Type> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, t)| t)
    }

    /// A method.
    pub(super) fn method(&self, name: &str) -> Option<FuncIx> {
        self.methods
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, f)| *f)
    }

    /// Whether calls on it may reach other classes.
    pub(super) fn is_interface(&self) -> bool {
        self.base
            .as_deref()
            .is_some_and(|b| b.ends_with("Interface"))
    }
}

/// Everything the sources define.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// Functions and methods.
    pub(super) functions: Vec<Func<'a>>,
    /// Classes by qualified name.
    pub(super) classes: FxHashMap<SmolStr, Class>,
    /// Free functions by qualified name.
    pub(super) free: FxHashMap<SmolStr, FuncIx>,
    /// Methods by unqualified name, for calls through interfaces and unknown objects.
    pub(super) by_method: FxHashMap<SmolStr, Vec<FuncIx>>,
}

impl<'a> Names<'a> {
    /// Reads the definitions of all records.
    pub(super) fn new(units: &'a [Unit]) -> Names<'a> {
        let mut names = Names::default();
        for (index, unit) in units.iter().enumerate() {
            let qualifier = qualifier(&unit.record);
            for item in &unit.file.items {
                match item {
                    Item::Class(class) => names.add_class(index, &qualifier, class),
                    Item::Function(def) => {
                        let name = format_smolstr!("{qualifier}.{}", def.name);
                        let func = names.add_function(index, name.clone(), None, def);
                        names.free.insert(name, func);
                    }
                    Item::Import(..) | Item::OpVersionSet(..) => {}
                }
            }
        }
        names
    }

    fn add_class(&mut self, unit: usize, qualifier: &str, def: &'a ClassDef) {
        let name = format_smolstr!("{qualifier}.{}", def.name);
        let mut class = Class {
            base: def.base.clone(),
            ..Class::default()
        };
        for member in &def.members {
            match member {
                Member::Attribute {
                    name,
                    ty,
                    value: None,
                    ..
                }
                | Member::OddAttribute { name, ty, .. } => {
                    class.attributes.push((name.clone(), annotation(ty)));
                }
                Member::Method(method) => {
                    let full = format_smolstr!("{name}.{}", method.name);
                    let func = self.add_function(unit, full, Some(name.clone()), method);
                    class.methods.push((method.name.clone(), func));
                    self.by_method
                        .entry(method.name.clone())
                        .or_default()
                        .push(func);
                }
                Member::Attribute { .. } | Member::Assign { .. } | Member::Pass(_) => {}
            }
        }
        self.classes.insert(name, class);
    }

    fn add_function(
        &mut self,
        unit: usize,
        name: SmolStr,
        class: Option<SmolStr>,
        def: &'a FunctionDef,
    ) -> FuncIx {
        self.functions.push(Func {
            name,
            unit,
            class,
            def,
        });
        self.functions.len() - 1
    }
}

/// `code/__torch__/a/b.py` defines names below `__torch__.a.b`.
pub(super) fn qualifier(record: &str) -> String {
    let path = record.strip_prefix("code/").unwrap_or(record);
    path.strip_suffix(".py").unwrap_or(path).replace('/', ".")
}

/// The type an annotation spells; what is not understood reads as `Any`.
pub(super) fn annotation(expr: &Expr) -> Type {
    match &expr.kind {
        ExprKind::None => Type::None,
        ExprKind::Name(name) => simple_type(name),
        ExprKind::Attribute(..) => match dotted(expr) {
            Some(path) if path.starts_with("__torch__.") => Type::Class(path),
            Some(path) if path == "torch.device" => Type::Device,
            Some(path) if path == "torch.Tensor" => Type::Tensor,
            _ => Type::Any,
        },
        ExprKind::Subscript(base, args) => match &base.kind {
            ExprKind::Name(head) => generic_type(head, args),
            _ => Type::Any,
        },
        ExprKind::Paren(inner) => annotation(inner),
        _ => Type::Any,
    }
}

fn simple_type(name: &str) -> Type {
    match name {
        "Tensor" => Type::Tensor,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "str" => Type::Str,
        "complex" => Type::Complex,
        "number" => Type::Number,
        "NoneType" => Type::None,
        "Device" => Type::Device,
        "Generator" => Type::Generator,
        "Stream" => Type::Stream,
        _ => Type::Any,
    }
}

fn generic_type(head: &str, args: &[Expr]) -> Type {
    match (head, args) {
        ("Optional", [inner]) => Type::optional(annotation(inner)),
        ("List", [inner]) => Type::list(annotation(inner)),
        ("Final", [inner]) => annotation(inner),
        ("Future" | "Await" | "RRef", [inner]) => Type::Future(annotation(inner).into()),
        ("Dict", [key, value]) => Type::dict(annotation(key), annotation(value)),
        (
            "Tuple",
            [
                Expr {
                    kind: ExprKind::Tuple { items, .. },
                    ..
                },
            ],
        ) if items.is_empty() => Type::tuple([]),
        ("Tuple", items) => Type::tuple(items.iter().map(annotation)),
        _ => Type::Any,
    }
}

/// `a.b.c` as text, when the expression is nothing else.
pub(super) fn dotted(expr: &Expr) -> Option<SmolStr> {
    let mut parts = Vec::new();
    let mut at = expr;
    loop {
        match &at.kind {
            ExprKind::Attribute(base, name) => {
                parts.push(name.as_str());
                at = base;
            }
            ExprKind::Name(name) => {
                parts.push(name.as_str());
                parts.reverse();
                return Some(parts.join(".").into());
            }
            _ => return None,
        }
    }
}
