//! Classes: their parts, their text, and equal ones shared.

use std::fmt::Write;

use super::Interned;
use super::error::EmitError;
use crate::torchscript::ast::{Expr, FunctionDef};
use crate::torchscript::literal::write_quoted;
use crate::torchscript::print::{write_expr, write_suite};

/// A class of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub(super) u32);

/// What stands in parentheses after the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Base {
    /// `Module`: has parameters, buffers, `training`.
    Module,
    /// No base.
    Plain,
    /// `NamedTuple`: attributes are its fields.
    NamedTuple,
}

/// What an attribute is to `torch.nn.Module`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Listed in `__parameters__`.
    Parameter,
    /// Listed in `__buffers__`.
    Buffer,
    /// Neither: a hyperparameter or a submodule.
    Plain,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Its name; need not be an identifier.
    pub name: String,
    /// Its type as annotations spell it.
    pub ty: String,
    /// What it is to the module.
    pub role: Role,
}

/// One parameter of a method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type as annotations spell it.
    pub ty: String,
    /// The literal of its default value.
    pub default: Option<String>,
}

/// One method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Parameters after `self`.
    pub params: Vec<Param>,
    /// Its return type as annotations spell it.
    pub returns: String,
    /// Statements, one a line, indented by two blanks inside suites only; `self` is the object.
    pub body: String,
}

impl Method {
    /// A method without parameters and statements.
    pub fn new(name: &str, returns: &str) -> Method {
        Method {
            name: name.to_owned(),
            params: Vec::new(),
            returns: returns.to_owned(),
            body: String::new(),
        }
    }

    /// Adds a parameter.
    pub fn param(mut self, name: &str, ty: &str) -> Method {
        self.params.push(Param {
            name: name.to_owned(),
            ty: ty.to_owned(),
            default: None,
        });
        self
    }

    /// Adds a parameter with a default value.
    pub fn param_or(mut self, name: &str, ty: &str, default: &str) -> Method {
        self = self.param(name, ty);
        if let Some(param) = self.params.last_mut() {
            param.default = Some(default.to_owned());
        }
        self
    }

    /// A method from its syntax tree, such as a raised graph; its first parameter is `self`.
    pub fn from_tree(def: &FunctionDef) -> Method {
        let text = |expr: &Expr| {
            let mut out = String::new();
            write_expr(expr, &mut out);
            out
        };
        let mut method = Method::new(&def.name, "");
        method.returns = def.returns.as_ref().map_or_else(|| "NoneType".into(), text);
        for param in def.params.iter().skip(1) {
            method.params.push(Param {
                name: param.name.to_string(),
                ty: param.ty.as_ref().map_or_else(|| "Tensor".into(), text),
                default: param.default.as_ref().map(text),
            });
        }
        write_suite(&def.body, 0, &mut method.body);
        method
    }

    /// Sets the statements.
    pub fn body(mut self, body: impl Into<String>) -> Method {
        self.body = body.into();
        self
    }
}

/// A class without its final name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClassSpec {
    /// Qualified name before mangling, `__torch__.pkg.mod.Net`.
    pub name: String,
    /// Its base.
    pub base: Base,
    /// Attributes, in the order of an object's values.
    pub attributes: Vec<Attribute>,
    /// Methods.
    pub methods: Vec<Method>,
}

/// What torch gives every module.
const MODULE_ATTRIBUTES: [(&str, &str); 2] = [
    ("training", "bool"),
    ("_is_full_backward_hook", "Optional[bool]"),
];

impl ClassSpec {
    /// A module without attributes.
    pub fn module(name: &str) -> ClassSpec {
        ClassSpec {
            name: name.to_owned(),
            base: Base::Module,
            attributes: Vec::new(),
            methods: Vec::new(),
        }
    }

    /// A class that is no module.
    pub fn plain(name: &str) -> ClassSpec {
        ClassSpec {
            base: Base::Plain,
            ..ClassSpec::module(name)
        }
    }

    /// A named tuple without fields.
    pub fn named_tuple(name: &str) -> ClassSpec {
        ClassSpec {
            base: Base::NamedTuple,
            ..ClassSpec::module(name)
        }
    }

    /// Adds a tensor that is trained.
    pub fn parameter(self, name: &str) -> ClassSpec {
        self.with(name, "Tensor", Role::Parameter)
    }

    /// Adds a tensor that is not trained.
    pub fn buffer(self, name: &str) -> ClassSpec {
        self.with(name, "Tensor", Role::Buffer)
    }

    /// Adds a hyperparameter or a submodule.
    pub fn attribute(self, name: &str, ty: &str) -> ClassSpec {
        self.with(name, ty, Role::Plain)
    }

    /// Adds an attribute.
    pub fn with(mut self, name: &str, ty: &str, role: Role) -> ClassSpec {
        self.attributes.push(Attribute {
            name: name.to_owned(),
            ty: ty.to_owned(),
            role,
        });
        self
    }

    /// Adds a method.
    pub fn method(mut self, method: Method) -> ClassSpec {
        self.methods.push(method);
        self
    }

