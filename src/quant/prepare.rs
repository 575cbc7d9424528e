//! A float file to a fake-quant file (horizon.md 7.3, 8; `artifact.md`).
//!
//! ```text
//! float file ─► flat graph ─► fuse: operators, groups ─► rewrite: calls of modules ─► tree ─► emit
//! ```
//!
//! The graph of `forward` is inlined and folded; operators with a quantised function become modules that stand where
//! the float modules stood. One that keeps the scale stays in the float module that computes nothing else, or stands
//! in the root where it was written as a function. The others stay in float between a `DeQuantStub` and a `QuantStub`,
//! and are listed.

mod class;
mod constant;
mod fake_quant;
mod leaf;
mod names;
mod plan;
mod report;
mod rewrite;
mod tree;

pub use report::{FloatRow, ModuleRow, PrepareReport};

use super::fuse::{Net, decompose, without_checks, without_writes};
use super::qconfig::QConfig;
use crate::archive::{ArchiveError, Plan};
use crate::emit::EmitError;
use crate::exec::Value;
use crate::inputs::{Given, choose};
use crate::model::Model;
use crate::pass::PassError;
use crate::tensor::DType;
use crate::torchscript::raise::RaiseError;

/// Version of the plugin whose shape the file has, as its own files say it.
const PLUGIN_VERSION: &str = "2.5.9+ptool";

/// Why a file cannot be prepared.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum PrepareError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Pass(#[from] PassError),
    #[error("cannot write the fake-quant file: {0}")]
    Emit(#[from] EmitError),
    #[error("cannot write `forward`: {0}")]
    Raise(#[from] RaiseError),
    #[error("the sources have errors; run `ptool verify` to see them")]
    Sources,
    #[error("the file is quantised already: it has `{class}` at `{path}`; give the float file")]
    Quantised { path: String, class: String },
    #[error(
        "`forward` still needs `{what}`, which has no plain value to store; trace the model instead of scripting it"
    )]
    State { what: String },
    #[error(
        "no operator of `forward` can be quantised: the qconfig leaves it in float, or the model takes no tensor of its own"
    )]
    Nothing,
}

/// A prepared file and what became of the model.
#[derive(Debug)]
pub struct Prepared {
    /// The file.
    pub plan: Plan<'static>,
    /// Modules, and what stays in float.
    pub report: PrepareReport,
}

/// Prepares a float model; the new file's records lie in `folder`, which torch calls after the file's stem.
///
/// Inputs have the height and width of those that the file records.
pub fn prepare(model: &Model, qconfig: &QConfig, folder: &str) -> Result<Prepared, PrepareError> {
    let recorded = choose(model, "forward", Given::Nothing, 0);
    let values = recorded.map(|it| it.values).unwrap_or_default();
    prepare_for(model, qconfig, folder, &values)
}

/// Prepares a float model for inputs with as many dimensions as these, their height and width, and sequences of their
/// lengths; the size of the batch is free.
pub fn prepare_for(
    model: &Model,
    qconfig: &QConfig,
    folder: &str,
    inputs: &[Value],
) -> Result<Prepared, PrepareError> {
    if model.has_errors() {
        return Err(PrepareError::Sources);
    }
    let sizes = |value: &Value| match value {
        Value::Tensor(tensor) => Some(tensor.shape.to_vec()),
        _ => None,
    };
    let dtype = |value: &Value| match value {
        Value::Tensor(tensor) => Some(tensor.dtype),
        _ => None,
    };
    let dtypes: Vec<Option<DType>> = inputs.iter().map(dtype).collect();
    let mut net = Net::new(model, inputs.iter().map(sizes).collect(), &dtypes)?;
    refuse_quantised(&net)?;
    without_checks(&mut net);
    without_writes(&mut net);
    decompose(&mut net, qconfig.march);
    let mut resolver = qconfig.resolver();
    let planned = plan::plan(&net, qconfig, &mut resolver);
    let mut report = PrepareReport::new(qconfig, model);
    let rewritten = rewrite::rewrite(&mut net, planned, qconfig, &mut resolver, &mut report)?;
    if rewritten.is_empty() {
        return Err(PrepareError::Nothing);
    }
    report.unused = resolver.unused().iter().map(ToString::to_string).collect();
    let plan = tree::emit(&net, rewritten, qconfig, folder)?;
    Ok(Prepared { plan, report })
}

/// A file with fake-quantised or fixed-point modules is no float file.
fn refuse_quantised(net: &Net<'_>) -> Result<(), PrepareError> {
    let marks = [
        "horizon_plugin_pytorch.nn.qat.",
        "horizon_plugin_pytorch.nn.quantized.conv",
        "horizon_plugin_pytorch.nn.quantized.quantize",
        "torch.ao.nn.quantized.modules",
        "torch.nn.quantized.modules",
    ];
    match net.module_named(|class| {
        !class.ends_with("FloatFunctional") && marks.iter().any(|it| class.contains(it))
    }) {
        Some((path, class)) => Err(PrepareError::Quantised { path, class }),
        None => Ok(()),
    }
}
