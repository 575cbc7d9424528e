//! `ptool calibrate`.

use super::{options, prepare};
use crate::args::Format;
use crate::cmd::calibrate::Args;
use crate::cmd::{Context, Exit, open, save};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ptool::exec::torch::TorchEngine;
use ptool::exec::{Engine as _, Value};
use ptool::inputs::data::{Batch, Data, DataOptions, Examples};
use ptool::model::Model;
use ptool::model::origin::Origins;
use ptool::quant::calibrate::{Calibration, Options, SET_STATE};
use ptool::report::calibrate::Report;
use ptool::report::{json, run as report};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Runs the data, writes the file, reports the scales.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let output = output(&args);
    save::check(&output, args.output.force, &[&args.model])?;
    prepare(&args.exec)?;
    let model = open::runnable(&args.model)?;
    let method = &args.exec.method;
    let params = model
        .method(method)
        .map(|(_, function)| &function.params[1..]);
    let source = DataOptions {
        examples: Examples::of(&model, method)?,
        ..args.data.options()
    };
    let mut data = Data::open(source, method, params.unwrap_or_default())?;
    context.note(data.describe());
    let settings = Options {
        averaging_constant: args.averaging_constant,
        ..Options::default()
    };
    let named = || format!("cannot calibrate `{}`", args.model.display());
    let mut calibration = Calibration::new(&model, &settings).with_context(named)?;
    let mut engine = TorchEngine::new(&model, options(&args.exec))?;
    let (set_state, state) = SET_STATE;
    let state = Value::Str(state.as_bytes().into());
    engine
        .start_method(set_state, &[state])
        .and_then(|run| run.finish())
        .with_context(|| {
            format!(
                "`{}` cannot switch fake quantisation off",
                args.model.display()
            )
        })?;
    let accuracy = observe(&model, &mut engine, &mut data, &mut calibration)?;
    drop(engine);
    let plan = calibration.plan().with_context(named)?;
    plan.write(&output)?;
    let written = output.display().to_string();
    let report = Report::new(&calibration, &data, accuracy, written);
    match args.format.format {
        Format::Json => json::write(out, "calibrate", &report)?,
        Format::Text => {
            out.write_all(report.text().as_bytes())?;
            out.flush()?;
            context.note(format_args!("wrote {}", report.written));
        }
    }
    Ok(Exit::Ok)
}

/// Shows every batch to the observers; top-1 of the model in float when there are labels.
fn observe(
    model: &Model,
    engine: &mut TorchEngine<'_>,
    data: &mut Data<'_>,
    calibration: &mut Calibration<'_>,
) -> anyhow::Result<Option<report::Accuracy>> {
    let bar = bar(data.rows());
    let mut accuracy: Option<report::Accuracy> = None;
    while let Some(batch) = data.next_batch()? {
        let result = engine.run(&batch.values, &mut calibration.tap());
        let result = result.map_err(|error| open::located(error, &Origins::new(model)));
        let output = result.with_context(|| shown(&batch))?;
        if let Some(labels) = &batch.labels {
            let found = report::accuracy(&output, labels);
            let found = found.map_err(|message| anyhow::anyhow!("labels: {message}"))?;
            accuracy = Some(sum(accuracy, found));
        }
        bar.inc(batch.rows);
    }
    bar.finish_and_clear();
    Ok(accuracy)
}

fn shown(batch: &Batch) -> String {
    let shape = |value: &Value| match value {
        Value::Tensor(tensor) => format!("{} {:?}", tensor.dtype, tensor.shape),
        other => other.kind().to_owned(),
    };
    let shapes: Vec<String> = batch.values.iter().map(shape).collect();
    format!(
        "the model fails on {} ({})",
        batch.origin,
        shapes.join(", ")
    )
}

fn sum(before: Option<report::Accuracy>, found: report::Accuracy) -> report::Accuracy {
    let (correct, total) = before.map_or((0, 0), |it| (it.correct, it.total));
    let (correct, total) = (correct + found.correct, total + found.total);
    report::Accuracy {
        correct,
        total,
        top1: correct as f64 / total.max(1) as f64,
    }
}

fn bar(rows: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(rows), ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template("calibrating {bar:30} {pos}/{len} rows, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// `net.fq.pt` to `net.calibrated.pt`, `net.pt` too.
fn output(args: &Args) -> PathBuf {
    args.output.output.clone().unwrap_or_else(|| {
        let stem = args.model.file_stem().unwrap_or_default();
        let stem = Path::new(stem);
        let is_fake_quant = stem.extension().is_some_and(|it| it == "fq");
        let stem = match is_fake_quant {
            true => stem.file_stem().unwrap_or_default(),
            false => stem.as_os_str(),
        };
        let name = format!("{}.calibrated.pt", stem.to_string_lossy());
        args.model.with_file_name(name)
    })
}
