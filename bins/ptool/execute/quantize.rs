//! `ptool quantize`.

mod data;
mod measure;

use super::prepare as prepare_libtorch;
use crate::args::Format;
use crate::cmd::quantize::Args;
use crate::cmd::{Context, Exit, open, save};
use anyhow::Context as _;
use data::Data;
use indicatif::{ProgressBar, ProgressStyle};
use ptool::exec::Engine as _;
use ptool::exec::torch::{Options as Run, TorchEngine};
use ptool::model::Model;
use ptool::quant::calibrate::{self, Calibration, SET_STATE};
use ptool::quant::convert::{self, Converted, convert};
use ptool::quant::prepare::prepare;
use ptool::quant::qconfig::{Flags, QConfig};
use ptool::report;
use ptool::report::quantize::Report;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Quantises the model and reports what it costs.
pub(crate) fn run(args: Args, context: &Context, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let files = Files::of(&args);
    for path in [&files.fake, &files.fixed] {
        save::check(path, args.force, &[&args.model])?;
    }
    prepare_libtorch(&args.exec)?;
    let float = open::runnable(&args.model)?;
    let data = Data::read(&float, &args.data, args.batch.get(), args.limit)?;
    context.note(&data.source);
    let qconfig = qconfig(&args)?;
    let fake = fake_quant(&args, &files, &float, &qconfig, &data, context)?;
    let options = convert::Options {
        prepack: args.prepack,
    };
    let converted = convert(&fake, &stem(&files.fixed), options)
        .with_context(|| format!("cannot convert `{}`", files.fake.display()))?;
    if args.strict && converted.report.float_ops().next().is_some() {
        out.write_all(report::convert::float_text(&converted.report).as_bytes())?;
        context.note("no fixed-point file was written: operators would stay in float (--strict)");
        return Ok(Exit::No);
    }
    converted.plan.write(&files.fixed)?;
    let fixed = open::runnable(&files.fixed)?;
    let mut report = Report {
        march: qconfig.march.to_string(),
        data: data.source.clone(),
        calibrated_on: data.samples(),
        evaluated_on: 0,
        stages: Vec::new(),
        operations: Vec::new(),
        float_operations: Vec::new(),
        float_share: None,
    };
    report.float_of(&converted.report);
    measured(&args, [&float, &fake, &fixed], &files, &data, &mut report)?;
    report.operations = measure::operations(&fake, options, &data)?;
    print(&args, &report, &converted, &files, context, out)?;
    Ok(Exit::Ok)
}

/// Where results go.
struct Files {
    fake: PathBuf,
    fixed: PathBuf,
}

impl Files {
    fn of(args: &Args) -> Files {
        let fixed = match &args.output {
            Some(path) => path.clone(),
            None => args
                .model
                .with_file_name(format!("{}.int.pt", stem(&args.model))),
        };
        let name = stem(&fixed);
        let name = name.strip_suffix(".int").unwrap_or(&name);
        Files {
            fake: fixed.with_file_name(format!("{name}.fq.pt")),
            fixed,
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn qconfig(args: &Args) -> anyhow::Result<QConfig> {
    let flags = Flags {
        march: args.march,
        observer: args.observer.clone(),
        activation_dtype: args.dtype,
        ..Flags::default()
    };
    Ok(match &args.qconfig {
        Some(path) => QConfig::read(path, &flags)?,
        None => QConfig::from_flags(&flags)?,
    })
}

/// Prepares and calibrates, and writes the fake-quant file.
fn fake_quant(
    args: &Args,
    files: &Files,
    float: &Model,
    qconfig: &QConfig,
    data: &Data,
    context: &Context,
) -> anyhow::Result<Model> {
    let prepared = prepare(float, qconfig, &stem(&files.fake))
        .with_context(|| format!("cannot prepare `{}`", args.model.display()))?;
    let model = Model::from_bytes(prepared.plan.to_bytes()?)?;
    let mut calibration = Calibration::new(&model, &calibrate::Options::default())?;
    let mut engine = TorchEngine::new(&model, Run::default())?;
    let state = ptool::exec::Value::Str(SET_STATE.1.as_bytes().into());
    engine.start_method(SET_STATE.0, &[state])?.finish()?;
    let progress = progress(data.batches.len(), "calibrating");
    for batch in &data.batches {
        engine.run(&batch.values, &mut calibration.tap())?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    for point in calibration.unobserved() {
        context.note(format_args!(
            "`{}` was not reached by the calibration data and keeps its scale of 1",
            point.path
        ));
    }
    calibration.plan()?.write(&files.fake)?;
    open::runnable(&files.fake)
}

/// Runs the three stages over the evaluation data.
fn measured(
    args: &Args,
    models: [&Model; 3],
    files: &Files,
    calibration: &Data,
    report: &mut Report,
) -> anyhow::Result<()> {
    let given = match &args.eval {
        Some(path) => {
            let paths = std::slice::from_ref(path);
            Some(Data::read(models[0], paths, args.batch.get(), None)?)
        }
        None => None,
    };
    let data = given.as_ref().unwrap_or(calibration);
    report.evaluated_on = data.samples();
    let paths = [&args.model, &files.fake, &files.fixed];
    let names = ["float", "fake-quant", "fixed-point"];
    report.stages = measure::stages(models, names, paths.map(|p| p.display().to_string()), data)?;
    Ok(())
}

/// A bar on standard error, where that is a terminal.
fn progress(batches: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(batches as u64);
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} batches, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

fn print(
    args: &Args,
    report: &Report,
    converted: &Converted,
    files: &Files,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match args.format.format {
        Format::Json => report::json::write(out, "quantize", report)?,
        Format::Text => {
            out.write_all(report.text(&converted.report).as_bytes())?;
            out.flush()?;
            for path in [&files.fake, &files.fixed] {
                context.note(format_args!("wrote {}", path.display()));
            }
        }
    }
    Ok(())
}
