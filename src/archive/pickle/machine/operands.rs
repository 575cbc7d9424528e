//! Reading the operands of an op off the stack.

use smallvec::SmallVec;

use super::{Machine, Step};
use crate::archive::pickle::{GlobalId, PickleFault, Text, Use, Value};

/// No constructor takes more.
const MAX_ARGS: usize = 16;

impl Machine<'_> {
    /// Pays for copying `amount` bytes or items of a value that may be shared.
    pub(in crate::archive::pickle) fn spend(&mut self, amount: usize) -> Step<()> {
        self.budget = self.budget.checked_sub(amount).ok_or(PickleFault::Budget)?;
        Ok(())
    }

    /// The arguments of a call: a tuple that is short enough to copy.
    pub(in crate::archive::pickle) fn args(&self, it: Use) -> Step<SmallVec<[Use; 8]>> {
        let items = self.tuple_items(it)?;
        if items.len() > MAX_ARGS {
            return Err(PickleFault::Arity {
                expected: "at most 16",
                found: items.len(),
            });
        }
        Ok(items.into())
    }

    pub(in crate::archive::pickle) fn expected(
        &self,
        expected: &'static str,
        found: Use,
    ) -> PickleFault {
        PickleFault::Expected {
            expected,
            found: self.out.at(found).describe(),
        }
    }

    pub(in crate::archive::pickle) fn tuple_items(&self, it: Use) -> Step<&[Use]> {
        match self.out.at(it) {
            Value::Tuple(items) | Value::Size(items) => Ok(self.out.items(items)),
            _ => Err(self.expected("a tuple", it)),
        }
    }

    pub(in crate::archive::pickle) fn global_of(&self, it: Use) -> Step<GlobalId> {
        match self.out.at(it) {
            Value::Global(id) => Ok(id),
            _ => Err(self.expected("a global name", it)),
        }
    }

    pub(in crate::archive::pickle) fn text(&self, it: Use) -> Step<Text> {
        match self.out.at(it) {
            Value::Str(text) => Ok(text),
            _ => Err(self.expected("a string", it)),
        }
    }

    pub(in crate::archive::pickle) fn int(&self, it: Use) -> Step<i64> {
        match self.out.at(it) {
            Value::Int(value) => Ok(value),
            _ => Err(self.expected("an int", it)),
        }
    }

    pub(in crate::archive::pickle) fn bool(&self, it: Use) -> Step<bool> {
        match self.out.at(it) {
            Value::Bool(value) => Ok(value),
            _ => Err(self.expected("a bool", it)),
        }
    }

    pub(in crate::archive::pickle) fn float(&self, it: Use) -> Step<f64> {
        match self.out.at(it) {
            Value::Float(value) => Ok(value),
            _ => Err(self.expected("a float", it)),
        }
    }
}
