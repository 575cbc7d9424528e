//! `ptool profile`.

use super::{options, prepare};
use crate::args::Format;
use crate::cmd::front_end::FrontEnd;
use crate::cmd::profile::Args;
use crate::cmd::{Context, Exit, open, save};
use anyhow::bail;
use ptool::analysis::profile::{Collector, Results, names, profile};
use ptool::exec::Engine as _;
use ptool::exec::torch::TorchEngine;
use ptool::model::Model;
use ptool::model::origin::Origins;
use ptool::report::{json, profile as report};
use std::io::Write;

/// Runs both and reports what differs.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some(path) = &args.save {
        save::check(path, args.force, &[&args.model])?;
    }
    if args.exec.method != "forward" {
        bail!("the front end reads `forward` only");
    }
    prepare(&args.exec)?;
    let model = open::runnable(&args.model)?;
    let front = FrontEnd::new(&model, &args.inputs, args.march)?;
    context.note(&front.chosen.source);
    front.require(&model, context)?;
    let results = results(&model, &front, &args.exec)?;
    let rows = names(&front.build);
    let found = profile(&front.build.graph, &rows, &front.arrays()?, &results)?;
    if let Some(path) = &args.save {
        save::results(path, &results.tensors)?;
        context.note(format_args!("wrote {}", path.display()));
    }
    let origins = Origins::new(&model);
    let march = front.build.graph.march.name();
    let report = report::report(&found, march, front.chosen.source.clone(), &origins);
    match args.format.format {
        Format::Json => json::write(out, "profile", &report)?,
        Format::Text => out.write_all(report.text(context.paint).as_bytes())?,
    }
    Ok(if report.is_equal { Exit::Ok } else { Exit::No })
}

/// libtorch's results under the front end's names.
pub(super) fn results(
    model: &Model,
    front: &FrontEnd,
    args: &crate::args::ExecArgs,
) -> anyhow::Result<Results> {
    let mut engine = TorchEngine::new(model, options(args))?;
    let mut collector = Collector::new(&front.build);
    let ran = engine.run(front.values(), &mut collector);
    ran.map_err(|error| open::located(error, &Origins::new(model)))?;
    Ok(collector.finish(&names(&front.build))?)
}
