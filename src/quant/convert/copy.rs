//! What the fixed-point file takes over from the fake-quant file: float modules, constants, functions.

use super::error::ConvertError;
use super::lower::{Lowering, Made};
use super::read::Module;
use super::text;
use crate::archive::Document;
use crate::archive::pickle::{self, ListKind, Use, Value as Pickled};
use crate::emit::{ClassSpec, Emit, ObjectId, Role, Value};
use crate::ir::{Attribute, Class, FuncId, Op, Program};
use crate::model::Model;
use rustc_hash::{FxHashMap, FxHashSet};

/// Nesting of modules and values that is copied.
const MAX_DEPTH: usize = 64;

/// Attributes that every written module gets.
const IMPLIED: [&str; 2] = ["training", "_is_full_backward_hook"];

/// Copies the table of constants, so that `CONSTANTS.cN` keeps its number.
pub(super) fn constants(emit: &mut Emit, model: &Model) -> Result<(), ConvertError> {
    let table = model.archive.constants()?;
    for item in table.sequence(table.at(table.root())).unwrap_or_default() {
        let value = plain_value(emit, table, *item, 0)?;
        emit.constant(value);
    }
    Ok(())
}

/// Copies a module that stays in float with its methods, once.
pub(super) fn float_module<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
) -> Result<ObjectId, ConvertError> {
    let mut done = FxHashMap::default();
    let object = copy_module(low, module, &mut done, 0)?;
    low.objects.entry(module.id).or_insert(Made {
        object,
        inputs: Vec::new(),
        output: None,
    });
    Ok(object)
}

/// Copies the whole fake-quant model, for a file that checks a conversion.
pub(super) fn model(low: &mut Lowering) -> Result<ObjectId, ConvertError> {
    let root = low.root.clone();
    copy_module(low, &root, &mut FxHashMap::default(), 0)
}

fn copy_module<'m>(
    low: &mut Lowering<'m>,
    module: &Module<'m>,
    done: &mut FxHashMap<pickle::ObjectId, ObjectId>,
    depth: usize,
) -> Result<ObjectId, ConvertError> {
    if let Some(object) = done.get(&module.id) {
        return Ok(*object);
    }
    if depth > MAX_DEPTH {
        return Err(module.refuse(format!("modules nest deeper than {MAX_DEPTH} levels")));
    }
    let model = low.model;
    let name = module.class();
    let class = model.program.class(&name);
    let class = class.ok_or_else(|| module.refuse(format!("class `{name}` has no source")))?;
    let mut spec = ClassSpec::module(&module.plain_class());
    let mut values = Vec::new();
    for attribute in class.attributes.iter().filter(|a| !is_implied(&a.name)) {
        let (ty, value) = match module.child(&attribute.name) {
            Some(child) => {
                let child = copy_module(low, &child, done, depth + 1)?;
                let class = low.emit.class_of(child);
                (low.emit.class_name(class).to_owned(), Value::Object(child))
            }
            None => (
                attribute.ty.to_string(),
                attribute_value(&mut low.emit, module, &attribute.name)?,
            ),
        };
        spec = spec.with(&attribute.name, &ty, role(attribute));
        values.push(value);
    }
    for &(_, id) in &class.methods {
        let function = &model.program.functions[id];
        spec = spec.method(text::method(&model.program, function)?);
        functions(low, id)?;
    }
    let class = low.emit.class(spec)?;
    let object = low.emit.object(class, values)?;
    done.insert(module.id, object);
    Ok(object)
}

/// What an attribute is to its module.
pub(super) fn role(attribute: &Attribute) -> Role {
    if attribute.is_parameter {
        Role::Parameter
    } else if attribute.is_buffer {
        Role::Buffer
    } else {
        Role::Plain
    }
}

