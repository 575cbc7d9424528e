//! Long expressions get lines of their own (`torchscript.md` 4.4).
//!
//! When an inlined expression is moved to a statement before its user, everything inlined that is evaluated before it
//! must move too, in order.

use super::RaiseError;
use super::body::Body;
use crate::ir::{BlockId, NodeId, Op, Use, ValueId};

/// Who uses a value: a node, or the end of a block.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum User {
    Node(NodeId),
    Return(BlockId),
}

impl Body<'_> {
    /// Defines a long inlined value, and all inlined values before it in the statement being collected.
    pub(super) fn split(&mut self, value: ValueId) -> Result<(), RaiseError> {
        let mut reversed = Vec::new();
        let (mut user, mut offset) = match self.uses[value].first() {
            Some(&only) => position(only),
            None => return Ok(()),
        };
        loop {
            let scanned = self.visited.get(&user).copied();
            let inputs = self.user_inputs(user);
            let from = scanned.map_or(0, |last| last + 1);
            for index in (from..=offset).rev() {
                let input = inputs[index as usize];
                if self.is_inlined_expression(input) {
                    reversed.push(input);
                }
            }
            self.visited.insert(user, offset);
            let User::Node(node) = user else { break };
            if scanned.is_some() || !self.inlined[node] {
                break;
            }
            let output = self.graph.node(node).outputs[0];
            let Some(&only) = self.uses[output].first() else {
                break;
            };
            // The use itself is still being written and stays.
            let (outer, at) = position(only);
            (user, offset) = (outer, at - 1);
        }
        for value in reversed.into_iter().rev() {
            let expr = self.use_of(value)?;
            if let Some(node) = self.graph.producer(value) {
                self.define(node, expr);
            }
        }
        Ok(())
    }

    fn user_inputs(&self, user: User) -> &[ValueId] {
        match user {
            User::Node(node) => &self.graph.node(node).inputs,
            User::Return(block) => &self.graph.block(block).returns,
        }
    }

    fn is_inlined_expression(&self, value: ValueId) -> bool {
        self.graph.producer(value).is_some_and(|node| {
            self.inlined[node] && !matches!(self.graph.node(node).op, Op::Constant(_))
        })
    }
}

fn position(only: Use) -> (User, i64) {
    match only {
        Use::Input { node, index } => (User::Node(node), i64::from(index)),
        Use::Return { block, index } => (User::Return(block), i64::from(index)),
    }
}
