//! Recurrent layers as one step after another: the sequence is split, and each step is a cell of the plugin's
//! (horizon.md 8.3), whose weights all steps of a layer share.

use super::arithmetic::unpack_all;
use super::{Recipe, one};
use crate::ir::{Constant, NodeId, Type, Use, ValueId};
use crate::quant::cell::CellKind;
use crate::quant::fuse::{Builder, Net};
use crate::quant::qconfig::March;
use crate::tensor::DType;

/// Steps of one sequence. Every step is a call, and libtorch takes time with the square of a method's length to load
/// it: with this many it stays below a second.
const MAX_STEPS: i64 = 256;

/// Steps of all layers and directions of one module, for the same reason.
const MAX_CELLS: i64 = 1024;

/// Operators between zeros and the cell that starts with them.
const MAX_MOVES: usize = 4;

pub(super) fn recipe(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Recipe> {
    let layers = Layers::read(net, id, name, march)?.ok()?;
    let count = net.node(id).outputs.len();
    Some(Box::new(move |b| {
        layers.write(b).filter(|it| it.len() == count)
    }))
}

/// Why a recurrent layer stays in float; none if the node is not one, or is written out.
pub(in crate::quant) fn refusal(
    net: &Net<'_>,
    id: NodeId,
    name: &str,
    march: March,
) -> Option<String> {
    Layers::read(net, id, name, march)?.err()
}

/// A recurrent module: its layers and directions.
struct Layers {
    cell: CellKind,
    /// `[T, N, I]`, or `[N, T, I]`.
    input: ValueId,
    /// `[layers · directions, N, H]`, one or two.
    states: Vec<ValueId>,
    params: Params,
    steps: i64,
    layers: i64,
    directions: i64,
    batch_first: bool,
    has_biases: bool,
}

/// The list of weights.
enum Params {
    Values(Vec<ValueId>),
    /// A list of the file.
    Stored(ValueId),
}

impl Layers {
    fn read(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Option<Result<Layers, String>> {
        let cell = CellKind::of(&format!("{name}_cell"))?;
        Some(Layers::of(net, id, cell, march))
    }

    fn of(net: &Net<'_>, id: NodeId, cell: CellKind, march: March) -> Result<Layers, String> {
        if !march.has_int16() || !march.has_linear() {
            return Err(format!("{march} has no quantised function for it"));
        }
        if super::overload(net.graph(), id) != "input" {
            return Err("packed sequences have no fixed length".into());
        }
        let unknown = || "its hyperparameters are not constant".to_owned();
        let arg = |name| net.arg(id, name).ok_or_else(unknown);
        let bool = |name| net.bool(arg(name)?).ok_or_else(unknown);
        if bool("train")? {
            return Err("it is in training mode: save the model after `eval()`".into());
        }
        let (has_biases, batch_first) = (bool("has_biases")?, bool("batch_first")?);
        let directions = if bool("bidirectional")? { 2 } else { 1 };
        let layers = net.int(arg("num_layers")?).ok_or_else(unknown)?;
        let input = arg("input")?;
        let steps = match net.sizes(input) {
            Some(&[_, steps, _]) if batch_first => steps,
            Some(&[steps, _, _]) if !batch_first => steps,
            _ => None,
        };
        let steps = steps.ok_or(
            "how long its sequence is is not known: give inputs of the shape that the model will run on",
        )?;
        if !(1..=MAX_STEPS).contains(&steps) {
            return Err(format!(
                "its sequence has {steps} steps; 1 to {MAX_STEPS} are written out"
            ));
        }
        let cells = steps
            .checked_mul(layers)
            .and_then(|it| it.checked_mul(directions));
        if !cells.is_some_and(|it| (1..=MAX_CELLS).contains(&it)) {
            return Err(format!(
                "steps times layers and directions are more than {MAX_CELLS}"
            ));
        }
        let found = Layers {
            cell,
            input,
            states: states(net, arg("hx")?).ok_or_else(unknown)?,
            params: params(net, arg("params")?),
            steps,
            layers,
            directions,
            batch_first,
            has_biases,
        };
        let each = if has_biases { 4 } else { 2 };
        match net.tensor_count(arg("params")?) == usize::try_from(layers * directions * each).ok() {
            true => Ok(found),
            false => Err(
                "projections (`proj_size`) are not quantised, nor weights that are not stored"
                    .into(),
            ),
        }
    }

    fn write(&self, b: &mut Builder<'_>) -> Option<Vec<ValueId>> {
        let (zero, one) = (b.int(0), b.int(1));
        let mut x = self.input;
        if self.batch_first {
            x = b.aten("transpose", "int", &[x, zero, one])?;
        }
        let mut last: Vec<Vec<ValueId>> = vec![Vec::new(); self.states.len()];
        for layer in 0..self.layers {
            let steps = self.steps_of(b, x)?;
            let mut outputs = Vec::new();
            for direction in 0..self.directions {
                let at = layer * self.directions + direction;
                let (output, states) = self.direction(b, &steps, at, direction == 1)?;
                outputs.push(output);
                for (all, state) in last.iter_mut().zip(states) {
                    all.push(state);
                }
            }
            x = joined(b, &outputs, 2)?;
        }
        if self.batch_first {
            x = b.aten("transpose", "int", &[x, zero, one])?;
        }
        let mut results = vec![x];
        for all in last {
            results.push(joined(b, &all, 0)?);
        }
        Some(results)
    }

    /// `[T, N, I]` as `T` matrices; another length is an error when it runs.
    fn steps_of(&self, b: &mut Builder<'_>, x: ValueId) -> Option<Vec<ValueId>> {
        let (zero, one) = (b.int(0), b.int(1));
        let parts = b.aten("split", "Tensor", &[x, one, zero])?;
        let parts = unpack_all(b, parts, usize::try_from(self.steps).ok()?);
        parts
            .into_iter()
            .map(|part| b.aten("squeeze", "dim", &[part, zero]))
            .collect()
    }

    /// One direction of one layer: what it gives, `[T, N, H]`, and its last states, `[1, N, H]`.
    fn direction(
        &self,
        b: &mut Builder<'_>,
        steps: &[ValueId],
        at: i64,
        reversed: bool,
    ) -> Option<(ValueId, Vec<ValueId>)> {
        let zero = b.int(0);
        let weights = self.weights(b, at)?;
        let mut states = Vec::new();
        for &state in &self.states {
            let at = b.int(at);
            states.push(b.aten("select", "int", &[state, zero, at])?);
        }
        let mut outputs = Vec::with_capacity(steps.len());
        for step in 0..steps.len() {
            let step = if reversed {
                steps.len() - 1 - step
            } else {
                step
            };
            states = self.step(b, steps[step], &states, &weights)?;
            outputs.push(b.aten("unsqueeze", "", &[states[0], zero])?);
        }
        if reversed {
            outputs.reverse();
        }
        let mut wide = Vec::with_capacity(states.len());
        for state in states {
            wide.push(b.aten("unsqueeze", "", &[state, zero])?);
        }
        Some((joined(b, &outputs, 0)?, wide))
    }

    fn step(
        &self,
        b: &mut Builder<'_>,
        x: ValueId,
        states: &[ValueId],
        weights: &[ValueId],
    ) -> Option<Vec<ValueId>> {
        let hidden = match states {
            &[hidden] => hidden,
            _ => b.tensors(states),
        };
        let inputs: Vec<ValueId> = [x, hidden].iter().chain(weights).copied().collect();
        b.aten_all(self.cell.op(), "", &inputs)
    }

    /// `w_ih, w_hh` and perhaps `b_ih, b_hh` of a layer's direction.
    fn weights(&self, b: &mut Builder<'_>, at: i64) -> Option<Vec<ValueId>> {
        let each = if self.has_biases { 4 } else { 2 };
        (at * each..(at + 1) * each)
            .map(|index| match &self.params {
                Params::Values(values) => values.get(usize::try_from(index).ok()?).copied(),
                Params::Stored(list) => b.element(*list, index),
            })
            .collect()
    }
}

/// One tensor, or a list of some.
fn states(net: &Net<'_>, value: ValueId) -> Option<Vec<ValueId>> {
    if *net.graph().ty(value) == Type::Tensor {
        return Some(vec![value]);
    }
    net.items(value).map(<[ValueId]>::to_vec)
}

fn params(net: &Net<'_>, value: ValueId) -> Params {
    match net.items(value) {
        Some(items) => Params::Values(items.to_vec()),
        None => Params::Stored(value),
    }
}

/// Tensors side by side; one is itself.
fn joined(b: &mut Builder<'_>, parts: &[ValueId], dim: i64) -> Option<ValueId> {
    if let &[one] = parts {
        return Some(one);
    }
    let (list, dim) = (b.tensors(parts), b.int(dim));
    b.aten("cat", "", &[list, dim])
}

/// Zeros that a scripted layer starts with, of the type and on the device of its input: the front end knows neither
/// question, so they are made as tracing makes them.
pub(super) fn zeros(net: &Net<'_>, id: NodeId) -> Option<Recipe> {
    let is_asked = |name| {
        let producer = net.arg(id, name).and_then(|it| net.graph().producer(it));
        producer.is_some_and(|it| matches!(net.node(it).op.kind(), "prim::device" | "prim::dtype"))
    };
    let (dtype, device) = (is_asked("dtype"), is_asked("device"));
    if net.aten(id) != Some("zeros") || !(dtype || device) || !starts_cell(net, id, 0) {
        return None;
    }
    let mut inputs = net.node(id).inputs.to_vec();
    let overload = super::overload(net.graph(), id);
    one(move |b| {
        if dtype {
            inputs[1] = b.int(DType::F32.code());
        }
        if device {
            inputs[3] = b.constant(Constant::Device("cpu".into()), Type::Device);
        }
        b.aten("zeros", overload, &inputs)
    })
}

/// Whether a recurrent cell reads what a node gives.
fn starts_cell(net: &Net<'_>, id: NodeId, depth: usize) -> bool {
    let outputs = net.node(id).outputs.iter();
    let mut uses = outputs.flat_map(|it| net.uses(*it));
    uses.any(|it| match it {
        Use::Input { node, .. } => {
            let is_cell = net.aten(*node).is_some_and(|it| it.ends_with("_cell"));
            is_cell || depth < MAX_MOVES && starts_cell(net, *node, depth + 1)
        }
        Use::Return { .. } => false,
    })
}
