//! The module tree of the fake-quant file: the float file's names and nesting, quantised modules in place of float
//! ones, and the root with its methods.

use super::class::{Writer, hand_on};
use super::constant::Tensors;
use super::fake_quant::STATES;
use super::leaf::Leaf;
use super::rewrite::Rewritten;
use super::{PLUGIN_VERSION, PrepareError};
use crate::archive::Plan;
use crate::archive::pickle::{ObjectId as StoredObject, Value as Stored};
use crate::emit::{ClassSpec, Emit, Method, ObjectId, Role, Value};
use crate::ir::{ClassKind, Constant, Function, NodeId, Op, Type, ValueId};
use crate::quant::fuse::{MAX_MODULE_DEPTH, Net, children, demangled};
use crate::quant::qconfig::QConfig;
use crate::torchscript::raise::{self, Counters, annotation};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

const IDENTITY: &str = "__torch__.torch.nn.modules.linear.Identity";
/// What methods call their object.
const RECEIVER: &str = "self";
const PLAIN: &str = "__torch__.torch.nn.modules.module.Module";
const ROOT: &str = "__torch__.horizon_plugin_pytorch.quantization.fx.graph_module";

/// A module to be.
#[derive(Default)]
struct Node {
    /// The float module's class.
    class: Option<String>,
    children: Vec<(String, Node)>,
    leaf: Option<Leaf>,
    /// Values that operators in float, or stubs, read.
    values: Vec<Attribute>,
}

struct Attribute {
    name: String,
    ty: String,
    role: Role,
    value: Value,
}

/// A written module.
struct Written {
    object: ObjectId,
    /// Whether there are fake quantisers in it.
    has_state: bool,
}

/// Writes the file.
pub(super) fn emit(
    net: &Net<'_>,
    rewritten: Rewritten,
    qconfig: &QConfig,
    folder: &str,
) -> Result<Plan<'static>, PrepareError> {
    let mut emit = Emit::new(folder);
    let mut tensors = Tensors::default();
    let mut root = skeleton(net, net.model.root(), 0);
    for leaf in rewritten.leaves {
        let path = leaf.path.clone();
        let node = root.at(&path);
        node.leaf = Some(leaf);
        node.children.clear();
    }
    let mut function = rewritten.function;
    store_attributes(net, &mut function, &mut emit, &mut tensors, &mut root)?;
    named_tuples(net, &function, &mut emit)?;
    store_table(net, &mut function, &mut emit, &mut tensors)?;
    keep_inputs(net, &mut emit);
    let name = demangled(&net.model.root_class);
    let name = name.rsplit('.').next().unwrap_or("Net").to_owned();
    let class = format!("{ROOT}.{name}");
    let forward = forward(net, function, &class)?;
    let mut writer = Writer {
        emit: &mut emit,
        tensors: &mut tensors,
        qconfig,
        shared: FxHashMap::default(),
    };
    let object = write_root(&mut writer, root, &class, forward)?;
    emit.extra("horizon-plugin-version", PLUGIN_VERSION);
    let producer = format!("ptool {}", env!("CARGO_PKG_VERSION"));
    emit.extra("producer", producer.into_bytes());
    Ok(emit.finish(object)?)
}

/// Modules of the float file by name and nesting.
fn skeleton(net: &Net<'_>, object: StoredObject, depth: usize) -> Node {
    let data = net.data();
    let mut node = Node {
        class: Some(demangled(&data.qualified_name(data.object(object).class))),
        ..Node::default()
    };
    if depth < MAX_MODULE_DEPTH {
        for (name, child) in children(data, object) {
            node.children
                .push((name.to_string(), skeleton(net, child, depth + 1)));
        }
    }
    node
}

impl Node {
    /// Whether an attribute path goes through a quantised module.
    fn is_in_leaf(&self, path: &str) -> bool {
        let mut node = self;
        for part in path.split('.') {
            if node.leaf.is_some() {
                return true;
            }
            match node.children.iter().find(|it| it.0 == part) {
                Some((_, child)) => node = child,
                None => return false,
            }
        }
        false
    }

    /// The node at a path, made where there is none.
    fn at(&mut self, path: &str) -> &mut Node {
        let mut node = self;
        for part in path.split('.').filter(|it| !it.is_empty()) {
            let index = match node.children.iter().position(|it| it.0 == part) {
                Some(index) => index,
                None => {
                    node.children.push((part.to_owned(), Node::default()));
                    node.children.len() - 1
                }
            };
            node = &mut node.children[index].1;
        }
        node
    }
}

