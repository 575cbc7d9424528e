//! What can be wrong with a call.

/// Why an operator did not run. `Display` is a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// No operator of this name.
    #[error("horizon::{0} is not an operator known here")]
    Unknown(String),
    /// A number of arguments that no overload has.
    #[error("horizon::{op} takes {expected} arguments, not {found}")]
    Arity {
        /// The operator.
        op: &'static str,
        /// The counts that its overloads have.
        expected: String,
        /// The count given.
        found: usize,
    },
    /// An argument of the wrong kind.
    #[error("horizon::{op}: argument {index} must be {expected}, not {found}")]
    Argument {
        /// The operator.
        op: &'static str,
        /// Position, from 0.
        index: usize,
        /// What the schema says.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// Tensors whose shapes do not go together.
    #[error("horizon::{op}: {message}")]
    Shape {
        /// The operator.
        op: &'static str,
        /// What does not fit.
        message: String,
    },
    /// A value outside what the operator defines.
    #[error("horizon::{op}: {message}")]
    Value {
        /// The operator.
        op: &'static str,
        /// Which value, and what is allowed.
        message: String,
    },
    /// A known operator whose arithmetic is not public.
    #[error("horizon::{op} can be loaded but not run: {why}")]
    NoFormula {
        /// The operator.
        op: &'static str,
        /// What is missing.
        why: &'static str,
    },
}