    /// Attributes that the writer fills in.
    pub(super) fn implied(&self) -> &'static [(&'static str, &'static str)] {
        match self.base {
            Base::Module => &MODULE_ATTRIBUTES,
            Base::Plain | Base::NamedTuple => &[],
        }
    }

    /// The class's text under its final name.
    fn text(&self, name: &str) -> String {
        let (_, last) = name.rsplit_once('.').unwrap_or(("", name));
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = match self.base {
            Base::Module => writeln!(out, "class {last}(Module):"),
            Base::Plain => writeln!(out, "class {last}:"),
            Base::NamedTuple => writeln!(out, "class {last}(NamedTuple):"),
        };
        if self.base == Base::Module {
            self.write_names("__parameters__", Role::Parameter, &mut out);
            self.write_names("__buffers__", Role::Buffer, &mut out);
        }
        let mut first = true;
        for attribute in &self.attributes {
            write_attribute(&attribute.name, &attribute.ty, first, &mut out);
            first = false;
        }
        for (attribute, ty) in self.implied() {
            write_attribute(attribute, ty, first, &mut out);
            first = false;
        }
        for method in &self.methods {
            method.write(name, &mut out);
        }
        if first && self.methods.is_empty() {
            out.push_str("  pass\n");
        }
        out
    }

    fn write_names(&self, list: &str, role: Role, out: &mut String) {
        let _ = write!(out, "  {list} = [");
        for attribute in self.attributes.iter().filter(|it| it.role == role) {
            write_quoted(attribute.name.as_bytes(), out);
            out.push_str(", ");
        }
        out.push_str("]\n");
    }
}

fn write_attribute(name: &str, ty: &str, first: bool, out: &mut String) {
    if is_identifier(name) {
        let _ = writeln!(out, "  {name} : {ty}");
        return;
    }
    if first {
        out.push_str("  __annotations__ = []\n");
    }
    out.push_str("  __annotations__[");
    write_quoted(name.as_bytes(), out);
    let _ = writeln!(out, "] = {ty}");
}

/// The spelling of `base.name`, whatever the attribute's name is.
pub fn attribute(base: &str, name: &str) -> String {
    if is_identifier(name) {
        return format!("{base}.{name}");
    }
    let mut out = format!("getattr({base}, ");
    write_quoted(name.as_bytes(), &mut out);
    out.push(')');
    out
}

fn is_identifier(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    first && rest && !KEYWORDS.contains(&name)
}

/// Words that the grammar takes for itself (section 3.2).
const KEYWORDS: &[&str] = &[
    "def", "if", "else", "elif", "while", "for", "in", "not", "is", "and", "or", "return", "raise",
    "assert", "pass", "break", "continue", "del", "class", "import", "with", "as", "global",
    "True", "False", "None", "NoneType", "Ellipsis",
];

impl Method {
    fn write(&self, class: &str, out: &mut String) {
        let _ = write!(out, "  def {}(self: {class}", self.name);
        for param in &self.params {
            let _ = write!(out, ", {}: {}", param.name, param.ty);
            if let Some(default) = &param.default {
                let _ = write!(out, "={default}");
            }
        }
        let _ = writeln!(out, ") -> {}:", self.returns);
        if self.body.trim().is_empty() {
            out.push_str("    pass\n");
        }
        for line in self.body.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
}

/// Every class so far.
#[derive(Debug, Default)]
pub(super) struct Classes {
    known: Interned<ClassSpec, ClassId>,
    names: Interned<String, ClassId>,
    rows: Vec<(ClassSpec, String)>,
    mangled: usize,
}

impl Classes {
    /// The class, and its qualifier and text when it is new.
    pub(super) fn intern(
        &mut self,
        spec: ClassSpec,
    ) -> Result<(ClassId, Option<(String, String)>), EmitError> {
        if let Some(id) = self.known.get(&spec) {
            return Ok((*id, None));
        }
        let name = self.free_name(&spec.name)?;
        let id = ClassId(self.rows.len() as u32);
        let text = spec.text(&name);
        let qualifier = name.rsplit_once('.').map_or("", |it| it.0).to_owned();
        self.known.insert(spec.clone(), id);
        self.names.insert(name.clone(), id);
        self.rows.push((spec, name));
        Ok((id, Some((qualifier, text))))
    }

    pub(super) fn name(&self, id: ClassId) -> &str {
        &self.rows[id.0 as usize].1
    }

    pub(super) fn spec(&self, id: ClassId) -> &ClassSpec {
        &self.rows[id.0 as usize].0
    }

    fn free_name(&mut self, wanted: &str) -> Result<String, EmitError> {
        let Some((qualifier, last)) = wanted.rsplit_once('.') else {
            return Err(EmitError::Name {
                name: wanted.to_owned(),
            });
        };
        let mut name = wanted.to_owned();
        while self.names.contains_key(&name) {
            name = format!("{qualifier}.___torch_mangle_{}.{last}", self.mangled);
            self.mangled += 1;
        }
        Ok(name)
    }
}
