//! The values a model carries, by path.

use crate::archive::Document;
use crate::archive::pickle::{Use, Value, ValueId};
use crate::ir::{Class, Program};
use crate::model::Model;
use rustc_hash::FxHashMap;

/// Characters of a value that are shown.
const MAX_TEXT: usize = 200;

/// What an attribute is to its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Listed in `__parameters__`.
    Parameter,
    /// Listed in `__buffers__`.
    Buffer,
    /// Anything else.
    Attribute,
}

impl Role {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Role::Parameter => "parameter",
            Role::Buffer => "buffer",
            Role::Attribute => "attribute",
        }
    }
}

/// A value that is not a container of others.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// `layer1.0.weight`, `anchors[2]`, `table['key']`.
    pub path: String,
    /// The value.
    pub value: Value,
    /// What it is to its module.
    pub role: Role,
    /// The path under which the same object stands already; its content is listed there.
    pub same_as: Option<String>,
}

/// Modules and other objects, and the leaves below the root, in attribute order.
#[derive(Debug, Default)]
pub struct Attributes {
    /// Paths and class names of objects, the root first.
    pub objects: Vec<(String, String)>,
    /// Everything else.
    pub leaves: Vec<Leaf>,
}

/// Lists what the root module holds.
pub fn attributes(model: &Model) -> Result<Attributes, crate::archive::ArchiveError> {
    let data = model.archive.data()?;
    Ok(list(data, Some(&model.program), data.root(), ""))
}

/// The class of the object at each path, the root at the empty one.
pub fn classes(model: &Model) -> FxHashMap<String, String> {
    let objects = attributes(model).map(|all| all.objects);
    objects.unwrap_or_default().into_iter().collect()
}

/// Lists the elements of `constants.pkl` as `CONSTANTS.c0` and so on.
pub fn constants(model: &Model) -> Result<Attributes, crate::archive::ArchiveError> {
    let constants = model.archive.constants()?;
    let mut all = Attributes::default();
    let items = constants
        .sequence(constants.at(constants.root()))
        .unwrap_or_default();
    for (i, item) in items.iter().enumerate() {
        let found = list(constants, None, *item, &format!("CONSTANTS.c{i}"));
        all.objects.extend(found.objects);
        all.leaves.extend(found.leaves);
    }
    Ok(all)
}

/// Lists the values below one value; shared containers are listed once, so the work is linear.
fn list(data: &Document, program: Option<&Program>, root: Use, path: &str) -> Attributes {
    let mut walker = Walker {
        data,
        program,
        seen: FxHashMap::default(),
        found: Attributes::default(),
        stack: vec![(path.to_owned(), root, Role::Attribute)],
    };
    while let Some((path, it, role)) = walker.stack.pop() {
        walker.visit(path, it, role);
    }
    walker.found
}

struct Walker<'a> {
    data: &'a Document,
    program: Option<&'a Program>,
    seen: FxHashMap<ValueId, String>,
    found: Attributes,
    stack: Vec<(String, Use, Role)>,
}

