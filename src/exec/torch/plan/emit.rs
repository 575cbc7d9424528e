//! Graph to instructions.

mod action;
mod blocks;
mod registers;

use super::super::super::error::{ExecError, Site};
use super::super::ffi::{CONSTANT, Failure, Vm};
use super::super::types::Types;
use super::super::value::push_constant;
use super::liveness::{Liveness, home};
use super::{Do, Instr, Operands, Plan};
use crate::ir::entity::Entity;
use crate::ir::{BlockId, Constant, FuncId, Function, Graph, NodeId, Op, ValueId};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// How deep blocks may nest; deeper than any parser of source lets through.
const MAX_BLOCK_DEPTH: usize = 256;

const NO_REGISTER: u32 = u32::MAX;

/// What compiling shares with the rest of an engine.
pub(in super::super) struct Context<'c, 'm> {
    pub vm: &'c mut Vm,
    pub types: &'c mut Types<'m>,
    /// Resolved operators by name and overload.
    pub operators: &'c mut FxHashMap<(SmolStr, SmolStr), i32>,
    /// Operands of `constants.pkl`.
    pub table: &'c [u32],
}

/// Compiles a function.
pub(in super::super) fn compile(context: Context<'_, '_>, func: FuncId) -> Result<Plan, ExecError> {
    let program = context.types.program;
    let function = &program.functions[func];
    let graph = &function.graph;
    let mut emitter = Emitter {
        liveness: Liveness::of(graph),
        registers: vec![NO_REGISTER; graph.value_count()],
        constants: FxHashMap::default(),
        free: Vec::new(),
        count: 0,
        plan: Plan {
            func,
            registers: 0,
            code: Vec::new(),
            operands: Vec::new(),
        },
        context,
        function,
        graph,
    };
    emitter.function()?;
    emitter.plan.registers = emitter.count.max(1);
    Ok(emitter.plan)
}

struct Emitter<'c, 'm, 'f> {
    context: Context<'c, 'm>,
    function: &'f Function,
    graph: &'f Graph,
    liveness: Liveness,
    registers: Vec<u32>,
    constants: FxHashMap<ValueId, u32>,
    free: Vec<u32>,
    count: u32,
    plan: Plan,
}

