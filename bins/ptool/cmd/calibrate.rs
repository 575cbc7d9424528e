//! The command line of `ptool calibrate`.

use crate::args::{DataArgs, ExecArgs, FormatArgs, OutputArgs};
use std::path::PathBuf;

/// Run a fake-quant file over data and put the scales found into it.
///
/// Fake quantisation is off while the data runs. Which observer a tensor has, and with which
/// parameters, is what `ptool prepare` wrote into the file. The result is in the state
/// `validation`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The fake-quant file of `ptool prepare`.
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Influence of each batch on minimum and maximum of activations, instead of what the file
    /// says: 0.01 for more than a hundred batches, up to 0.5 for two.
    #[arg(long, value_name = "C", value_parser = constant)]
    pub(crate) averaging_constant: Option<f64>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

fn constant(text: &str) -> Result<f64, String> {
    let constant: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    match (0.0..=1.0).contains(&constant) {
        true => Ok(constant),
        false => Err("expected a number from 0 to 1".to_owned()),
    }
}

const EXAMPLES: &str = "\
Exit codes: 0 done, 2 error. An interrupted run writes nothing.

Examples:
  ptool calibrate net.fq.pt --data calib.npz -o net.calibrated.pt
  ptool calibrate net.fq.pt --data batches/ --batch 16 --limit 512
  ptool calibrate net.fq.pt --data images/ --resize 224x224 --image-color yuv444
  ptool calibrate net.fq.pt --data images/ --resize 224x224 --image-color rgb \\
        --mean 123.675,116.28,103.53 --std 58.395,57.12,57.375";