impl Walker<'_> {
    fn visit(&mut self, path: String, it: Use, role: Role) {
        let value = self.data.at(it);
        let same_as = match value {
            Value::Object(_) | Value::List(_) | Value::Dict(_) | Value::Tuple(_) => {
                let first = self.seen.get(&it.value).cloned();
                self.seen.entry(it.value).or_insert_with(|| path.clone());
                first
            }
            _ => None,
        };
        if same_as.is_none() && self.descend(&path, value, role) {
            return;
        }
        self.found.leaves.push(Leaf {
            path,
            value,
            role,
            same_as,
        });
    }

    /// Puts the parts of a container on the stack; false when the value is shown whole.
    fn descend(&mut self, path: &str, value: Value, role: Role) -> bool {
        let from = self.stack.len();
        match value {
            Value::Object(object) => {
                let object = *self.data.object(object);
                let class = self.data.qualified_name(object.class);
                let definition = self.program.and_then(|p| p.class(&class));
                self.found.objects.push((path.to_owned(), class.clone()));
                match object.state.map(|state| (state, self.data.at(state))) {
                    Some((_, Value::Dict(dict))) => self.push_state(path, dict, definition),
                    // What `__getstate__` gave: its parts have no attribute names.
                    Some((state, _)) => self.stack.push((format!("{path}.<state>"), state, role)),
                    None => {}
                }
            }
            Value::List(_) | Value::Tuple(_) => {
                let items = self.data.sequence(value).unwrap_or_default();
                if items.iter().all(|it| is_plain(self.data.at(*it))) {
                    return false;
                }
                let item = |(i, it): (usize, &Use)| (format!("{path}[{i}]"), *it, role);
                self.stack.extend(items.iter().enumerate().map(item));
            }
            Value::Dict(dict) => {
                let items = &self.data.dict(dict).items;
                if items.iter().all(|(_, it)| is_plain(self.data.at(*it))) {
                    return false;
                }
                let data = self.data;
                let item = |(key, it): &(Use, Use)| {
                    (format!("{path}[{}]", text(data, data.at(*key))), *it, role)
                };
                self.stack.extend(items.iter().map(item));
            }
            _ => return false,
        }
        self.stack[from..].reverse();
        true
    }

    fn push_state(
        &mut self,
        path: &str,
        dict: crate::archive::pickle::DictId,
        class: Option<&Class>,
    ) {
        for (key, it) in &self.data.dict(dict).items {
            let name = match self.data.at(*key) {
                Value::Str(name) => String::from_utf8_lossy(self.data.text(name)).into_owned(),
                other => text(self.data, other),
            };
            let role = class
                .and_then(|c| c.attribute(&name))
                .map_or(Role::Attribute, |a| {
                    if a.is_parameter {
                        Role::Parameter
                    } else if a.is_buffer {
                        Role::Buffer
                    } else {
                        Role::Attribute
                    }
                });
            let path = if path.is_empty() {
                name
            } else {
                format!("{path}.{name}")
            };
            self.stack.push((path, *it, role));
        }
    }
}

fn is_plain(value: Value) -> bool {
    use Value::*;
    matches!(
        value,
        None | Bool(_)
            | Int(_)
            | BigInt(_)
            | Float(_)
            | Complex(..)
            | Str(_)
            | Bytes(_)
            | Device(_)
            | Global(_)
    )
}

/// A value as Python would write it, cut when long.
pub fn text(data: &Document, value: Value) -> String {
    let list = |items: &[Use], open: &str, close: &str| {
        let mut out = open.to_owned();
        for (i, it) in items.iter().enumerate() {
            if out.len() > MAX_TEXT {
                return format!("{out}, … {} in all{close}", items.len());
            }
            out += if i == 0 { "" } else { ", " };
            out += &plain(data, data.at(*it));
        }
        out + close
    };
    match value {
        Value::List(_) | Value::Set(_) => list(data.sequence(value).unwrap_or_default(), "[", "]"),
        Value::Tuple(_) | Value::Size(_) => {
            list(data.sequence(value).unwrap_or_default(), "(", ")")
        }
        Value::Dict(dict) => {
            let items = &data.dict(dict).items;
            let item = |(k, v): &(Use, Use)| {
                format!("{}: {}", plain(data, data.at(*k)), plain(data, data.at(*v)))
            };
            let shown: Vec<_> = items.iter().take(20).map(item).collect();
            let more = if items.len() > 20 {
                format!(", … {} in all", items.len())
            } else {
                String::new()
            };
            format!("{{{}{more}}}", shown.join(", "))
        }
        other => plain(data, other),
    }
}

fn plain(data: &Document, value: Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Complex(re, im) => format!("({re:?}+{im:?}j)"),
        Value::Str(text) => quoted(data.text(text)),
        Value::Device(device) => format!("device({})", quoted(data.text(device.text))),
        Value::Global(global) => data.qualified_name(global),
        Value::Object(object) => data.qualified_name(data.object(object).class),
        other => other.describe().to_owned(),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(MAX_TEXT)];
    let more = if cut.len() < bytes.len() { "…" } else { "" };
    let text: String = String::from_utf8_lossy(cut)
        .chars()
        .flat_map(char::escape_debug)
        .collect();
    format!("\"{text}{more}\"")
}
