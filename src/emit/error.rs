//! Why a file cannot be written.

use crate::archive::ArchiveError;
use crate::archive::error::TensorFault;

/// What is wrong with what was to be written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum EmitError {
    #[error("source of `{name}`, line {line}: {message}\n{text}")]
    Source {
        name: String,
        line: usize,
        message: String,
        text: String,
    },
    #[error("class `{class}` has {expected} attributes, {found} values were given")]
    Arity {
        class: String,
        expected: usize,
        found: usize,
    },
    #[error("`{name}` is not a qualified name below `__torch__`")]
    Name { name: String },
    #[error("tensor: {0}")]
    Tensor(#[from] TensorFault),
    #[error("a {what} tensor cannot be written anew")]
    TensorKind { what: &'static str },
    #[error("values nest deeper than {limit} levels")]
    TooDeep { limit: usize },
    #[error("the text of a value is longer than a pickle can say: {length} bytes")]
    TooLong { length: usize },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}
