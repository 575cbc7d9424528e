//! How many dimensions values have: of the flat graph its inference says it, of what `decompose` wrote the operators.

use super::Net;
use crate::ir::{NodeId, Op, Type, ValueId};
use crate::pass::fold_constants::{Follows, follows};

/// Operators looked through; what a rule writes is a few deep. It bounds the recursion.
const MAX_LOOK_BACK: usize = 64;

/// Further operators, as rules write them, whose result has the dimensions of their first input.
const SAME: &[&str] = &["adaptive_avg_pool2d", "chunk", "linear", "split"];

impl Net<'_> {
    /// The number of dimensions of a tensor, if it is known.
    pub(in crate::quant) fn rank(&self, value: ValueId) -> Option<i64> {
        self.rank_at(value, &mut { MAX_LOOK_BACK })
    }

    fn rank_at(&self, value: ValueId, left: &mut usize) -> Option<i64> {
        *left = left.checked_sub(1)?;
        if let Some(rank) = self.known_rank(value) {
            return Some(rank.into());
        }
        if let Some(tensor) = self.tensor(value) {
            return Some(tensor.sizes().len() as i64);
        }
        let producer = self.graph().producer(value)?;
        let node = self.node(producer);
        let first = self.first_tensor(producer)?;
        let mut of = |value| self.rank_at(value, left);
        match self.aten(producer) {
            Some("view" | "reshape") => self.length(*node.inputs.get(1)?),
            Some("unsqueeze") => Some(of(first)? + 1),
            // Rules squeeze what they know to have one element.
            Some("squeeze") if node.inputs.len() == 2 => Some(of(first)? - 1),
            Some("select") => Some(of(first)? - 1),
            Some("flatten") => {
                let (start, end) = (self.int(node.inputs[1])?, self.int(node.inputs[2])?);
                match (start, end) {
                    (0.., -1) => Some(start + 1),
                    (0.., 0..) => Some(of(first)? - (end - start)),
                    _ => None,
                }
            }
            Some("conv2d") => Some(4),
            Some("cat") => of(first),
            Some("lstm_cell" | "gru_cell" | "rnn_tanh_cell" | "rnn_relu_cell") => Some(2),
            Some("mean" | "sum" | "amax" | "amin") => {
                let dims = self.ints(self.arg(producer, "dim")?)?;
                match self.bool(self.arg(producer, "keepdim")?)? {
                    true => of(first),
                    false => Some(of(first)? - dims.len() as i64),
                }
            }
            Some("matmul") => {
                let (a, b) = (of(first)?, of(*node.inputs.get(1)?)?);
                (a >= 2 && b >= 2).then_some(a.max(b))
            }
            Some(name) => match follows(name) {
                Some(Follows::Larger) => {
                    let second = *node.inputs.get(1)?;
                    match *self.graph().ty(second) == Type::Tensor {
                        true => Some(of(first)?.max(of(second)?)),
                        false => of(first),
                    }
                }
                Some(Follows::Same | Follows::First) => of(first),
                None => SAME.contains(&name).then(|| of(first))?,
            },
            None if matches!(node.op, Op::ListUnpack) => of(first),
            _ => None,
        }
    }

    /// The first input of a node, of a list its first item.
    fn first_tensor(&self, id: NodeId) -> Option<ValueId> {
        let first = *self.node(id).inputs.first()?;
        match self.items(first) {
            Some(items) => items.first().copied(),
            None => Some(first),
        }
    }

    /// The length of a list of ints, which need not be constant.
    fn length(&self, list: ValueId) -> Option<i64> {
        match self.ints(list) {
            Some(ints) => Some(ints.len() as i64),
            None => Some(self.items(list)?.len() as i64),
        }
    }
}
