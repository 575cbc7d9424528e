//! The file in the making, and which of the plugin's functions its text calls.

use super::error::ConvertError;
use crate::emit::{ClassId, ClassSpec, Emit};
use crate::quant::functional;
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

/// An [`Emit`] that remembers the functions called.
#[derive(Debug)]
pub(super) struct Writer {
    emit: Emit,
    /// `functional.conv2d`, `functional_impl._quantize`.
    called: BTreeSet<String>,
}

impl Writer {
    pub(super) fn new(emit: Emit) -> Writer {
        Writer {
            emit,
            called: BTreeSet::new(),
        }
    }

    /// Defines a class and notes what its methods call.
    pub(super) fn class(&mut self, spec: ClassSpec) -> Result<ClassId, ConvertError> {
        for method in &spec.methods {
            self.note(&method.body);
        }
        Ok(self.emit.class(spec)?)
    }

    /// Notes the functions that a text names.
    fn note(&mut self, text: &str) {
        let package = format!("{}.", functional::PACKAGE);
        for (at, _) in text.match_indices(&package) {
            let rest = &text[at + package.len()..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
            let name = &rest[..end.unwrap_or(rest.len())];
            if name.starts_with("functional.") || name.starts_with("functional_impl.") {
                self.called.insert(name.to_owned());
            }
        }
    }

    /// Adds the functions called so far, with what they call in turn.
    pub(super) fn finish(self) -> Result<Emit, ConvertError> {
        let mut emit = self.emit;
        let names = self.called.iter().map(String::as_str);
        let sources = functional::sources(names).map_err(|name| ConvertError::Op {
            op: name.to_owned(),
            place: "functional.py".to_owned(),
            what: "there is no such function".to_owned(),
        })?;
        for (qualifier, text) in sources {
            emit.source(&qualifier, &text)?;
        }
        Ok(emit)
    }
}

impl Deref for Writer {
    type Target = Emit;

    fn deref(&self) -> &Emit {
        &self.emit
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Emit {
        &mut self.emit
    }
}
