//! Normalisation: batch norm as a depthwise convolution, layer norm as a chain (`horizon.md` 3.15).

use super::conv::rounded_up;
use super::lut::lut;
use super::softmax::functional;
use super::steps::Steps;
use super::stub::quantize;
use super::{Leaf, UNARY, zero_point_of};
use crate::emit::ObjectId;
use crate::quant::convert::FUNCTIONAL;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::grid::{FakeQuant, Grid};
use crate::quant::convert::lut::Function;
use crate::quant::convert::read::Module;
use crate::quant::convert::writer::Writer;
use std::fmt::Write;

/// Weight scale of a channel whose factor is 0: its integer weight is 0 for any positive scale.
const ZERO_FACTOR_SCALE: f32 = f32::EPSILON;

/// Integer weight of a channel's factor. The plugin's is 1: its bias, which is rounded to steps of input scale times
/// weight scale, can be several output steps off where few of the input's steps are used. A power of two gives the
/// bias as many bits more, and the same products.
const UNIT: f32 = 64.0;

/// `batchnorm.BatchNorm2d` and `3d`: weight `γ/σ` with the scale `|γ|/σ` over [`UNIT`], bias `β - γμ/σ`.
pub(in crate::quant::convert) fn batch_norm(
    emit: &mut Writer,
    module: &Module,
    input: &Grid,
    three: bool,
) -> Result<(ObjectId, Grid), ConvertError> {
    let quant = FakeQuant::of_some_output(module)?;
    let mean = module.some_floats("running_mean")?.values;
    let var = module.some_floats("running_var")?.values;
    let eps = module.float("eps")?;
    let or = |name, value: f32| -> Result<Vec<f32>, ConvertError> {
        let found = module.floats(name)?.map(|f| f.values);
        Ok(found.unwrap_or_else(|| vec![value; mean.len()]))
    };
    let (gamma, beta) = (or("weight", 1.0)?, or("bias", 0.0)?);
    let n = mean.len();
    if [var.len(), gamma.len(), beta.len()].iter().any(|l| *l != n) {
        return Err(module.refuse("its tensors differ in length"));
    }
    let factor: Vec<f64> = (0..n)
        .map(|c| gamma[c] as f64 / (var[c] as f64 + eps).sqrt())
        .collect();
    let weight: Vec<f32> = factor.iter().map(|f| *f as f32).collect();
    let scale = |w: &f32| {
        if *w == 0.0 {
            ZERO_FACTOR_SCALE
        } else {
            w.abs() / UNIT
        }
    };
    let weight_scale: Vec<f32> = weight.iter().map(scale).collect();
    let bias: Vec<f32> = (0..n)
        .map(|c| (beta[c] as f64 - factor[c] * mean[c] as f64) as f32)
        .collect();
    let bias = rounded_up(bias, &quant.march, &quant.grid);
    let class = if three {
        "batchnorm.BatchNorm3d"
    } else {
        "batchnorm.BatchNorm2d"
    };
    let mut leaf = Leaf::new(class);
    leaf.floats(emit, "weight", &weight, &[n as i64, 1, 1, 1])?;
    leaf.floats1(emit, "bias", &bias)?;
    leaf.floats1(emit, "weight_scale", &weight_scale)?;
    leaf.floats1(emit, "scale", &quant.grid.scales)?;
    let body = batch_norm_text(n, input, &quant, three);
    Ok((leaf.forward(emit, UNARY, 3, &body)?, quant.grid))
}

