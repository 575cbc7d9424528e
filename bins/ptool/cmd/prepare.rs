//! `ptool prepare`.

use crate::args::{Format, FormatArgs, InputArgs, OutputArgs};
use crate::cmd::{Context, Exit, front_end, open, save};
use anyhow::Context as _;
use ptool::quant::prepare::{prepare, prepare_for};
use ptool::quant::qconfig::{Flags, March, QConfig, QDType};
use ptool::report;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Turn a float model into a fake-quant model that can be calibrated, trained and converted.
///
/// Batch norms are folded; convolutions and linears take the add and relu after them; operators
/// with a quantised function become modules of the plugin's classes and names. What has none stays
/// in float between stubs and is listed. Nothing is executed.
///
/// Scripted code may branch on the dimensions of its inputs, and sequences are written out step by
/// step: both need inputs of the shapes that the model will run on, from --inputs, --shape, or
/// recorded in the file.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The float TorchScript file, traced, scripted or frozen, saved in evaluation mode.
    model: PathBuf,
    /// What is quantised to what, with which observer: a TOML file.
    #[arg(long, value_name = "FILE")]
    qconfig: Option<PathBuf>,
    /// The chip: `bayes` (RDK Ultra) or `bernoulli2` (RDK X3).
    #[arg(long, value_name = "MARCH", value_parser = march)]
    march: Option<March>,
    /// Observer of activations: min_max, percentile, mse, kl, mix, clip, clip_std, fixed_scale.
    #[arg(long, value_name = "NAME")]
    observer: Option<String>,
    /// Type of activations: qint8 or qint16.
    #[arg(long, value_name = "DTYPE", value_parser = dtype)]
    dtype: Option<QDType>,
    /// Refuse when an operator would stay in float.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    format: FormatArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 done, 1 an operator stays in float and --strict was given, 2 error.

Examples:
  ptool prepare resnet18.pt --march bayes
  ptool prepare model.pt --qconfig qconfig.toml -o model_qat.pt
  ptool prepare scripted.pt --shape 8x16x64
  ptool prepare model.pt --march bernoulli2 --strict --format json | jq '.float[].op'";

fn march(text: &str) -> Result<March, String> {
    March::parse(text).ok_or_else(|| {
        format!("unknown march `{text}`; `bayes` and `bernoulli2` are the usual ones")
    })
}

fn dtype(text: &str) -> Result<QDType, String> {
    QDType::parse(text).ok_or_else(|| format!("unknown type `{text}`; expected qint8 or qint16"))
}

/// Writes the fake-quant file and prints what became of the model.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let model = open::model(&args.model)?;
    let flags = Flags {
        march: args.march,
        observer: args.observer.clone(),
        activation_dtype: args.dtype,
        ..Flags::default()
    };
    let qconfig = match &args.qconfig {
        Some(path) => QConfig::read(path, &flags)?,
        None => QConfig::from_flags(&flags)?,
    };
    let output = args
        .output
        .output
        .clone()
        .unwrap_or_else(|| default_path(&args.model));
    let folder = output.file_stem().unwrap_or_default().to_string_lossy();
    let failed = || format!("cannot prepare `{}`", args.model.display());
    let given = args.inputs.inputs.is_some() || !args.inputs.shape.is_empty();
    let prepared = match given {
        true => {
            let chosen = front_end::inputs(&model, &args.inputs)?;
            prepare_for(&model, &qconfig, &folder, &chosen.values)
        }
        false => prepare(&model, &qconfig, &folder),
    };
    let prepared = prepared.with_context(failed)?;
    let refused = args.strict && !prepared.report.float.is_empty();
    if !refused {
        save::check(&output, args.output.force, &[&args.model])?;
        prepared.plan.write(&output)?;
    }
    let written = (!refused).then(|| output.display().to_string());
    match args.format.format {
        Format::Json => {
            let body = report::prepare::json(&prepared.report, written);
            report::json::write(out, "prepare", &body)?;
        }
        Format::Text => {
            out.write_all(report::prepare::text(&prepared.report).as_bytes())?;
            out.flush()?;
            match written {
                Some(written) => context.note(format_args!("wrote {written}")),
                None => context.note("nothing written: --strict, and operators stay in float"),
            }
        }
    }
    Ok(if refused { Exit::No } else { Exit::Ok })
}

/// `net.pt` to `net.qat.pt`.
fn default_path(model: &Path) -> PathBuf {
    model.with_extension("qat.pt")
}
