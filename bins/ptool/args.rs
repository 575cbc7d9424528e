//! The command line: the only place that knows flags shared by commands.

mod data;

pub(crate) use data::DataArgs;

use crate::cmd;
use clap::{Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Loads, rewrites, runs and compares TorchScript .pt files for BPU deployment.
#[derive(Parser)]
#[command(name = "ptool", bin_name = "ptool", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// When to colour the output; NO_COLOR is honoured by `auto`.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 yes or done, 1 the answer is no (differs, invalid), 2 could not answer.
Results go to standard output, progress and diagnostics to standard error.
`ptool help COMMAND` shows examples.";

#[derive(Subcommand)]
pub(crate) enum Command {
    Inspect(cmd::inspect::Args),
    Verify(cmd::verify::Args),
    ToDevice(cmd::to_device::Args),
    Prepare(cmd::prepare::Args),
    Run(cmd::run::Args),
    Compare(cmd::compare::Args),
    Profile(cmd::profile::Args),
    Check(cmd::check::Args),
    Diff(cmd::diff::Args),
    Convert(cmd::convert::Args),
    Quantize(cmd::quantize::Args),
    Calibrate(cmd::calibrate::Args),
    Completions(cmd::completions::Args),
}

/// When to colour.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

impl From<Color> for clap::ColorChoice {
    fn from(color: Color) -> clap::ColorChoice {
        match color {
            Color::Auto => clap::ColorChoice::Auto,
            Color::Always => clap::ColorChoice::Always,
            Color::Never => clap::ColorChoice::Never,
        }
    }
}

/// `--color` as clap's own help and usage errors, which come before parsing ends, should take it.
pub(crate) fn color_on_the_command_line(args: impl Iterator<Item = OsString>) -> clap::ColorChoice {
    let mut choice = clap::ColorChoice::Auto;
    let mut is_value = false;
    for arg in args.filter_map(|arg| arg.into_string().ok()) {
        let value = match arg.strip_prefix("--color=") {
            Some(value) => value,
            None if is_value => arg.as_str(),
            None => "",
        };
        if let Ok(color) = Color::from_str(value, true) {
            choice = color.into();
        }
        is_value = arg == "--color";
    }
    choice
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables and text for people
    #[default]
    Text,
    /// One JSON document with a `schema_version`
    Json,
}

/// `--format`, on every command that reports.
#[derive(clap::Args)]
pub(crate) struct FormatArgs {
    /// How to print the result.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

/// Where a command that writes a file puts it.
#[derive(clap::Args)]
pub(crate) struct OutputArgs {
    /// The file to write.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite an existing output file.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a model is run on.
#[derive(clap::Args)]
#[command(next_help_heading = "Model inputs")]
pub(crate) struct InputArgs {
    /// Arrays: .npz, .npy, .safetensors, or .pt/.pth of torch.save (tensor, tuple, list, dict).
    ///
    /// Named arrays go to the parameters of that name, others in order.
    #[arg(short, long, value_name = "FILE", conflicts_with = "shape")]
    pub(crate) inputs: Option<PathBuf>,
    /// Made-up inputs, one shape for each parameter, such as 1x3x224x224 or 2x16:int64.
    #[arg(
        long,
        value_name = "SHAPE[:DTYPE]",
        value_delimiter = ',',
        verbatim_doc_comment
    )]
    pub(crate) shape: Vec<String>,
    /// Seed of made-up inputs.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

/// What a run needs besides inputs.
#[derive(clap::Args)]
#[command(next_help_heading = "Execution")]
pub(crate) struct ExecArgs {
    /// The method to run.
    #[arg(long, value_name = "NAME", default_value = "forward")]
    pub(crate) method: String,
    /// A library of custom operators to load first; may be given more than once.
    #[arg(long, value_name = "FILE.so")]
    pub(crate) library: Vec<PathBuf>,
    /// Threads libtorch uses within one operator; its own choice when not given.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroU16>,
}
