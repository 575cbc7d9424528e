//! libtorch's own loader and interpreter, to check ours with.

use super::super::error::ExecError;
use super::super::value::Value;
use super::ffi::{self, Failure, Module, Vm};
use super::types::Types;
use super::value::push_value;
use crate::ir::{Param, Program};

/// A file loaded by `torch::jit::load`.
pub struct Reference {
    module: Module,
}

impl Reference {
    /// Loads a file with libtorch's own loader.
    pub fn load(path: &str, device: Option<&str>) -> Result<Reference, ExecError> {
        super::register_horizon()?;
        let module = Module::load(path, device).map_err(failed)?;
        Ok(Reference { module })
    }

    /// Runs a method without recording gradients; `params` are the method's, without `self`.
    pub fn run(
        &mut self,
        method: &str,
        program: &Program,
        params: &[Param],
        inputs: &[Value],
    ) -> Result<Value, ExecError> {
        let mut vm = Vm::new().map_err(failed)?;
        let mut types = Types::new(program);
        for (param, value) in params.iter().zip(inputs) {
            push_value(&mut vm, &mut types, value, &param.ty)?;
        }
        let before = ffi::grad_mode(false);
        let ran = self.module.run(method, &mut vm, inputs.len());
        ffi::grad_mode(before);
        ran.map_err(failed)?;
        let operand = vm.pop_constant().map_err(failed)? as u32 | ffi::CONSTANT;
        vm.value(operand).map_err(failed)?.view().to_value()
    }

    /// Switches the optimising executor of libtorch's interpreter, for the whole process.
    pub fn optimize(enabled: bool) {
        ffi::optimize(enabled);
    }
}

fn failed(failure: Failure) -> ExecError {
    ExecError::Reference(failure.message)
}
