//! `ptool run`.

use super::{inputs, options, prepare};
use crate::args::Format;
use crate::cmd::run::Args;
use crate::cmd::{Context, Exit, open, save};
use anyhow::{Context as _, bail};
use ptool::exec::torch::{Reference, TorchEngine};
use ptool::exec::{Engine as _, NoTap, Value};
use ptool::inputs::Chosen;
use ptool::model::Model;
use ptool::model::origin::Origins;
use ptool::report::{json, run as report};
use std::io::Write;
use std::path::Path;

/// Executes the model and reports its outputs.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some(path) = &args.output.output {
        save::check(path, args.output.force, &[&args.model])?;
    }
    prepare(&args.exec)?;
    let model = open::runnable(&args.model)?;
    let chosen = inputs(&model, &args.exec.method, &args.inputs)?;
    context.note(&chosen.source);
    let mut engine = TorchEngine::new(&model, options(&args.exec))?;
    let output = engine.run(&chosen.values, &mut NoTap);
    let output = output.map_err(|error| open::located(error, &Origins::new(&model)))?;
    drop(engine);
    if let Some(path) = &args.output.output {
        save::arrays(path, &report::tensors(&output))?;
    }
    let report = report::Report {
        inputs: chosen.source.clone(),
        engine: "torch",
        outputs: report::outputs(&output),
        saved: args
            .output
            .output
            .as_ref()
            .map(|path| path.display().to_string()),
        check: match args.check {
            true => Some(check(&args, &model, &chosen, &output)?),
            false => None,
        },
        accuracy: match args.accuracy {
            true => Some(accuracy(&args, &chosen, &output)?),
            false => None,
        },
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
    let is_equal = report.check.is_none_or(|check| check.is_equal);
    Ok(if is_equal { Exit::Ok } else { Exit::No })
}

/// The same inputs through libtorch's own loader and interpreter.
fn check(
    args: &Args,
    model: &Model,
    chosen: &Chosen,
    output: &Value,
) -> anyhow::Result<report::Check> {
    let path = args.model.to_string_lossy();
    let mut reference = Reference::load(&path, None).context("--check")?;
    // The first runs of the optimising executor record shapes; its fused kernels round differently.
    Reference::optimize(false);
    let params = model
        .method(&args.exec.method)
        .map(|(_, function)| &function.params[1..]);
    let method = &args.exec.method;
    let expected = reference.run(
        method,
        &model.program,
        params.unwrap_or_default(),
        &chosen.values,
    );
    Ok(report::check(output, &expected.context("--check")?))
}

fn accuracy(args: &Args, chosen: &Chosen, output: &Value) -> anyhow::Result<report::Accuracy> {
    let Some(labels) = &chosen.labels else {
        let inputs = args.inputs.inputs.as_deref().unwrap_or(Path::new(""));
        bail!(
            "--accuracy needs labels, and `{}` has no array `labels` or `y`",
            inputs.display()
        );
    };
    report::accuracy(output, labels).map_err(|message| anyhow::anyhow!("--accuracy: {message}"))
}
