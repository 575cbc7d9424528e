//! Guards: opening a model and building its full graph stays far cheaper than libtorch's loader, and linear in size.

use crate::{measure, models};
use ptool::model::Model;
use std::hint::black_box;
use std::path::Path;

pub(crate) fn bench() {
    let resnet = models::corpus("resnet50_traced");
    against_libtorch(
        "open a traced ResNet-50 and build its full graph",
        &resnet,
        15,
    );
    for n in [1_000, 4_000, 16_000] {
        // libtorch's loader is quadratic in the length of one body: 16,000 ops take it over 20 s a round.
        let path = models::straight_line(n);
        let title = format!("open a forward of {n} straight-line ops");
        if n <= 4_000 {
            against_libtorch(&title, &path, 3);
        } else {
            measure::report(&title, vec![measure::case("ptool", || open(&path))], 5);
        }
    }
}

fn open(path: &Path) {
    black_box(Model::open(path).expect("the model opens"));
}

fn against_libtorch(title: &str, path: &Path, rounds: usize) {
    let load = || {
        black_box(tch::CModule::load(path).expect("libtorch loads the model"));
    };
    let cases = vec![
        measure::case("ptool", || open(path)),
        measure::case("torch.jit.load", load),
    ];
    measure::report(title, cases, rounds);
}
