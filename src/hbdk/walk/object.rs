//! Attributes of objects, and values stored in the file.

use super::super::array::Array;
use super::super::value::{MAX_NESTING, Val};
use super::{Builder, Fail};
use crate::archive::Document;
use crate::archive::pickle::{ObjectId, Use, Value};
use crate::ir::{Constant, FuncId};
use smol_str::{SmolStr, format_smolstr};

impl Builder<'_> {
    fn class_of(&self, object: ObjectId) -> Option<&crate::ir::Class> {
        let data = self.model.archive.data().ok()?;
        let name = data.qualified_name(data.object(object).class);
        self.model.program.class(&name)
    }

    /// A method of an object's class.
    pub(super) fn method_of(&self, object: ObjectId, name: &str) -> Option<FuncId> {
        self.class_of(object)?.method(name)
    }

    /// An attribute of an object, with the path to it.
    pub(super) fn attribute(
        &self,
        object: ObjectId,
        path: &SmolStr,
        name: &str,
    ) -> Result<Val, Fail> {
        let data = self.model.archive.data().map_err(|e| e.to_string())?;
        if let Some(found) = data.attribute(object, name) {
            let path = match path.is_empty() {
                true => name.into(),
                false => format_smolstr!("{path}.{name}"),
            };
            return stored(data, found, &path, 0);
        }
        let constants = self
            .class_of(object)
            .map(|class| class.constants.as_slice());
        let constant = constants.unwrap_or_default().iter().find(|c| c.0 == name);
        match constant {
            Some((_, _, value)) => self.literal(value, 0),
            None => Err(Fail::new(format!("the object has no attribute `{name}`"))),
        }
    }

    /// A constant of the source.
    pub(super) fn literal(&self, constant: &Constant, depth: usize) -> Result<Val, Fail> {
        if depth > MAX_NESTING {
            return Err(Fail::new("a constant is nested too deep"));
        }
        let items = |items: &[Constant]| -> Result<Val, Fail> {
            let items = items.iter().map(|c| self.literal(c, depth + 1));
            Ok(Val::seq(items.collect::<Result<Vec<_>, _>>()?))
        };
        Ok(match constant {
            Constant::None => Val::None,
            Constant::Bool(v) => Val::Bool(*v),
            Constant::Int(v) => Val::Int(*v),
            Constant::Float(v) => Val::Float(*v),
            Constant::Str(text) => Val::Str(String::from_utf8_lossy(text).as_ref().into()),
            Constant::Device(_) => Val::Device,
            Constant::List(list) | Constant::Tuple(list) => items(list)?,
            Constant::Dict(dict) => Val::Dict(
                dict.iter()
                    .map(|(k, v)| Ok((self.literal(k, depth + 1)?, self.literal(v, depth + 1)?)))
                    .collect::<Result<_, Fail>>()?,
            ),
            Constant::Table(at) => {
                let constants = self.model.archive.constants().map_err(|e| e.to_string())?;
                let table = constants.sequence(constants.at(constants.root()));
                let entry = table.and_then(|t| t.get(*at as usize)).copied();
                let entry = entry.ok_or_else(|| Fail::new(format!("no constant c{at}")))?;
                stored(constants, entry, &SmolStr::default(), depth + 1)?
            }
            Constant::Function(name) => Val::Str(name.clone()),
            Constant::Complex(..) | Constant::Enum { .. } => {
                return Err(Fail::new("a complex or enum constant"));
            }
        })
    }
}

/// A pickled value.
fn stored(document: &Document, it: Use, path: &SmolStr, depth: usize) -> Result<Val, Fail> {
    if depth > MAX_NESTING {
        return Err(Fail::new(format!("`{path}` is nested too deep")));
    }
    let items = |items: &[Use]| -> Result<Val, Fail> {
        let items = items
            .iter()
            .map(|&it| stored(document, it, path, depth + 1));
        Ok(Val::seq(items.collect::<Result<Vec<_>, _>>()?))
    };
    let value = document.at(it);
    if let Some(tensor) = document.as_tensor(value) {
        let view = document.view(tensor).map_err(|e| e.to_string())?;
        let view = view.ok_or_else(|| Fail::new(format!("`{path}` has no data")))?;
        return Ok(Val::array(Array::from_view(&view)?));
    }
    Ok(match value {
        Value::None => Val::None,
        Value::Bool(v) => Val::Bool(v),
        Value::Int(v) => Val::Int(v),
        Value::Float(v) => Val::Float(v),
        Value::Str(text) => Val::Str(String::from_utf8_lossy(document.text(text)).as_ref().into()),
        Value::Device(_) => Val::Device,
        Value::Tuple(list) | Value::Size(list) => items(document.items(list))?,
        Value::List(id) => items(&document.list(id).items)?,
        Value::Dict(id) => Val::Dict(
            document
                .dict(id)
                .items
                .iter()
                .map(|&(k, v)| {
                    Ok((
                        stored(document, k, path, depth + 1)?,
                        stored(document, v, path, depth + 1)?,
                    ))
                })
                .collect::<Result<_, Fail>>()?,
        ),
        Value::Object(id) => Val::Object(id, path.clone()),
        other => return Err(Fail::new(format!("`{path}` is {}", other.describe()))),
    })
}
