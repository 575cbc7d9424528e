//! What is loaded and declared so far: source records, classes, functions.

use super::error::{LIMIT, NAME, Result, SOURCE, TYPE, error, fail};
use super::{Input, Lowered};
use crate::diag::{Diagnostic, FileId, Span};
use crate::ir::entity::Entity;
use crate::ir::{
    Attribute, Class, ClassId, ClassKind, FuncId, Function, Graph, Program, SourceFile, Type,
};
use crate::torchscript::ast::{self, Item, Member, Range};
use crate::torchscript::parse::parse_strict;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::Arc;

/// Functions whose bodies wait for each other's result type; emitted code annotates every result.
const MAX_INFERENCE_DEPTH: u32 = 64;

/// A parsed source record.
#[derive(Debug)]
pub(super) struct LoadedFile {
    pub(super) id: FileId,
    ast: ast::File,
    index: FxHashMap<SmolStr, usize>,
}

impl LoadedFile {
    /// The class or function with this unqualified name.
    fn item(&self, name: &str) -> Option<(usize, &Item)> {
        let position = *self.index.get(name)?;
        Some((position, self.ast.items.get(position)?))
    }

    /// The class at a position found before.
    pub(super) fn class(&self, position: usize) -> Option<&ast::ClassDef> {
        match self.ast.items.get(position)? {
            Item::Class(class) => Some(class),
            _ => None,
        }
    }

    /// The span of a range of this record.
    pub(super) fn span(&self, range: Range) -> Option<Span> {
        span(self.id, range)
    }
}

/// The span of a range of a record; none for ranges that were made.
pub(super) fn span(file: FileId, range: Range) -> Option<Span> {
    (range != Range::NONE).then_some(Span {
        file,
        start: range.start,
        end: range.end,
    })
}

/// Where a function's definition stands.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A free function: position in the record.
    Item(Arc<LoadedFile>, usize),
    /// A method: class and member position in the record.
    Member(Arc<LoadedFile>, usize, usize),
    /// An interface method: no body.
    Interface,
}

impl Place {
    /// The definition, unless it has no body.
    pub(super) fn definition(&self) -> Option<(&LoadedFile, &ast::FunctionDef)> {
        match self {
            Place::Item(file, position) => match file.ast.items.get(*position)? {
                Item::Function(def) => Some((file, def)),
                _ => None,
            },
            Place::Member(file, class, member) => match file.class(*class)?.members.get(*member)? {
                Member::Method(def) => Some((file, def)),
                _ => None,
            },
            Place::Interface => None,
        }
    }
}

/// How far a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Declared,
    Lowering,
    Done,
}

/// What the program does not say about a function.
#[derive(Clone, Debug)]
pub(super) struct FunctionState {
    pub(super) place: Place,
    pub(super) stage: Stage,
    /// The result type was written, or found by lowering the body.
    pub(super) returns_known: bool,
}

/// Members of a class by name: classes of large models have thousands.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) attributes: FxHashMap<SmolStr, u32>,
    pub(super) methods: FxHashMap<SmolStr, FuncId>,
}

/// Everything of one file while it is lowered.
pub(super) struct Unit<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) program: Program,
    pub(super) diagnostics: Vec<Diagnostic>,
    files: FxHashMap<SmolStr, Option<Arc<LoadedFile>>>,
    functions: Vec<FunctionState>,
    /// By class.
    pub(super) members: Vec<Members>,
    /// Classes that exist by name and still need their members.
    undefined: Vec<(ClassId, Arc<LoadedFile>, usize)>,
    /// The queue is being worked off further up.
    defining: bool,
    /// The next function to lower.
    next: usize,
    inference_depth: u32,
}

