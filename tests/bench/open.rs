//! Guards: opening a model and building its full graph stays far cheaper than libtorch's loader, and linear in size.

use crate::{measure, models};
use ptool::model::Model;
use std::hint::black_box;
use std::path::Path;

/// `torch.jit.load` takes so many times longer, at least.
const FASTER: f64 = 8.0;
/// Seconds for a forward of 16,000 operators.
const LONG_FORWARD: f64 = 0.3;

pub(crate) fn bench() {
    let resnet = models::corpus("resnet50_traced");
    let title = "open a traced ResNet-50 and build its full graph";
    let seconds = against_libtorch(title, &resnet, 15);
    let share = measure::against(seconds[0] / seconds[1], 1.0 / FASTER, "");
    measure::print(&format!("share of torch.jit.load's time: {share}\n"));
    for n in [1_000, 4_000] {
        let path = models::straight_line(n);
        against_libtorch(
            &format!("open a forward of {n} straight-line ops"),
            &path,
            3,
        );
    }
    // libtorch's loader is quadratic in the length of one body: this takes it over 20 s a round.
    let path = models::straight_line(16_000);
    let case = measure::case("ptool", || open(&path));
    let title = "open a forward of 16000 straight-line ops";
    let seconds = measure::report(title, vec![case], 5);
    let figure = measure::against(seconds[0], LONG_FORWARD, " s");
    measure::print(&format!("median: {figure}\n"));
}

fn open(path: &Path) {
    black_box(Model::open(path).expect("the model opens"));
}

fn against_libtorch(title: &str, path: &Path, rounds: usize) -> Vec<f64> {
    let load = || {
        black_box(tch::CModule::load(path).expect("libtorch loads the model"));
    };
    let cases = vec![
        measure::case("ptool", || open(path)),
        measure::case("torch.jit.load", load),
    ];
    measure::report(title, cases, rounds)
}
