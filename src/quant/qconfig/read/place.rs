//! TOML values with the file, line and dotted key they stand at.

use crate::quant::observer::ObserverValue;
use crate::quant::qconfig::QConfigError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file and where its lines begin.
pub(super) struct Place<'t> {
    file: &'t str,
    text: &'t str,
}

/// One key and its value.
pub(super) struct Item<'t> {
    at: &'t Place<'t>,
    /// The key, without those above it.
    pub(super) name: String,
    /// The whole dotted key.
    key: String,
    value: &'t Spanned<DeValue<'t>>,
    line: usize,
}

/// The content of a table.
pub(super) struct Items<'t> {
    key: String,
    items: Vec<Item<'t>>,
}

impl<'t> Place<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Place<'t> {
        Place { file, text }
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// A table's items, of which only `known` keys are allowed.
    pub(super) fn items(
        &'t self,
        key: &str,
        table: &'t DeTable<'t>,
        known: &[&str],
    ) -> Result<Vec<Item<'t>>, QConfigError> {
        self.content(key, table).only(known)
    }

    fn content(&'t self, key: &str, table: &'t DeTable<'t>) -> Items<'t> {
        let item = |(name, value): (&'t Spanned<_>, &'t Spanned<DeValue<'t>>)| {
            let text: &str = AsRef::<str>::as_ref(name.get_ref() as &toml::de::DeString<'_>);
            Item {
                at: self,
                name: text.to_owned(),
                key: dotted(key, text),
                line: self.line(name.span().start),
                value,
            }
        };
        Items {
            key: key.to_owned(),
            items: table.iter().map(item).collect(),
        }
    }
}

/// A key below another; quoted when it holds what a bare key cannot.
fn dotted(above: &str, name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name = match !name.is_empty() && name.chars().all(bare) {
        true => name.to_owned(),
        false => format!("\"{name}\""),
    };
    match above.is_empty() {
        true => name,
        false => format!("{above}.{name}"),
    }
}

impl<'t> Items<'t> {
    /// All of them.
    pub(super) fn all(self) -> Vec<Item<'t>> {
        self.items
    }

    /// All of them, if they have one of these names.
    pub(super) fn only(self, known: &[&str]) -> Result<Vec<Item<'t>>, QConfigError> {
        let stranger = self
            .items
            .iter()
            .find(|it| !known.contains(&it.name.as_str()));
        match stranger {
            Some(item) => {
                let above = match self.key.is_empty() {
                    true => "a qconfig".to_owned(),
                    false => format!("`{}`", self.key),
                };
                Err(item.error(format!(
                    "is no key of {above}, which has {}",
                    known.join(", ")
                )))
            }
            None => Ok(self.items),
        }
    }
}

impl<'t> Item<'t> {
    pub(super) fn value(&self) -> &'t DeValue<'t> {
        self.value.get_ref()
    }

    /// `FILE:LINE`
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.at.file, self.line)
    }

    pub(super) fn error(&self, message: String) -> QConfigError {
        QConfigError::Key {
            place: self.place(),
            key: self.key.clone(),
            message,
        }
    }

    fn expected(&self, what: &str) -> QConfigError {
        let found = match self.value() {
            DeValue::String(text) => format!("\"{text}\""),
            DeValue::Integer(n) => n.as_str().to_owned(),
            DeValue::Float(x) => x.as_str().to_owned(),
            DeValue::Boolean(it) => it.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.error(format!("expected {what}, found {found}"))
    }

    pub(super) fn table(&self, expected: &str) -> Result<Items<'t>, QConfigError> {
        match self.value() {
            DeValue::Table(table) => Ok(self.at.content(&self.key, table)),
            _ => Err(self.expected(expected)),
        }
    }

    pub(super) fn bool(&self) -> Result<bool, QConfigError> {
        match self.value() {
            DeValue::Boolean(it) => Ok(*it),
            _ => Err(self.expected("true or false")),
        }
    }

    /// One of some named values.
    pub(super) fn choice<T: Copy>(
        &self,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<T, QConfigError> {
        let found = match self.value() {
            DeValue::String(text) => all
                .iter()
                .find(|it| name(**it) == AsRef::<str>::as_ref(text)),
            _ => None,
        };
        let names = || {
            let names: Vec<_> = all.iter().map(|it| format!("\"{}\"", name(*it))).collect();
            names.join(", ")
        };
        found.copied().ok_or_else(|| self.expected(&names()))
    }

    pub(super) fn str(&self, expected: &str) -> Result<&'t str, QConfigError> {
        match self.value() {
            DeValue::String(text) => Ok(text.as_ref()),
            _ => Err(self.expected(expected)),
        }
    }

    pub(super) fn number(&self) -> Result<ObserverValue, QConfigError> {
        let value = match self.value() {
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
                .ok()
                .map(ObserverValue::Int),
            DeValue::Float(x) => x.as_str().parse().ok().map(ObserverValue::Float),
            _ => None,
        };
        value.ok_or_else(|| self.expected("a number"))
    }

    /// The items of an array, each under this key with an index.
    pub(super) fn array(&self) -> Option<Vec<Item<'t>>> {
        let DeValue::Array(values) = self.value() else {
            return None;
        };
        let item = |(index, value): (usize, &'t Spanned<DeValue<'t>>)| Item {
            at: self.at,
            name: self.name.clone(),
            key: format!("{}[{index}]", self.key),
            line: self.at.line(value.span().start),
            value,
        };
        Some(values.iter().enumerate().map(item).collect())
    }
}