/// The attributes that the method still reads, at their paths.
fn store_attributes(
    net: &Net<'_>,
    function: &mut Function,
    emit: &mut Emit,
    tensors: &mut Tensors,
    root: &mut Node,
) -> Result<(), PrepareError> {
    let graph = &mut function.graph;
    let receiver = graph.block(graph.root()).params.first().copied();
    let mut paths: FxHashMap<ValueId, String> = FxHashMap::default();
    for id in graph.nodes_in_order() {
        let node = graph.node(id);
        let (name, object) = match (&node.op, &node.inputs[..]) {
            (Op::GetAttr(name), &[object]) => (name, object),
            (Op::SetAttr(name), &[object, _]) => (name, object),
            _ => continue,
        };
        let owner = paths.get(&object).cloned().unwrap_or_default();
        let path = crate::quant::fuse::joined(&owner, name).to_string();
        if let Some(&output) = node.outputs.first() {
            paths.insert(output, path.clone());
            if is_module(net, graph.ty(output)) {
                continue;
            }
        }
        // A quantised module has attributes of its own: what else reads the float one finds it at the root.
        let moved = path.replace('.', "_");
        let in_leaf = root.is_in_leaf(&path);
        let place = if in_leaf { &moved } else { &path };
        store(net, &path, place, emit, tensors, root)?;
        if let (true, Some(receiver)) = (in_leaf, receiver) {
            let node = graph.node_mut(id);
            node.inputs[0] = receiver;
            match &mut node.op {
                Op::GetAttr(name) | Op::SetAttr(name) => *name = moved.into(),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether a type is a module's: the float file's own, or one that is yet to be written.
fn is_module(net: &Net<'_>, ty: &Type) -> bool {
    let Type::Class(name) = ty else {
        return false;
    };
    let class = net.model.program.class(name);
    class.is_none_or(|it| it.kind == ClassKind::Module)
}

/// Classes of named tuples that the method makes, takes or returns.
fn named_tuples(net: &Net<'_>, function: &Function, emit: &mut Emit) -> Result<(), PrepareError> {
    let graph = &function.graph;
    let mut left: Vec<Type> = vec![function.returns.clone()];
    left.extend(function.params.iter().map(|it| it.ty.clone()));
    left.extend(graph.value_ids().map(|it| graph.ty(it).clone()));
    let mut seen = FxHashSet::default();
    while let Some(ty) = left.pop() {
        match &ty {
            Type::Optional(inner) | Type::List(inner) => left.push((**inner).clone()),
            Type::Tuple(items) | Type::Union(items) => left.extend(items.iter().cloned()),
            Type::Dict(kv) => left.extend([kv.0.clone(), kv.1.clone()]),
            Type::Class(name) => {
                let class = net.model.program.class(name);
                let Some(class) = class.filter(|it| it.kind == ClassKind::NamedTuple) else {
                    continue;
                };
                if !seen.insert(name.clone()) {
                    continue;
                }
                let mut spec = ClassSpec::named_tuple(name);
                for field in &class.attributes {
                    spec = spec.attribute(&field.name, &text_of(&field.ty));
                    left.push(field.ty.clone());
                }
                emit.class(spec)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A type as annotations spell it.
fn text_of(ty: &Type) -> String {
    let mut text = String::new();
    crate::torchscript::print::write_expr(&annotation(ty), &mut text);
    text
}

fn store(
    net: &Net<'_>,
    path: &str,
    place: &str,
    emit: &mut Emit,
    tensors: &mut Tensors,
    root: &mut Node,
) -> Result<(), PrepareError> {
    let state = || PrepareError::State {
        what: path.to_owned(),
    };
    let (owner, name) = place.rsplit_once('.').unwrap_or(("", place));
    let node = root.at(owner);
    if node.values.iter().any(|it| it.name == name) {
        return Ok(());
    }
    let (item, slot) = net.item_at(path).ok_or_else(state)?;
    let value = tensors
        .value(emit, net.data(), item, 0)?
        .ok_or_else(state)?;
    let slot = slot.ok_or_else(state)?;
    let role = match (slot.is_parameter, slot.is_buffer) {
        (true, _) => Role::Parameter,
        (_, true) => Role::Buffer,
        _ => Role::Plain,
    };
    node.values.push(Attribute {
        name: name.to_owned(),
        ty: text_of(&slot.ty),
        role,
        value,
    });
    Ok(())
}

/// Entries of the float file's table that the method still reads, under new numbers.
fn store_table(
    net: &Net<'_>,
    function: &mut Function,
    emit: &mut Emit,
    tensors: &mut Tensors,
) -> Result<(), PrepareError> {
    let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
    let table = net.constants();
    let nodes: Vec<NodeId> = function.graph.nodes_in_order();
    for id in nodes {
        let Op::Constant(Constant::Table(old)) = function.graph.node(id).op else {
            continue;
        };
        let new = match numbers.get(&old) {
            Some(new) => *new,
            None => {
                let state = || PrepareError::State {
                    what: format!("CONSTANTS.c{old}"),
                };
                let Stored::Tuple(items) = table.at(table.root()) else {
                    return Err(state());
                };
                let item = *table.items(items).get(old as usize).ok_or_else(state)?;
                let value = tensors.value(emit, table, table.at(item), 0)?;
                emit.constant(value.ok_or_else(state)?);
                let new = numbers.len() as u32;
                numbers.insert(old, new);
                new
            }
        };
        function.graph.node_mut(id).op = Op::Constant(Constant::Table(new));
    }
    Ok(())
}

/// Example inputs that the float file has are good for this one too.
fn keep_inputs(net: &Net<'_>, emit: &mut Emit) {
    let archive = &net.model.archive;
    for (id, record) in archive.entries() {
        let kept = record == "traced_inputs.pkl"
            || record.starts_with("traced_inputs/")
            || record.starts_with("extra/ptool");
        if let (true, Ok(blob)) = (kept, archive.zip().blob_of(id)) {
            emit.record(record, blob);
        }
    }
}

/// The method as text.
fn forward(net: &Net<'_>, mut function: Function, class: &str) -> Result<Method, PrepareError> {
    if let Some(receiver) = function.params.first_mut() {
        receiver.ty = Type::Class(class.into());
        receiver.name = RECEIVER.into();
    }
    let root = function.graph.root();
    if let Some(&receiver) = function.graph.block(root).params.first() {
        let value = function.graph.value_mut(receiver);
        value.ty = Type::Class(class.into());
        // The user may have called it something else.
        value.name = Some(RECEIVER.into());
    }
    function.name = SmolStr::new(format!("{class}.forward"));
    let mut counters = Counters::default();
    let tree = raise::function(&net.model.program, &function, 1, &mut counters)?;
    Ok(Method::from_tree(&tree))
}

fn write_root(
    writer: &mut Writer<'_>,
    root: Node,
    class: &str,
    forward: Method,
) -> Result<ObjectId, PrepareError> {
    let mut spec = ClassSpec::module(class);
    let mut values = Vec::new();
    let mut states = Vec::new();
    parts(writer, root, &mut spec, &mut values, &mut states, 0)?;
    let set = Method::new("set_fake_quantize", "NoneType")
        .param("state", "str")
        .body(format!(
            "{}{}",
            requirements(),
            hand_on(states.iter().map(String::as_str)).body
        ));
    let class = writer.emit.class(spec.method(forward).method(set))?;
    Ok(writer.emit.object(class, values)?)
}

/// What the states need of the model, with the plugin's words (horizon.md 6.5).
fn requirements() -> String {
    let list = STATES.map(|it| format!("\"{it}\"")).join(", ");
    format!(
        "\
if torch.__contains__([{list}], state):
  pass
else:
  ops.prim.RaiseException(\"expected one of qat, calibration, validation, float\")
if torch.eq(state, \"qat\"):
  if self.training:
    pass
  else:
    ops.prim.RaiseException(\"Call model.train() before set fake quant to QAT mode.\")
else:
  pass
if self.training:
  if torch.eq(state, \"calibration\"):
    ops.prim.RaiseException(\"Call model.eval() before set fake quant to CALIBRATION mode.\")
  else:
    pass
  if torch.eq(state, \"validation\"):
    ops.prim.RaiseException(\"Call model.eval() before set fake quant to VALIDATION mode.\")
  else:
    pass
else:
  pass
"
    )
}

/// Attributes and submodules of a module that is no leaf; depth is bounded by that of the skeleton.
fn parts(
    writer: &mut Writer<'_>,
    node: Node,
    spec: &mut ClassSpec,
    values: &mut Vec<Value>,
    states: &mut Vec<String>,
    depth: usize,
) -> Result<(), PrepareError> {
    for attribute in node.values {
        *spec = std::mem::replace(spec, ClassSpec::plain("")).with(
            &attribute.name,
            &attribute.ty,
            attribute.role,
        );
        values.push(attribute.value);
    }
    for (name, child) in node.children {
        let written = write(writer, child, depth + 1)?;
        let class = writer
            .emit
            .class_name(writer.emit.class_of(written.object))
            .to_owned();
        *spec = std::mem::replace(spec, ClassSpec::plain("")).attribute(&name, &class);
        values.push(Value::Object(written.object));
        if written.has_state {
            states.push(name);
        }
    }
    Ok(())
}

fn write(writer: &mut Writer<'_>, node: Node, depth: usize) -> Result<Written, PrepareError> {
    if let Some(leaf) = &node.leaf {
        return Ok(Written {
            object: writer.leaf(leaf)?,
            has_state: leaf.has_state(),
        });
    }
    if node.children.is_empty() && node.values.is_empty() {
        let forward = Method::new("forward", "Tensor")
            .param("input", "Tensor")
            .body("return input");
        let class = writer
            .emit
            .class(ClassSpec::module(IDENTITY).method(forward))?;
        return Ok(Written {
            object: writer.emit.object(class, Vec::new())?,
            has_state: false,
        });
    }
    let mut spec = ClassSpec::module(node.class.as_deref().unwrap_or(PLAIN));
    let (mut values, mut states) = (Vec::new(), Vec::new());
    parts(writer, node, &mut spec, &mut values, &mut states, depth)?;
    let has_state = !states.is_empty();
    if has_state {
        spec = spec.method(hand_on(states.iter().map(String::as_str)));
    }
    let class = writer.emit.class(spec)?;
    Ok(Written {
        object: writer.emit.object(class, values)?,
        has_state,
    })
}
