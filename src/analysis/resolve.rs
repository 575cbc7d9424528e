//! Functions by the names users write.

use crate::ir::{Class, FuncId};
use crate::model::Model;

/// The function that `name` means: a method of the root module (`forward`), of a submodule (`layer1.0.forward`), or a
/// qualified name (`__torch__.net.Net.forward`).
pub fn function(model: &Model, name: &str) -> Option<FuncId> {
    let program = &model.program;
    if let Some(id) = program.function_by_name.get(name) {
        return Some(*id);
    }
    let (owner, method) = name.rsplit_once('.').unwrap_or(("", name));
    if let Some(class) = program.class(owner) {
        return class.method(method);
    }
    let mut class: &Class = model.root_definition()?;
    for attribute in owner.split('.').filter(|part| !part.is_empty()) {
        let ty = &class.attribute(attribute)?.ty;
        class = program.class(ty.class_name()?)?;
    }
    class.method(method)
}

/// The methods of the root module, for messages.
pub fn method_names(model: &Model) -> Vec<String> {
    let methods = model
        .root_definition()
        .map(|class| class.methods.as_slice());
    methods
        .unwrap_or_default()
        .iter()
        .map(|(name, _)| name.to_string())
        .collect()
}
