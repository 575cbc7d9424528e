//! Classes and functions of one file.

use super::constant::Constant;
use super::entity::{PrimaryMap, entity};
use super::graph::Graph;
use super::types::Type;
use crate::diag::{FileId, Span};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::Arc;

entity!(
    /// A class of a program.
    ClassId, "class");
entity!(
    /// A function or method of a program.
    FuncId, "fn");

/// One source record.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Record name below the archive folder, such as `code/__torch__/net.py`.
    pub name: SmolStr,
    /// Its text.
    pub text: Arc<str>,
}

/// What a class is.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassKind {
    /// `class X(Module)`
    Module,
    /// `class X:`
    Plain,
    /// `class X(NamedTuple)`: attributes are the fields.
    NamedTuple,
    /// `class X(Enum)`: members in order.
    Enum(Vec<(SmolStr, Constant)>),
    /// `class X(Interface)`
    Interface,
    /// `class X(ModuleInterface)`
    ModuleInterface,
    /// A C++ class without source: `__torch__.torch.classes.*`.
    Native,
}

/// One attribute slot of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name; need not be an identifier.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Listed in `__parameters__`.
    pub is_parameter: bool,
    /// Listed in `__buffers__`.
    pub is_buffer: bool,
}

/// A class.
#[derive(Clone, Debug)]
pub struct Class {
    /// Qualified name.
    pub name: SmolStr,
    /// What it is.
    pub kind: ClassKind,
    /// Slots in order.
    pub attributes: Vec<Attribute>,
    /// `name : Final[T] = value`.
    pub constants: Vec<(SmolStr, Type, Constant)>,
    /// Methods in order.
    pub methods: Vec<(SmolStr, FuncId)>,
    /// `__forward_pre_hooks__` and `__forward_hooks__`.
    pub pre_hooks: Vec<SmolStr>,
    /// Called after `forward`.
    pub hooks: Vec<SmolStr>,
    /// The definition; `None` for C++ classes.
    pub span: Option<Span>,
}

impl Class {
    /// The attribute slot with this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// The method with this name.
    pub fn method(&self, name: &str) -> Option<FuncId> {
        self.methods
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, f)| *f)
    }
}

/// One parameter of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Its default.
    pub default: Option<Constant>,
    /// After a bare `*`.
    pub kwarg_only: bool,
}

/// A function or method with its graph.
#[derive(Clone, Debug)]
pub struct Function {
    /// Qualified name: `__torch__.net.Net.forward`, `__torch__.net.helper`.
    pub name: SmolStr,
    /// Parameters, `self` included.
    pub params: Vec<Param>,
    /// Result type.
    pub returns: Type,
    /// Body; interface methods have an empty one.
    pub graph: Graph,
    /// The definition.
    pub span: Option<Span>,
}

/// Everything the sources of one file define, as far as the root module reaches it.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Source records, indexed by [`FileId`].
    pub files: Vec<SourceFile>,
    /// Classes in first-visit order.
    pub classes: PrimaryMap<ClassId, Class>,
    /// Functions and methods.
    pub functions: PrimaryMap<FuncId, Function>,
    /// Class by qualified name.
    pub class_by_name: FxHashMap<SmolStr, ClassId>,
    /// Free function by qualified name.
    pub function_by_name: FxHashMap<SmolStr, FuncId>,
}

impl Program {
    /// The class with this qualified name.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.class_by_name.get(name).map(|&id| &self.classes[id])
    }

    /// The free function with this qualified name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.function_by_name
            .get(name)
            .map(|&id| &self.functions[id])
    }

    /// A source record.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }
}

impl crate::diag::Sources for Program {
    fn source(&self, file: FileId) -> Option<(&str, &str)> {
        self.file(file).map(|it| (it.name.as_str(), &*it.text))
    }
}
