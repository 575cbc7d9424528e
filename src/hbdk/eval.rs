//! Evaluates layers in plain integers, channels last (`hbir.md` 1).
//!
//! Accumulators are `i64` and never wrap; saturation and shifts are those of the layer. Nothing here is clever.

mod conv;
mod elementwise;
mod lut;
mod movement;
mod pool;
mod proposal;
mod reduce;
mod resize;
mod roi;
mod select;
pub mod shift;

use super::array::{Array, Data, is_real};
use super::graph::{Graph, Kind, Layer, Layout, Quantise, RecordId};
use super::layout::{from_native, has_hardware_layout, to_native};
use super::lower::rounded;
use super::march::limits;
use crate::tensor::DType;

/// Sees every tensor as it is computed.
pub trait Watch {
    /// A tensor was computed, in its record's layout. What is returned takes its place for what follows.
    fn computed(&mut self, id: RecordId, value: &Array) -> Option<Array>;
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn computed(&mut self, _: RecordId, _: &Array) -> Option<Array> {
        None
    }
}

/// Why layers could not be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// Arguments do not fit the graph.
    #[error("input {index}: expected {expected}, found {found}")]
    Input {
        /// Which argument.
        index: usize,
        /// What the graph was built for.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A layer cannot take what it got; the graph is malformed.
    #[error("layer `{name}` ({kind}): {message}")]
    Layer {
        /// Name of its first output.
        name: String,
        /// HBIR's name of its kind.
        kind: &'static str,
        /// Why.
        message: String,
    },
}

/// Evaluates all layers on arguments in the framework's layout; the outputs, in theirs.
pub fn run(
    graph: &Graph,
    inputs: &[Array],
    watch: &mut dyn Watch,
) -> Result<Vec<Array>, EvalError> {
    let needed: Vec<bool> = vec![true; graph.layers.len()];
    evaluate(graph, inputs, &needed, watch)
}

/// Evaluates only the layers that outputs need.
pub fn run_live(graph: &Graph, inputs: &[Array]) -> Result<Vec<Array>, EvalError> {
    evaluate(graph, inputs, &graph.live_layers(), &mut NoWatch)
}

/// A tensor of a graph without arguments.
pub(super) fn one(graph: &Graph, record: RecordId) -> Result<Array, String> {
    struct Keep(RecordId, Option<Array>);
    impl Watch for Keep {
        fn computed(&mut self, id: RecordId, value: &Array) -> Option<Array> {
            if id == self.0 {
                self.1 = Some(value.clone());
            }
            None
        }
    }
    let mut keep = Keep(record, None);
    run(graph, &[], &mut keep).map_err(|e| e.to_string())?;
    keep.1
        .ok_or_else(|| "the result is not computed".to_owned())
}

fn evaluate(
    graph: &Graph,
    inputs: &[Array],
    needed: &[bool],
    watch: &mut dyn Watch,
) -> Result<Vec<Array>, EvalError> {
    if inputs.len() != graph.inputs.len() {
        return Err(EvalError::Input {
            index: inputs.len().min(graph.inputs.len()),
            expected: format!("{} tensors", graph.inputs.len()),
            found: format!("{} tensors", inputs.len()),
        });
    }
    let mut last_use = vec![0usize; graph.records.len()];
    for (i, layer) in graph.layers.iter().enumerate() {
        layer.inputs.iter().for_each(|r| last_use[r.0 as usize] = i);
    }
    for output in &graph.outputs {
        last_use[output.record.0 as usize] = usize::MAX;
    }
    let mut values: Vec<Option<Array>> = vec![None; graph.records.len()];
    for (i, layer) in graph.layers.iter().enumerate() {
        if !needed.get(i).copied().unwrap_or(true) {
            continue;
        }
        let made = match &layer.kind {
            Kind::Input(quantise) => vec![argument(graph, layer, inputs, *quantise)?],
            _ => compute(graph, layer, &values)?,
        };
        for (&id, value) in layer.outputs.iter().zip(made) {
            let value = match watch.computed(id, &value) {
                Some(other) => other,
                None => value,
            };
            if last_use[id.0 as usize] > i {
                values[id.0 as usize] = Some(value);
            }
        }
        for id in &layer.inputs {
            if last_use[id.0 as usize] <= i {
                values[id.0 as usize] = None;
            }
        }
    }
    let output = |o: &super::graph::Output| {
        let value = values[o.record.0 as usize].clone();
        let record = graph.record(o.record);
        let value = value.unwrap_or_else(|| Array::int(DType::I8, &[0], vec![]));
        to_framework(&value, record.layout)
    };
    Ok(graph.outputs.iter().map(output).collect())
}

