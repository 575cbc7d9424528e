//! The nodes whose results `profile` compares (`horizon.md` 5.9).

use super::super::graph::RecordId;
use super::super::value::Val;
use super::Builder;
use crate::ir::{FuncId, NodeId};
use smol_str::SmolStr;

/// A node whose results `profile` compares (5.9), in the order of execution.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Path of the module.
    pub scope: SmolStr,
    /// The method.
    pub func: FuncId,
    /// The node.
    pub node: NodeId,
    /// Which events to look for.
    pub kind: MarkKind,
    /// The record of each tensor in the result; none for constants.
    pub records: Vec<Option<RecordId>>,
}

/// What kind of node is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// An operator: its outputs are produced.
    Operator,
    /// A call of a function by qualified name: its result is returned.
    Function(SmolStr),
}

impl Builder<'_> {
    pub(super) fn mark(&mut self, func: FuncId, node: NodeId, kind: MarkKind, values: &[Val]) {
        let mut records = Vec::new();
        values.iter().for_each(|v| self.leaves(v, &mut records));
        self.marks.push(Mark {
            scope: self.scope(),
            func,
            node,
            kind,
            records,
        });
    }

    /// The first record of every tensor in a value, depth first; none for constants.
    fn leaves(&self, value: &Val, out: &mut Vec<Option<RecordId>>) {
        let mut stack = vec![value];
        while let Some(value) = stack.pop() {
            match value {
                Val::Tensor(id) => {
                    let tensor = self.tensor(*id);
                    out.push(tensor.dequantise.is_none().then_some(tensor.first));
                }
                Val::Const(_) => out.push(None),
                Val::Seq(items) => stack.extend(items.iter().rev()),
                _ => {}
            }
        }
    }
}