impl<'a> Unit<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Unit<'a> {
        Unit {
            input,
            program: Program::default(),
            diagnostics: Vec::new(),
            files: FxHashMap::default(),
            functions: Vec::new(),
            members: Vec::new(),
            undefined: Vec::new(),
            defining: false,
            next: 0,
            inference_depth: 0,
        }
    }

    /// Declares and lowers a class that an object of the file has.
    pub(super) fn require_root(&mut self, name: &SmolStr) {
        if self.class(name).is_none() {
            let message = format!("expected a class `{name}` in the file's sources, found none");
            self.diagnostics
                .push(Diagnostic::error(TYPE, message, None));
        }
        self.lower_pending();
    }

    /// The program, after checks that need all of it.
    pub(super) fn finish(mut self) -> Lowered {
        self.report_recursion();
        Lowered {
            program: self.program,
            diagnostics: self.diagnostics,
        }
    }

    fn lower_pending(&mut self) {
        while self.next < self.functions.len() {
            let id = FuncId::new(self.next);
            self.next += 1;
            self.lower_function(id);
        }
    }

    fn lower_function(&mut self, id: FuncId) {
        if self.functions[id.index()].stage != Stage::Declared {
            return;
        }
        self.functions[id.index()].stage = Stage::Lowering;
        let place = self.functions[id.index()].place.clone();
        if let Some((file, def)) = place.definition() {
            match super::body::lower(self, id, file, def) {
                Ok((graph, returns)) => {
                    let function = &mut self.program.functions[id];
                    function.graph = graph;
                    function.returns = returns;
                }
                Err(diagnostic) => self.diagnostics.push(*diagnostic),
            }
        }
        let state = &mut self.functions[id.index()];
        state.stage = Stage::Done;
        state.returns_known = true;
    }

    /// The result type of a function, found by lowering it when it is not written.
    pub(super) fn returns(&mut self, id: FuncId, caller: Option<Span>) -> Result<Type> {
        let state = &self.functions[id.index()];
        if !state.returns_known {
            if state.stage == Stage::Lowering || self.inference_depth >= MAX_INFERENCE_DEPTH {
                let name = &self.program.functions[id].name;
                let message = format!(
                    "expected a result type on `{name}`, found none and it is called while it is read"
                );
                return fail(LIMIT, message, caller);
            }
            self.inference_depth += 1;
            self.lower_function(id);
            self.inference_depth -= 1;
        }
        Ok(self.program.functions[id].returns.clone())
    }

    /// The class with this qualified name, declared with all it names.
    pub(super) fn class(&mut self, name: &str) -> Option<ClassId> {
        let id = self.declare_class(name)?;
        self.define_classes();
        Some(id)
    }

    /// Defines the classes named so far and those they name, without recursion.
    pub(super) fn define_classes(&mut self) {
        if self.defining {
            return;
        }
        self.defining = true;
        while let Some((class, file, position)) = self.undefined.pop() {
            self.define_class(class, &file, position);
        }
        self.defining = false;
    }

    /// The class by name only; its members come when the outermost request drains the queue.
    pub(super) fn declare_class(&mut self, name: &str) -> Option<ClassId> {
        if let Some(&id) = self.program.class_by_name.get(name) {
            return Some(id);
        }
        let (qualifier, last) = name.rsplit_once('.')?;
        if is_native(name) {
            return Some(self.add_class(name, ClassKind::Native, None));
        }
        let file = self.file(qualifier)?;
        let (position, item) = file.item(last)?;
        let Item::Class(def) = item else { return None };
        let kind = match def.base.as_deref() {
            Some("Module") => ClassKind::Module,
            Some("NamedTuple") => ClassKind::NamedTuple,
            Some("Enum") => ClassKind::Enum(Vec::new()),
            Some("Interface") => ClassKind::Interface,
            Some("ModuleInterface") => ClassKind::ModuleInterface,
            None => ClassKind::Plain,
            Some(other) => {
                let message = format!(
                    "expected `Module`, `NamedTuple`, `Enum`, an interface or no base class, found `{other}`"
                );
                let span = file.span(def.range);
                self.diagnostics
                    .push(Diagnostic::error(super::error::CLASS, message, span));
                ClassKind::Plain
            }
        };
        let span = file.span(def.range);
        let id = self.add_class(name, kind, span);
        self.undefined.push((id, file, position));
        Some(id)
    }

    fn add_class(&mut self, name: &str, kind: ClassKind, span: Option<Span>) -> ClassId {
        let id = self.program.classes.push(Class {
            name: name.into(),
            kind,
            attributes: Vec::new(),
            constants: Vec::new(),
            methods: Vec::new(),
            pre_hooks: Vec::new(),
            hooks: Vec::new(),
            span,
        });
        self.program.class_by_name.insert(name.into(), id);
        self.members.push(Members::default());
        id
    }

    /// The attribute slot of a class.
    pub(super) fn attribute(&self, class: ClassId, name: &str) -> Option<&Attribute> {
        let position = *self.members[class.index()].attributes.get(name)?;
        self.program.classes[class]
            .attributes
            .get(position as usize)
    }

    /// The method of a class.
    pub(super) fn method(&self, class: ClassId, name: &str) -> Option<FuncId> {
        self.members[class.index()].methods.get(name).copied()
    }

    /// The free function with this qualified name.
    pub(super) fn function(&mut self, name: &str) -> Result<Option<FuncId>> {
        if let Some(&id) = self.program.function_by_name.get(name) {
            return Ok(Some(id));
        }
        let Some((qualifier, last)) = name.rsplit_once('.') else {
            return Ok(None);
        };
        let Some(file) = self.file(qualifier) else {
            return Ok(None);
        };
        let Some((position, Item::Function(def))) = file.item(last) else {
            return Ok(None);
        };
        let place = Place::Item(file.clone(), position);
        let id = self.declare_function(name.into(), &file, def, None, place)?;
        self.program.function_by_name.insert(name.into(), id);
        Ok(Some(id))
    }

    /// Declares a function from its signature.
    pub(super) fn declare_function(
        &mut self,
        name: SmolStr,
        file: &LoadedFile,
        def: &ast::FunctionDef,
        class: Option<&SmolStr>,
        place: Place,
    ) -> Result<FuncId> {
        let params = self.signature(file, def, class)?;
        let returns = match &def.returns {
            Some(ty) => Some(self.annotation(file.id, ty)?),
            None => None,
        };
        self.functions.push(FunctionState {
            place,
            stage: Stage::Declared,
            returns_known: returns.is_some(),
        });
        Ok(self.program.functions.push(Function {
            name,
            params,
            returns: returns.unwrap_or(Type::None),
            graph: Graph::new(),
            span: file.span(def.range),
        }))
    }

    /// Whether the definition of a function wrote its result type.
    pub(super) fn returns_written(&self, id: FuncId) -> bool {
        self.functions[id.index()].returns_known
    }

    fn file(&mut self, qualifier: &str) -> Option<Arc<LoadedFile>> {
        if let Some(file) = self.files.get(qualifier) {
            return file.clone();
        }
        let file = self.load(qualifier);
        self.files.insert(qualifier.into(), file.clone());
        file
    }

    /// `__torch__.a.b` is read from `code/__torch__/a/b.py`.
    fn load(&mut self, qualifier: &str) -> Option<Arc<LoadedFile>> {
        let record = format!("code/{}.py", qualifier.replace('.', "/"));
        let bytes = (self.input.source)(&record)?;
        let id = FileId(self.program.files.len() as u32);
        let parsed = parse_strict(&bytes);
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        self.program.files.push(SourceFile {
            name: record.into(),
            text: text.into(),
        });
        let ast = match parsed {
            Ok(ast) => ast,
            Err(error) => {
                self.diagnostics.push(error.diagnostic(id));
                return None;
            }
        };
        let mut index = FxHashMap::default();
        for (position, item) in ast.items.iter().enumerate() {
            match item {
                Item::Class(def) => index.insert(def.name.clone(), position),
                Item::Function(def) => index.insert(def.name.clone(), position),
                Item::Import(..) | Item::OpVersionSet(..) => None,
            };
        }
        Some(Arc::new(LoadedFile { id, ast, index }))
    }

    /// An error that says which record a missing name was looked for in.
    pub(super) fn unknown(&mut self, name: &str, span: Option<Span>) -> Box<Diagnostic> {
        let Some((qualifier, last)) = name.rsplit_once('.') else {
            return error(
                NAME,
                format!("expected a defined name, found `{name}`"),
                span,
            );
        };
        let record = format!("code/{}.py", qualifier.replace('.', "/"));
        match self.files.contains_key(qualifier)
            && self.program.files.iter().any(|f| f.name == record)
        {
            true => error(
                NAME,
                format!("expected `{last}` in `{record}`, found no such class or function"),
                span,
            ),
            false => error(
                SOURCE,
                format!("expected the source record `{record}` for `{name}`, found none"),
                span,
            ),
        }
    }
}

/// C++ classes have no source.
pub(super) fn is_native(name: &str) -> bool {
    name.starts_with("__torch__.torch.classes.")
}
