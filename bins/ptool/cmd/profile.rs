//! The command line of `ptool profile`.

use super::front_end;
use crate::args::{ExecArgs, FormatArgs, InputArgs};
use ptool::hbdk::March;
use std::path::PathBuf;

/// Compare libtorch with the compiler's front end, operator by operator.
///
/// Runs a fixed-point model through libtorch and through a front end of its own, which knows the
/// plugin's functions by name and evaluates plain integers. Prints the guide's table, then what
/// differs, by how much and where, and whether an operator differs by itself or inherits it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The fixed-point TorchScript file.
    pub(crate) model: PathBuf,
    /// The march; by default the one that the file's calls name.
    #[arg(long, value_name = "MARCH", value_parser = front_end::march)]
    pub(crate) march: Option<March>,
    /// Save libtorch's result of every operator: .safetensors, or .pt for torch.load.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Overwrite an existing file of --save.
    #[arg(long, requires = "save")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 all operators are equal, 1 they differ, 2 could not answer.

Examples:
  ptool profile quantized.pt --inputs batch.npz
  ptool profile quantized.pt --format json | jq '.ops[] | select(.by_itself)'
  ptool profile quantized.pt --save results.pt        horizon_script_results as torch.load reads them
  ptool compare results.pt quantized.pt               years later, with another version";
