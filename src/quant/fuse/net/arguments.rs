//! Constants that nodes read: numbers, flags, lists.

use super::Net;
use crate::ir::{Constant, NodeId, Op, Type, ValueId};

impl Net<'_> {
    /// An argument by its name in the schema.
    pub(in crate::quant) fn arg(&self, id: NodeId, name: &str) -> Option<ValueId> {
        let node = self.node(id);
        match node.op {
            Op::Operator(schema) => node.inputs.get(schema.arg_index(name)?).copied(),
            _ => None,
        }
    }

    /// The constant a value is.
    pub(in crate::quant) fn constant(&self, value: ValueId) -> Option<&Constant> {
        self.graph().constant(value)
    }

    /// Whether a value is `None`.
    pub(in crate::quant) fn is_none(&self, value: ValueId) -> bool {
        matches!(self.constant(value), Some(Constant::None))
    }

    /// A constant int.
    pub(in crate::quant) fn int(&self, value: ValueId) -> Option<i64> {
        match self.constant(value)? {
            Constant::Int(it) => Some(*it),
            _ => None,
        }
    }

    /// A constant bool.
    pub(in crate::quant) fn bool(&self, value: ValueId) -> Option<bool> {
        match self.constant(value)? {
            Constant::Bool(it) => Some(*it),
            _ => None,
        }
    }

    /// A constant number, also as a tensor without dimensions, which is how tracing keeps numbers.
    pub(in crate::quant) fn number(&self, value: ValueId) -> Option<f64> {
        match self.constant(value) {
            Some(Constant::Int(it)) => Some(*it as f64),
            Some(Constant::Float(it)) => Some(*it),
            Some(Constant::Table(_)) => self.tensor(value)?.scalar(),
            _ => self.fixed_sizes.number(value),
        }
    }

    /// An argument that is a constant number, by its name in the schema.
    pub(in crate::quant) fn number_arg(&self, id: NodeId, name: &str) -> Option<f64> {
        self.number(self.arg(id, name)?)
    }

    /// The items of a list or tuple that a node makes.
    pub(in crate::quant) fn items(&self, list: ValueId) -> Option<&[ValueId]> {
        let node = self.node(self.graph().producer(list)?);
        matches!(node.op, Op::ListConstruct | Op::TupleConstruct).then_some(&node.inputs[..])
    }

    /// A constant list of ints.
    pub(in crate::quant) fn ints(&self, value: ValueId) -> Option<Vec<i64>> {
        let of = |constant: &Constant| match constant {
            Constant::Int(it) => Some(*it),
            _ => None,
        };
        match self.constant(value) {
            Some(Constant::List(items) | Constant::Tuple(items)) => items.iter().map(of).collect(),
            Some(_) => None,
            None => self.items(value)?.iter().map(|it| self.int(*it)).collect(),
        }
    }

    /// A constant list of ints, or one int.
    pub(in crate::quant) fn int_or_ints(&self, value: ValueId) -> Option<Vec<i64>> {
        match self.int(value) {
            Some(one) => Some(vec![one]),
            None => self.ints(value),
        }
    }

    /// A constant list of `n` ints, or one int for all.
    pub(in crate::quant) fn ints_n(&self, value: ValueId, n: usize) -> Option<Vec<i64>> {
        let found = self.int_or_ints(value)?;
        match found.len() {
            1 => Some(vec![found[0]; n]),
            len => (len == n).then_some(found),
        }
    }

    /// A number without a fraction.
    pub(super) fn whole(&self, value: ValueId) -> Option<i64> {
        if *self.graph().ty(value) != Type::Int {
            return None;
        }
        Some(self.number(value)? as i64)
    }
}
