//! Elementwise functions by table (`horizon.md` 3.12, 3.13).

use super::{Leaf, UNARY};
use crate::bpu::dtype::QType;
use crate::emit::ObjectId;
use crate::quant::convert::error::ConvertError;
use crate::quant::convert::grid::{FakeQuant, Grid};
use crate::quant::convert::lut::segment::{ENTRIES, Request, SEGMENTS, TABLES, segments};
use crate::quant::convert::lut::{Function, Rounding, Segments, Strategy, table};
use crate::quant::convert::read::Module;
use crate::quant::convert::writer::Writer;
use crate::quant::convert::{FUNCTIONAL, has_segments};
use crate::tensor::DType;

/// Lower end of the reciprocal's tables in steps of an int16 input (`horizon.md` 3.15).
const RECIPROCAL_STEPS: f64 = 32.0;

/// What is known of one table beside its function.
#[derive(Clone, Copy, Debug)]
pub(in crate::quant::convert) struct Shape {
    pub(in crate::quant::convert) range: (Option<f64>, Option<f64>),
    pub(in crate::quant::convert) centrosymmetric: bool,
    pub(in crate::quant::convert) strategy: Strategy,
    pub(in crate::quant::convert) gradients: (Option<f64>, Option<f64>),
}

impl Shape {
    /// Tables over all inputs.
    const PLAIN: Shape = Shape {
        range: (None, None),
        centrosymmetric: false,
        strategy: Strategy::Best,
        gradients: (None, None),
    };

    /// The `exp` of a softmax: inputs are differences from the largest, from -12 on.
    pub(in crate::quant::convert) const SOFTMAX_EXP: Shape = Shape {
        range: (Some(-12.0), Some(0.0)),
        centrosymmetric: false,
        strategy: Strategy::Evenly,
        gradients: (Some(0.0), None),
    };

    /// What the plugin asks for a function.
    pub(in crate::quant::convert) fn of(function: &Function, input: &Grid, out: &Grid) -> Shape {
        let in_scale = input.scale().unwrap_or(1.0) as f64;
        if function.is_reciprocal() {
            let steps = match input.dtype {
                QType::Qint8 => 1.0,
                _ => RECIPROCAL_STEPS,
            };
            return Shape {
                range: (Some(steps * in_scale), None),
                ..Shape::POLE
            };
        }
        if function.is_rsqrt() {
            return Shape::POLE;
        }
        if function.is_exp() {
            let top = out.scale().unwrap_or(1.0) as f64 * out.dtype.limits().1 as f64;
            return Shape {
                range: (None, Some(top.ln())),
                ..Shape::PLAIN
            };
        }
        Shape::PLAIN
    }

    /// One branch with a pole at 0.
    const POLE: Shape = Shape {
        range: (None, None),
        centrosymmetric: true,
        strategy: Strategy::Curvature,
        gradients: (Some(0.0), None),
    };
}

/// The function that a `SegmentLUT` module names.
pub(in crate::quant::convert) fn function(module: &Module) -> Result<Function, ConvertError> {
    let op = module.str("op")?;
    let args = module.float_list("args")?;
    let function = Function::new(op, &args);
    function.ok_or_else(|| module.refuse(format!("`{op}` has no table form")))
}

/// `segment_lut.SegmentLUT` of a function, with its tables as buffers.
pub(in crate::quant::convert) fn lut(
    emit: &mut Writer,
    module: &Module,
    function: &Function,
    input: &Grid,
    quant: &FakeQuant,
    shape: Option<Shape>,
) -> Result<ObjectId, ConvertError> {
    let (leaf, body) = parts(emit, module, function, input, quant, shape)?;
    leaf.forward(emit, UNARY, 3, &body)
}

/// A module of this class whose one child, a `SegmentLUT`, holds the tables that it calls the function with itself: the
/// state dict has the child, and the scope of the call is the holder's.
pub(in crate::quant::convert) fn held(
    emit: &mut Writer,
    class: &str,
    child: &Module,
    function: &Function,
    input: &Grid,
    quant: &FakeQuant,
) -> Result<ObjectId, ConvertError> {
    let (leaf, body) = parts(emit, child, function, input, quant, None)?;
    let object = leaf.finish(emit)?;
    let name = child.path.rsplit('.').next().unwrap_or_default();
    let mut holder = Leaf::named(class);
    holder.child(emit, name, object);
    let body = body.replace("self.", &format!("self.{name}."));
    holder.forward(emit, UNARY, 3, &body)
}

