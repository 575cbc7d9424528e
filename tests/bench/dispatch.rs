//! Guards: the interpreter adds next to nothing to libtorch's own, also where operators are tiny and where every value
//! is kept.

use crate::{measure, models};
use ptool::exec::tap::{Event, Kept, Tap, TapError};
use ptool::exec::torch::{self, Options, TorchEngine};
use ptool::exec::value::HostTensor;
use ptool::exec::{Engine, NoTap, Value};
use ptool::model::Model;
use std::path::Path;

/// Keeps every value a model produces.
#[derive(Default)]
struct KeepAll(Vec<Kept>);

impl Tap for KeepAll {
    fn produced(&mut self, event: &Event<'_>) -> Result<(), TapError> {
        self.0.push(event.keep()?);
        Ok(())
    }
}

/// Of libtorch's own time: on ResNet-50, on tiny operators, and with every value kept over without.
const RESNET: f64 = 1.03;
const TINY: f64 = 2.0;
const KEPT: f64 = 1.1;

pub(crate) fn bench() {
    // As ptool's own programs do.
    torch::configure_allocator();
    torch::set_threads(1).expect("libtorch takes a thread count");
    let image = [1, 3, 224, 224];
    against_libtorch(
        "run a traced ResNet-50 at 224², one thread",
        &models::corpus("resnet50_traced"),
        &image,
        (21, RESNET),
    );
    against_libtorch(
        "run 1,000 additions of one element",
        &models::straight_line(1000),
        &[1],
        (101, TINY),
    );
}

fn against_libtorch(title: &str, path: &Path, shape: &[i64], (rounds, target): (usize, f64)) {
    let count = shape.iter().product::<i64>() as usize;
    let data: Vec<f32> = (0..count).map(|i| (i % 255) as f32 / 255.0 - 0.5).collect();
    let input = HostTensor::from_f32(shape, &data).expect("the data has the shape");
    let inputs = [Value::Tensor(input)];
    let module = tch::CModule::load(path).expect("libtorch loads the model");
    let tensor = tch::Tensor::from_slice(&data).reshape(shape);
    let model = Model::open(path).expect("the model opens");
    let engine = || TorchEngine::new(&model, Options::default()).expect("the model loads");
    let (mut plain, mut kept) = (engine(), engine());
    let cases = vec![
        measure::case("libtorch's interpreter (CModule)", || {
            let output = tch::no_grad(|| module.forward_ts(&[&tensor]));
            drop(output.expect("libtorch runs the model"));
        }),
        measure::case("ptool", || {
            plain.run(&inputs, &mut NoTap).expect("the model runs");
        }),
        measure::case("ptool, every value kept", || {
            kept.run(&inputs, &mut KeepAll::default())
                .expect("the model runs");
        }),
    ];
    let seconds = measure::report(title, cases, rounds);
    measure::print(&format!(
        "of libtorch's time: {}; kept over not kept: {}\n",
        measure::against(seconds[1] / seconds[0], target, ""),
        measure::against(seconds[2] / seconds[1], KEPT, "")
    ));
}
