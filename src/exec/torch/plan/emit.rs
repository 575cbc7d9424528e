//! Graph to instructions.

use super::super::super::error::{ExecError, Site};
use super::super::ffi::{CONSTANT, Failure, Form, LAST, Vm};
use super::super::types::Types;
use super::super::value::push_constant;
use super::liveness::{Liveness, home};
use super::{Do, Instr, Operands, Plan};
use crate::ir::entity::Entity;
use crate::ir::{
    BlockId, ClassKind, Constant, FuncId, Function, Graph, NodeId, Op, Type, ValueDef, ValueId,
};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

/// How deep blocks may nest; deeper than any parser of source lets through.
const MAX_BLOCK_DEPTH: usize = 256;

/// How long a chain of attributes is followed to name a module.
const MAX_PATH: usize = 64;

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

    fn branch(
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

    fn repeat(
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
    fn closure(&mut self, id: NodeId, dead: &[ValueId], depth: usize) -> Result<(), ExecError> {
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
    fn exit(&mut self, id: NodeId, dead: &[ValueId]) -> Result<(), ExecError> {
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

    fn action(&mut self, id: NodeId) -> Result<Do, ExecError> {
        let node = self.graph.node(id);
        let form = |form| Do::Form { form, a: 0, b: 0 };
        let slot = |form, a| Do::Form { form, a, b: 0 };
        Ok(match &node.op {
            Op::ListConstruct => slot(Form::ListConstruct, self.output_type(id)?),
            Op::TupleConstruct => slot(Form::TupleConstruct, self.output_type(id)?),
            Op::DictConstruct => slot(Form::DictConstruct, self.output_type(id)?),
            Op::ListUnpack => form(Form::ListUnpack),
            Op::TupleUnpack => form(Form::TupleUnpack),
            Op::TupleIndex => self.operator("prim::TupleIndex", ""),
            Op::TupleSlice { begin, end } => Do::Form {
                form: Form::TupleSlice,
                a: clamp(*begin),
                b: clamp(*end),
            },
            Op::GetAttr(name) => slot(Form::GetAttr, self.slot(id, name)?),
            Op::SetAttr(name) => slot(Form::SetAttr, self.slot(id, name)?),
            Op::CreateObject => slot(Form::CreateObject, self.output_type(id)?),
            Op::UncheckedCast => form(Form::Move),
            Op::Uninitialized => form(Form::Uninitialized),
            Op::ToList => Do::ToList(self.output_type(id)?),
            Op::EnumName => form(Form::EnumName),
            Op::EnumValue => form(Form::EnumValue),
            Op::Print => Do::Print,
            Op::IsInstance(types) => {
                let ids = types
                    .iter()
                    .map(|ty| self.context.types.id(self.context.vm, ty))
                    .collect::<Result<_, _>>()?;
                Do::IsInstance(ids)
            }
            Op::Enter => self.method(id, self.first_input(id)?, "__enter__")?,
            Op::CallMethod(name) => self.method(id, self.first_input(id)?, name)?,
            Op::CallFunction(name) => {
                let callee = self.context.types.program.function_by_name.get(name);
                let callee =
                    *callee.ok_or_else(|| self.malformed(&format!("no function `{name}`")))?;
                Do::Call { callee, path: None }
            }
            Op::Operator(schema) => match schema.name() {
                "aten::wait" | "prim::awaitable_wait" => form(Form::Wait),
                "aten::warn" => Do::Warn,
                "prim::RaiseException" => Do::Raise,
                "aten::device" if schema.overload() == "with_index" => form(Form::DeviceWithIndex),
                name => self.operator(name, schema.overload()),
            },
            Op::Opaque(op) => Do::Missing(op.name.clone()),
            other => return Err(self.malformed(&format!("`{}` in a wrong place", other.kind()))),
        })
    }

    fn method(&mut self, id: NodeId, receiver: ValueId, name: &str) -> Result<Do, ExecError> {
        let Type::Class(class) = self.graph.ty(receiver) else {
            return Err(self.malformed(&format!(
                "method `{name}` of a `{}`",
                self.graph.ty(receiver)
            )));
        };
        let path = self.path(receiver);
        let program = self.context.types.program;
        match program.class(class).map(|c| (&c.kind, c.method(name))) {
            Some((ClassKind::Interface | ClassKind::ModuleInterface, _)) => Ok(Do::CallInterface {
                method: name.into(),
                path,
            }),
            Some((ClassKind::Native, _)) | None => {
                let ty = self
                    .context
                    .types
                    .id(self.context.vm, self.graph.ty(receiver))?;
                let found = self.context.vm.find_method(ty, name);
                found.map(Do::Native).map_err(|f| ExecError::Operator {
                    site: Box::new(self.site(id)),
                    message: f.message,
                })
            }
            Some((_, Some(callee))) => Ok(Do::Call { callee, path }),
            Some((_, None)) => {
                Err(self.malformed(&format!("class `{class}` has no method `{name}`")))
            }
        }
    }

    /// The module path of a value from the function's own `self`, when it is a chain of attributes.
    fn path(&self, mut value: ValueId) -> Option<SmolStr> {
        let own = self.graph.block(self.graph.root()).params.first();
        let mut names = Vec::new();
        for _ in 0..MAX_PATH {
            if Some(&value) == own {
                names.reverse();
                return Some(names.join(".").into());
            }
            let ValueDef::Output { node, .. } = self.graph.value(value).def else {
                return None;
            };
            let node = self.graph.node(node);
            match &node.op {
                Op::GetAttr(name) => names.push(name.as_str()),
                Op::UncheckedCast => {}
                _ => return None,
            }
            value = *node.inputs.first()?;
        }
        None
    }

    fn slot(&self, id: NodeId, name: &str) -> Result<i32, ExecError> {
        let object = self.first_input(id)?;
        let class = self.graph.ty(object).class_name();
        let slot = class
            .and_then(|class| self.context.types.program.class(class))
            .and_then(|class| class.attributes.iter().position(|a| a.name == name));
        match slot {
            Some(slot) => Ok(slot as i32),
            None => Err(self.malformed(&format!(
                "`{}` has no attribute `{name}`",
                self.graph.ty(object)
            ))),
        }
    }

    fn operator(&mut self, name: &str, overload: &str) -> Do {
        let key = (SmolStr::from(name), SmolStr::from(overload));
        if let Some(&op) = self.context.operators.get(&key) {
            return Do::Operator(op);
        }
        match self.context.vm.find_operator(name, overload) {
            Ok(op) => {
                self.context.operators.insert(key, op);
                Do::Operator(op)
            }
            Err(_) if overload.is_empty() => Do::Missing(name.into()),
            Err(_) => Do::Missing(format_smolstr!("{name}.{overload}")),
        }
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

    // Registers and operands.

    /// Which registers are free now, and how many there are.
    fn occupancy(&self) -> (Vec<u32>, u32) {
        (self.free.clone(), self.count)
    }

    /// Frees what a nested block took, and takes back what it freed.
    fn restore(&mut self, before: &(Vec<u32>, u32)) {
        self.free.clone_from(&before.0);
        self.free.extend(before.1..self.count);
    }

    fn take_register(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        })
    }

    fn allocate(&mut self, value: ValueId) -> u32 {
        let register = self.take_register();
        self.registers[value.index()] = register;
        register
    }

    fn release(&mut self, values: &[ValueId]) {
        for value in values {
            self.free.push(self.registers[value.index()]);
        }
    }

    fn operand(&self, value: ValueId) -> Result<u32, ExecError> {
        if let Some(&constant) = self.constants.get(&value) {
            return Ok(constant);
        }
        match self.registers[value.index()] {
            NO_REGISTER => Err(self.malformed(&format!("{value} is used before it is defined"))),
            register => Ok(register),
        }
    }

    /// Operands of a node; the last occurrence of a dead value moves it out.
    fn node_operands(
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
    fn operands(
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
    fn results(
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
    fn is_pinned(&self, value: ValueId) -> bool {
        let ValueDef::Param { block, index: 0 } = self.graph.value(value).def else {
            return false;
        };
        let owner = self.graph.block(block).owner;
        owner.is_some_and(|node| self.graph.node(node).op == Op::Loop)
    }

    /// Drops and releases values that no one reads again.
    fn drop_values(&mut self, values: &[ValueId]) {
        let registers: Vec<u32> = values
            .iter()
            .filter(|v| holds_memory(self.graph.ty(**v)))
            .map(|v| self.registers[v.index()])
            .collect();
        self.drop_registers(&registers);
        self.release(values);
    }

    /// Drops those of `defined` that their block never reads.
    fn drop_unused(&mut self, block: BlockId, defined: &[ValueId]) {
        let unused: Vec<ValueId> = defined
            .iter()
            .copied()
            .filter(|&v| self.liveness.last(block, v).is_none())
            .collect();
        self.drop_values(&unused);
    }

    fn drop_registers(&mut self, registers: &[u32]) {
        if !registers.is_empty() {
            let ins = self.pool(registers);
            self.push(Do::Drop, ins, &[], None);
        }
    }

    fn pool(&mut self, operands: &[u32]) -> Operands {
        let start = self.plan.operands.len() as u32;
        self.plan.operands.extend_from_slice(operands);
        Operands {
            start,
            len: operands.len() as u32,
        }
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

    // Looking at nodes.

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

/// Whether a register with such a value is worth emptying early.
fn holds_memory(ty: &Type) -> bool {
    !matches!(
        ty,
        Type::Int | Type::Float | Type::Bool | Type::None | Type::Device | Type::Number
    )
}

fn clamp(index: i64) -> i32 {
    index.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}
