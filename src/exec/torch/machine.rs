//! The interpreter: explicit frames over compiled plans, one crossing into libtorch per node, no recursion.

mod event;

pub(super) use event::Place;

use super::super::error::{ExecError, Site};
use super::super::value::ValueRef;
use super::ffi::{self, CONSTANT, Failure, Form, Vm};
use super::plan::{self, Context, Do, Instr, Plan};
use super::types::Types;
use crate::ir::{FuncId, Program};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use std::rc::Rc;

/// How deep calls may nest: TorchScript forbids recursion, so only a broken file or interface cycle gets here.
const MAX_CALL_DEPTH: usize = 1000;

/// What a model says while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// `print(…)`, with its newline.
    Printed(String),
    /// `warnings.warn(…)`
    Warned(String),
}

/// Receives what a model prints.
pub type Sink = Box<dyn FnMut(Message)>;

/// Where the machine stands.
pub(super) struct Frame {
    pub plan: Rc<Plan>,
    pub next: u32,
    pub scope: u32,
    step: u32,
    out: u32,
}

/// Why [`Machine::advance`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The last instruction produced values.
    Produced,
    /// A call is about to return the value in this operand.
    Returning(u32),
    /// The outermost function returned; its result is in register 0.
    Done,
}

/// Runs one program in one Vm.
pub(super) struct Machine<'m> {
    pub vm: Vm,
    pub types: Types<'m>,
    pub table: Vec<u32>,
    pub sink: Option<Sink>,
    /// Instructions left before a load gives up; `None` is no limit.
    pub budget: Option<u64>,
    pub grad: bool,
    operators: FxHashMap<(SmolStr, SmolStr), i32>,
    plans: FxHashMap<FuncId, Rc<Plan>>,
    frames: Vec<Frame>,
    scopes: Vec<SmolStr>,
    callees: FxHashMap<(u32, FuncId, u32), u32>,
}

impl<'m> Machine<'m> {
    pub(super) fn new(program: &'m Program) -> Result<Machine<'m>, ExecError> {
        let vm = Vm::new().map_err(|f| ExecError::Internal(f.message))?;
        Ok(Machine {
            vm,
            types: Types::new(program),
            table: Vec::new(),
            sink: None,
            budget: None,
            grad: false,
            operators: FxHashMap::default(),
            plans: FxHashMap::default(),
            frames: Vec::new(),
            scopes: vec![SmolStr::default()],
            callees: FxHashMap::default(),
        })
    }

    pub(super) fn program(&self) -> &'m Program {
        self.types.program
    }

    /// The compiled function.
    pub(super) fn plan(&mut self, func: FuncId) -> Result<Rc<Plan>, ExecError> {
        if let Some(plan) = self.plans.get(&func) {
            return Ok(plan.clone());
        }
        let context = Context {
            vm: &mut self.vm,
            types: &mut self.types,
            operators: &mut self.operators,
            table: &self.table,
        };
        let plan = Rc::new(plan::compile(context, func)?);
        self.plans.insert(func, plan.clone());
        Ok(plan)
    }

    /// Compiles every function that `func` surely can reach; operators that libtorch lacks.
    pub(super) fn prepare(&mut self, func: FuncId) -> Result<Vec<SmolStr>, ExecError> {
        let mut queue = vec![func];
        let mut missing = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        while let Some(func) = queue.pop() {
            if !seen.insert(func) {
                continue;
            }
            let plan = self.plan(func)?;
            for instr in &plan.code {
                match &instr.action {
                    Do::Call { callee, .. } => queue.push(*callee),
                    Do::Missing(name) if !missing.contains(name) => missing.push(name.clone()),
                    _ => {}
                }
            }
        }
        Ok(missing)
    }

    /// Starts a call of `func` with the values in `operands`, forgetting any call under way.
    pub(super) fn begin(&mut self, func: FuncId, operands: &[u32]) -> Result<(), ExecError> {
        self.vm.reset();
        self.frames.clear();
        let plan = self.plan(func)?;
        self.vm
            .enter(0, plan.registers, operands)
            .map_err(|f| ExecError::Internal(f.message))?;
        self.frames.push(Frame {
            plan,
            next: 0,
            scope: 0,
            step: 0,
            out: 0,
        });
        Ok(())
    }

    /// As [`Machine::begin`] with `operands` and the top `pushed` values of the build stack.
    pub(super) fn begin_with(
        &mut self,
        func: FuncId,
        operands: &[u32],
        pushed: usize,
    ) -> Result<(), ExecError> {
        let plan = self.plan(func)?;
        let first = operands.len() as u32;
        let internal = |f: Failure| ExecError::Internal(f.message);
        self.frames.clear();
        self.vm
            .enter(0, plan.registers, operands)
            .map_err(internal)?;
        for register in (first..first + pushed as u32).rev() {
            self.vm.pop_register(register).map_err(internal)?;
        }
        self.frames.push(Frame {
            plan,
            next: 0,
            scope: 0,
            step: 0,
            out: 0,
        });
        Ok(())
    }

