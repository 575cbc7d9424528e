//! Which register holds which value, and until when.

use super::super::super::ffi::{Form, LAST};
use super::super::Operands;
use super::super::liveness::home;
use super::{Do, Emitter, ExecError, NO_REGISTER};
use crate::ir::entity::Entity;
use crate::ir::{BlockId, Op, Type, ValueDef, ValueId};

impl Emitter<'_, '_, '_> {
    /// Which registers are free now, and how many there are.
    pub(super) fn occupancy(&self) -> (Vec<u32>, u32) {
        (self.free.clone(), self.count)
    }

    /// Frees what a nested block took, and takes back what it freed.
    pub(super) fn restore(&mut self, before: &(Vec<u32>, u32)) {
        self.free.clone_from(&before.0);
        self.free.extend(before.1..self.count);
    }

    pub(super) fn take_register(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        })
    }

    pub(super) fn allocate(&mut self, value: ValueId) -> u32 {
        let register = self.take_register();
        self.registers[value.index()] = register;
        register
    }

    pub(super) fn release(&mut self, values: &[ValueId]) {
        for value in values {
            self.free.push(self.registers[value.index()]);
        }
    }

    pub(super) fn operand(&self, value: ValueId) -> Result<u32, ExecError> {
        if let Some(&constant) = self.constants.get(&value) {
            return Ok(constant);
        }
        match self.registers[value.index()] {
            NO_REGISTER => Err(self.malformed(&format!("{value} is used before it is defined"))),
            register => Ok(register),
        }
    }

    /// Operands of a node; the last occurrence of a dead value moves it out.
    pub(super) fn node_operands(
        &mut self,
        inputs: &[ValueId],
        dead: &[ValueId],
    ) -> Result<Operands, ExecError> {
        let mut operands = inputs
            .iter()
            .map(|&v| self.operand(v))
            .collect::<Result<Vec<_>, _>>()?;
        for value in dead {
            if let Some(last) = inputs.iter().rposition(|v| v == value) {
                operands[last] |= LAST;
            }
        }
        Ok(self.pool(&operands))
    }

    /// Operands of a block's results.
    pub(super) fn operands(
        &mut self,
        block: BlockId,
        dying: &[ValueId],
        end: u32,
        results: &[ValueId],
    ) -> Result<Operands, ExecError> {
        let mut dead: Vec<ValueId> = results
            .iter()
            .copied()
            .filter(|&v| self.registers[v.index()] != NO_REGISTER && !self.is_pinned(v))
            .filter(|&v| self.liveness.last(block, v) == Some(end))
            .filter(|&v| home(self.graph, v) == Some(block) || dying.contains(&v))
            .collect();
        dead.sort_unstable();
        dead.dedup();
        self.node_operands(results, &dead)
    }

    /// Moves a block's results into registers.
    pub(super) fn results(
        &mut self,
        block: BlockId,
        dying: &[ValueId],
        outs: &[u32],
    ) -> Result<(), ExecError> {
        let results = self.graph.block(block).returns.clone();
        if results.len() != outs.len() {
            return Err(self.malformed("a block returns a wrong number of values"));
        }
        if outs.is_empty() {
            return Ok(());
        }
        let ins = self.operands(block, dying, self.end_of(block), &results)?;
        self.push(
            Do::Form {
                form: Form::Move,
                a: 0,
                b: 0,
            },
            ins,
            outs,
            None,
        );
        Ok(())
    }

    /// A loop's trip counter must stay in its register.
    pub(super) fn is_pinned(&self, value: ValueId) -> bool {
        let ValueDef::Param { block, index: 0 } = self.graph.value(value).def else {
            return false;
        };
        let owner = self.graph.block(block).owner;
        owner.is_some_and(|node| self.graph.node(node).op == Op::Loop)
    }

    /// Drops and releases values that no one reads again.
    pub(super) fn drop_values(&mut self, values: &[ValueId]) {
        let registers: Vec<u32> = values
            .iter()
            .filter(|v| holds_memory(self.graph.ty(**v)))
            .map(|v| self.registers[v.index()])
            .collect();
        self.drop_registers(&registers);
        self.release(values);
    }

    /// Drops those of `defined` that their block never reads.
    pub(super) fn drop_unused(&mut self, block: BlockId, defined: &[ValueId]) {
        let unused: Vec<ValueId> = defined
            .iter()
            .copied()
            .filter(|&v| self.liveness.last(block, v).is_none())
            .collect();
        self.drop_values(&unused);
    }

    pub(super) fn drop_registers(&mut self, registers: &[u32]) {
        if !registers.is_empty() {
            let ins = self.pool(registers);
            self.push(Do::Drop, ins, &[], None);
        }
    }

    pub(super) fn pool(&mut self, operands: &[u32]) -> Operands {
        let start = self.plan.operands.len() as u32;
        self.plan.operands.extend_from_slice(operands);
        Operands {
            start,
            len: operands.len() as u32,
        }
    }
}

/// Whether a register with such a value is worth emptying early.
fn holds_memory(ty: &Type) -> bool {
    !matches!(
        ty,
        Type::Int | Type::Float | Type::Bool | Type::None | Type::Device | Type::Number
    )
}
