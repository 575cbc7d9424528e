//! Modules of the file, and what `data.pkl` holds at their paths.

use super::Net;
use crate::archive::Document;
use crate::archive::pickle::{ObjectId, Value};
use crate::ir;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

/// Paths of modules that are told apart; the largest models have 5,000.
const MAX_MODULES: usize = 200_000;

/// Nesting of modules that is followed; real ones nest under 20.
pub(in crate::quant) const MAX_MODULE_DEPTH: usize = 200;

/// A module of the file.
pub(super) struct Module {
    class: String,
    has_children: bool,
}

impl Net<'_> {
    /// The class of the module at a path, without `___torch_mangle_N`; none if there is no module.
    pub(in crate::quant) fn class_at(&self, path: &str) -> Option<&str> {
        Some(&self.modules.get(path)?.class)
    }

    /// Whether the module at a path has submodules.
    pub(in crate::quant) fn has_children(&self, path: &str) -> bool {
        self.modules.get(path).is_some_and(|it| it.has_children)
    }

    /// Names of the root's submodules whose class fits.
    pub(in crate::quant) fn root_names(&self, fits: impl Fn(&str) -> bool) -> FxHashSet<String> {
        let top = self
            .modules
            .iter()
            .filter(|it| !it.0.is_empty() && !it.0.contains('.'));
        let fitting = top.filter(|it| fits(&it.1.class));
        fitting.map(|it| it.0.to_string()).collect()
    }

    /// What `data.pkl` holds at an attribute path, with the class it is an attribute of.
    pub(in crate::quant) fn item_at(&self, path: &str) -> Option<(Value, Option<&ir::Attribute>)> {
        let Value::Object(mut at) = self.data.at(self.data.root()) else {
            return None;
        };
        let (owner, name) = path.rsplit_once('.').unwrap_or(("", path));
        for part in owner.split('.').filter(|it| !it.is_empty()) {
            at = match self.data.at(self.data.attribute(at, part)?) {
                Value::Object(child) => child,
                _ => return None,
            };
        }
        let class = self.data.qualified_name(self.data.object(at).class);
        let slot = self
            .model
            .program
            .class(&class)
            .and_then(|it| it.attribute(name));
        Some((self.data.at(self.data.attribute(at, name)?), slot))
    }

    /// The first module, by path, whose class fits.
    pub(in crate::quant) fn module_named(
        &self,
        fits: impl Fn(&str) -> bool,
    ) -> Option<(String, String)> {
        let fitting = self.modules.iter().filter(|it| fits(&it.1.class));
        let (path, module) = fitting.min_by_key(|it| it.0)?;
        Some((path.to_string(), module.class.clone()))
    }
}

/// The modules of a file by path; no more than so many, since shared modules have several paths.
pub(super) fn modules(data: &Document, root: ObjectId) -> FxHashMap<SmolStr, Module> {
    let mut found = FxHashMap::default();
    let mut left = vec![(SmolStr::default(), root, 0)];
    while let Some((path, object, depth)) = left.pop() {
        let children = children(data, object);
        let class = demangled(&data.qualified_name(data.object(object).class));
        let has_children = !children.is_empty();
        if depth < MAX_MODULE_DEPTH && found.len() < MAX_MODULES {
            for (name, child) in children {
                left.push((joined(&path, &name), child, depth + 1));
            }
        }
        found.insert(
            path,
            Module {
                class,
                has_children,
            },
        );
    }
    found
}

/// `parent.name`
pub(in crate::quant) fn joined(parent: &str, name: &str) -> SmolStr {
    match parent.is_empty() {
        true => name.into(),
        false => format_smolstr!("{parent}.{name}"),
    }
}

/// Submodules of an object, in order.
pub(in crate::quant) fn children(data: &Document, object: ObjectId) -> Vec<(SmolStr, ObjectId)> {
    let Some(Value::Dict(dict)) = data.object(object).state.map(|it| data.at(it)) else {
        return Vec::new();
    };
    let items = data.dict(dict).items.iter();
    items
        .filter_map(|(key, value)| match data.at(*value) {
            Value::Object(child) => Some((data.str_at(*key)?.into(), child)),
            _ => None,
        })
        .collect()
}

/// A name without `___torch_mangle_N`.
pub(in crate::quant) fn demangled(name: &str) -> String {
    let parts: Vec<&str> = name
        .split('.')
        .filter(|it| !it.starts_with("___torch_mangle_"))
        .collect();
    parts.join(".")
}
