//! Why a fake-quant file has no fixed-point form.

use crate::archive::ArchiveError;
use crate::archive::error::TensorFault;
use crate::emit::EmitError;
use crate::torchscript::raise::RaiseError;

/// What stands in the way, and where.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum ConvertError {
    #[error(
        "`{class}` is not a fake-quant model: expected a root class below `horizon_plugin_pytorch.quantization.fx.graph_module`; `ptool prepare` makes one"
    )]
    NotFakeQuant { class: String },
    #[error("the root module has no method `forward` that could be read")]
    NoForward,
    #[error("`{path}.{name}`: expected {expected}, found {found}")]
    Attribute {
        path: String,
        name: String,
        expected: &'static str,
        found: String,
    },
    #[error(
        "`{path}` has not collected any statistics and its scale is 1: calibrate the file with `ptool calibrate`, or train it"
    )]
    NotCalibrated { path: String },
    #[error("`{path}` has the scale {scale}: expected a positive finite number")]
    Scale { path: String, scale: f32 },
    #[error("`{path}`: {what}")]
    Leaf { path: String, what: String },
    #[error("`{op}` at `{place}`: {what}")]
    Op {
        op: String,
        place: String,
        what: String,
    },
    #[error("march `{march}` has no `{op}` (`{path}`)")]
    March {
        march: String,
        op: &'static str,
        path: String,
    },
    #[error("tensor `{path}`: {fault}")]
    Tensor { path: String, fault: TensorFault },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error(transparent)]
    Raise(#[from] RaiseError),
}
