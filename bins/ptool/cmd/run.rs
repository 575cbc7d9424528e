//! The command line of `ptool run`.

use crate::args::{ExecArgs, FormatArgs, InputArgs, OutputArgs};
use clap::ValueEnum;
use std::path::PathBuf;

/// Run a model on inputs and print or save its outputs.
///
/// Without --inputs and --shape the example inputs recorded in the file are used, made up with the
/// seed where the file has only their shapes; which ones were used is printed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The TorchScript file.
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// What executes the operators.
    #[arg(long, value_name = "NAME", default_value = "torch")]
    pub(crate) engine: Engine,
    /// Also run libtorch's own interpreter on the file and compare every output bit for bit.
    #[arg(long)]
    pub(crate) check: bool,
    /// Print the top-1 accuracy; the inputs file holds the labels as `labels` or `y`.
    #[arg(long, requires = "inputs")]
    pub(crate) accuracy: bool,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// What executes operators.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// libtorch's operators under ptool's interpreter
    Torch,
    /// Plain integers of the compiler's front end, for fixed-point models; needs no libtorch
    Hbdk,
}

const EXAMPLES: &str = "\
With --engine hbdk a fully quantised model runs without libtorch.
Output files: .npz, .npy (one tensor) or .safetensors; the name says which.

Examples:
  ptool run resnet18.pt --shape 1x3x224x224
  ptool run net.pt --inputs batch.npz -o out.npz
  ptool run net.pt --inputs digits.npz --accuracy
  ptool run detector.pt --inputs image.npy --library libtorchvision.so
  ptool run quantized.pt --engine hbdk -o out.npz
  ptool run net.pt --check                 exit 1 when libtorch's own interpreter disagrees";
