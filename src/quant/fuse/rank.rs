//! How many dimensions values have: of the flat graph its inference says it, of what `decompose` wrote the operators.

use super::Net;
use crate::ir::{Op, ValueId};

/// Operators looked through; what a rule writes is a few deep.
const MAX_LOOK_BACK: usize = 32;

/// Operators whose result has the dimensions of their first input.
const SAME: &[&str] = &[
    "adaptive_avg_pool2d",
    "chunk",
    "clamp",
    "div",
    "exp",
    "linear",
    "log",
    "mul",
    "neg",
    "permute",
    "reciprocal",
    "relu",
    "rsqrt",
    "sigmoid",
    "slice",
    "softmax",
    "split",
    "sqrt",
    "transpose",
];

impl Net<'_> {
    /// The number of dimensions of a tensor, if it is known.
    pub(in crate::quant) fn rank(&self, value: ValueId) -> Option<i64> {
        let (mut at, mut more) = (value, 0);
        for _ in 0..MAX_LOOK_BACK {
            if let Some(rank) = self.known_rank(at) {
                return Some(i64::from(rank) + more);
            }
            let node = self.node(self.graph().producer(at)?);
            match self.aten(self.graph().producer(at)?) {
                Some("view" | "reshape") => return Some(self.length(node.inputs[1])? + more),
                Some("unsqueeze") => more += 1,
                Some("select") => more -= 1,
                Some(name) if SAME.contains(&name) => {}
                None if matches!(node.op, Op::ListUnpack) => {}
                _ => return None,
            }
            at = *node.inputs.first()?;
        }
        None
    }

    /// The length of a list of ints, which need not be constant.
    fn length(&self, list: ValueId) -> Option<i64> {
        if let Some(ints) = self.ints(list) {
            return Some(ints.len() as i64);
        }
        let node = self.node(self.graph().producer(list)?);
        matches!(node.op, Op::ListConstruct).then_some(node.inputs.len() as i64)
    }
}
