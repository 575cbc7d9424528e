//! The command line of `ptool compare`.

use crate::args::{ExecArgs, FormatArgs, InputArgs};
use std::path::PathBuf;

/// Compare two models operator by operator on the same inputs.
///
/// Both run in lockstep. Operators are paired by module path and kind, then by sequence; those
/// without a partner are listed. Fixed-point files are compared by the names of the compiler's front
/// end, and so are files that `ptool profile --save` wrote, on either side. Prints one line for each pair, then how far the differing ones
/// are apart and where the models first diverge.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The first TorchScript file.
    pub(crate) a: PathBuf,
    /// The second TorchScript file.
    pub(crate) b: PathBuf,
    /// Relative tolerance: |a - b| <= atol + rtol * |b| counts as equal.
    #[arg(long, value_name = "R", default_value_t = 0.0, value_parser = tolerance)]
    pub(crate) rtol: f64,
    /// Absolute tolerance.
    #[arg(long, value_name = "A", default_value_t = 0.0, value_parser = tolerance)]
    pub(crate) atol: f64,
    /// Save every compared result of both models.
    #[arg(long, value_name = "FILE.safetensors")]
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

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err("expected a number of at least 0, such as 1e-5".to_owned()),
    }
}

const EXAMPLES: &str = "\
Exit codes: 0 all pairs are equal and none is left over, 1 they differ, 2 could not answer.

Examples:
  ptool compare old.pt new.pt
  ptool compare float.pt quantized.pt --inputs batch.npz --rtol 1e-3 --atol 1e-5
  ptool compare a.pt b.pt --format json | jq .first_divergence
  ptool compare a.pt b.pt --save results.safetensors
  ptool compare results.pt quantized.pt    what `ptool profile --save results.pt` once saved";
