//! Fixed-point ResNet-18 beside torch.ao's static int8: batch 1, 224², one thread.

use crate::{measure, models};
use ptool::exec::torch::{self, Options, TorchEngine};
use ptool::exec::value::HostTensor;
use ptool::exec::{Engine, NoTap, Value};
use ptool::model::Model;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of torch.ao's time.
const TARGET: f64 = 1.3;
const ROUNDS: usize = 41;
const SHAPE: [i64; 4] = [1, 3, 224, 224];

pub(crate) fn bench() {
    torch::set_threads(1).expect("libtorch takes a thread count");
    made_by_python();
    let float = models::corpus("resnet18_traced");
    let plain = fixed_point(&float, "resnet18.int.pt", &[]);
    let packed = fixed_point(&float, "resnet18_prepack.int.pt", &["--prepack"]);
    let count = SHAPE.iter().product::<i64>() as usize;
    let data: Vec<f32> = (0..count).map(|i| (i % 255) as f32 / 64.0 - 2.0).collect();
    let input = HostTensor::from_f32(&SHAPE, &data).expect("the data has the shape");
    let inputs = [Value::Tensor(input)];
    let tensor = tch::Tensor::from_slice(&data).reshape(SHAPE);
    let opened = [&plain, &packed].map(|path| Model::open(path).expect("the model opens"));
    let [mut ours, mut ours_packed] = [&opened[0], &opened[1]]
        .map(|model| TorchEngine::new(model, Options::default()).expect("the model loads"));
    let load = |path: &Path| tch::CModule::load(path).expect("libtorch loads the model");
    let peer = load(&models::scratch("resnet18_ao.pt"));
    let (float, stock, stock_packed) = (load(&float), load(&plain), load(&packed));
    let forward = |module: &tch::CModule| {
        drop(tch::no_grad(|| module.forward_ts(&[&tensor])).expect("libtorch runs the model"));
    };
    let mut run = |engine: &mut TorchEngine<'_>| {
        engine.run(&inputs, &mut NoTap).expect("the model runs");
    };
    // Two runs more for libtorch, which optimises its graphs in the second.
    for module in [&peer, &float, &stock, &stock_packed].repeat(2) {
        forward(module);
    }
    let run = std::cell::RefCell::new(&mut run);
    let cases = vec![
        measure::case("torch.ao static int8 (CModule)", || forward(&peer)),
        measure::case("float32 (CModule)", || forward(&float)),
        measure::case("fixed-point, ptool", || run.borrow_mut()(&mut ours)),
        measure::case("fixed-point, CModule", || forward(&stock)),
        measure::case("fixed-point --prepack, ptool", || {
            run.borrow_mut()(&mut ours_packed);
        }),
        measure::case("fixed-point --prepack, CModule", || forward(&stock_packed)),
    ];
    let seconds = measure::report("ResNet-18, batch 1, 224², one thread", cases, ROUNDS);
    let names = ["ptool", "CModule", "ptool, --prepack", "CModule, --prepack"];
    for (name, s) in names.iter().zip(&seconds[2..]) {
        let figure = measure::against(s / seconds[0], TARGET, "");
        measure::print(&format!("{name} of torch.ao's time: {figure}\n"));
    }
}

/// torch.ao's file and the images, made once.
pub(crate) fn made_by_python() {
    let folder = models::scratch("");
    if folder.join("resnet18_ao.pt").exists() && folder.join("images.npz").exists() {
        return;
    }
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/int8.py");
    let done = Command::new(&python).arg(script).arg(&folder).status();
    let done = done.expect("$PYTHON names a Python with torch 2.11, torchvision and numpy");
    assert!(done.success(), "{python} made no torch.ao model");
}

/// The float model made fixed-point by the program as users have it.
pub(crate) fn fixed_point(float: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let output = models::scratch(name);
    let mut command = Command::new(models::ptool());
    command.arg("quantize").arg(float).arg("--force");
    command.arg("--data").arg(models::scratch("images.npz"));
    command.args(["--limit", "4", "--march", "bayes"]);
    command.args(flags).arg("-o").arg(&output);
    measure::run_process(&mut command);
    output
}
