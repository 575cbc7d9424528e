//! libtorch's own interpreter.

use super::raw::*;
use super::vm::Vm;
use super::{Result, c, failure, status};
use std::ptr::NonNull;

/// A model in libtorch's own interpreter.
pub(in super::super) struct Module(NonNull<RawModule>);

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: owned, freed once.
        unsafe { pt_module_free(self.0.as_ptr()) }
    }
}

impl Module {
    /// Loads a file with libtorch's own loader.
    pub(in super::super) fn load(path: &str, device: Option<&str>) -> Result<Module> {
        let path = c(path)?;
        let device = device.map(c).transpose()?;
        let device = device.as_ref().map_or(std::ptr::null(), |d| d.as_ptr());
        // SAFETY: both texts are NUL-terminated (or null); the result is owned.
        NonNull::new(unsafe { pt_module_load(path.as_ptr(), device) })
            .map(Module)
            .ok_or_else(failure)
    }

    /// Runs a method on n values popped from the Vm's build stack; pushes the result.
    pub(in super::super) fn run(&mut self, method: &str, vm: &mut Vm, n: usize) -> Result<()> {
        let method = c(method)?;
        // SAFETY: both are alive; the shim checks the stack height.
        status(unsafe { pt_module_run(self.0.as_ptr(), method.as_ptr(), vm.0.as_ptr(), n) })
    }
}