/// The module with its tables, and the method that reads them.
fn parts(
    emit: &mut Writer,
    module: &Module,
    function: &Function,
    input: &Grid,
    quant: &FakeQuant,
    shape: Option<Shape>,
) -> Result<(Leaf, String), ConvertError> {
    let scale = input.scale();
    let in_scale = scale.ok_or_else(|| module.refuse("its input has a scale per channel"))? as f64;
    let mut leaf = Leaf::new("segment_lut.SegmentLUT");
    leaf.grid(emit, ("out_scale", "out_zero_point"), &quant.grid)?;
    if input.dtype == QType::Qint8 && quant.grid.dtype == QType::Qint8 {
        // The generator of the bernoulli family rounds half up whatever the mode (3.13).
        let rounding = match has_segments(&quant.march) {
            true => quant.rounding(),
            false => Rounding::HalfUp,
        };
        let entries = table(function, in_scale, quant.grid.output(rounding));
        let entries = entries.into_iter().map(i64::from);
        leaf.integers(emit, "single_table", DType::I8, entries, &[256])?;
        return Ok((leaf, single(quant)));
    }
    if !has_segments(&quant.march) {
        return Err(ConvertError::March {
            march: quant.march.clone(),
            op: "segment_lut",
            path: module.path.to_string(),
        });
    }
    let shape = shape.unwrap_or_else(|| Shape::of(function, input, &quant.grid));
    let made = segments(&Request {
        function,
        in_scale,
        in_range: input.dtype.limits(),
        out: quant.grid.output(quant.rounding()),
        range: shape.range,
        centrosymmetric: shape.centrosymmetric,
        strategy: shape.strategy,
        gradients: shape.gradients,
    });
    segment_buffers(&mut leaf, emit, &made)?;
    let body = segmented(input, quant, made.centrosymmetric);
    Ok((leaf, body))
}

fn single(quant: &FakeQuant) -> String {
    format!(
        "_0 = {FUNCTIONAL}.lut\nout_scale = self.out_scale\nout_zero_point = self.out_zero_point\n\
         data0 = _0(data, scale, zero_point, \"qint8\", self.single_table, out_scale, out_zero_point, \"qint8\", \"{}\")\n\
         return (data0, out_scale, out_zero_point)",
        quant.march
    )
}

fn segmented(input: &Grid, quant: &FakeQuant, centrosymmetric: bool) -> String {
    let symmetric = if centrosymmetric { "True" } else { "False" };
    format!(
        "_0 = {FUNCTIONAL}.segment_lut\nout_scale = self.out_scale\nout_zero_point = self.out_zero_point\n\
         data0 = _0(data, self.table, self.scale, self.beta, self.left_shift, self.right_shift, self.max, \
         {symmetric}, scale, zero_point, \"{}\", out_scale, out_zero_point, \"{}\", \"{}\")\n\
         return (data0, out_scale, out_zero_point)",
        input.dtype, quant.grid.dtype, quant.march
    )
}

fn segment_buffers(
    leaf: &mut Leaf,
    emit: &mut Writer,
    made: &Segments,
) -> Result<(), ConvertError> {
    let sizes = &[SEGMENTS as i64];
    let wide = |values: &[i16]| values.iter().map(|v| *v as i64).collect::<Vec<_>>();
    let narrow = |values: &[i8]| values.iter().map(|v| *v as i64).collect::<Vec<_>>();
    let table = &[TABLES as i64, ENTRIES as i64];
    leaf.integers(emit, "table", DType::I16, wide(&made.table), table)?;
    leaf.integers(emit, "scale", DType::I16, wide(&made.alpha), sizes)?;
    leaf.integers(emit, "beta", DType::I16, wide(&made.beta), sizes)?;
    leaf.integers(
        emit,
        "left_shift",
        DType::I8,
        narrow(&made.left_shift),
        sizes,
    )?;
    leaf.integers(
        emit,
        "right_shift",
        DType::I8,
        narrow(&made.right_shift),
        sizes,
    )?;
    leaf.integers(emit, "max", DType::I16, wide(&made.max), sizes)
}
