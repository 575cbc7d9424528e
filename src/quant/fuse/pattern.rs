//! Convolution or linear with the batch norm, add and relu after it, in the orders of horizon.md 8.1.

use super::batch_norm::fold;
use super::{Conv, FloatOp, Linear, Net};
use crate::ir::{NodeId, Op, ValueId};
use rustc_hash::{FxHashMap, FxHashSet};

/// Operators looked through when asking whether a value has been pooled to one pixel.
const MAX_LOOK_BACK: usize = 32;

/// What a group starts with, the batch norm folded in.
#[derive(Clone, Debug)]
pub(in crate::quant) enum Head {
    /// A convolution.
    Conv(Conv),
    /// A linear.
    Linear(Linear),
}

/// What a group ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quant) enum Act {
    /// Nothing.
    None,
    /// `relu`
    Relu,
    /// `relu6`
    Relu6,
}

/// Nodes that become one module.
#[derive(Clone, Debug)]
pub(in crate::quant) struct Group {
    /// Convolution or linear.
    pub(in crate::quant) head: Head,
    /// The nodes in order, head first.
    pub(in crate::quant) members: Vec<NodeId>,
    /// The add and what is added.
    pub(in crate::quant) add: Option<(NodeId, ValueId)>,
    /// What comes last.
    pub(in crate::quant) act: Act,
    /// Whether there was a batch norm.
    pub(in crate::quant) folded: bool,
}

impl Group {
    /// The node whose result the group's is.
    pub(in crate::quant) fn last(&self) -> NodeId {
        self.members[self.members.len() - 1]
    }
}

/// Every convolution and linear with what follows it. Earlier heads take an add first.
pub(in crate::quant) fn groups(net: &Net<'_>, ops: &FxHashMap<NodeId, FloatOp>) -> Vec<Group> {
    let mut taken = FxHashSet::default();
    let mut found = Vec::new();
    for id in net.nodes() {
        let head = match ops.get(&id) {
            Some(FloatOp::Conv(conv)) => Head::Conv(conv.clone()),
            Some(FloatOp::Linear(linear)) => Head::Linear(linear.clone()),
            _ => continue,
        };
        let mut group = Group {
            head,
            members: vec![id],
            add: None,
            act: Act::None,
            folded: false,
        };
        extend(net, ops, &taken, &mut group);
        taken.extend(group.members.iter().copied());
        found.push(group);
    }
    found
}

fn extend(
    net: &Net<'_>,
    ops: &FxHashMap<NodeId, FloatOp>,
    taken: &FxHashSet<NodeId>,
    group: &mut Group,
) {
    loop {
        let last = group.last();
        let [result] = net.node(last).outputs[..] else {
            return;
        };
        let Some(next) = net.only_user(result).filter(|it| !taken.contains(it)) else {
            return;
        };
        match ops.get(&next) {
            Some(FloatOp::BatchNorm(norm)) if group.members.len() == 1 => {
                let Some(head) = folded(&group.head, norm) else {
                    return;
                };
                group.head = head;
                group.folded = true;
            }
            Some(FloatOp::Binary {
                name: "add",
                inputs,
            }) if group.add.is_none() => {
                let other = if inputs[0] == result {
                    inputs[1]
                } else {
                    inputs[0]
                };
                if other == result || !is_element_wise(net, ops, other) {
                    return;
                }
                group.add = Some((next, other));
            }
            Some(FloatOp::Relu(_)) => group.act = Act::Relu,
            Some(FloatOp::Relu6(_)) => group.act = Act::Relu6,
            _ => return,
        }
        group.members.push(next);
        if group.act != Act::None {
            return;
        }
    }
}

/// The head with a batch norm in it.
fn folded(head: &Head, norm: &super::Norm) -> Option<Head> {
    match head {
        Head::Conv(conv) => {
            let axis = conv.kind.out_axis();
            let bias = conv.bias.as_ref();
            let (weight, bias) = fold(&conv.weight, bias, norm, axis, conv.groups)?;
            Some(Head::Conv(Conv {
                weight,
                bias: Some(bias),
                ..conv.clone()
            }))
        }
        // The channels of a batch norm are dimension 1, those of a linear its last.
        Head::Linear(linear) if linear.rank.is_none_or(|it| it == 2) => {
            let (weight, bias) = fold(&linear.weight, linear.bias.as_ref(), norm, 0, 1)?;
            Some(Head::Linear(Linear {
                weight,
                bias: Some(bias),
                ..linear.clone()
            }))
        }
        Head::Linear(_) => None,
    }
}

/// Whether an operand of an add may be the element-wise input of a convolution: as large as its result. Constants and
/// what was pooled to one pixel are added by broadcasting, which the hardware's sum input does not do.
fn is_element_wise(net: &Net<'_>, ops: &FxHashMap<NodeId, FloatOp>, value: ValueId) -> bool {
    net.is_live(value) && net.tensor(value).is_none() && !is_pooled(net, ops, value)
}

fn is_pooled(net: &Net<'_>, ops: &FxHashMap<NodeId, FloatOp>, value: ValueId) -> bool {
    let mut at = value;
    for _ in 0..MAX_LOOK_BACK {
        let Some(producer) = net.graph().producer(at) else {
            return false;
        };
        at = match ops.get(&producer) {
            Some(FloatOp::AdaptiveAvgPool { output_size, .. }) => return *output_size == [1, 1],
            Some(FloatOp::Reduce { keepdim, .. }) => return *keepdim,
            Some(FloatOp::Conv(conv)) => conv.input,
            Some(FloatOp::BatchNorm(norm)) => norm.input,
            Some(FloatOp::Lut { input, .. } | FloatOp::Scalar { input, .. }) => *input,
            Some(FloatOp::Relu(input) | FloatOp::Relu6(input)) => *input,
            Some(FloatOp::Move(input)) => *input,
            _ if matches!(net.node(producer).op, Op::ListUnpack) => net.node(producer).inputs[0],
            _ => return false,
        };
    }
    false
}

impl Head {
    /// The tensor that is convolved.
    pub(in crate::quant) fn input(&self) -> ValueId {
        match self {
            Head::Conv(conv) => conv.input,
            Head::Linear(linear) => linear.input,
        }
    }
}
