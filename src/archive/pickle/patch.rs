//! Edits of a pickle that change the uses they name and no other byte.
//!
//! The trap is the memo: the op that first writes a string usually stores it, and unrelated places fetch it
//! (`torchscript.md` section 7). An edited use therefore gets a fresh op, and the old value is stored anew to the
//! first use that keeps the old value, under the same id.

mod emit;

mod memo;
mod resize;

use std::collections::BTreeMap;

use super::op::code;
use super::{Device, Global, OpId, Pickle, Value};
use crate::archive::error::{ArchiveError, PatchFault};
use memo::Memo;

/// A value that can stand in for another.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `None`.
    None,
    /// A bool.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(Vec<u8>),
    /// A device. Instead of a whole device value; where only its text is to change, edit the text's use.
    Device(Vec<u8>),
    /// A class or function.
    Global {
        /// Its module.
        module: Vec<u8>,
        /// Its name.
        name: Vec<u8>,
    },
}

impl Scalar {
    /// A string.
    pub fn str(text: impl Into<Vec<u8>>) -> Scalar {
        Scalar::Str(text.into())
    }

    /// The ops that push it, without any memo, as TorchScript's writer spells them.
    pub fn to_ops(&self) -> Vec<u8> {
        emit::bytes_of(self)
    }
}

/// A set of edits to one pickle.
#[derive(Debug)]
pub struct Patch<'a> {
    pickle: &'a Pickle,
    memo: Memo,
    edits: BTreeMap<OpId, Scalar>,
}

impl<'a> Patch<'a> {
    /// No edits yet.
    pub fn new(pickle: &'a Pickle) -> Patch<'a> {
        Patch {
            pickle,
            memo: Memo::read(pickle),
            edits: BTreeMap::new(),
        }
    }

    /// True when [`Patch::apply`] would change nothing.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Replaces the value that the op at `at` pushes, for the one consumer of that push.
    ///
    /// `at` is the `op` of a [`super::Use`], a `text_op`, `location_op` or `class_op`. What other ops fetch from the
    /// memo stays as it is. Replacing with what is there already is no edit.
    pub fn replace(&mut self, at: OpId, with: Scalar) -> Result<(), ArchiveError> {
        self.check(at, &with)
            .map_err(|fault| self.error(at, fault))?;
        if self.old_value(at).as_ref() == Some(&with) {
            return Ok(());
        }
        // A device made in place is edited through its text; its own entry only guards what was stored of it.
        if let (Some(device), Scalar::Device(text)) = (self.device_at(at), &with) {
            self.replace(device.text_op, Scalar::Str(text.clone()))?;
        }
        self.edits.insert(at, with);
        Ok(())
    }

    fn check(&self, at: OpId, with: &Scalar) -> Result<(), PatchFault> {
        if at.0 as usize >= self.pickle.op_count() {
            return Err(PatchFault::NoSuchOp);
        }
        if self.pickle.blob()[1] >= 4 {
            return Err(PatchFault::Framed);
        }
        if self.edits.contains_key(&at) {
            return Err(PatchFault::Twice);
        }
        match with {
            Scalar::Str(text) | Scalar::Device(text) if u32::try_from(text.len()).is_err() => {
                return Err(PatchFault::TooLong);
            }
            Scalar::Global { module, name } if module.contains(&b'\n') || name.contains(&b'\n') => {
                return Err(PatchFault::Newline);
            }
            _ => {}
        }
        let device = matches!(with, Scalar::Device(_)) && self.device_at(at).is_some();
        match self.pickle.op(at).code {
            code::REDUCE if device => Ok(()),
            code::BINGET | code::LONG_BINGET => Ok(()),
            it if emit::is_scalar(it) => Ok(()),
            _ => Err(PatchFault::NotAUse),
        }
    }

    fn error(&self, at: OpId, fault: PatchFault) -> ArchiveError {
        let known = (at.0 as usize) < self.pickle.op_count();
        let start = if known {
            self.pickle.op(at).bytes.start
        } else {
            u32::MAX
        };
        ArchiveError::Patch { at: start, fault }
    }

    /// The edited pickle, trailing bytes included.
    pub fn apply(self) -> Result<Vec<u8>, ArchiveError> {
        let changes = self.changes()?;
        let pickle = self.pickle;
        let grown: usize = changes.values().map(Vec::len).sum();
        let mut out = Vec::with_capacity(pickle.blob().len() + grown);
        let mut at = 0;
        for (id, bytes) in changes {
            let op = pickle.op(id).bytes;
            out.extend_from_slice(&pickle.blob()[at..op.start as usize]);
            out.extend_from_slice(&bytes);
            at = op.end as usize;
        }
        out.extend_from_slice(&pickle.blob()[at..]);
        Ok(out)
    }

    /// New bytes for each op that does not stay as it is.
    fn changes(&self) -> Result<BTreeMap<OpId, Vec<u8>>, ArchiveError> {
        let mut changes = BTreeMap::new();
        for (&at, with) in &self.edits {
            for store in self.memo.stores_after(self.pickle, at) {
                let Some(keeper) = self.keeper(store) else {
                    continue;
                };
                let old = self
                    .old_value(at)
                    .ok_or_else(|| self.error(at, PatchFault::NotAUse))?;
                let bytes = [
                    emit::bytes_of(&old),
                    self.memo.store_bytes(self.pickle, store),
                ]
                .concat();
                changes.insert(keeper, bytes);
            }
            let in_place = self.pickle.op(at).code == code::REDUCE;
            if !in_place && !self.fetches_the_same(at, with) {
                changes.insert(at, emit::bytes_of(with));
            }
        }
        Ok(changes)
    }

    /// The first fetch of a store that is to see the old value.
    fn keeper(&self, store: OpId) -> Option<OpId> {
        self.memo
            .fetches_of(store)
            .iter()
            .copied()
            .find(|it| !self.edits.contains_key(it))
    }

    /// True for a memo fetch that finds the same new value in the memo, before the old one is stored anew.
    fn fetches_the_same(&self, at: OpId, with: &Scalar) -> bool {
        let Some(store) = self.memo.store_of(at) else {
            return false;
        };
        let before_keeper = self.keeper(store).is_none_or(|keeper| at < keeper);
        before_keeper && self.edits.get(&self.memo.pushed_by(store)) == Some(with)
    }

    /// The device that the op at `at` makes out of a text alone.
    fn device_at(&self, at: OpId) -> Option<Device> {
        match self.memo.made_by(at).map(|it| self.pickle.value(it)) {
            Some(Value::Device(device)) if device.index.is_none() => Some(device),
            _ => None,
        }
    }

    /// The value that the op at `at` pushes now, when a [`Scalar`] can say it.
    fn old_value(&self, at: OpId) -> Option<Scalar> {
        let source = self.memo.source(at);
        let pickle = self.pickle;
        let value = match self.memo.made_by(source) {
            Some(id) => pickle.value(id),
            None => emit::constant(pickle.op(source).code)?,
        };
        Some(match value {
            Value::None => Scalar::None,
            Value::Bool(it) => Scalar::Bool(it),
            Value::Int(it) => Scalar::Int(it),
            Value::Float(it) => Scalar::Float(it),
            Value::Str(text) => Scalar::str(pickle.text(text)),
            Value::Device(device) if device.index.is_none() => {
                Scalar::Device(pickle.text(device.text).to_vec())
            }
            Value::Global(id) => {
                let Global { module, name, .. } = *pickle.global(id);
                Scalar::Global {
                    module: pickle.text(module).to_vec(),
                    name: pickle.text(name).to_vec(),
                }
            }
            _ => return None,
        })
    }
}
