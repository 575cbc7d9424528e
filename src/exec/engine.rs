//! What every engine offers.

use super::error::ExecError;
use super::tap::Tap;
use super::value::Value;

/// Runs one method of one model.
pub trait Engine {
    /// The engine's name, such as `torch`.
    fn name(&self) -> &'static str;

    /// Runs the method on its inputs, without `self`, and reports every produced value to `tap`.
    ///
    /// State that the method changes (buffers, attributes) stays changed, as in PyTorch.
    fn run(&mut self, inputs: &[Value], tap: &mut dyn Tap) -> Result<Value, ExecError>;
}
