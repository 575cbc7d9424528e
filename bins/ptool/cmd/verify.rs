//! `ptool verify`.

use crate::args::{Format, FormatArgs};
use crate::cmd::{Context, Exit, open};
use anyhow::bail;
use ptool::analysis::verify;
use ptool::archive::Archive;
use ptool::diag::json::JsonDiagnostic;
use ptool::diag::{Diagnostic, Severity, render};
use ptool::model::Model;
use ptool::pass::reprint::reprint;
use ptool::report::json;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Check a TorchScript file: container, pickles, source and graph.
///
/// Everything found is listed. Checksums are compared, which reads the whole file.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The TorchScript file.
    model: PathBuf,
    /// Also write the file with every function printed anew from its graph.
    #[arg(long, value_name = "FILE")]
    reprint: Option<PathBuf>,
    /// Overwrite an existing file.
    #[arg(long, requires = "reprint")]
    force: bool,
    #[command(flatten)]
    format: FormatArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 sound, 1 errors found, 2 not readable as TorchScript.

Examples:
  ptool verify model.pt
  ptool verify model.pt --format json | jq '.findings[] | select(.severity == \"error\")'
  ptool verify model.pt --reprint reprinted.pt";

/// The report for machines.
#[derive(Serialize)]
struct Report {
    sound: bool,
    records: usize,
    sources: usize,
    functions: usize,
    findings: Vec<JsonDiagnostic>,
}

/// Checks, reports, and reprints when asked to.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let archive = open::named(&args.model, Archive::open(&args.model))?;
    open::named(&args.model, archive.require_torchscript())?;
    let broken = verify::container(&archive);
    let records = archive.zip().len();
    // A container that does not hold together has no program worth checking.
    let model = match broken.is_empty() {
        true => Some(open::named(&args.model, Model::from_archive(archive))?),
        false => None,
    };
    let found = model.as_ref().map_or(broken, verify::program);
    let sound = found.iter().all(|it| it.severity != Severity::Error);
    match args.format.format {
        Format::Json => json::write(
            out,
            "verify",
            &report(&found, sound, records, model.as_ref()),
        )?,
        Format::Text => print(out, context, &args.model, &found, model.as_ref())?,
    }
    if let Some(path) = &args.reprint {
        match &model {
            Some(model) if sound => write_reprint(model, path, args.force, context)?,
            _ => bail!(
                "`{}` is not sound and is not reprinted",
                args.model.display()
            ),
        }
    }
    Ok(if sound { Exit::Ok } else { Exit::No })
}

fn report(found: &[Diagnostic], sound: bool, records: usize, model: Option<&Model>) -> Report {
    let finding = |it: &Diagnostic| match model {
        Some(model) => JsonDiagnostic::new(it, &model.program),
        None => JsonDiagnostic::new(it, &[] as &[(&str, &str)]),
    };
    Report {
        sound,
        records,
        sources: model.map_or(0, |it| it.program.files.len()),
        functions: model.map_or(0, |it| it.program.functions.len()),
        findings: found.iter().map(finding).collect(),
    }
}

fn print(
    out: &mut dyn Write,
    context: &Context,
    path: &Path,
    found: &[Diagnostic],
    model: Option<&Model>,
) -> anyhow::Result<()> {
    if !found.is_empty() {
        let color = context.paint.is_on();
        let text = match model {
            Some(model) => render::render_all(found, &model.program, color),
            None => render::render_all(found, &[] as &[(&str, &str)], color),
        };
        writeln!(out, "{}", text.trim_end())?;
    }
    let count = |severity| found.iter().filter(|it| it.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match (errors, model) {
        (0, Some(model)) => writeln!(
            out,
            "{}: sound; {} functions in {} source records, {warnings} warnings",
            path.display(),
            model.program.functions.len(),
            model.program.files.len()
        )?,
        _ => writeln!(
            out,
            "{}: not sound; {errors} errors, {warnings} warnings",
            path.display()
        )?,
    }
    Ok(())
}

fn write_reprint(model: &Model, path: &Path, force: bool, context: &Context) -> anyhow::Result<()> {
    if path.exists() && !force {
        bail!("`{}` exists; `--force` overwrites it", path.display());
    }
    reprint(model)?.write(path)?;
    context.note(format!("wrote {}", path.display()));
    Ok(())
}