fn batch_norm_text(channels: usize, input: &Grid, quant: &FakeQuant, three: bool) -> String {
    let mut text = format!(
        "weight_scale = self.weight_scale\nweight_zero_point = {}\nout_scale = self.scale\nout_zero_point = {}\n",
        zero_point_of("weight_scale"),
        zero_point_of("out_scale"),
    );
    let data = if three {
        "torch.flatten(data, 3, -1)"
    } else {
        "data"
    };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "_0 = {FUNCTIONAL}.conv2d\n\
         data0, scale0, = _0({data}, self.weight, self.bias, None, [1, 1], [0, 0], [1, 1], {channels}, \"zeros\", \"\", \
         scale, zero_point, \"{}\", weight_scale, weight_zero_point, \"qint8\", weight_scale, weight_zero_point, \"qint32\", \
         None, None, None, out_scale, out_zero_point, \"{}\", \"{}\")\n",
        input.dtype, quant.grid.dtype, quant.march
    );
    if three {
        text.push_str("data0 = torch.view_as(data0, data)\n");
    }
    text.push_str("return (data0, out_scale, out_zero_point)");
    text
}

/// Dimensions of a norm that are believed.
const MAX_DIMS: i64 = 8;

/// The children of a layer norm that are called as functions.
const FUNCTIONALS: [&str; 5] = ["input_mean", "sub", "mul", "var_mean", "out_mul"];

/// `layernorm.LayerNorm` and `instancenorm.InstanceNorm2d` over their last dimensions.
pub(in crate::quant::convert) fn layer_norm(
    emit: &mut Writer,
    module: &Module,
    input: &Grid,
) -> Result<(ObjectId, Grid), ConvertError> {
    let dims = match module.ints("normalized_shape") {
        Ok(shape) => shape.len(),
        Err(_) => module.int("dims")?.clamp(1, MAX_DIMS) as usize,
    };
    let mut leaf = Leaf::named(&module.plain_class());
    let mut text = Steps::of_data(input, dims);
    let mut grids = Vec::new();
    for name in FUNCTIONALS {
        let quant = FakeQuant::of_some_output(&module.part(name)?)?;
        let child = functional(emit, &quant.grid)?;
        leaf.child(emit, name, child);
        grids.push(quant);
    }
    let [input_mean, sub, mul, var_mean, out_mul] = &grids[..] else {
        return Err(module.refuse("parts are missing"));
    };
    let march = out_mul.march.clone();
    let rsqrt_module = module.part("rsqrt")?;
    let rsqrt = FakeQuant::of_some_output(&rsqrt_module)?;
    let function = Function::new("rsqrt", &[]).ok_or_else(|| module.refuse("no table"))?;
    let function = function.shifted(module.float("eps")?);
    let child = lut(emit, &rsqrt_module, &function, &var_mean.grid, &rsqrt, None)?;
    leaf.child(emit, "rsqrt", child);

    text.mean("mean", "x", "input_mean", &input_mean.grid, &march);
    text.binary("distance", ("sub", "x", "mean"), "sub", &sub.grid, &march);
    text.binary(
        "square",
        ("mul", "distance", "distance"),
        "mul",
        &mul.grid,
        &march,
    );
    text.mean("var", "square", "var_mean", &var_mean.grid, &march);
    text.call("factor", "rsqrt", "var", &rsqrt.grid);
    text.binary(
        "out",
        ("mul", "distance", "factor"),
        "out_mul",
        &out_mul.grid,
        &march,
    );
    let mut last = ("out", out_mul.grid.clone());
    for (name, op, result) in [("weight", "mul", "scaled"), ("bias", "add", "shifted")] {
        let Some(view) = module.tensor(name)? else {
            continue;
        };
        let stub = FakeQuant::of_some_output(&module.part(&format!("{name}_quant"))?)?;
        let step = format!("{name}_{op}");
        let out = FakeQuant::of_some_output(&module.part(&step)?)?;
        leaf.view(emit, name, &view)?;
        let child = quantize(emit, &stub)?;
        leaf.child(emit, &format!("{name}_quant"), child);
        let child = functional(emit, &out.grid)?;
        leaf.child(emit, &step, child);
        text.constant(name, &stub.grid);
        text.binary(result, (op, last.0, name), &step, &out.grid, &march);
        last = (result, out.grid);
    }
    let body = text.finish(last.0);
    Ok((leaf.forward(emit, UNARY, 3, &body)?, last.1))
}
