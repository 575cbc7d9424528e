//! `ptool quantize`.

mod measure;

use super::prepare as prepare_libtorch;
use crate::args::Format;
use crate::cmd::quantize::Args;
use crate::cmd::{Context, Exit, open, save};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use ptool::archive::Plan;
use ptool::exec::torch::{Options as Run, TorchEngine};
use ptool::exec::{Engine as _, Value};
use ptool::inputs::data::{Data, DataOptions, Examples};
use ptool::model::Model;
use ptool::quant::calibrate::{self, Calibration, Fit, SET_STATE};
use ptool::quant::convert::{self, Converted, convert};
use ptool::quant::prepare::{ModuleRow, PrepareReport, prepare_for};
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
    let source = DataOptions {
        examples: Examples::of(&float, "forward")?,
        ..args.data.options()
    };
    let mut data = stream(&float, &source)?;
    let evaluated = evaluation(&args, &source);
    // What is wrong with it shall be said before the work, not after.
    drop(stream(&float, &evaluated)?);
    context.note(data.describe());
    let qconfig = qconfig(&args)?;
    let first = stream(&float, &source)?.next_batch()?;
    let example = first.map(|it| it.values).unwrap_or_default();
    let fake = fake_quant(
        &args,
        &files,
        &float,
        &qconfig,
        (&example, &mut data),
        context,
    )?;
    let write_fake = || Plan::new(&fake.archive).write(&files.fake);
    let options = convert::Options {
        prepack: args.prepack,
    };
    let converted = convert(&fake, &stem(&files.fixed), options)
        .with_context(|| format!("cannot convert `{}`", args.model.display()))?;
    if args.strict && converted.report.float_ops().next().is_some() {
        write_fake()?;
        out.write_all(report::convert::float_text(&converted.report).as_bytes())?;
        context.note("no fixed-point file was written: operators would stay in float (--strict)");
        return Ok(Exit::No);
    }
    // One after the other, and nothing before both are complete: an interrupted run leaves no pair that does not fit.
    write_fake()?;
    converted.plan.write(&files.fixed)?;
    drop(fake);
    let [fake, fixed] = [open::runnable(&files.fake)?, open::runnable(&files.fixed)?];
    let mut report = Report {
        march: qconfig.march.to_string(),
        data: data.describe(),
        calibrated_on: data.rows(),
        evaluated_on: 0,
        stages: Vec::new(),
        operations: Vec::new(),
        float_operations: Vec::new(),
        float_share: None,
    };
    report.float_of(&converted.report);
    measured(
        &args,
        [&float, &fake, &fixed],
        &files,
        &evaluated,
        &mut report,
    )?;
    report.operations = measure::operations(&fake, options, &mut stream(&float, &evaluated)?)?;
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

/// Prepares and calibrates.
fn fake_quant(
    args: &Args,
    files: &Files,
    float: &Model,
    qconfig: &QConfig,
    (example, data): (&[Value], &mut Data<'_>),
    context: &Context,
) -> anyhow::Result<Model> {
    let prepared = prepare_for(float, qconfig, &stem(&files.fake), example)
        .with_context(|| format!("cannot prepare `{}`", args.model.display()))?;
    let model = Model::from_bytes(prepared.plan.to_bytes()?)?;
    let settings = calibrate::Options {
        averaging_constant: args.averaging_constant,
        fits: (!args.plain_ranges).then(|| fit(&prepared.report)),
    };
    let mut calibration = Calibration::new(&model, &settings)?;
    let mut engine = TorchEngine::new(&model, Run::default())?;
    let state = Value::Str(SET_STATE.1.as_bytes().into());
    engine.start_method(SET_STATE.0, &[state])?.finish()?;
    let progress = progress(data.batches(), "calibrating");
    while let Some(batch) = data.next_batch()? {
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
    Ok(Model::from_bytes(calibration.plan()?.to_bytes()?)?)
}

/// What the qconfig says by itself stays as it says.
fn fit(prepared: &PrepareReport) -> Fit {
    let named = |says: fn(&ModuleRow) -> bool| {
        let said = prepared.modules.iter().filter(|it| says(it));
        said.map(|it| it.name.clone()).collect()
    };
    Fit {
        averaged: named(|it| it.says_average),
        observed: named(|it| it.says_weight_observer),
    }
}

/// Batches from the start.
fn stream<'m>(model: &'m Model, options: &DataOptions) -> anyhow::Result<Data<'m>> {
    let params = model.method("forward").map(|(_, f)| &f.params[1..]);
    Ok(Data::open(
        options.clone(),
        "forward",
        params.unwrap_or_default(),
    )?)
}

/// The data that results are measured on.
fn evaluation(args: &Args, calibration: &DataOptions) -> DataOptions {
    match &args.eval {
        Some(path) => DataOptions {
            paths: vec![path.clone()],
            limit: None,
            ..calibration.clone()
        },
        None => calibration.clone(),
    }
}

/// Runs the three stages over the evaluation data.
fn measured(
    args: &Args,
    models: [&Model; 3],
    files: &Files,
    options: &DataOptions,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut data = stream(models[0], options)?;
    report.evaluated_on = data.rows();
    let paths = [&args.model, &files.fake, &files.fixed];
    let names = ["float", "fake-quant", "fixed-point"];
    let paths = paths.map(|p| p.display().to_string());
    report.stages = measure::stages(models, names, paths, &mut data)?;
    Ok(())
}

/// A bar on standard error, where that is a terminal.
fn progress(batches: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(batches);
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
