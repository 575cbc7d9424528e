//! Looking at values while a model runs.

use super::error::ExecError;
use super::value::ValueRef;
use crate::diag::Span;
use crate::ir::{FuncId, NodeId};

/// What a tap may fail with; it stops the run.
pub type TapError = Box<dyn std::error::Error + Send + Sync>;

/// Receives values as a model produces them.
pub trait Tap {
    /// An operator produced a value.
    fn produced(&mut self, event: &Event<'_>) -> Result<(), TapError>;

    /// A method or function returned a value; `event.scope` is the callee's.
    fn returned(&mut self, event: &Event<'_>) -> Result<(), TapError> {
        let _ = event;
        Ok(())
    }

    /// False when the tap looks at nothing, so that the engine need not stop after every operator.
    fn is_active(&self) -> bool {
        true
    }
}

/// The tap of a plain run.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTap;

impl Tap for NoTap {
    fn produced(&mut self, _: &Event<'_>) -> Result<(), TapError> {
        Ok(())
    }

    fn is_active(&self) -> bool {
        false
    }
}

/// One produced value and where it was produced.
#[derive(Clone)]
pub struct Event<'a> {
    /// Path of the module whose method runs, such as `layer1.0.conv1`; empty in the root module.
    pub scope: &'a str,
    /// Qualified name of the running function.
    pub function: &'a str,
    /// The running function.
    pub func: FuncId,
    /// The node that produced the value.
    pub node: NodeId,
    /// Node kind, such as `aten::conv2d`.
    pub kind: &'a str,
    /// Which output of the node.
    pub output: usize,
    /// The value's name in the source, when it had one.
    pub name: Option<&'a str>,
    /// Where the node was written.
    pub span: Option<Span>,
    /// The value.
    pub value: ValueRef<'a>,
    /// Keeps the value beyond the event.
    pub keeper: &'a dyn Keep,
}

impl Event<'_> {
    /// Keeps the value as it is now. Memory is shared until a later operator writes to it.
    pub fn keep(&self) -> Result<Kept, ExecError> {
        self.keeper.keep()
    }
}

/// Engine side of [`Event::keep`].
pub trait Keep {
    /// Keeps the value of the current event.
    fn keep(&self) -> Result<Kept, ExecError>;
}

/// Engine side of [`Kept`].
pub trait KeptValue {
    /// Shows the value to `look`; the engine writes to none of its memory meanwhile.
    fn with(&self, look: &mut dyn FnMut(&ValueRef<'_>)) -> Result<(), ExecError>;
}

/// A value kept beyond its event. Dropping it frees the memory that nothing else uses.
pub struct Kept(Box<dyn KeptValue>);

impl Kept {
    /// Wraps an engine's kept value.
    pub fn new(value: Box<dyn KeptValue>) -> Kept {
        Kept(value)
    }

    /// Shows the value to `look` and returns what it returns.
    pub fn with<R>(&self, look: impl FnOnce(&ValueRef<'_>) -> R) -> Result<R, ExecError> {
        let mut look = Some(look);
        let mut result = None;
        self.0.with(&mut |value| {
            if let Some(look) = look.take() {
                result = Some(look(value));
            }
        })?;
        result.ok_or_else(|| ExecError::Internal("kept value was not shown".into()))
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}
