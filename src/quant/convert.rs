//! From a calibrated fake-quant file to a fixed-point file in the plugin's shape.
//!
//! Everything is read from the file itself: module objects, class names and attribute values, and the root's
//! `forward`, so that a file that was trained further in Python converts as well. [`lower`] walks that method; a
//! quantised value becomes three: integers, scale, zero point. What is known of its grid without running is tracked
//! beside, because tables and integer parameters depend on it. [`leaf`] writes the modules, [`functional`] and
//! [`dispatch`] the calls that the root makes itself. Operators without an integer form run in float between
//! dequantise and quantise.
//!
//! Tables are computed here and stored as buffers, where the plugin computes them with aten nodes inside the file: a
//! reader then needs no float arithmetic to know them, and no device literal stands in the file.

mod body;
mod calls;
mod copy;
mod dispatch;
mod error;
mod functional;
mod grid;
mod leaf;
mod lower;
pub mod lut;
mod read;
mod report;
mod text;
mod tree;
mod value;
mod writer;

pub use dispatch::keeps_scale;
pub use error::ConvertError;
pub use report::{Place, Report, Step};

use crate::archive::Plan;
use crate::emit::Emit;
use crate::ir::Function;
use crate::model::Model;
use lower::Lowering;
use read::demangled;

/// Where the functions of quantised modules live.
const FUNCTIONAL: &str = "__torch__.horizon_plugin_pytorch.nn.quantized.functional";
/// Where those that tracing inlines live.
const FUNCTIONAL_IMPL: &str = "__torch__.horizon_plugin_pytorch.nn.quantized.functional_impl";
/// Where quantised modules live.
const QUANTIZED: &str = "__torch__.horizon_plugin_pytorch.nn.quantized";
/// Where root classes live.
const ROOT: &str = "__torch__.horizon_plugin_pytorch.quantization.fx.graph_module.";

/// The plugin version whose file shape is written.
const PLUGIN_VERSION: &str = "2.5.9+ptool";

/// How to convert.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Store int8 weights and the integer parameters of `convert_conv_params` instead of float weights: a smaller file
    /// that starts faster, with the same results bit for bit.
    pub prepack: bool,
}

/// A fixed-point file and what was done.
#[derive(Debug)]
pub struct Converted {
    /// The file's records.
    pub plan: Plan<'static>,
    /// Every operation.
    pub report: Report,
}

/// Converts a calibrated fake-quant model; `folder` is the new file's stem.
pub fn convert(model: &Model, folder: &str, options: Options) -> Result<Converted, ConvertError> {
    if !demangled(&model.root_class).starts_with(ROOT) {
        return Err(ConvertError::NotFakeQuant {
            class: model.root_class.to_string(),
        });
    }
    let (id, forward) = model.method("forward").ok_or(ConvertError::NoForward)?;
    if forward.graph.block(forward.graph.root()).returns.is_empty() {
        return Err(ConvertError::NoForward);
    }
    let mut emit = Emit::new(folder);
    copy::constants(&mut emit, model)?;
    let mut low = Lowering::new(model, &forward.graph, emit, options)?;
    low.run()?;
    copy::functions(&mut low, id)?;
    let graph = std::mem::take(&mut low.body.graph);
    let function = Function {
        graph,
        ..forward.clone()
    };
    let method = text::method(&model.program, &function)?;
    let root = tree::build(&mut low, method)?;
    let mut emit = low.emit.finish()?;
    producer(&mut emit);
    Ok(Converted {
        plan: emit.finish(root)?,
        report: low.report,
    })
}

/// Whether a march has segment tables and int16 activations (`horizon.md` 1.2).
fn has_segments(march: &str) -> bool {
    !matches!(march, "bernoulli" | "bernoulli2")
}

/// Says who wrote the file, in the plugin's way and in ours.
fn producer(emit: &mut Emit) {
    emit.extra("horizon-plugin-version", PLUGIN_VERSION);
    emit.extra("producer", concat!("ptool ", env!("CARGO_PKG_VERSION")));
}
