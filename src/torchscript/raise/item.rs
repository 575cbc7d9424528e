//! Classes, free functions and files (`torchscript.md` 3.5, 4.8).

use super::body::last_atom;
use super::build::{is_identifier, list, stmt};
use super::constant::literal;
use super::names::Counters;
use super::types::{annotation, name_list};
use super::{RaiseError, function};
use crate::ir::{Class, ClassId, ClassKind, FuncId, Program, Type};
use crate::torchscript::ast::{self, ClassDef, Expr, File, Item, Member, Range, StmtKind};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

/// What stands at the top level of a file.
#[derive(Clone, Copy)]
enum Definition {
    Class(ClassId),
    Function(FuncId),
}

/// Every source record of a program, printed anew: record name and tree. Files stand in the order of the program's
/// own, then new ones by name; definitions of one file keep their order, new ones follow.
pub fn files(program: &Program) -> Result<Vec<(SmolStr, File)>, RaiseError> {
    let mut contents: FxHashMap<SmolStr, Vec<(u32, Definition)>> = FxHashMap::default();
    for (definition, name, span) in definitions(program) {
        let source = span.and_then(|s| program.file(s.file));
        let record = match source {
            Some(source) => source.name.clone(),
            None => record_name(name),
        };
        let start = span.map_or(u32::MAX, |s| s.start);
        contents
            .entry(record)
            .or_default()
            .push((start, definition));
    }
    let mut order: Vec<SmolStr> = (program.files.iter().map(|f| f.name.clone()))
        .filter(|name| contents.contains_key(name))
        .collect();
    let known: FxHashSet<SmolStr> = order.iter().cloned().collect();
    let mut new: Vec<SmolStr> = (contents.keys())
        .filter(|&name| !known.contains(name))
        .cloned()
        .collect();
    new.sort();
    order.extend(new);
    let mut files = Vec::with_capacity(order.len());
    for record in order {
        let mut items = contents.remove(&record).unwrap_or_default();
        items.sort_by_key(|(start, _)| *start);
        files.push((
            record,
            file(program, items.into_iter().map(|(_, item)| item))?,
        ));
    }
    Ok(files)
}

/// Classes with source and free functions, with qualified name and place.
fn definitions(
    program: &Program,
) -> impl Iterator<Item = (Definition, &SmolStr, Option<crate::diag::Span>)> {
    let methods: FxHashSet<FuncId> = (program.classes.values())
        .flat_map(|class| class.methods.iter().map(|(_, id)| *id))
        .collect();
    let classes = (program.classes.iter())
        .filter(|(_, class)| class.kind != ClassKind::Native)
        .map(|(id, class)| (Definition::Class(id), &class.name, class.span));
    let functions = (program.functions.iter())
        .filter(move |(id, _)| !methods.contains(id))
        .map(|(id, function)| (Definition::Function(id), &function.name, function.span));
    classes.chain(functions)
}

/// `code/__torch__/a/b.py` for `__torch__.a.b.C`.
fn record_name(qualified: &str) -> SmolStr {
    let qualifier = qualified.rsplit_once('.').map_or("", |(q, _)| q);
    format_smolstr!("code/{}.py", qualifier.replace('.', "/"))
}

fn file(
    program: &Program,
    definitions: impl Iterator<Item = Definition>,
) -> Result<File, RaiseError> {
    let mut counters = Counters::default();
    let mut items = Vec::new();
    for definition in definitions {
        items.push(match definition {
            Definition::Class(id) => {
                Item::Class(class_def(program, &program.classes[id], &mut counters)?)
            }
            Definition::Function(id) => {
                Item::Function(function(program, &program.functions[id], 0, &mut counters)?)
            }
        });
    }
    Ok(File { items })
}

