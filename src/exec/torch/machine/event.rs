//! Where the machine stands, as events.

use super::super::super::error::ExecError;
use super::super::super::tap::{Event, Keep, Kept};
use super::super::ffi::{RawValue, Vm};
use super::{Frame, Machine, RETURNING, Stop, join};
use crate::ir::{Node, NodeId};
use smol_str::SmolStr;

/// What an event borrows besides the machine.
pub(in super::super) struct Place<'a> {
    scope: SmolStr,
    value: &'a RawValue,
    vm: &'a Vm,
}

impl Machine<'_> {
    fn frame(&self) -> Result<&Frame, ExecError> {
        let none = || ExecError::Internal("no call is under way".into());
        self.frames.last().ok_or_else(none)
    }

    /// How many values the last instruction produced.
    pub(in super::super) fn produced(&self) -> usize {
        let instr = self.frame().ok().and_then(|f| {
            let at = (f.next & !RETURNING).checked_sub(1)?;
            f.plan.code.get(at as usize)
        });
        instr.map_or(0, |i| i.outs.len as usize)
    }

    /// What output `index` of the last instruction needs to become an event.
    pub(in super::super) fn place(&self, stop: Stop, index: usize) -> Result<Place<'_>, ExecError> {
        let frame = self.frame()?;
        let scope = &self.scopes[frame.scope as usize];
        let (operand, scope) = match stop {
            Stop::Returning(operand) => (operand, scope.clone()),
            _ => {
                let node = self.node(frame)?.1;
                let instr = &frame.plan.code[frame.next as usize - 1];
                (
                    frame.plan.slice(instr.outs)[index],
                    join(scope, &node.scope),
                )
            }
        };
        let value = self.vm.value(operand);
        Ok(Place {
            scope,
            value: value.map_err(|f| ExecError::Internal(f.message))?,
            vm: &self.vm,
        })
    }

    /// The event of a place.
    pub(in super::super) fn event<'a>(
        &'a self,
        stop: Stop,
        index: usize,
        place: &'a Place<'a>,
    ) -> Result<Event<'a>, ExecError> {
        let frame = self.frame()?;
        let function = &self.program().functions[frame.plan.func];
        let graph = &function.graph;
        let (id, kind, name, span) = match stop {
            Stop::Returning(_) => {
                let result = graph.block(graph.root()).returns.first();
                let producer = result.and_then(|&v| graph.producer(v));
                let name = result.and_then(|&v| graph.value(v).name.as_deref());
                let id = producer.unwrap_or(crate::ir::entity::Entity::new(0));
                (id, "prim::Return", name, function.span)
            }
            _ => {
                let (id, node) = self.node(frame)?;
                let output = node.outputs.get(index);
                let name = output.and_then(|&v| graph.value(v).name.as_deref());
                (id, node.op.kind(), name, node.span)
            }
        };
        Ok(Event {
            scope: &place.scope,
            function: &function.name,
            func: frame.plan.func,
            node: id,
            kind,
            output: index,
            name,
            span,
            value: place.value.view(),
            keeper: place,
        })
    }

    /// The node of the last instruction.
    fn node(&self, frame: &Frame) -> Result<(NodeId, &Node), ExecError> {
        let instr = (frame.next as usize)
            .checked_sub(1)
            .and_then(|at| frame.plan.code.get(at));
        let id = instr.and_then(|i| i.node);
        let id = id.ok_or_else(|| ExecError::Internal("a value without a node".into()))?;
        let graph = &self.program().functions[frame.plan.func].graph;
        Ok((id, graph.node(id)))
    }
}

impl Keep for Place<'_> {
    fn keep(&self) -> Result<Kept, ExecError> {
        let kept = self.vm.keep(self.value);
        let kept = kept.map_err(|f| ExecError::Internal(f.message))?;
        Ok(Kept::new(Box::new(kept)))
    }
}
