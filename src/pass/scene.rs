//! What passes look at besides the graph.

use super::PassError;
use super::objects::Stored;
use crate::archive::Document;
use crate::archive::pickle::Value;
use crate::ir::{Class, FuncId, Program};
use crate::model::Model;
use smol_str::SmolStr;

/// A program, the values of its file, and the object a function runs on.
#[derive(Clone, Debug)]
pub struct Scene<'m> {
    /// Classes and functions.
    pub program: &'m Program,
    /// `data.pkl`.
    pub data: &'m Document,
    /// What the function's first parameter is; none for free functions.
    pub receiver: Option<Stored>,
}

impl<'m> Scene<'m> {
    /// A method by the module it belongs to: `forward`, `layer1.0.forward`.
    pub fn of_method(model: &'m Model, name: &str) -> Result<(Scene<'m>, FuncId), PassError> {
        let data = model.archive.data()?;
        let mut scene = Scene {
            program: &model.program,
            data,
            receiver: Some(Stored {
                path: SmolStr::default(),
                item: data.root(),
            }),
        };
        let (owner, method) = name.rsplit_once('.').unwrap_or(("", name));
        let found = owner
            .split('.')
            .filter(|part| !part.is_empty())
            .try_fold((), |(), part| {
                let inner = scene.attribute(scene.receiver.as_ref()?, part);
                scene.receiver = Some(inner?);
                Some(())
            });
        let class = found.and_then(|()| scene.class(scene.receiver.as_ref()?));
        let func = class.and_then(|class| class.method(method));
        let func = func.ok_or_else(|| PassError::NoMethod(name.into()))?;
        Ok((scene, func))
    }

    /// An attribute of a stored object, as the file has it.
    pub(super) fn attribute(&self, owner: &Stored, name: &str) -> Option<Stored> {
        let Value::Object(id) = self.data.at(owner.item) else {
            return None;
        };
        let path = match owner.path.is_empty() {
            true => name.into(),
            false => smol_str::format_smolstr!("{}.{name}", owner.path),
        };
        Some(Stored {
            path,
            item: self.data.attribute(id, name)?,
        })
    }

    /// The class of a stored object.
    pub(super) fn class(&self, stored: &Stored) -> Option<&'m Class> {
        match self.data.at(stored.item) {
            Value::Object(id) => {
                let name = self.data.qualified_name(self.data.object(id).class);
                self.program.class(&name)
            }
            _ => None,
        }
    }
}
