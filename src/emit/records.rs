//! The records of the file: sources in torch's layout, pickles with their storages, and what torch puts at the end.

use super::Interned;
use super::error::EmitError;
use super::pickle::Pickled;
use super::tensor::Tensors;
use super::version;
use crate::archive::{Blob, Plan};
use crate::torchscript::{parse::parse_strict, print::print};

/// Source texts by module, in the order they were first named.
#[derive(Debug, Default)]
pub(super) struct Sources {
    rows: Vec<(String, String)>,
    known: Interned<String, usize>,
    version: u64,
}

impl Sources {
    /// Appends items to a module's record.
    pub(super) fn add(&mut self, qualifier: &str, text: &str) -> Result<(), EmitError> {
        if qualifier != "__torch__" && !qualifier.starts_with("__torch__.") {
            return Err(EmitError::Name {
                name: qualifier.to_owned(),
            });
        }
        let file = parse_strict(text.as_bytes()).map_err(|error| {
            let start = (error.range.start as usize).min(text.len());
            let line = text.as_bytes()[..start]
                .iter()
                .filter(|it| **it == b'\n')
                .count();
            EmitError::Source {
                name: qualifier.to_owned(),
                line: line + 1,
                message: error.to_string(),
                text: text.lines().nth(line).unwrap_or_default().to_owned(),
            }
        })?;
        let text = print(&file);
        self.version = self.version.max(version::needed(&text));
        let rows = &mut self.rows;
        let row = *self.known.entry(qualifier.to_owned()).or_insert_with(|| {
            rows.push((qualifier.to_owned(), String::new()));
            rows.len() - 1
        });
        self.rows[row].1.push_str(&text);
        Ok(())
    }

    /// The file's version number.
    pub(super) fn version(&self) -> u64 {
        self.version.max(version::LOWEST)
    }

    /// Record names and texts.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = (String, String)> {
        std::mem::take(&mut self.rows)
            .into_iter()
            .map(|(qualifier, text)| (format!("code/{}.py", qualifier.replace('.', "/")), text))
    }
}

/// The archive so far.
pub(super) struct Records {
    plan: Plan<'static>,
    /// Of record names, and of contents: torch's serialisation id says nothing more.
    names: crc32fast::Hasher,
    contents: crc32fast::Hasher,
}

/// Highest number whose text lies in the record `version` (section 1.9).
const LAST_PLAIN_VERSION: u64 = 5;

impl Records {
    pub(super) fn new(folder: &str) -> Records {
        Records {
            plan: Plan::create(folder),
            names: crc32fast::Hasher::new(),
            contents: crc32fast::Hasher::new(),
        }
    }

    pub(super) fn add(&mut self, record: &str, bytes: impl Into<Blob>) -> Result<(), EmitError> {
        let bytes = bytes.into();
        self.names.update(record.as_bytes());
        self.contents.update(&(bytes.len() as u64).to_le_bytes());
        // Storages may be gigabytes that are only to be copied: their sizes stand for them.
        if !record.starts_with("data/") {
            self.contents.update(&bytes);
        }
        self.plan.add(record, bytes)?;
        Ok(())
    }

    /// A pickle after the storages it names.
    pub(super) fn pickle(
        &mut self,
        name: &str,
        tensors: &Tensors,
        pickled: Pickled,
    ) -> Result<(), EmitError> {
        for (key, id) in pickled.storages.iter().enumerate() {
            let storage = &tensors.storages[id.0 as usize];
            self.add(&format!("{name}/{key}"), storage.bytes.clone())?;
        }
        self.add(&format!("{name}.pkl"), pickled.bytes)
    }

    pub(super) fn finish(mut self, version: u64) -> Result<Plan<'static>, EmitError> {
        let record = match version <= LAST_PLAIN_VERSION {
            true => "version",
            false => ".data/version",
        };
        self.add(record, format!("{version}\n").into_bytes())?;
        self.add("byteorder", b"little".to_vec())?;
        let (names, contents) = (self.names.finalize(), self.contents.finalize());
        let id = format!("{names:020}{contents:020}");
        self.plan.add(".data/serialization_id", id.into_bytes())?;
        Ok(self.plan)
    }
}