/// The free functions that a function reaches, under their names.
pub(super) fn functions(low: &mut Lowering, from: FuncId) -> Result<(), ConvertError> {
    let program = &low.model.program;
    let mut stack = called(program, from);
    while let Some(id) = stack.pop() {
        if !low.functions.insert(id) {
            continue;
        }
        let function = &program.functions[id];
        let qualifier = function.name.rsplit_once('.').map_or("", |(q, _)| q);
        low.emit
            .source(qualifier, &text::function(program, function)?)?;
        stack.extend(called(program, id));
    }
    Ok(())
}

fn called(program: &Program, from: FuncId) -> Vec<FuncId> {
    let graph = &program.functions[from].graph;
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    for node in graph.nodes_in_order() {
        if let Op::CallFunction(name) = &graph.node(node).op
            && let Some(&id) = program.function_by_name.get(name)
            && seen.insert(id)
        {
            found.push(id);
        }
    }
    found.reverse();
    found
}

/// An attribute that is not a module.
pub(super) fn attribute_value(
    emit: &mut Emit,
    module: &Module,
    name: &str,
) -> Result<Value, ConvertError> {
    let data = module.document();
    match data.attribute(module.id, name) {
        Some(it) => plain_value(emit, data, it, 0),
        None => Err(module.wrong(name, "a value")),
    }
}

fn plain_value(
    emit: &mut Emit,
    data: &Document,
    it: Use,
    depth: usize,
) -> Result<Value, ConvertError> {
    if depth > MAX_DEPTH {
        return Err(unsupported("a value nested too deeply"));
    }
    let mut all = |items: &[Use]| -> Result<Vec<Value>, ConvertError> {
        items
            .iter()
            .map(|it| plain_value(emit, data, *it, depth + 1))
            .collect()
    };
    Ok(match data.at(it) {
        Pickled::None => Value::None,
        Pickled::Bool(value) => Value::Bool(value),
        Pickled::Int(value) => Value::Int(value),
        Pickled::Float(value) => Value::Float(value),
        Pickled::Str(text) => Value::Str(data.text(text).to_vec()),
        Pickled::Device(device) => {
            Value::Device(String::from_utf8_lossy(data.text(device.text)).into_owned())
        }
        Pickled::Tuple(items) => Value::Tuple(all(data.items(items))?),
        Pickled::List(id) => {
            let list = data.list(id);
            let element = match list.kind {
                ListKind::Int => "int",
                ListKind::Float => "float",
                ListKind::Bool => "bool",
                ListKind::Tensor => "Tensor",
                ListKind::Plain => {
                    let tag = list.tag.and_then(|tag| data.str_at(tag));
                    let inner = tag.and_then(|t| t.strip_prefix("List[")?.strip_suffix(']'));
                    inner.ok_or_else(|| unsupported("a list without an element type"))?
                }
            };
            Value::list(element, all(&list.items)?)
        }
        value @ (Pickled::Tensor(_) | Pickled::Parameter { .. }) => {
            let id = data
                .as_tensor(value)
                .ok_or_else(|| unsupported("a tensor"))?;
            let view = data
                .view(id)?
                .ok_or_else(|| unsupported("a tensor without data"))?;
            let requires_grad = matches!(
                value,
                Pickled::Parameter {
                    requires_grad: true,
                    ..
                }
            );
            Value::Tensor(emit.view(&view, requires_grad)?)
        }
        other => return Err(unsupported(other.describe())),
    })
}

fn unsupported(what: &str) -> ConvertError {
    ConvertError::Op {
        op: "prim::Constant".to_owned(),
        place: "data.pkl".to_owned(),
        what: format!("{what} cannot be copied into the fixed-point file"),
    }
}

/// Whether the writer fills an attribute in.
pub(super) fn is_implied(name: &str) -> bool {
    IMPLIED.contains(&name)
}

/// The declaration of an attribute.
pub(super) fn declared<'p>(class: Option<&'p Class>, name: &str) -> Option<&'p Attribute> {
    class.and_then(|c| c.attribute(name))
}