impl Emitter<'_, '_, '_> {
    fn function(&mut self) -> Result<(), ExecError> {
        let root = self.graph.root();
        for &param in &self.graph.block(root).params {
            self.allocate(param);
        }
        self.drop_unused(root, &self.graph.block(root).params.clone());
        self.body(root, &[], 0)?;
        let returns = self.graph.block(root).returns.clone();
        let Some(&result) = returns.first() else {
            return Err(self.malformed("a function returns nothing"));
        };
        let end = self.end_of(root);
        let ins = self.operands(root, &[], end, &[result])?;
        self.push(Do::Return, ins, &[], None);
        Ok(())
    }

    /// The nodes of a block; `dying` are values from around it that nothing uses after it.
    fn body(&mut self, block: BlockId, dying: &[ValueId], depth: usize) -> Result<(), ExecError> {
        if depth == MAX_BLOCK_DEPTH {
            return Err(self.malformed(&format!("blocks nest deeper than {MAX_BLOCK_DEPTH}")));
        }
        let unused: Vec<_> = dying
            .iter()
            .copied()
            .filter(|&v| self.liveness.last(block, v).is_none())
            .collect();
        self.drop_values(&unused);
        let uses = self.liveness.of_block(block);
        let mut next = 0;
        for (position, &node) in self.graph.block(block).nodes.iter().enumerate() {
            let mut dead = Vec::new();
            while let Some(&(at, value)) = uses.get(next).filter(|u| u.0 <= position as u32) {
                debug_assert_eq!(at, position as u32);
                if home(self.graph, value) == Some(block) || dying.contains(&value) {
                    dead.push(value);
                }
                next += 1;
            }
            dead.retain(|&v| self.registers[v.index()] != NO_REGISTER && !self.is_pinned(v));
            self.node(block, node, &dead, depth)?;
        }
        Ok(())
    }

    fn node(
        &mut self,
        block: BlockId,
        id: NodeId,
        dead: &[ValueId],
        depth: usize,
    ) -> Result<(), ExecError> {
        let node = self.graph.node(id);
        match &node.op {
            Op::Constant(constant) => {
                let output = self.output(id)?;
                self.constant(output, constant)
            }
            Op::If => self.branch(block, id, dead, depth),
            Op::Loop => self.repeat(block, id, dead, depth),
            Op::Fork | Op::Awaitable => self.closure(id, dead, depth),
            Op::Exit => self.exit(id, dead),
            _ => {
                let action = self.action(id)?;
                self.simple(block, id, action, dead)
            }
        }
    }

    /// An instruction that reads its inputs, then writes its outputs.
    fn simple(
        &mut self,
        block: BlockId,
        id: NodeId,
        action: Do,
        dead: &[ValueId],
    ) -> Result<(), ExecError> {
        let node = self.graph.node(id);
        let ins = self.node_operands(&node.inputs, dead)?;
        self.release(dead);
        let outs: Vec<u32> = node.outputs.iter().map(|&v| self.allocate(v)).collect();
        // Operators without results and calls of functions still hand over a value.
        let needs_slot = matches!(
            action,
            Do::Call { .. } | Do::CallInterface { .. } | Do::Native(_)
        );
        if outs.is_empty() && needs_slot {
            let slot = self.take_register();
            self.push(action, ins, &[slot], Some(id));
            self.drop_registers(&[slot]);
            self.free.push(slot);
            return Ok(());
        }
        self.push(action, ins, &outs, Some(id));
        self.drop_unused(block, &node.outputs.clone());
        Ok(())
    }

    fn constant(&mut self, value: ValueId, constant: &Constant) -> Result<(), ExecError> {
        let operand = match constant {
            Constant::Table(index) => match self.context.table.get(*index as usize) {
                Some(&operand) => operand,
                None => return Err(self.malformed(&format!("no constant `c{index}`"))),
            },
            _ => {
                let Context { vm, types, .. } = &mut self.context;
                push_constant(vm, types, constant, self.graph.ty(value))?;
                vm.pop_constant().map_err(internal)? as u32 | CONSTANT
            }
        };
        self.constants.insert(value, operand);
        Ok(())
    }

    fn push(&mut self, action: Do, ins: Operands, outs: &[u32], node: Option<NodeId>) -> usize {
        let outs = self.pool(outs);
        self.plan.code.push(Instr {
            action,
            ins,
            outs,
            node,
        });
        self.plan.code.len() - 1
    }

    /// Lets a forward jump lead to the next instruction.
    fn patch(&mut self, instr: usize) {
        let here = self.plan.code.len() as u32;
        if let Do::Jump(to) | Do::JumpUnless(to) | Do::LoopStart(to) =
            &mut self.plan.code[instr].action
        {
            *to = here;
        }
    }

    fn end_of(&self, block: BlockId) -> u32 {
        self.graph.block(block).nodes.len() as u32
    }

    fn first_input(&self, id: NodeId) -> Result<ValueId, ExecError> {
        let first = self.graph.node(id).inputs.first().copied();
        first.ok_or_else(|| {
            self.malformed(&format!("`{}` has no input", self.graph.node(id).op.kind()))
        })
    }

    fn output(&self, id: NodeId) -> Result<ValueId, ExecError> {
        let first = self.graph.node(id).outputs.first().copied();
        first.ok_or_else(|| {
            self.malformed(&format!(
                "`{}` has no output",
                self.graph.node(id).op.kind()
            ))
        })
    }

    fn type_of(&mut self, value: ValueId) -> Result<i32, ExecError> {
        self.context.types.id(self.context.vm, self.graph.ty(value))
    }

    fn output_type(&mut self, id: NodeId) -> Result<i32, ExecError> {
        let output = self.output(id)?;
        self.type_of(output)
    }

    fn site(&self, id: NodeId) -> Site {
        let node = self.graph.node(id);
        Site {
            op: node.op.kind().into(),
            scope: node.scope.clone(),
            function: self.function.name.clone(),
            func: self.plan.func,
            node: id,
            span: node.span,
            location: None,
        }
    }

    fn malformed(&self, what: &str) -> ExecError {
        ExecError::Malformed(format!("{what}, in `{}`", self.function.name))
    }
}

fn internal(failure: Failure) -> ExecError {
    ExecError::Internal(failure.message)
}
