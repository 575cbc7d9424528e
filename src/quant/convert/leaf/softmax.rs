//! Softmax of the bayes family as a chain of integer functions (`horizon.md` 3.15).

use super::lut::{Shape, held, lut};
use super::{Leaf, UNARY, zero_point_of};
use crate::bpu::dtype::QType;
use crate::emit::ObjectId;
use crate::quant::convert::FUNCTIONAL;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::grid::{FakeQuant, Grid};
use crate::quant::convert::lut::Function;
use crate::quant::convert::read::Module;
use crate::quant::convert::writer::Writer;
use crate::tensor::DType;

/// A `QFunctional`: a scale for a function that its owner calls.
pub(super) fn functional(emit: &mut Writer, grid: &Grid) -> Result<ObjectId, ConvertError> {
    let mut leaf = Leaf::new("functional_modules.QFunctional");
    leaf.floats1(emit, "scale", &grid.scales)?;
    leaf.finish(emit)
}

/// `softmax.SegmentLUTSoftmax` with the children `sub exp sum reciprocal mul`.
pub(in crate::quant::convert) fn softmax(
    emit: &mut Writer,
    module: &Module,
    input: &Grid,
) -> Result<(ObjectId, Grid), ConvertError> {
    let part = |name| FakeQuant::of_some_output(&module.part(name)?);
    let (sub, exp, sum, mul) = (part("sub")?, part("exp")?, part("sum")?, part("mul")?);
    let outer = module.part("reciprocal")?;
    let inner = outer.part("reciprocal")?;
    let reciprocal = FakeQuant::of_some_output(&inner)?;
    let march = mul.march.clone();

    let known = |name| Function::new(name, &[]).ok_or_else(|| module.refuse("no table"));
    let mut leaf = Leaf::named("__torch__.horizon_plugin_pytorch.nn.qat.softmax.SegmentLUTSoftmax");
    let child = functional(emit, &sub.grid)?;
    leaf.child(emit, "sub", child);
    let exp_module = module.part("exp")?;
    let shape = Some(Shape::SOFTMAX_EXP);
    let child = lut(emit, &exp_module, &known("exp")?, &sub.grid, &exp, shape)?;
    leaf.child(emit, "exp", child);
    let child = functional(emit, &sum.grid)?;
    leaf.child(emit, "sum", child);
    // The guide knows this table by the scope `reciprocal`, the state dict by `reciprocal.reciprocal` (5.4, 8.4).
    let holder = "__torch__.horizon_plugin_pytorch.nn.qat.reciprocal.Reciprocal";
    let inverse = known("reciprocal")?;
    let child = held(emit, holder, &inner, &inverse, &sum.grid, &reciprocal)?;
    leaf.child(emit, "reciprocal", child);
    let child = functional(emit, &mul.grid)?;
    leaf.child(emit, "mul", child);

    let dim = module.int("dim")?;
    let body = format!(
        "sub_scale = self.sub.scale\nsub_zero_point = {}\nsum_scale = self.sum.scale\nsum_zero_point = {}\n\
         out_scale = self.mul.scale\nout_zero_point = {}\n\
         largest, _0, = torch.max(data, {dim}, True)\n_1 = {FUNCTIONAL}.sub\n\
         distance = _1(data, largest, scale, zero_point, \"{in_type}\", scale, zero_point, \"{in_type}\", sub_scale, sub_zero_point, \"{sub_type}\", \"{march}\")\n\
         power, power_scale, power_zero_point, = (self.exp).forward(distance, sub_scale, sub_zero_point, )\n\
         _2 = {FUNCTIONAL}.sum\n\
         total = _2(power, {dim}, True, power_scale, power_zero_point, \"{exp_type}\", sum_scale, sum_zero_point, \"{sum_type}\", \"{march}\")\n\
         part, part_scale, part_zero_point, = (self.reciprocal).forward(total, sum_scale, sum_zero_point, )\n\
         _3 = {FUNCTIONAL}.mul\n\
         data0 = _3(power, part, power_scale, power_zero_point, \"{exp_type}\", part_scale, part_zero_point, \"{part_type}\", out_scale, out_zero_point, \"{out_type}\", \"{march}\")\n\
         return (data0, out_scale, out_zero_point)",
        zero_point_of("sub_scale"),
        zero_point_of("sum_scale"),
        zero_point_of("out_scale"),
        in_type = input.dtype,
        sub_type = sub.grid.dtype,
        exp_type = exp.grid.dtype,
        sum_type = sum.grid.dtype,
        part_type = reciprocal.grid.dtype,
        out_type = mul.grid.dtype,
    );
    Ok((leaf.forward(emit, UNARY, 3, &body)?, mul.grid))
}

/// Steps of `exp`'s largest value, 1, in the table of march bernoulli2.
const EXP_STEPS: f64 = 255.0;

/// `softmax_bernoulli2.SoftmaxBernoulli2`: a table of `exp(k·s)` for `k` from -255 to 0, the float share of the sum.
pub(in crate::quant::convert) fn of_bernoulli2(
    emit: &mut Writer,
    module: &Module,
    input: &Grid,
    march: &str,
) -> Result<ObjectId, ConvertError> {
    let scale = input.scale().filter(|_| input.dtype == QType::Qint8);
    let scale = scale.ok_or_else(|| module.refuse("its input is not qint8 of one scale"))?;
    let entry = |k: i64| {
        let steps = (f64::from(scale) * k as f64).exp() * EXP_STEPS;
        steps.round_ties_even().clamp(0.0, EXP_STEPS) as i64
    };
    let mut leaf = Leaf::new("softmax_bernoulli2.SoftmaxBernoulli2");
    leaf.integers(emit, "table", DType::U8, (-255..=0).map(entry), &[256])?;
    let dim = module.int("dim")?;
    let body = format!(
        "_0 = {FUNCTIONAL}.softmax_bernoulli2\nreturn _0(data, self.table, False, {dim}, \"{march}\")"
    );
    leaf.forward(emit, &["data"], 1, &body)
}