/// A value in the framework's order of dimensions.
pub fn to_framework(value: &Array, layout: Layout) -> Array {
    let rank = value.shape.len();
    match layout == Layout::Hardware && has_hardware_layout(rank) {
        true => value.permuted(&to_native(rank)),
        false => value.clone(),
    }
}

/// A value in the order of dimensions of a layout.
pub fn to_layout(value: &Array, layout: Layout) -> Array {
    let rank = value.shape.len();
    match layout == Layout::Hardware && has_hardware_layout(rank) {
        true => value.permuted(&from_native(rank)),
        false => value.clone(),
    }
}

/// Integers as the numbers they mean, in float32.
pub fn dequantised(value: &Array, it: &super::graph::Dequantise) -> Array {
    let scale = it.scale.to_f32();
    let (inner, size) = match it.axis {
        Some(axis) if axis < value.shape.len() => (
            value.shape[axis + 1..].iter().product::<usize>().max(1),
            value.shape[axis].max(1),
        ),
        _ => (1, 1),
    };
    let real = |(i, q): (usize, f64)| {
        let at = if scale.len() == 1 {
            0
        } else {
            i / inner % size
        };
        f64::from(q as f32 * scale.get(at).copied().unwrap_or(1.0))
    };
    let data = value.to_reals().into_iter().enumerate().map(real).collect();
    Array::real(DType::F32, &value.shape, data)
}

fn argument(
    graph: &Graph,
    layer: &Layer,
    inputs: &[Array],
    quantise: Option<Quantise>,
) -> Result<Array, EvalError> {
    let id = layer.outputs[0];
    let record = graph.record(id);
    let index = graph.inputs.iter().position(|&r| r == id).unwrap_or(0);
    let given = to_layout(&inputs[index], record.layout);
    if given.shape != record.shape {
        return Err(EvalError::Input {
            index,
            expected: format!("shape {:?} (as the hardware has it)", record.shape),
            found: format!("{:?}", given.shape),
        });
    }
    let Some(Quantise { scale, round }) = quantise else {
        return match is_real(record.dtype) == is_real(given.dtype) {
            true => Ok(given.to(record.dtype)),
            false => Err(EvalError::Input {
                index,
                expected: format!("a tensor of {}", record.dtype),
                found: format!("one of {}", given.dtype),
            }),
        };
    };
    let (low, high) = limits(record.dtype);
    let quantised = given.to_f32().into_iter().map(|x| {
        let q = rounded(x / scale, round);
        q.clamp(low as f64, high as f64) as i64
    });
    Ok(Array::int(record.dtype, &record.shape, quantised.collect()))
}

/// What a layer reads and makes.
struct Task<'a> {
    inputs: Vec<&'a Array>,
    /// Shape and type of each output.
    outputs: Vec<(&'a [usize], DType)>,
}

impl<'a> Task<'a> {
    fn input(&self, at: usize) -> Result<&'a Array, String> {
        self.inputs
            .get(at)
            .copied()
            .ok_or_else(|| format!("input {at} is missing"))
    }

    fn ints(&self, at: usize) -> Result<&'a [i64], String> {
        match &self.input(at)?.data {
            Data::Int(data) => Ok(data),
            Data::Real(_) => Err(format!("input {at} is not an integer tensor")),
        }
    }

    fn shape(&self, at: usize) -> Result<&'a [usize], String> {
        Ok(&self.input(at)?.shape)
    }

    fn out(&self) -> (&'a [usize], DType) {
        self.outputs[0]
    }

    /// The single output from its elements.
    fn made(&self, data: Vec<i64>) -> Result<Vec<Array>, String> {
        let (shape, dtype) = self.out();
        match data.len() == shape.iter().product::<usize>() {
            true => Ok(vec![Array::int(dtype, shape, data)]),
            false => Err(format!("{} elements for shape {shape:?}", data.len())),
        }
    }
}

