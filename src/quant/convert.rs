//! From a calibrated fake-quant file to a fixed-point file in the plugin's shape.
//!
//! Everything is read from the file itself: module objects, class names and attribute values, and the root's
//! `forward`, so that a file that was trained further in Python converts as well. [`lower`] walks that method; a
//! quantised value becomes three: integers, scale, zero point. What is known of its grid without running is tracked
//! beside, because tables and integer parameters depend on it. [`leaf`] writes the modules, [`functional`] and
//! [`dispatch`] the calls that the root makes itself, [`own`] those that a module of the float model makes in its own
//! scope. Operators without an integer form run in float between
//! dequantise and quantise.
//!
//! Tables are computed here and stored as buffers, where the plugin computes them with aten nodes inside the file: a
//! reader then needs no float arithmetic to know them, and no device literal stands in the file.

mod body;
mod calls;
mod check;
mod copy;
mod dispatch;
mod error;
mod functional;
mod grid;
mod leaf;
mod lower;
pub mod lut;
mod own;
mod read;
mod report;
mod sample;
mod text;
mod tree;
mod value;
mod writer;

pub use dispatch::keeps_scale;
pub use error::ConvertError;
pub use report::{Place, Report, Step};

use crate::archive::Plan;
use crate::emit::{Emit, Method, ObjectId};
use crate::ir::{Function, Type};
use crate::model::Model;
use check::Checks;
use lower::Lowering;
use read::demangled;
use writer::Writer;

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

/// A file whose `forward` compares every integer operation with its fake-quant one on the same inputs.
#[derive(Debug)]
pub struct Check {
    /// The file's records.
    pub plan: Plan<'static>,
    /// What each element of the result is about, in order.
    pub names: Vec<String>,
}

/// Converts a calibrated fake-quant model; `folder` is the new file's stem.
pub fn convert(model: &Model, folder: &str, options: Options) -> Result<Converted, ConvertError> {
    let (forward, mut low) = lowered(model, folder, options, false)?;
    let method = method(&mut low, forward)?;
    let root = tree::build(&mut low, Some(method))?;
    Ok(Converted {
        plan: finish(low.emit, root)?,
        report: low.report,
    })
}

/// Makes the file that checks the conversion of a model: its `forward` takes the same inputs and returns, for each
/// operation in [`Check::names`], the largest difference in steps of the output's scale.
pub fn checking(model: &Model, folder: &str, options: Options) -> Result<Check, ConvertError> {
    let (forward, mut low) = lowered(model, folder, options, true)?;
    let Checks { names, errors } = low.checks.take().unwrap_or_default();
    let list = low.body.list(&errors, Type::Tensor);
    let dim = low.body.int(0);
    let all = low.body.aten("aten::stack", "", &[list, dim]);
    let root = low.body.graph.root();
    low.body.graph.block_mut(root).returns = vec![all];
    let mut method = method(&mut low, forward)?;
    method.returns = Type::Tensor.to_string();
    let fixed = tree::build(&mut low, None)?;
    let fake = copy::model(&mut low)?;
    let mut leaf = leaf::Leaf::named("__torch__.ptool.Check");
    leaf.child(&low.emit, check::FIXED, fixed);
    leaf.child(&low.emit, check::FAKE, fake);
    leaf.method(method);
    let root = leaf.finish(&mut low.emit)?;
    Ok(Check {
        plan: finish(low.emit, root)?,
        names,
    })
}

/// Walks the model's `forward`.
fn lowered<'m>(
    model: &'m Model,
    folder: &str,
    options: Options,
    checking: bool,
) -> Result<(&'m Function, Lowering<'m>), ConvertError> {
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
    let mut low = Lowering::new(model, &forward.graph, emit, options, checking)?;
    low.run()?;
    copy::functions(&mut low, id)?;
    Ok((forward, low))
}

/// The new root's method, with the signature of the old one.
fn method(low: &mut Lowering, forward: &Function) -> Result<Method, ConvertError> {
    let function = Function {
        name: forward.name.clone(),
        params: forward.params.clone(),
        returns: forward.returns.clone(),
        graph: std::mem::take(&mut low.body.graph),
        span: None,
    };
    text::method(&low.model.program, &function)
}

fn finish(writer: Writer, root: ObjectId) -> Result<Plan<'static>, ConvertError> {
    let mut emit = writer.finish()?;
    producer(&mut emit);
    Ok(emit.finish(root)?)
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
