//! A file that checks a conversion: beside every integer operation stands the fake-quant one on the same inputs.
//!
//! Its `forward` takes the model's inputs and returns one number for each checked operation: the largest difference
//! between the two results, in steps of the output's scale. A high-precision output has no such scale, and the state of
//! a cell a finer one than what it is made of; their unit is the step that int8 would have over the result's range.

use super::error::ConvertError;
use super::lower::Lowering;
use super::value::{Quantised, Val};
use crate::ir::{NodeId, Op, Type, ValueId};

/// Module of the fixed-point tree in a checking file.
pub(super) const FIXED: &str = "fixed";
/// Module of the fake-quant tree.
pub(super) const FAKE: &str = "fake";

/// Steps of an int8 range on one side of zero.
const INT8_STEPS: f64 = 127.5;

/// Operations checked so far.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// What each number is about.
    pub(super) names: Vec<String>,
    /// The numbers, tensors without dimensions.
    pub(super) errors: Vec<ValueId>,
}

/// Adds the check of a node that has been lowered.
pub(super) fn check(low: &mut Lowering, id: NodeId) -> Result<(), ConvertError> {
    let node = low.old.node(id);
    if low.checks.is_none() || low.body.block != low.body.graph.root() {
        return Ok(());
    }
    let Some(&output) = node.outputs.first() else {
        return Ok(());
    };
    let fixed = match low.known(output) {
        Some(Val::Quantised(fixed)) => vec![fixed],
        Some(Val::Group { items, .. }) => items.into_iter().filter_map(quantised).collect(),
        _ => return Ok(()),
    };
    let Some(name) = name(low, id)? else {
        return Ok(());
    };
    let expected = fake(low, id)?;
    for (at, fixed) in fixed.iter().enumerate() {
        let expected = match fixed_count(low, output) {
            1 => expected,
            _ => element(low, expected, at),
        };
        let found = low.dequantised(fixed)?;
        // A cell's own state has 16 bits because it is summed up, not because it is known to 16.
        let scale = fixed.grid.scale().filter(|_| at == 0);
        let error = distance(low, found, expected, scale);
        if let Some(checks) = &mut low.checks {
            checks.names.push(match at {
                0 => name.clone(),
                _ => format!("{name} {at}"),
            });
            checks.errors.push(error);
        }
    }
    Ok(())
}

fn quantised(val: Val<'_>) -> Option<Quantised> {
    match val {
        Val::Quantised(it) => Some(it),
        _ => None,
    }
}

/// How many tensors a value is.
fn fixed_count(low: &Lowering, output: ValueId) -> usize {
    match low.old.ty(output) {
        Type::Tuple(items) => items.len(),
        _ => 1,
    }
}

/// A tensor of a tuple.
fn element(low: &mut Lowering, tuple: ValueId, at: usize) -> ValueId {
    let at = low.body.int(at as i64);
    low.body.value(Op::TupleIndex, &[tuple, at], Type::Tensor)
}

/// What an operation is called; none for those that move data.
fn name(low: &Lowering, id: NodeId) -> Result<Option<String>, ConvertError> {
    let node = low.old.node(id);
    Ok(match &node.op {
        Op::CallMethod(_) => match low.get(node.inputs[0])? {
            Val::Module(module) if low.objects.contains_key(&module.id) => {
                Some(module.path.to_string())
            }
            _ => None,
        },
        Op::Operator(schema) if !super::dispatch::moves_data(schema.name()) => {
            Some(schema.name().to_owned())
        }
        _ => None,
    })
}

/// The fake-quant operation on what the integer one read.
fn fake(low: &mut Lowering, id: NodeId) -> Result<ValueId, ConvertError> {
    let old = low.old;
    let node = old.node(id);
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for &value in &node.inputs {
        inputs.push(match low.get(value)? {
            Val::Module(module) => low.body.at(FAKE, &module.path),
            _ => low.plain(value)?,
        });
    }
    let types: Vec<Type> = node.outputs.iter().map(|&v| old.ty(v).clone()).collect();
    let made = low.body.push(node.op.clone(), &inputs, &types);
    Ok(low.body.graph.node(made).outputs[0])
}

/// The largest difference in steps.
fn distance(low: &mut Lowering, found: ValueId, expected: ValueId, scale: Option<f32>) -> ValueId {
    let one = low.body.int(1);
    let difference = low
        .body
        .aten("aten::sub", "Tensor", &[found, expected, one]);
    let difference = low.body.aten("aten::abs", "", &[difference]);
    let largest = low.body.aten("aten::max", "", &[difference]);
    if let Some(scale) = scale {
        let scale = low.body.float(scale as f64);
        return low.body.aten("aten::div", "Scalar", &[largest, scale]);
    }
    let size = low.body.aten("aten::abs", "", &[expected]);
    let size = low.body.aten("aten::max", "", &[size]);
    let steps = low.body.float(INT8_STEPS);
    let unit = low.body.aten("aten::div", "Scalar", &[size, steps]);
    low.body.aten("aten::div", "Tensor", &[largest, unit])
}