fn class_def(
    program: &Program,
    class: &Class,
    counters: &mut Counters,
) -> Result<ClassDef, RaiseError> {
    let (base, members) = match &class.kind {
        ClassKind::Module => (Some("Module"), module_members(program, class, counters)?),
        ClassKind::Plain => (None, object_members(program, class, counters)?),
        ClassKind::NamedTuple => (Some("NamedTuple"), attributes(class)),
        ClassKind::Enum(members) => {
            let member = |(name, value): &(SmolStr, _)| Member::Assign {
                name: name.clone(),
                value: literal(program, value, &Type::Any),
                range: Range::NONE,
            };
            (Some("Enum"), members.iter().map(member).collect())
        }
        ClassKind::Interface => (Some("Interface"), signatures(program, class)),
        ClassKind::ModuleInterface => (Some("ModuleInterface"), signatures(program, class)),
        ClassKind::Native => (None, Vec::new()),
    };
    Ok(ClassDef {
        name: last_atom(&class.name).into(),
        base: base.map(SmolStr::new),
        members,
        range: Range::NONE,
    })
}

fn module_members(
    program: &Program,
    class: &Class,
    counters: &mut Counters,
) -> Result<Vec<Member>, RaiseError> {
    let parameters = class.attributes.iter().filter(|a| a.is_parameter);
    let buffers = class.attributes.iter().filter(|a| a.is_buffer);
    let mut members = vec![
        names_member("__parameters__", parameters.map(|a| a.name.as_str())),
        names_member("__buffers__", buffers.map(|a| a.name.as_str())),
    ];
    let hooks = [
        ("__forward_pre_hooks__", &class.pre_hooks),
        ("__forward_hooks__", &class.hooks),
    ];
    for (name, hooks) in hooks.into_iter().filter(|(_, hooks)| !hooks.is_empty()) {
        members.push(names_member(name, hooks.iter().map(SmolStr::as_str)));
    }
    members.extend(object_members(program, class, counters)?);
    Ok(members)
}

fn names_member<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Member {
    Member::Assign {
        name: name.into(),
        value: name_list(names),
        range: Range::NONE,
    }
}

fn object_members(
    program: &Program,
    class: &Class,
    counters: &mut Counters,
) -> Result<Vec<Member>, RaiseError> {
    let mut members = attributes(class);
    for (name, ty, value) in &class.constants {
        members.push(Member::Attribute {
            name: name.clone(),
            ty: super::build::subscript(super::build::name("Final"), vec![annotation(ty)]),
            value: Some(literal(program, value, ty)),
            range: Range::NONE,
        });
    }
    for (_, id) in &class.methods {
        let method = function(program, &program.functions[*id], 1, counters)?;
        members.push(Member::Method(method));
    }
    Ok(members)
}

fn attributes(class: &Class) -> Vec<Member> {
    let mut members = Vec::with_capacity(class.attributes.len());
    for (position, attribute) in class.attributes.iter().enumerate() {
        let (name, ty) = (attribute.name.clone(), annotation(&attribute.ty));
        let range = Range::NONE;
        if is_identifier(&name) {
            let value = None;
            members.push(Member::Attribute {
                name,
                ty,
                value,
                range,
            });
            continue;
        }
        if position == 0 {
            members.push(Member::Assign {
                name: "__annotations__".into(),
                value: list(Vec::new()),
                range,
            });
        }
        members.push(Member::OddAttribute { name, ty, range });
    }
    members
}

/// Methods of an interface have no body, and `self` no type.
fn signatures(program: &Program, class: &Class) -> Vec<Member> {
    let signature = |(name, id): &(SmolStr, FuncId)| {
        let function = &program.functions[*id];
        let mut params: Vec<ast::Param> = (function.params.iter())
            .map(|p| param(program, p, p.name.clone()))
            .collect();
        if let Some(receiver) = params.first_mut() {
            receiver.ty = None;
        }
        Member::Method(ast::FunctionDef {
            name: name.clone(),
            params,
            returns: Some(annotation(&function.returns)),
            body: vec![stmt(StmtKind::Pass, Range::NONE)],
            range: Range::NONE,
        })
    };
    class.methods.iter().map(signature).collect()
}

/// A parameter under the name its value got.
pub(super) fn param(program: &Program, param: &crate::ir::Param, name: SmolStr) -> ast::Param {
    let default = |value| -> Expr { literal(program, value, &param.ty) };
    ast::Param {
        name,
        ty: Some(annotation(&param.ty)),
        default: param.default.as_ref().map(default),
        kwarg_only: param.kwarg_only,
        range: Range::NONE,
    }
}
