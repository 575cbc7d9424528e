//! `ptool diff`.

use crate::args::{Format, FormatArgs};
use crate::cmd::{Context, Exit, open};
use ptool::report::{diff, json};
use std::io::Write;
use std::path::PathBuf;

/// Show how two TorchScript files differ, without running them.
///
/// Compares zip records, sources, classes and attributes, and tensors, whose largest difference is
/// computed. With flags, only what they name.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The first TorchScript file.
    a: PathBuf,
    /// The second TorchScript file.
    b: PathBuf,
    /// Compare zip records by their bytes.
    #[arg(long)]
    entries: bool,
    /// Compare sources.
    #[arg(long)]
    code: bool,
    /// Compare the graphs of all functions.
    #[arg(long)]
    graph: bool,
    /// Compare classes and attributes other than tensors.
    #[arg(long)]
    attributes: bool,
    /// Compare parameters, buffers and constants.
    #[arg(long)]
    tensors: bool,
    /// Unchanged lines around each change.
    #[arg(short = 'U', long, value_name = "N", default_value_t = 3)]
    context: usize,
    #[command(flatten)]
    format: FormatArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 the files are equal in what was compared, 1 they differ, 2 could not answer.

Examples:
  ptool diff epoch10.pt epoch20.pt --tensors
  ptool diff old.pt new.pt --graph
  ptool diff resnet18.pt resnet18_cuda.pt --code --attributes
  ptool diff a.pt b.pt --format json | jq '.tensors[] | {name, max_abs: .distance.max_abs}'";

/// Prints the differences.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let (a, b) = (open::model(&args.a)?, open::model(&args.b)?);
    let all = !(args.entries || args.code || args.graph || args.attributes || args.tensors);
    let parts = diff::Parts {
        entries: args.entries || all,
        code: args.code || all,
        // Graphs say what sources say, at greater length.
        graph: args.graph,
        attributes: args.attributes || all,
        tensors: args.tensors || all,
    };
    let diff = diff::diff(&a, &b, parts, args.context)?;
    match args.format.format {
        Format::Json => json::write(out, "diff", &diff)?,
        Format::Text => out.write_all(diff.text(context.paint).as_bytes())?,
    }
    Ok(if diff.is_equal { Exit::Ok } else { Exit::No })
}
