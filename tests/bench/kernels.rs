//! The int8 convolution kernel beside torch's own, one thread, on the two shapes that a ResNet spends its time in.
//!
//! Both sides run a chain, each convolution on the result of the one before, so that neither can skip a repetition.

use crate::{measure, models};
use ptool::bpu::op::{Arg, Output, TensorRef, run};
use ptool::exec::torch;
use ptool::tensor::DType;

/// Convolutions in a row.
const LENGTH: usize = 50;

pub(crate) fn bench() {
    torch::set_threads(1).expect("libtorch takes a thread count");
    convolution(256, 14);
    convolution(64, 56);
}

fn convolution(channels: usize, side: usize) {
    let shape = [1, channels as i64, side as i64, side as i64];
    let floats = |n: usize| -> Vec<f32> {
        (0..n)
            .map(|i| (i * 37 % 255) as f32 / 127.0 - 1.0)
            .collect()
    };
    let tensor = |shape: &[i64]| -> tch::Tensor {
        let values = floats(shape.iter().product::<i64>() as usize);
        tch::Tensor::from_slice(&values).reshape(shape)
    };
    let module = tch::CModule::load(models::quantised_convolutions()).expect("the model loads");
    let x = tensor(&shape)
        .permute([0, 2, 3, 1])
        .contiguous()
        .permute([0, 3, 1, 2]);
    let (w, b) = (tensor(&[shape[1], shape[1], 3, 3]), tensor(&[shape[1]]));
    let inputs = |n: usize| {
        let tensors = [&x, &w, &b].map(|t| tch::IValue::Tensor(t.shallow_clone()));
        tensors
            .into_iter()
            .chain([tch::IValue::Int(n as i64)])
            .collect::<Vec<_>>()
    };
    let ours = Kernel::new(channels, side);
    let cases = vec![
        measure::case("quantized::conv2d, with one prepacking", || {
            module
                .forward_is(&inputs(LENGTH))
                .expect("libtorch runs the model");
        }),
        measure::case("bpu_scale_quanti_convolution", || ours.chain()),
    ];
    let title = format!("{LENGTH} int8 convolutions 3x3, {channels} channels, {side}², one thread");
    measure::report(&title, cases, 15);
}

/// A borrowed contiguous or channels-last tensor's parts.
struct Parts {
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<usize>,
    bytes: Vec<u8>,
}

impl Parts {
    fn list(values: Vec<i32>) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
        Self {
            dtype: DType::I32,
            shape: vec![values.len()],
            strides: vec![1],
            bytes,
        }
    }

    fn arg(&self) -> Arg<'_> {
        Arg::Tensor(TensorRef::new(
            self.dtype,
            &self.shape,
            &self.strides,
            &self.bytes,
        ))
    }
}

/// One convolution's arguments; its weight has no identity, so each call hashes it.
struct Kernel {
    channels: usize,
    x: Parts,
    weight: Parts,
    lists: Vec<Parts>,
}

impl Kernel {
    fn new(channels: usize, side: usize) -> Self {
        let bytes = |n: usize| -> Vec<u8> { (0..n).map(|i| (i * 37) as u8).collect() };
        let pixels = side * side;
        let x = Parts {
            dtype: DType::I8,
            shape: vec![1, channels, side, side],
            strides: vec![pixels * channels, 1, side * channels, channels],
            bytes: bytes(pixels * channels),
        };
        let weight = Parts {
            dtype: DType::I8,
            shape: vec![channels, channels, 3, 3],
            strides: vec![channels * 9, 9, 3, 1],
            bytes: bytes(channels * channels * 9),
        };
        // Bias, output_scale, accu_right_shift, bias_left_shift, output_right_shift, sumin_scale, sumin_left_shift.
        let lists = [1000, 20000, 2, 0, 22, 0, 0].map(|v| Parts::list(vec![v; channels]));
        Self {
            channels,
            x,
            weight,
            lists: lists.into(),
        }
    }

    fn chain(&self) {
        let mut y = self.step(self.x.arg());
        for _ in 1..LENGTH {
            let strides = y.strides();
            y = self.step(Arg::Tensor(TensorRef::new(
                y.dtype(),
                y.shape(),
                &strides,
                y.bytes(),
            )));
        }
    }

    fn step(&self, x: Arg<'_>) -> Output {
        let l: Vec<Arg<'_>> = self.lists.iter().map(Parts::arg).collect();
        let one = [1, 1];
        let args = [
            x,
            self.weight.arg(),
            l[0],
            x,
            l[1],
            l[2],
            l[3],
            l[4],
            l[5],
            l[6],
            Arg::Bool(true),
            Arg::Int(self.channels as i64),
            Arg::Ints(&[3, 3]),
            Arg::Ints(&one),
            Arg::Ints(&one),
            Arg::Ints(&one),
            Arg::Str(""),
            Arg::Int(1),
            Arg::Bool(false),
            Arg::Bool(false),
            Arg::Str("qint8"),
            Arg::Str("bayes"),
        ];
        run("bpu_scale_quanti_convolution", &args)
            .expect("the kernel runs")
            .remove(0)
    }
}
