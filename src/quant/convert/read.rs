//! Modules of a fake-quant file as objects with typed attributes.

use super::error::ConvertError;
use crate::archive::pickle::{ObjectId, Use, Value};
use crate::archive::{Document, TensorView};
use smol_str::{SmolStr, format_smolstr};

/// Where the plugin's fake-quantised modules live.
const QAT: &str = "__torch__.horizon_plugin_pytorch.nn.qat.";

/// One module, by its path from the root.
#[derive(Clone, Debug)]
pub(super) struct Module<'m> {
    data: &'m Document,
    /// Which object.
    pub(super) id: ObjectId,
    /// `layer1.0.conv1`; empty for the root.
    pub(super) path: SmolStr,
}

impl<'m> Module<'m> {
    pub(super) fn root(data: &'m Document, id: ObjectId) -> Module<'m> {
        Module {
            data,
            id,
            path: SmolStr::default(),
        }
    }

    /// The class's qualified name, as the file says it.
    pub(super) fn class(&self) -> String {
        self.data.qualified_name(self.data.object(self.id).class)
    }

    /// The class's name without `___torch_mangle_N`.
    pub(super) fn plain_class(&self) -> String {
        demangled(&self.class())
    }

    /// `conv2d.Conv2d` for a fake-quantised module of the plugin.
    pub(super) fn leaf_class(&self) -> Option<String> {
        let class = self.plain_class();
        class.strip_prefix(QAT).map(str::to_owned)
    }

    /// Attribute names and values in order.
    pub(super) fn attributes(&self) -> Vec<(SmolStr, Use)> {
        let Some(Value::Dict(dict)) = self.data.object(self.id).state.map(|s| self.data.at(s))
        else {
            return Vec::new();
        };
        let items = self.data.dict(dict).items.iter();
        items
            .filter_map(|(key, it)| Some((self.data.str_at(*key)?.into(), *it)))
            .collect()
    }

    /// The value of an attribute; none if it is missing or `None`.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        match self.data.at(self.data.attribute(self.id, name)?) {
            Value::None => None,
            value => Some(value),
        }
    }

    /// The document its values are in.
    pub(super) fn document(&self) -> &'m Document {
        self.data
    }

    /// The submodule with this name.
    pub(super) fn child(&self, name: &str) -> Option<Module<'m>> {
        match self.get(name)? {
            Value::Object(id) => Some(Module {
                data: self.data,
                id,
                path: self.join(name),
            }),
            _ => None,
        }
    }

    /// The submodule with this name, which must exist.
    pub(super) fn part(&self, name: &str) -> Result<Module<'m>, ConvertError> {
        self.child(name).ok_or_else(|| self.wrong(name, "a module"))
    }

    pub(super) fn join(&self, name: &str) -> SmolStr {
        if self.path.is_empty() {
            name.into()
        } else {
            format_smolstr!("{}.{name}", self.path)
        }
    }

    /// A tensor; none if the attribute is missing or `None`.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<TensorView>, ConvertError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let id = self.data.as_tensor(value);
        let id = id.ok_or_else(|| self.wrong(name, "a tensor"))?;
        let view = self.data.view(id)?;
        Ok(Some(
            view.ok_or_else(|| self.wrong(name, "a tensor with data"))?,
        ))
    }

    /// The values of a float tensor, row-major, and its sizes.
    pub(super) fn floats(&self, name: &str) -> Result<Option<Floats>, ConvertError> {
        let Some(view) = self.tensor(name)? else {
            return Ok(None);
        };
        let fail = |fault| ConvertError::Tensor {
            path: self.join(name).to_string(),
            fault,
        };
        let values = view.to_f64().map_err(fail)?.map(|x| x as f32).collect();
        Ok(Some(Floats {
            values,
            sizes: view.sizes().to_vec(),
        }))
    }

    /// The values of a float tensor that must exist.
    pub(super) fn some_floats(&self, name: &str) -> Result<Floats, ConvertError> {
        let floats = self.floats(name)?;
        floats.ok_or_else(|| self.wrong(name, "a tensor"))
    }

    pub(super) fn int(&self, name: &str) -> Result<i64, ConvertError> {
        match self.get(name) {
            Some(Value::Int(value)) => Ok(value),
            _ => Err(self.wrong(name, "an int")),
        }
    }

    pub(super) fn float(&self, name: &str) -> Result<f64, ConvertError> {
        match self.get(name) {
            Some(Value::Float(value)) => Ok(value),
            Some(Value::Int(value)) => Ok(value as f64),
            _ => Err(self.wrong(name, "a float")),
        }
    }

    pub(super) fn bool(&self, name: &str) -> Result<bool, ConvertError> {
        match self.get(name) {
            Some(Value::Bool(value)) => Ok(value),
            _ => Err(self.wrong(name, "a bool")),
        }
    }

    pub(super) fn str(&self, name: &str) -> Result<&'m str, ConvertError> {
        let text = match self.get(name) {
            Some(Value::Str(text)) => self.data.str(text),
            _ => None,
        };
        text.ok_or_else(|| self.wrong(name, "a string"))
    }

    /// A tuple or list of ints.
    pub(super) fn ints(&self, name: &str) -> Result<Vec<i64>, ConvertError> {
        let wrong = || self.wrong(name, "ints");
        let items = self.get(name).and_then(|v| self.data.sequence(v));
        let int = |it: &Use| match self.data.at(*it) {
            Value::Int(value) => Ok(value),
            _ => Err(wrong()),
        };
        items.ok_or_else(wrong)?.iter().map(int).collect()
    }

    /// A list of floats; empty if the attribute is missing.
    pub(super) fn float_list(&self, name: &str) -> Result<Vec<f64>, ConvertError> {
        let Some(value) = self.get(name) else {
            return Ok(Vec::new());
        };
        let wrong = || self.wrong(name, "floats");
        let float = |it: &Use| match self.data.at(*it) {
            Value::Float(value) => Ok(value),
            Value::Int(value) => Ok(value as f64),
            _ => Err(wrong()),
        };
        let items = self.data.sequence(value).ok_or_else(wrong)?;
        items.iter().map(float).collect()
    }

    /// The error that an attribute is not what it must be.
    pub(super) fn wrong(&self, name: &str, expected: &'static str) -> ConvertError {
        let found = self.get(name).map_or("nothing", |v| v.describe());
        ConvertError::Attribute {
            path: self.path.to_string(),
            name: name.to_owned(),
            expected,
            found: found.to_owned(),
        }
    }

    /// The error that this module cannot be converted.
    pub(super) fn refuse(&self, what: impl Into<String>) -> ConvertError {
        ConvertError::Leaf {
            path: self.path.to_string(),
            what: what.into(),
        }
    }
}

/// A float tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Floats {
    pub(super) values: Vec<f32>,
    pub(super) sizes: Vec<i64>,
}

/// A qualified name without the components that torch adds to tell equal names apart.
pub(super) fn demangled(name: &str) -> String {
    let mangled = |part: &&str| !part.starts_with("___torch_mangle_");
    let parts: Vec<&str> = name.split('.').filter(mangled).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    #[test]
    fn mangled_names_lose_their_numbers() {
        let name = "__torch__.horizon_plugin_pytorch.nn.qat.conv2d.___torch_mangle_12.Conv2d";
        assert_eq!(
            super::demangled(name),
            "__torch__.horizon_plugin_pytorch.nn.qat.conv2d.Conv2d"
        );
    }
}
