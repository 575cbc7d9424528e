//! Nodes that hold blocks or end them.

use super::super::super::ffi::{CONSTANT, Form};
use super::super::Operands;
use super::{Do, Emitter, ExecError, internal};
use crate::ir::entity::Entity;
use crate::ir::{BlockId, NodeId, Op, ValueId};

impl Emitter<'_, '_, '_> {
    pub(super) fn branch(
        &mut self,
        block: BlockId,
        id: NodeId,
        dead: &[ValueId],
        depth: usize,
    ) -> Result<(), ExecError> {
        let node = self.graph.node(id);
        let (&[condition], &[then, otherwise]) = (&node.inputs[..], &node.blocks[..]) else {
            return Err(self.malformed("`prim::If` has not one input and two blocks"));
        };
        let outs: Vec<u32> = node.outputs.iter().map(|&v| self.allocate(v)).collect();
        let ins = self.node_operands(&[condition], &[])?;
        let test = self.push(Do::JumpUnless(0), ins, &[], Some(id));
        let free = self.occupancy();
        self.body(then, dead, depth + 1)?;
        self.results(then, dead, &outs)?;
        let jump = self.push(Do::Jump(0), Operands::default(), &[], None);
        self.patch(test);
        self.restore(&free);
        self.body(otherwise, dead, depth + 1)?;
        self.results(otherwise, dead, &outs)?;
        self.patch(jump);
        self.restore(&free);
        self.release(dead);
        self.drop_unused(block, &node.outputs.clone());
        Ok(())
    }

    pub(super) fn repeat(
        &mut self,
        block: BlockId,
        id: NodeId,
        dead: &[ValueId],
        depth: usize,
    ) -> Result<(), ExecError> {
        let node = self.graph.node(id);
        let (&[max, _, ..], &[body]) = (&node.inputs[..], &node.blocks[..]) else {
            return Err(self.malformed("`prim::Loop` has not two inputs and one block"));
        };
        let params = self.graph.block(body).params.clone();
        if params.len() + 1 != node.inputs.len() || node.outputs.len() + 1 != params.len() {
            return Err(
                self.malformed("`prim::Loop` and its block carry different numbers of values")
            );
        }
        // What the body or the trip count needs must outlive the first instruction.
        let (kept, moved): (Vec<ValueId>, Vec<ValueId>) = dead
            .iter()
            .partition(|&&v| v == max || self.liveness.last(body, v).is_some());
        let initial = self.node_operands(&node.inputs[1..], &moved)?;
        let carried: Vec<u32> = std::iter::once(self.take_register())
            .chain(params[1..].iter().map(|&p| self.allocate(p)))
            .collect();
        let trip = self.allocate(params[0]);
        self.push(
            Do::Form {
                form: Form::Move,
                a: 0,
                b: 0,
            },
            initial,
            &carried,
            Some(id),
        );
        self.release(&moved);
        let max = self.operand(max)?;
        let test = self.pool(&[trip, max, carried[0]]);
        let start = self.push(Do::LoopStart(0), test, &[], Some(id));
        let first = self.plan.code.len() as u32;
        let free = self.occupancy();
        self.body(body, &[], depth + 1)?;
        self.results(body, &[], &carried)?;
        self.push(Do::LoopNext(first), test, &[], Some(id));
        self.patch(start);
        self.restore(&free);
        for (&output, &register) in node.outputs.iter().zip(&carried[1..]) {
            self.registers[output.index()] = register;
        }
        self.free.extend([trip, carried[0]]);
        self.drop_values(&kept);
        self.drop_unused(block, &node.outputs.clone());
        Ok(())
    }

    /// `fork` and `awaitable` run their body at once: results equal those of a later or parallel run.
    pub(super) fn closure(
        &mut self,
        id: NodeId,
        dead: &[ValueId],
        depth: usize,
    ) -> Result<(), ExecError> {
        let node = self.graph.node(id);
        let &[body] = &node.blocks[..] else {
            return Err(self.malformed("a closure has not one block"));
        };
        let output = self.output(id)?;
        let ty = self.type_of(output)?;
        let out = self.allocate(output);
        let free = self.occupancy();
        self.body(body, dead, depth + 1)?;
        let form = match node.op {
            Op::Fork => Form::MakeFuture,
            _ => Form::MakeAwait,
        };
        let returns = self.graph.block(body).returns.clone();
        let ins = self.operands(
            body,
            dead,
            self.end_of(body),
            &returns[..returns.len().min(1)],
        )?;
        self.push(Do::Form { form, a: ty, b: 0 }, ins, &[out], Some(id));
        self.restore(&free);
        self.release(dead);
        let block = self.graph.node(id).parent.unwrap_or(self.graph.root());
        self.drop_unused(block, &[output]);
        Ok(())
    }

    /// `with` ends: `__exit__(None, None, None)`.
    pub(super) fn exit(&mut self, id: NodeId, dead: &[ValueId]) -> Result<(), ExecError> {
        let node = self.graph.node(id);
        let Some(&manager) = node.inputs.first() else {
            return Err(self.malformed("`prim::Exit` has no input"));
        };
        let action = self.method(id, manager, "__exit__")?;
        self.context.vm.push_none().map_err(internal)?;
        let none = self.context.vm.pop_constant().map_err(internal)? as u32 | CONSTANT;
        let receiver = self.operand(manager)?;
        let ins = self.pool(&[receiver, none, none, none]);
        let slot = self.take_register();
        self.push(action, ins, &[slot], Some(id));
        self.drop_registers(&[slot]);
        self.free.push(slot);
        self.drop_values(dead);
        Ok(())
    }
}
