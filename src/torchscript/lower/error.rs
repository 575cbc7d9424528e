//! Error codes and how errors are made.

use crate::diag::{Diagnostic, Span};

/// A type annotation that names nothing, or that is malformed.
pub(super) const TYPE: &str = "E0401";
/// A name that is not defined, or not on every path.
pub(super) const NAME: &str = "E0402";
/// An operator of torch's own namespaces that libtorch 2.11 does not have.
pub(super) const OPERATOR: &str = "E0403";
/// No overload takes the arguments.
pub(super) const OVERLOAD: &str = "E0404";
/// A call of a function, method or constructor with wrong arguments.
pub(super) const CALL: &str = "E0405";
/// An attribute or method that does not exist.
pub(super) const ATTRIBUTE: &str = "E0406";
/// A value of the wrong type.
pub(super) const MISMATCH: &str = "E0407";
/// A construct that is not part of the language, or not where it stands.
pub(super) const CONSTRUCT: &str = "E0408";
/// A literal or constant that cannot be read.
pub(super) const LITERAL: &str = "E0409";
/// A function that calls itself.
pub(super) const RECURSION: &str = "E0410";
/// A limit was reached.
pub(super) const LIMIT: &str = "E0411";
/// A class definition that contradicts itself.
pub(super) const CLASS: &str = "E0412";
/// A source record that is missing.
pub(super) const SOURCE: &str = "E0413";

/// Boxed, so that results stay small on the way up.
pub(super) type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// An error for `?`.
#[cold]
pub(super) fn error(
    code: &'static str,
    message: impl Into<String>,
    span: Option<Span>,
) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, message, span))
}

/// `Err` of [`error`].
#[cold]
pub(super) fn fail<T>(
    code: &'static str,
    message: impl Into<String>,
    span: Option<Span>,
) -> Result<T> {
    Err(error(code, message, span))
}
