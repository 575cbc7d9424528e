//! `ptool check`.

use super::front_end::{self, FrontEnd};
use crate::args::{Format, FormatArgs, InputArgs};
use crate::cmd::{Context, Exit, open};
use ptool::diag::json::JsonDiagnostic;
use ptool::diag::{Diagnostic, Severity, render};
use ptool::hbdk::{March, check};
use ptool::model::Model;
use ptool::model::origin::Origins;
use ptool::report::json;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Check a model before it is deployed.
///
/// With --deploy the file is read as the compiler's front end reads it: unsupported nodes and functions, and what
/// the hardware of the march cannot do, are listed all at once, with module, Python line and advice.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The TorchScript file, fixed-point.
    model: PathBuf,
    /// Read it as the compiler's front end does.
    #[arg(long, required = true)]
    deploy: bool,
    /// The march; by default the one that the file's calls name.
    #[arg(long, value_name = "MARCH", value_parser = front_end::march)]
    march: Option<March>,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    format: FormatArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 can be deployed, 1 cannot, 2 could not answer.

Examples:
  ptool check quantized.pt --deploy
  ptool check quantized.pt --deploy --march bernoulli2 --shape 1x3x224x224
  ptool check quantized.pt --deploy --format json | jq -r '.findings[].message'";

/// The report for machines.
#[derive(Serialize)]
struct Report {
    can_deploy: bool,
    march: &'static str,
    layers: usize,
    findings: Vec<Finding>,
    warnings: Vec<String>,
}

/// One finding with the user's line.
#[derive(Serialize)]
struct Finding {
    #[serde(flatten)]
    diagnostic: JsonDiagnostic,
    python: Option<String>,
}

/// Lists what the front end refuses.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    debug_assert!(args.deploy);
    let model = open::runnable(&args.model)?;
    let front = FrontEnd::new(&model, &args.inputs, args.march)?;
    let found = check::diagnostics(&front.build);
    let origins = Origins::new(&model);
    let can_deploy = found.iter().all(|d| d.severity != Severity::Error);
    let graph = &front.build.graph;
    let layers = graph.live_layers().iter().filter(|live| **live).count();
    match args.format.format {
        Format::Json => {
            let finding = |it: &Diagnostic| Finding {
                diagnostic: JsonDiagnostic::new(it, &model.program),
                python: python(it, &origins),
            };
            let report = Report {
                can_deploy,
                march: graph.march.name(),
                layers,
                findings: found.iter().map(finding).collect(),
                warnings: front.build.warnings.clone(),
            };
            json::write(out, "check", &report)?;
        }
        Format::Text => {
            print(out, context, &found, &model, &origins)?;
            let name = args.model.display();
            let march = graph.march.name();
            match can_deploy {
                true => writeln!(out, "{name}: can be deployed to {march}, {layers} layers")?,
                false => {
                    let errors = found
                        .iter()
                        .filter(|d| d.severity == Severity::Error)
                        .count();
                    writeln!(
                        out,
                        "{name}: cannot be deployed to {march}, {errors} errors"
                    )?;
                }
            }
        }
    }
    Ok(if can_deploy { Exit::Ok } else { Exit::No })
}

fn print(
    out: &mut dyn Write,
    context: &Context,
    found: &[Diagnostic],
    model: &Model,
    origins: &Origins<'_>,
) -> anyhow::Result<()> {
    for it in found {
        let mut it = it.clone();
        if let Some(line) = python(&it, origins) {
            it.message += &format!(" ({line})");
        }
        let text = render::render(&it, &model.program, context.paint.is_on());
        writeln!(out, "{}\n", text.trim_end())?;
    }
    Ok(())
}

fn python(it: &Diagnostic, origins: &Origins<'_>) -> Option<String> {
    Some(origins.of(it.span?)?.to_string())
}