    /// Runs to the end without stopping.
    pub(super) fn finish(&mut self) -> Result<(), ExecError> {
        self.guarded(|machine| {
            while machine.run::<false>()? != Stop::Done {}
            Ok(())
        })
    }

    /// Runs to the next produced value or return.
    pub(super) fn advance(&mut self) -> Result<Stop, ExecError> {
        self.guarded(Machine::run::<true>)
    }

    /// Runs under this machine's own gradient mode.
    fn guarded<R>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<R, ExecError>,
    ) -> Result<R, ExecError> {
        let before = ffi::grad_mode(self.grad);
        let result = run(self);
        self.grad = ffi::grad_mode(before);
        if result.is_err() {
            self.frames.clear();
            self.vm.reset();
        }
        result
    }

    fn run<const STOPS: bool>(&mut self) -> Result<Stop, ExecError> {
        'frames: loop {
            let Some(frame) = self.frames.last_mut() else {
                return Ok(Stop::Done);
            };
            let plan = frame.plan.clone();
            let mut next = (frame.next & !RETURNING) as usize;
            loop {
                let Some(instr) = plan.code.get(next) else {
                    return Err(ExecError::Internal("ran past the end of a plan".into()));
                };
                next += 1;
                let ins = plan.slice(instr.ins);
                let outs = plan.slice(instr.outs);
                let done = match &instr.action {
                    Do::Operator(op) | Do::Native(op) => self.vm.call(*op, ins, outs),
                    Do::Form { form, a, b } => self.vm.form(*form, *a, *b, ins, outs),
                    Do::ToList(ty) => self.vm.form(Form::ToList, *ty, 0, ins, outs),
                    Do::IsInstance(types) => self.vm.is_instance(ins[0], types, outs[0]),
                    Do::Drop => {
                        self.vm.drop_registers(ins);
                        Ok(())
                    }
                    Do::Jump(to) => {
                        next = *to as usize;
                        Ok(())
                    }
                    Do::JumpUnless(to) => self.vm.test(ins[0]).map(|holds| {
                        if holds == 0 {
                            next = *to as usize;
                        }
                    }),
                    Do::LoopStart(end) => {
                        let again = self.vm.loop_test(ins[0], ins[1], ins[2], true);
                        again.map(|again| {
                            if !again {
                                next = *end as usize;
                            }
                        })
                    }
                    Do::LoopNext(start) => {
                        let again = self.vm.loop_test(ins[0], ins[1], ins[2], false);
                        again.map(|again| {
                            if again {
                                next = *start as usize;
                            }
                        })
                    }
                    Do::Print => self.print(ins),
                    Do::Warn => self.warn(ins),
                    Do::Raise => Err(self.raise(ins)),
                    Do::Missing(name) => {
                        return Err(ExecError::MissingOperator {
                            site: Box::new(self.site(&plan, instr)),
                            name: name.clone(),
                        });
                    }
                    Do::Call { callee, path } => {
                        self.call(&plan, instr, next, *callee, path.as_ref())?;
                        self.spend(&plan, instr)?;
                        continue 'frames;
                    }
                    Do::CallInterface { method, path } => {
                        let callee = self.dispatch(&plan, instr, method)?;
                        self.call(&plan, instr, next, callee, path.as_ref())?;
                        continue 'frames;
                    }
                    Do::Return => {
                        if STOPS && !self.is_returning(next) {
                            self.save(next - 1, true);
                            return Ok(Stop::Returning(ins[0]));
                        }
                        self.leave(&plan, ins[0])?;
                        continue 'frames;
                    }
                };
                if let Err(failure) = done {
                    return Err(self.failed(&plan, instr, failure));
                }
                match instr.action {
                    Do::Operator(_) | Do::Native(_) | Do::ToList(_)
                        if STOPS && !outs.is_empty() =>
                    {
                        self.save(next, false);
                        return Ok(Stop::Produced);
                    }
                    Do::LoopNext(_) => self.spend(&plan, instr)?,
                    _ => {}
                }
            }
        }
    }

    /// Remembers where to go on; a return that was reported is marked by the highest bit.
    fn save(&mut self, next: usize, returning: bool) {
        if let Some(frame) = self.frames.last_mut() {
            frame.next = next as u32 | if returning { RETURNING } else { 0 };
        }
    }

    /// Whether the return before `next` was reported already.
    fn is_returning(&mut self, next: usize) -> bool {
        let Some(frame) = self.frames.last_mut() else {
            return false;
        };
        frame.next == (next as u32 - 1) | RETURNING
    }

    fn call(
        &mut self,
        plan: &Plan,
        instr: &Instr,
        next: usize,
        callee: FuncId,
        path: Option<&SmolStr>,
    ) -> Result<(), ExecError> {
        if self.frames.len() == MAX_CALL_DEPTH {
            return Err(ExecError::Limit {
                site: Box::new(self.site(plan, instr)),
                what: "nested calls",
                limit: MAX_CALL_DEPTH,
            });
        }
        let target = self.plan(callee)?;
        let scope = self.callee_scope(plan.func, next as u32, path);
        let out = plan.slice(instr.outs)[0];
        self.save(next, false);
        let entered = self
            .vm
            .enter(plan.registers, target.registers, plan.slice(instr.ins));
        entered.map_err(|failure| self.failed(plan, instr, failure))?;
        self.frames.push(Frame {
            plan: target,
            next: 0,
            scope,
            step: plan.registers,
            out,
        });
        Ok(())
    }

    fn leave(&mut self, plan: &Plan, result: u32) -> Result<(), ExecError> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        self.vm
            .leave(frame.step, plan.registers, result, frame.out)
            .map_err(|f| ExecError::Internal(f.message))
    }

    /// The method that the receiver's run-time class has under this name.
    fn dispatch(&self, plan: &Plan, instr: &Instr, method: &str) -> Result<FuncId, ExecError> {
        let receiver = plan.slice(instr.ins)[0];
        let class = self.types.class(self.vm.class_of(receiver));
        let found = class.and_then(|class| self.program().classes[class].method(method));
        found.ok_or_else(|| ExecError::Operator {
            site: Box::new(self.site(plan, instr)),
            message: format!("the object has no method `{method}`"),
        })
    }

    fn print(&mut self, ins: &[u32]) -> Result<(), Failure> {
        let line = self.vm.print(ins)?;
        if let Some(sink) = &mut self.sink {
            sink(Message::Printed(line));
        }
        Ok(())
    }

    fn warn(&mut self, ins: &[u32]) -> Result<(), Failure> {
        let line = self.vm.print(&ins[..ins.len().min(1)])?;
        if let Some(sink) = &mut self.sink {
            sink(Message::Warned(line));
        }
        Ok(())
    }

    /// The exception that `prim::RaiseException` asks for.
    fn raise(&self, ins: &[u32]) -> Failure {
        let text = |index: usize| match self.vm.value(*ins.get(index)?).ok()?.view() {
            ValueRef::Str(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        Failure {
            message: text(0).unwrap_or_default(),
            is_raise: true,
            class: text(1).map(SmolStr::from),
        }
    }

    /// Counts an instruction that can repeat against the budget.
    fn spend(&mut self, plan: &Plan, instr: &Instr) -> Result<(), ExecError> {
        match &mut self.budget {
            None => Ok(()),
            Some(0) => Err(ExecError::Limit {
                site: Box::new(self.site(plan, instr)),
                what: "steps while loading",
                limit: super::load::MAX_LOAD_STEPS as usize,
            }),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn callee_scope(&mut self, func: FuncId, at: u32, path: Option<&SmolStr>) -> u32 {
        let scope = self.frames.last().map_or(0, |f| f.scope);
        let Some(path) = path.filter(|p| !p.is_empty()) else {
            return scope;
        };
        if let Some(&known) = self.callees.get(&(scope, func, at)) {
            return known;
        }
        let joined = join(&self.scopes[scope as usize], path);
        self.scopes.push(joined);
        let id = self.scopes.len() as u32 - 1;
        self.callees.insert((scope, func, at), id);
        id
    }

    /// Where an instruction stands, for messages.
    fn site(&self, plan: &Plan, instr: &Instr) -> Site {
        let function = &self.program().functions[plan.func];
        let id = instr.node.unwrap_or(crate::ir::entity::Entity::new(0));
        let node = instr.node.map(|id| function.graph.node(id));
        let scope = self.frames.last().map_or(0, |f| f.scope);
        let scope = &self.scopes[scope as usize];
        Site {
            op: node.map_or("prim::Return".into(), |n| n.op.kind().into()),
            scope: node.map_or(scope.clone(), |n| join(scope, &n.scope)),
            function: function.name.clone(),
            func: plan.func,
            node: id,
            span: node.and_then(|n| n.span),
            location: None,
        }
    }

    fn failed(&self, plan: &Plan, instr: &Instr, failure: Failure) -> ExecError {
        let site = Box::new(self.site(plan, instr));
        if failure.is_raise {
            ExecError::Raised {
                site,
                class: failure.class,
                message: failure.message,
            }
        } else {
            ExecError::Operator {
                site,
                message: failure.message,
            }
        }
    }

    /// Operand of the value on top of the build stack, as a constant.
    pub(super) fn pop_constant(&mut self) -> Result<u32, ExecError> {
        let index = self.vm.pop_constant();
        let index = index.map_err(|f| ExecError::Internal(f.message))?;
        Ok(index as u32 | CONSTANT)
    }
}

const RETURNING: u32 = 0x8000_0000;

/// `a.b` of two module paths, either of which may be empty.
pub(super) fn join(outer: &SmolStr, inner: &SmolStr) -> SmolStr {
    match (outer.is_empty(), inner.is_empty()) {
        (_, true) => outer.clone(),
        (true, _) => inner.clone(),
        _ => format_smolstr!("{outer}.{inner}"),
    }
}
