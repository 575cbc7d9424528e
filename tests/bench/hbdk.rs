//! Fixed-point ResNet-18 at 224² in the front end's plain integers, without libtorch: one image, one thread.

use crate::{int8, measure, models};
use ptool::exec::torch;
use std::process::Command;

const SECONDS: f64 = 10.0;
const GIGABYTES: f64 = 1.0;
const ROUNDS: usize = 5;

pub(crate) fn bench() {
    torch::set_threads(1).expect("libtorch takes a thread count");
    int8::made_by_python();
    let float = models::corpus("resnet18_traced");
    let model = int8::fixed_point(&float, "resnet18.int.pt", &[]);
    let run = |engine: &str| {
        let mut command = Command::new(models::ptool());
        command.arg("run").arg(&model).args(["--engine", engine]);
        command.args(["--shape", "1x3x224x224", "--threads", "1"]);
        command.env("RAYON_NUM_THREADS", "1");
        command
    };
    let cases = vec![
        measure::case("--engine hbdk", || {
            measure::run_process(&mut run("hbdk"));
        }),
        measure::case("--engine torch", || {
            measure::run_process(&mut run("torch"));
        }),
    ];
    let title = "fixed-point ResNet-18, batch 1, 224², one thread, whole process";
    let seconds = measure::report(title, cases, ROUNDS);
    let memory = measure::peak_resident_bytes(&mut run("hbdk")) as f64 / 1e9;
    let time = measure::against(seconds[0], SECONDS, " s");
    let memory = measure::against(memory, GIGABYTES, " GB");
    measure::print(&format!("hbdk engine: {time}, {memory}\n"));
}
