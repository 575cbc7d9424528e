//! Small programs as text: classes, then named graphs. Tests and bug reports use it; files of models are source.
//!
//! ```text
//! class __torch__.Net(Module):
//!   parameter w : Tensor
//!   attribute child : __torch__.Child
//! __torch__.Net.forward = graph(%self : __torch__.Net, %x : Tensor):
//!   …
//!   return (%y)
//! ```
//!
//! A function whose name continues a class name is a method of that class. Defaults of parameters, constants, hooks
//! and enum members are not part of this text.

use super::TextError;
use super::cursor::Cursor;
use super::print::{Options, print_graph};
use super::read::read_graph;
use super::types::{read_type, type_text};
use crate::ir::{Attribute, Class, ClassKind, Function, Graph, Param, Program, Type};
use smol_str::SmolStr;
use std::fmt::Write;

/// Classes and functions as text.
pub fn print_program(program: &Program, options: &Options) -> String {
    let mut out = String::new();
    for (_, class) in program.classes.iter() {
        let _ = writeln!(out, "class {}{}:", class.name, kind_text(&class.kind));
        for attribute in &class.attributes {
            let role = match attribute {
                a if a.is_parameter => "parameter",
                a if a.is_buffer => "buffer",
                _ => "attribute",
            };
            let ty = type_text(&attribute.ty);
            let _ = writeln!(out, "  {role} {} : {ty}", attribute.name);
        }
    }
    for (_, function) in program.functions.iter() {
        let _ = write!(out, "{} = ", function.name);
        out.push_str(&print_graph(&function.graph, options));
    }
    out
}

fn kind_text(kind: &ClassKind) -> &'static str {
    match kind {
        ClassKind::Module => "(Module)",
        ClassKind::Plain => "",
        ClassKind::NamedTuple => "(NamedTuple)",
        ClassKind::Enum(_) => "(Enum)",
        ClassKind::Interface => "(Interface)",
        ClassKind::ModuleInterface => "(ModuleInterface)",
        ClassKind::Native => "(Native)",
    }
}

/// Reads what [`print_program`] prints.
pub fn parse_program(text: &str) -> Result<Program, TextError> {
    let mut cursor = Cursor::new(text);
    let mut program = Program::default();
    while !cursor.is_done() {
        if cursor.eat("class ") {
            read_class(&mut cursor, &mut program)?;
        } else {
            let name: SmolStr = cursor.path()?.into();
            cursor.expect("=")?;
            let graph = read_graph(&mut cursor)?;
            add_function(&mut program, name, graph);
        }
    }
    Ok(program)
}

fn read_class(cursor: &mut Cursor, program: &mut Program) -> Result<(), TextError> {
    let name: SmolStr = cursor.path()?.into();
    let kind = match cursor.take_while(|b| b != b':' && b != b'\n') {
        "(Module)" => ClassKind::Module,
        "" => ClassKind::Plain,
        "(NamedTuple)" => ClassKind::NamedTuple,
        "(Enum)" => ClassKind::Enum(Vec::new()),
        "(Interface)" => ClassKind::Interface,
        "(ModuleInterface)" => ClassKind::ModuleInterface,
        "(Native)" => ClassKind::Native,
        _ => return Err(cursor.expected("a known kind of class before `:`")),
    };
    cursor.expect(":")?;
    let mut attributes = Vec::new();
    while let Some(role) = ["parameter ", "buffer ", "attribute "]
        .into_iter()
        .find(|role| cursor.peek(role))
    {
        cursor.eat(role);
        let name = cursor.path()?.into();
        cursor.expect(":")?;
        attributes.push(Attribute {
            name,
            ty: read_type(cursor, 0)?,
            is_parameter: role == "parameter ",
            is_buffer: role == "buffer ",
        });
    }
    let id = program.classes.push(Class {
        name: name.clone(),
        kind,
        attributes,
        constants: Vec::new(),
        methods: Vec::new(),
        pre_hooks: Vec::new(),
        hooks: Vec::new(),
        span: None,
    });
    program.class_by_name.insert(name, id);
    Ok(())
}

fn add_function(program: &mut Program, name: SmolStr, graph: Graph) {
    let root = graph.block(graph.root());
    let param = |(i, &value): (usize, _)| Param {
        name: (graph.value(value).name.clone()).unwrap_or_else(|| format!("arg{i}").into()),
        ty: graph.ty(value).clone(),
        default: None,
        kwarg_only: false,
    };
    let params = root.params.iter().enumerate().map(param).collect();
    let returns = root
        .returns
        .first()
        .map_or(Type::None, |&v| graph.ty(v).clone());
    let id = program.functions.push(Function {
        name: name.clone(),
        params,
        returns,
        graph,
        span: None,
    });
    let owner = name
        .rsplit_once('.')
        .and_then(|(class, method)| Some((*program.class_by_name.get(class)?, method)));
    match owner {
        Some((class, method)) => program.classes[class].methods.push((method.into(), id)),
        None => {
            program.function_by_name.insert(name, id);
        }
    }
}
