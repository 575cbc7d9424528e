//! `ptool run --engine hbdk`: the layers of the front end, without libtorch.

use super::front_end::FrontEnd;
use super::run::Args;
use crate::args::Format;
use crate::cmd::{Context, Exit, open, save};
use anyhow::bail;
use ptool::analysis::profile::result;
use ptool::hbdk::eval;
use ptool::report::{json, run as report};
use std::io::Write;

/// Evaluates the model's layers and reports its outputs.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if args.check {
        bail!(
            "--check compares with libtorch; `ptool profile` does so for the front end, op by op"
        );
    }
    if let Some(path) = &args.output.output {
        save::check(path, args.output.force, &[&args.model])?;
    }
    let model = open::runnable(&args.model)?;
    let front = FrontEnd::new(&model, &args.inputs, None)?;
    context.note(&front.chosen.source);
    front.require(&model, context)?;
    let graph = &front.build.graph;
    let outputs = eval::run_live(graph, &front.arrays()?)?;
    let value = result(graph, &outputs);
    if let Some(path) = &args.output.output {
        save::arrays(path, &report::tensors(&value))?;
    }
    let accuracy = match (args.accuracy, &front.chosen.labels) {
        (false, _) => None,
        (true, None) => {
            bail!("--accuracy needs labels, and the inputs hold no array `labels` or `y`")
        }
        (true, Some(labels)) => {
            let found = report::accuracy(&value, labels);
            Some(found.map_err(|message| anyhow::anyhow!("--accuracy: {message}"))?)
        }
    };
    let report = report::Report {
        inputs: front.chosen.source.clone(),
        engine: "hbdk",
        outputs: report::outputs(&value),
        saved: args
            .output
            .output
            .as_ref()
            .map(|path| path.display().to_string()),
        check: None,
        accuracy,
    };
    match args.format.format {
        Format::Json => json::write(out, "run", &report)?,
        Format::Text => {
            out.write_all(report.text().as_bytes())?;
            if let Some(saved) = &report.saved {
                out.flush()?;
                context.note(format_args!("wrote {saved}"));
            }
        }
    }
    Ok(Exit::Ok)
}
