//! Calibration of ResNet-18 beside plain float forwards over the same data: time of the whole run, and memory.

use crate::{int8, measure, models};
use ptool::exec::torch::{self, TorchEngine};
use ptool::exec::{Engine, NoTap, Value};
use ptool::inputs::data::{Batch, Data, DataOptions};
use ptool::model::Model;
use ptool::quant::calibrate::{Calibration, Options, SET_STATE};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Observers, with the share of the float runs' time that each may take.
const TARGETS: [(&str, f64); 4] = [
    ("min_max", 1.1),
    ("mse", 1.5),
    ("percentile", 1.5),
    ("kl", 2.0),
];
/// Of the float run's memory.
const MEMORY: f64 = 1.5;
/// Memory of many batches over that of few.
const FLAT: f64 = 1.05;
const ROUNDS: usize = 5;
const BATCH: usize = 4;
const ROWS: u64 = 32;

pub(crate) fn bench() {
    torch::set_threads(1).expect("libtorch takes a thread count");
    int8::made_by_python();
    let float = models::corpus("resnet18_traced");
    let prepared = TARGETS.map(|(name, _)| prepare(&float, name));
    time(&float, &prepared);
    memory(&float, &prepared);
}

fn time(float: &Path, prepared: &[PathBuf]) {
    let model = Model::open(float).expect("the model opens");
    let mut engine = TorchEngine::new(&model, torch::Options::default()).expect("the model loads");
    let batches = batches(&model);
    let mut cases = vec![measure::case("float forwards", || {
        for batch in &batches {
            let run = engine.run(&batch.values, &mut NoTap);
            run.expect("the model runs");
        }
    })];
    for ((name, _), path) in TARGETS.iter().zip(prepared) {
        let model = Model::open(path).expect("the prepared model opens");
        let batches = &batches;
        cases.push(measure::case(name, move || calibrate(&model, batches)));
    }
    let title = format!("calibrate ResNet-18, {ROWS} images in batches of {BATCH}, one thread");
    let seconds = measure::report(&title, cases, ROUNDS);
    for ((name, target), s) in TARGETS.iter().zip(&seconds[1..]) {
        let figure = measure::against(s / seconds[0], *target, "");
        measure::print(&format!("{name} of the float forwards' time: {figure}\n"));
    }
}

/// Observes every batch and computes the scales.
fn calibrate(model: &Model, batches: &[Batch]) {
    let mut calibration = Calibration::new(model, &Options::default()).expect("a prepared model");
    let mut engine = TorchEngine::new(model, torch::Options::default()).expect("the model loads");
    let (set_state, state) = SET_STATE;
    let run = engine.start_method(set_state, &[Value::Str(state.as_bytes().into())]);
    run.and_then(|run| run.finish()).expect("the state is set");
    for batch in batches {
        let run = engine.run(&batch.values, &mut calibration.tap());
        run.expect("the model runs");
    }
    drop(calibration.plan().expect("every observer has seen data"));
}

fn batches(model: &Model) -> Vec<Batch> {
    let (_, function) = model.method("forward").expect("a forward method");
    let options = DataOptions {
        batch: BATCH,
        limit: Some(ROWS),
        ..DataOptions::new(vec![models::scratch("images.npz")])
    };
    let mut data = Data::open(options, "forward", &function.params[1..]).expect("the data opens");
    std::iter::from_fn(|| data.next_batch().expect("the data is fine")).collect()
}

fn memory(float: &Path, prepared: &[PathBuf]) {
    let shape = format!("{BATCH}x3x224x224");
    let plain =
        measure::run_process(
            ptool("run")
                .arg(float)
                .args(["--shape", &shape, "--threads", "1"]),
        );
    let mut table = measure::new_table(&["whole process", "peak MB"]);
    let row = |what: String, bytes: u64| [what, format!("{:.0}", bytes as f64 / 1e6)];
    table.add_row(row("ptool run, float, one batch".into(), plain.peak_bytes));
    let mut lines = String::new();
    for ((name, _), path) in TARGETS.iter().zip(prepared) {
        let peaks = [8, 64].map(|rows| {
            let mut command = ptool("calibrate");
            command.arg(path).args(["--threads", "1", "--force"]);
            data(&mut command, rows);
            command.arg("-o").arg(models::scratch("calibrated.pt"));
            let peak = measure::run_process(&mut command).peak_bytes;
            table.add_row(row(format!("ptool calibrate, {name}, {rows} images"), peak));
            peak as f64
        });
        let of_float = measure::against(peaks[1] / plain.peak_bytes as f64, MEMORY, "");
        let flat = measure::against(peaks[1] / peaks[0], FLAT, "");
        lines +=
            &format!("{name}: of the float run's memory {of_float}; 16 batches over 2 {flat}\n");
    }
    measure::print(&format!("\n{table}\n{lines}"));
}

fn ptool(subcommand: &str) -> Command {
    let mut command = Command::new(models::ptool());
    command.arg(subcommand);
    command
}

fn data(command: &mut Command, rows: u64) {
    command.arg("--data").arg(models::scratch("images.npz"));
    command.args(["--batch", &BATCH.to_string(), "--limit", &rows.to_string()]);
}

/// The fake-quant file with one observer everywhere.
fn prepare(float: &Path, observer: &str) -> PathBuf {
    let output = models::scratch(&format!("resnet18_{observer}.fq.pt"));
    let mut command = ptool("prepare");
    command.arg(float).args(["--force", "--march", "bayes"]);
    command
        .args(["--observer", observer])
        .arg("-o")
        .arg(&output);
    measure::run_process(&mut command);
    output
}
