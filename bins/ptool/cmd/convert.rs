//! `ptool convert`.

use crate::args::{Format, FormatArgs, OutputArgs};
use crate::cmd::{Context, Exit, open, save};
use anyhow::Context as _;
use ptool::quant::convert::{Options, convert};
use ptool::report;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Turn a calibrated fake-quant file into a fixed-point file.
///
/// Everything is read from the file itself, so that a file trained further in Python converts as well. Operators
/// without an integer form stay in float and are listed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The fake-quant file that `ptool calibrate` wrote.
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Store int8 weights and integer parameters: a smaller file that starts faster, same results.
    #[arg(long)]
    pub(crate) prepack: bool,
    /// Refuse a model with operators that would stay in float.
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 done, 1 refused by --strict, 2 error.

Examples:
  ptool convert digits.fq.pt                 writes digits.int.pt
  ptool convert digits.fq.pt --prepack -o digits.small.pt";

/// Converts the file and prints what became of each operation.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let output = args.output.output.clone();
    let output = output.unwrap_or_else(|| default_path(&args.model));
    save::check(&output, args.output.force, &[&args.model])?;
    let model = open::runnable(&args.model)?;
    let options = Options {
        prepack: args.prepack,
    };
    let converted = convert(&model, &stem(&output), options)
        .with_context(|| format!("cannot convert `{}`", args.model.display()))?;
    let refused = args.strict && converted.report.float_ops().next().is_some();
    if !refused {
        converted.plan.write(&output)?;
    }
    let written = (!refused).then(|| output.display().to_string());
    match args.format.format {
        Format::Json => {
            let json = report::convert::json(&converted.report, written);
            report::json::write(out, "convert", &json)?;
        }
        Format::Text => {
            out.write_all(report::convert::text(&converted.report).as_bytes())?;
            if let Some(written) = written {
                out.flush()?;
                context.note(format_args!("wrote {written}"));
            }
        }
    }
    if refused {
        context.note("nothing was written: operators would stay in float (--strict)");
    }
    Ok(if refused { Exit::No } else { Exit::Ok })
}

/// `net.fq.pt` to `net.int.pt`.
pub(crate) fn default_path(model: &Path) -> PathBuf {
    let stem = stem(model);
    let stem = stem.strip_suffix(".fq").unwrap_or(&stem);
    model.with_file_name(format!("{stem}.int.pt"))
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
