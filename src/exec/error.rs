//! What stops a run.

use super::tap::TapError;
use crate::diag::Span;
use crate::ir::{FuncId, NodeId};
use smol_str::SmolStr;
use std::fmt;

/// Where in the model something happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Node kind, such as `aten::conv2d`.
    pub op: SmolStr,
    /// Path of the module whose method ran; empty in the root module.
    pub scope: SmolStr,
    /// Qualified name of the function.
    pub function: SmolStr,
    /// The function.
    pub func: FuncId,
    /// The node.
    pub node: NodeId,
    /// Where the node was written.
    pub span: Option<Span>,
    /// The user's Python line, such as `net.py:12`, once known.
    pub location: Option<SmolStr>,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in `{}`", self.op, self.function)?;
        if !self.scope.is_empty() {
            write!(f, " (module `{}`)", self.scope)?;
        }
        if let Some(location) = &self.location {
            write!(f, " at {location}")?;
        }
        Ok(())
    }
}

/// Why a model could not be loaded into an engine, or not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// An operator failed.
    #[error("{site}: {message}")]
    Operator {
        /// Where.
        site: Box<Site>,
        /// The library's message.
        message: String,
    },
    /// The model raised an exception.
    #[error("{site}: {}: {message}", class.as_deref().unwrap_or("torch.jit.Error"))]
    Raised {
        /// Where.
        site: Box<Site>,
        /// Qualified name of the Python class, such as `builtins.ValueError`.
        class: Option<SmolStr>,
        /// The model's message.
        message: String,
    },
    /// libtorch knows no such operator.
    #[error(
        "{site}: libtorch has no operator `{name}`; name the library that registers it with `--library FILE.so`"
    )]
    MissingOperator {
        /// Where it is called.
        site: Box<Site>,
        /// Operator and overload.
        name: SmolStr,
    },
    /// libtorch knows no such C++ class.
    #[error(
        "libtorch has no class `{0}`; name the library that registers it with `--library FILE.so`"
    )]
    MissingClass(SmolStr),
    /// The model has no such method.
    #[error("the model has no method `{0}`")]
    NoMethod(SmolStr),
    /// Inputs do not fit the method.
    #[error("input `{name}`: expected {expected}, found {found}")]
    Input {
        /// Parameter name.
        name: SmolStr,
        /// What the method takes.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The number of inputs does not fit the method.
    #[error("expected {expected} inputs, found {found}")]
    InputCount {
        /// How many the method takes, without defaults.
        expected: String,
        /// How many were given.
        found: usize,
    },
    /// A stored value could not be loaded.
    #[error("{what}: {message}")]
    Load {
        /// Which value, by path.
        what: String,
        /// Why.
        message: String,
    },
    /// A library could not be loaded.
    #[error("library `{path}`: {message}")]
    Library {
        /// The file.
        path: String,
        /// The loader's message.
        message: String,
    },
    /// A named limit was passed.
    #[error("{site}: more than {limit} {what}")]
    Limit {
        /// Where.
        site: Box<Site>,
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// libtorch's own loader or interpreter failed.
    #[error("libtorch: {0}")]
    Reference(String),
    /// A tap stopped the run.
    #[error("{0}")]
    Tap(#[source] TapError),
    /// The graph breaks a rule that the verifier checks.
    #[error("malformed graph: {0}")]
    Malformed(String),
    /// A mistake of ours.
    #[error("internal error: {0}")]
    Internal(String),
}

impl ExecError {
    /// Where it happened, when that is known.
    pub fn site(&self) -> Option<&Site> {
        match self {
            ExecError::Operator { site, .. }
            | ExecError::Raised { site, .. }
            | ExecError::MissingOperator { site, .. }
            | ExecError::Limit { site, .. } => Some(site),
            _ => None,
        }
    }

    /// The site, to add the user's Python line.
    pub fn site_mut(&mut self) -> Option<&mut Site> {
        match self {
            ExecError::Operator { site, .. }
            | ExecError::Raised { site, .. }
            | ExecError::MissingOperator { site, .. }
            | ExecError::Limit { site, .. } => Some(site),
            _ => None,
        }
    }
}
