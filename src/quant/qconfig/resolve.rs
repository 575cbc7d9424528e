//! Which rules hold for a module.
//!
//! From the root down, a module has its parent's qconfig, unless a `module_type` key names its class, unless a
//! `module_name` key names it (horizon.md 7.2). A rule changes what it says and keeps the rest.

use super::spec::Resolved;
use super::{Named, QConfig};
use std::fmt;

/// Resolves modules and remembers which keys were of use.
#[derive(Clone, Debug)]
pub struct Resolver<'q> {
    qconfig: &'q QConfig,
    used_types: Vec<bool>,
    used_names: Vec<bool>,
}

/// A key of a qconfig that named no module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedKey {
    /// The dotted key, such as `module_name."layer9"`.
    pub key: String,
    /// `FILE:LINE`.
    pub place: String,
}

impl fmt::Display for UnusedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: The model doesn't have {{'{}'}}. Please make sure qconfig_dict is set correctly.",
            self.place, self.key
        )
    }
}

impl<'q> Resolver<'q> {
    pub(super) fn new(qconfig: &'q QConfig) -> Resolver<'q> {
        Resolver {
            qconfig,
            used_types: vec![false; qconfig.module_type.len()],
            used_names: vec![false; qconfig.module_name.len()],
        }
    }

    /// The qconfig of the module of a dotted name; `None` leaves it in float.
    ///
    /// `class_of` gives the qualified class name of the module and of each module above it, by dotted name;
    /// `None` where there is no class, as for a function that gets a module of its own.
    pub fn resolve<'c>(
        &mut self,
        name: &str,
        class_of: &dyn Fn(&str) -> Option<&'c str>,
    ) -> Option<Resolved> {
        let mut resolved = self.qconfig.global.apply(Some(Resolved::default()));
        for end in ends(name) {
            let prefix = &name[..end];
            if let Some(class) = class_of(prefix)
                && let Some(rule) = used(&self.qconfig.module_type, &mut self.used_types, |key| {
                    is_type(key, class)
                })
            {
                resolved = rule.rule.apply(resolved);
            }
            let named = used(&self.qconfig.module_name, &mut self.used_names, |key| {
                key == prefix
            });
            if let Some(named) = named {
                resolved = named.rule.apply(resolved);
                if let Some(resolved) = resolved.as_mut() {
                    resolved.names_activation = end == name.len() && named.rule.names_activation();
                }
            }
        }
        resolved
    }

    /// Keys that named no module so far.
    pub fn unused(&self) -> Vec<UnusedKey> {
        let types = self.qconfig.module_type.iter().zip(&self.used_types);
        let names = self.qconfig.module_name.iter().zip(&self.used_names);
        let unused = types.chain(names).filter(|(_, used)| !**used);
        let key = |(named, _): (&Named, _)| UnusedKey {
            key: named.key.clone(),
            place: named.place.clone(),
        };
        unused.map(key).collect()
    }
}

/// Where the prefixes of a dotted name end.
fn ends(name: &str) -> impl Iterator<Item = usize> {
    let dots = name.match_indices('.').map(|(at, _)| at);
    dots.chain((!name.is_empty()).then_some(name.len()))
}

/// The last rule whose key fits; all that fit count as used.
fn used<'q>(
    rules: &'q [Named],
    used: &mut [bool],
    fits: impl Fn(&str) -> bool,
) -> Option<&'q Named> {
    let mut found = None;
    for (named, used) in rules.iter().zip(used) {
        if fits(&named.key) {
            *used = true;
            found = Some(named);
        }
    }
    found
}

/// Whether a key names a class: the whole dotted name, or its end, or torch's short form of it (`torch.nn.Conv2d`,
/// `nn.Conv2d`). Mangling does not count.
pub(super) fn is_type(key: &str, class: &str) -> bool {
    let class = class.strip_prefix("__torch__.").unwrap_or(class);
    let parts: Vec<&str> = class
        .split('.')
        .filter(|part| !part.starts_with("___torch_mangle_"))
        .collect();
    let key = key.strip_prefix("__torch__.").unwrap_or(key);
    let wanted: Vec<&str> = key.split('.').collect();
    let short = match wanted.as_slice() {
        ["torch", "nn", name] | ["nn", name] => Some(*name),
        _ => None,
    };
    parts.ends_with(&wanted)
        || short.is_some_and(|name| {
            parts.starts_with(&["torch", "nn", "modules"]) && parts.last() == Some(&name)
        })
}
