//! The command line of `ptool quantize`.

use crate::args::{DataArgs, ExecArgs, FormatArgs};
use ptool::quant::qconfig::{March, QDType};
use std::path::PathBuf;

/// Turn a float model into a fixed-point one: prepare, calibrate, convert, and measure the result.
///
/// Writes the calibrated fake-quant file and the fixed-point file beside the model, runs float, fake-quant and
/// fixed-point on the evaluation data, and compares every integer operation with its fake-quant one on the same
/// inputs.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The float TorchScript file, traced, scripted or frozen, saved in evaluation mode.
    pub(crate) model: PathBuf,
    /// Data to evaluate on, with labels as `labels` or `y` for accuracies; the calibration data when
    /// not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) eval: Option<PathBuf>,
    /// The chip: `bayes` (RDK Ultra) or `bernoulli2` (RDK X3).
    #[arg(long, value_name = "MARCH", value_parser = march)]
    pub(crate) march: Option<March>,
    /// What is quantised to what, with which observer: a TOML file.
    #[arg(long, value_name = "FILE")]
    pub(crate) qconfig: Option<PathBuf>,
    /// Observer of activations: min_max, percentile, mse, kl, mix, clip, clip_std, fixed_scale.
    #[arg(long, value_name = "NAME")]
    pub(crate) observer: Option<String>,
    /// Type of activations: qint8 or qint16.
    #[arg(long, value_name = "DTYPE", value_parser = dtype)]
    pub(crate) dtype: Option<QDType>,
    /// Influence of each batch on minimum and maximum of activations, 0 to 1. When not given, the
    /// range holds that of every batch.
    #[arg(long, value_name = "C", value_parser = constant)]
    pub(crate) averaging_constant: Option<f64>,
    /// Ranges as the plugin finds them: averaged over batches with the constant of the qconfig, and
    /// weights by their extremes. Without it, ranges are those of the least error where the qconfig
    /// gives no averaging constant and no observer of weights.
    #[arg(long)]
    pub(crate) plain_ranges: bool,
    /// Store int8 weights and integer parameters: a smaller file that starts faster, same results.
    #[arg(long)]
    pub(crate) prepack: bool,
    /// Refuse when an operator would stay in float.
    #[arg(long)]
    pub(crate) strict: bool,
    /// The fixed-point file; `NAME.int.pt` beside the model when not given. The fake-quant file lies beside it as
    /// `NAME.fq.pt`.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite existing output files.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 done, 1 an operator stays in float and --strict was given, 2 error.

Examples:
  ptool quantize digits.pt --data calib.npz --eval test.npz --march bayes
  ptool quantize net.pt --data calib.npz --march bernoulli2 --observer percentile
  ptool quantize net.pt --data a.npz --data b.npz --qconfig qconfig.toml --prepack -o net.x5.pt";

fn constant(text: &str) -> Result<f64, String> {
    let constant: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    match (0.0..=1.0).contains(&constant) {
        true => Ok(constant),
        false => Err("expected a number from 0 to 1".to_owned()),
    }
}

fn march(text: &str) -> Result<March, String> {
    March::parse(text).ok_or_else(|| {
        format!("unknown march `{text}`; `bayes` and `bernoulli2` are the usual ones")
    })
}

fn dtype(text: &str) -> Result<QDType, String> {
    QDType::parse(text).ok_or_else(|| format!("unknown type `{text}`; expected qint8 or qint16"))
}
