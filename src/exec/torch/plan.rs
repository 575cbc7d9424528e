//! A function made ready to run: flat instructions over registers.
//!
//! `prim::If` and `prim::Loop` become jumps. A value has a register from its definition to its last use, where it is
//! moved out or dropped, so that memory is freed as soon as torch's own interpreter would free it. Constants are
//! operands and operators are resolved, both once per node.

mod emit;
mod liveness;

use super::ffi::Form;
use crate::ir::{FuncId, NodeId};
use smol_str::SmolStr;

pub(super) use emit::{Context, compile};

/// Operands of an instruction: a range of [`Plan::operands`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Operands {
    pub start: u32,
    pub len: u32,
}

/// What an instruction does.
#[derive(Clone, Debug)]
pub(super) enum Do {
    /// A resolved operator; its results are events.
    Operator(i32),
    /// A method of a C++ class; its result is an event.
    Native(i32),
    /// One of TorchScript's own forms.
    Form { form: Form, a: i32, b: i32 },
    /// `prim::tolist`; its result is an event.
    ToList(i32),
    /// Run-time type test against these types.
    IsInstance(Box<[i32]>),
    /// Empties the registers in `ins`.
    Drop,
    /// Goes on elsewhere.
    Jump(u32),
    /// Goes on elsewhere unless the condition holds.
    JumpUnless(u32),
    /// Starts a loop (trip, max, condition) or jumps past it.
    LoopStart(u32),
    /// Runs the body again or falls through.
    LoopNext(u32),
    /// Writes a line.
    Print,
    /// Writes a warning.
    Warn,
    /// Raises an exception: message, class.
    Raise,
    /// An operator that libtorch lacks; an error only when it is reached, for branches never taken may name it.
    Missing(SmolStr),
    /// A function, or a method known by the receiver's static type.
    Call {
        callee: FuncId,
        path: Option<SmolStr>,
    },
    /// A method of whatever class the receiver has.
    CallInterface {
        method: SmolStr,
        path: Option<SmolStr>,
    },
    /// Leaves the function with the value in `ins`.
    Return,
}

/// One instruction.
#[derive(Clone, Debug)]
pub(super) struct Instr {
    pub action: Do,
    pub ins: Operands,
    pub outs: Operands,
    pub node: Option<NodeId>,
}

/// A function made ready to run.
#[derive(Debug)]
pub(super) struct Plan {
    pub func: FuncId,
    pub registers: u32,
    pub code: Vec<Instr>,
    pub operands: Vec<u32>,
}

impl Plan {
    pub(super) fn slice(&self, operands: Operands) -> &[u32] {
        &self.operands[operands.start as usize..(operands.start + operands.len) as usize]
    }
}
