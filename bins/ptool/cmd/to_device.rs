//! `ptool to-device`.

use crate::args::{Format, FormatArgs};
use crate::cmd::{Context, Exit, open};
use anyhow::{Context as _, bail};
use ptool::pass::to_device::{DEVICE_TYPES, Device, Options, Patterns, Rewrite, Target};
use ptool::report;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Move a model to another device: storages, attributes, literals, defaults and method calls.
///
/// Everything that names a device and is not the target moves to it; `--only` and `--keep` narrow
/// that. Strings move only when they are used as a device: comparisons, keys and messages stay.
/// Nothing else changes: all other bytes are copied as they are.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The TorchScript file.
    model: PathBuf,
    /// `cpu`, `cuda`, `cuda:1`, `mps`, `meta`, …, or `follow-input`: device literals become the
    /// device of a tensor at hand, the method's first tensor input if it has one, and storages
    /// stay.
    #[arg(value_name = "DEVICE", value_parser = target)]
    device: Target,
    /// Leave matching places alone: module path, function, record or attribute name; `*` and `?`
    /// are wildcards. May be given more than once.
    #[arg(long, value_name = "PATTERN")]
    keep: Vec<String>,
    /// Move only what is on this device; `cuda` stands for every `cuda:N`. May be given more than
    /// once.
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    only: Vec<Device>,
    /// The file to write; by default a name beside the model.
    #[arg(short, long, value_name = "FILE", conflicts_with = "in_place")]
    output: Option<PathBuf>,
    /// Replace the model itself, in one step.
    #[arg(long)]
    in_place: bool,
    /// Overwrite an existing output file.
    #[arg(long)]
    force: bool,
    /// Only report what would change.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    format: FormatArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 done, 2 error.

Examples:
  ptool to-device resnet18.pt cuda
  ptool to-device model.pt cuda:1 -o model_on_1.pt
  ptool to-device traced_on_gpu.pt cpu --only cuda
  ptool to-device model.pt cuda --keep 'postprocess.*' --keep '*.decode'
  ptool to-device model.pt follow-input --in-place
  ptool to-device model.pt cpu --dry-run --format json | jq '.warnings[].message'

A killed run leaves the model and the output as they were, and at most a temporary file
`.NAME.XXXXXX.tmp` beside the output, which can be deleted.";

fn target(text: &str) -> Result<Target, String> {
    text.parse::<Target>().map_err(|error| error.to_string())
}

fn device(text: &str) -> Result<Device, String> {
    let known = DEVICE_TYPES.join(", ");
    Device::parse(text).ok_or_else(|| format!("unknown device `{text}`, expected one of {known}"))
}

/// Rewrites the file and prints what changed.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let path = args.model.display();
    let archive = open::archive(&args.model)?;
    let options = Options {
        target: args.device.clone(),
        keep: Patterns::new(args.keep.iter().cloned()),
        only: args.only.clone(),
    };
    let rewrite =
        Rewrite::new(&archive, &options).with_context(|| format!("cannot move `{path}`"))?;
    let (plan, report) = rewrite.into_plan()?;
    let output = (!args.dry_run).then(|| output_path(&args)).transpose()?;
    if let Some(output) = &output {
        plan.write(output)?;
    }
    let written = output.as_deref().map(|o| o.display().to_string());
    match args.format.format {
        Format::Json => {
            report::json::write(out, "to-device", &report::to_device::json(&report, written))?
        }
        Format::Text => {
            out.write_all(report::to_device::text(&report).as_bytes())?;
            if let Some(written) = written {
                out.flush()?;
                context.note(format_args!("wrote {written}"));
            }
        }
    }
    Ok(Exit::Ok)
}

/// Where the result goes. Neither the model nor another file is overwritten by accident.
fn output_path(args: &Args) -> anyhow::Result<PathBuf> {
    if args.in_place {
        return Ok(args.model.clone());
    }
    let path = args
        .output
        .clone()
        .unwrap_or_else(|| default_path(&args.model, &args.device));
    if is_same_file(&path, &args.model) {
        bail!(
            "`{}` is the model itself; use --in-place to replace it",
            path.display()
        );
    }
    if path.is_file() && !args.force {
        bail!(
            "`{}` exists; use --force to overwrite it, or -o for another name",
            path.display()
        );
    }
    Ok(path)
}

/// `net.pt` to `net.cuda_1.pt`.
fn default_path(model: &Path, target: &Target) -> PathBuf {
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    let extension = model
        .extension()
        .map_or("pt".into(), |e| e.to_string_lossy());
    let device = target.to_string().replace(':', "_");
    model.with_file_name(format!("{stem}.{device}.{extension}"))
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