fn compute(
    graph: &Graph,
    layer: &Layer,
    values: &[Option<Array>],
) -> Result<Vec<Array>, EvalError> {
    let failed = |message: String| EvalError::Layer {
        name: graph.record(layer.outputs[0]).name.to_string(),
        kind: layer.kind.name(),
        message,
    };
    let input = |id: &RecordId| values[id.0 as usize].as_ref();
    let inputs: Option<Vec<&Array>> = layer.inputs.iter().map(input).collect();
    let task = Task {
        inputs: inputs.ok_or_else(|| failed("an input is not computed".into()))?,
        outputs: layer
            .outputs
            .iter()
            .map(|&id| {
                let record = graph.record(id);
                (record.shape.as_slice(), record.dtype)
            })
            .collect(),
    };
    kernel(&layer.kind, &task).map_err(failed)
}

fn kernel(kind: &Kind, task: &Task<'_>) -> Result<Vec<Array>, String> {
    match kind {
        Kind::Input(_) => Err("an input is not computed".into()),
        Kind::Constant(array) => Ok(vec![(**array).clone()]),
        Kind::Conv(conv) => conv::conv(conv, task),
        Kind::MaxPooling(window) => pool::max(window, task),
        Kind::AvgPooling {
            window,
            chain,
            pre_rounding,
            post_rounding,
        } => pool::average(window, chain, [*pre_rounding, *post_rounding], task),
        Kind::RoiResize(it) => resize::resize(it, task),
        Kind::RoiAlign(it) => roi::align(it, task),
        Kind::Detection(it) => proposal::detect(it, task),
        Kind::NearestUpsample(factors) => resize::replicate(*factors, task),
        Kind::Warping { bits, nearest, pad } => resize::warp(*bits, *nearest, *pad, task),
        Kind::Rescale { chain, rounding } => elementwise::rescale(chain, *rounding, task),
        Kind::ElementwiseAdd { form, chain } => elementwise::add(form, chain, task),
        Kind::ElementwiseMul { chain } => elementwise::mul(chain, task),
        Kind::ElementwiseMax => elementwise::pairwise(task, i64::max),
        Kind::ElementwiseMin => elementwise::pairwise(task, i64::min),
        Kind::Compare(order) => elementwise::compare(*order, task),
        Kind::PRelu { positive, negative } => elementwise::prelu(positive, negative, task),
        Kind::Relu => elementwise::unary(task, |x| x.max(0)),
        Kind::Clamp { min, max } => elementwise::unary(task, |x| {
            let x = min.map_or(x, |m| x.max(m));
            max.map_or(x, |m| x.min(m))
        }),
        Kind::Abs { saturate } => elementwise::abs(*saturate, task),
        Kind::Ceil { multiplier, shift } => {
            elementwise::unary(task, |x| (x * multiplier + (1i64 << shift) - 1) >> shift)
        }
        Kind::Sum { dim, chain } => reduce::sum(*dim, chain, task),
        Kind::Gemm {
            trans,
            chain,
            rounding,
        } => reduce::gemm(*trans, chain, *rounding, task),
        Kind::Correlation { .. } => reduce::correlation(kind, task),
        Kind::ReduceMax { dim, part } => reduce::extreme(*dim, *part, true, task),
        Kind::ReduceMin { dim, part } => reduce::extreme(*dim, *part, false, task),
        Kind::TopK { k, dim, largest } => reduce::top(*k, *dim, *largest, task),
        Kind::Lut(table) => lut::lut(table, task),
        Kind::SegmentLut(segments) => lut::segments(segments, task),
        Kind::SoftmaxBernoulli2 {
            table,
            dim,
            max_value_only,
        } => lut::softmax(table, *dim, *max_value_only, task),
        Kind::Filter {
            threshold,
            range,
            above,
            parts,
        } => select::filter(*threshold, *range, *above, parts, task),
        Kind::Rle { most } => select::rle(*most, task),
        Kind::Transpose(perm) => Ok(vec![task.input(0)?.permuted(perm)]),
        Kind::View => Ok(vec![task.input(0)?.reshaped(task.out().0)]),
        _ => movement::movement(kind, task),
    }
}
