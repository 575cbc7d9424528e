//! Nodes and groups as calls of modules.

use super::Rewriter;
use crate::ir::{NodeId, Op, Type, ValueId};
use crate::quant::fuse::{Act, FloatOp, Group, Head, compares, has_no_scale, holds_tensor};
use crate::quant::observer::{ObserverKind, ObserverSpec};
use crate::quant::prepare::leaf::{Leaf, LeafKind};
use crate::quant::prepare::report::FloatRow;
use crate::quant::qconfig::{QDType, Resolved};
use crate::tensor::DType;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// A module and how it is called.
pub(super) struct Made {
    pub(super) path: String,
    pub(super) kind: LeafKind,
    pub(super) resolved: Resolved,
    pub(super) method: &'static str,
    /// Values of the new graph.
    pub(super) inputs: Vec<ValueId>,
}

impl Rewriter<'_, '_> {
    /// The module at a path.
    pub(super) fn object(&mut self, path: &str) -> ValueId {
        let mut object = self.self_value;
        for name in path.split('.') {
            let ty = Type::Class(SmolStr::new_static(
                "__torch__.torch.nn.modules.module.Module",
            ));
            object = self.builder.value(Op::GetAttr(name.into()), &[object], ty);
        }
        object
    }

    /// Adds a module and its call.
    pub(super) fn call(&mut self, made: Made) -> ValueId {
        let mut inputs = vec![self.object(&made.path)];
        inputs.extend(made.inputs);
        let result = self.builder.value(
            Op::CallMethod(SmolStr::new_static(made.method)),
            &inputs,
            Type::Tensor,
        );
        let mut weight = made.resolved.weight;
        // Slopes have 16 bits where the march has them (3.15).
        if matches!(made.kind, LeafKind::PRelu(_)) && self.march_has_int16 {
            weight.dtype = QDType::Qint16;
        }
        let leaf = Leaf {
            path: made.path,
            kind: made.kind,
            activation: made.resolved.activation,
            weight,
            shares: None,
        };
        self.report.module(&leaf);
        self.leaves.push(leaf);
        result
    }

    /// A convolution or linear with what was fused into it. One that makes an output keeps its accumulator's
    /// precision, unless its own rule says otherwise; a relu6 has its bound in the scale, so it needs one.
    pub(super) fn group(&mut self, id: NodeId, group: Group, high_precision: bool) {
        let output = self.builder.graph.node(id).outputs[0];
        let Some((path, mut resolved)) = self.placed.remove(&id) else {
            return self.keep(id);
        };
        let moved = self.facts.moved_outputs.contains(&output);
        let last = moved || self.facts.outputs.contains(&output);
        if high_precision && last && group.act != Act::Relu6 && !resolved.names_activation {
            resolved.activation = None;
        } else if resolved.activation.is_none() && (!last || group.act == Act::Relu6) {
            resolved.activation = self.stub.activation.clone();
        }
        if !resolved.names_activation {
            self.widen(output, &mut resolved);
        }
        let mut inputs = vec![self.quantise(group.head.input(), id)];
        if let Some((_, other)) = group.add {
            inputs.push(self.quantise(other, id));
        }
        let add = group.add.is_some();
        let act = group.act;
        let kind = match group.head {
            Head::Conv(conv) => LeafKind::Conv { conv, add, act },
            Head::Linear(linear) => LeafKind::Linear { linear, add, act },
        };
        let made = self.call(Made {
            path,
            kind,
            resolved,
            method: "forward",
            inputs,
        });
        self.set(output, made);
        if moved && self.leaves.last().is_some_and(|it| it.activation.is_none()) {
            // An accumulator has a scale for each channel: it is dequantised before its elements move.
            let float = self.output(output);
            self.newest.insert(output, float);
        }
    }

    /// A node that is no group.
    pub(super) fn node(&mut self, id: NodeId, op: FloatOp, floats: &FxHashMap<NodeId, FloatRow>) {
        let unary = |kind, input| (kind, "forward", vec![input]);
        let joined = match op {
            FloatOp::Cat { list, .. } => Some(list),
            _ => None,
        };
        let (kind, method, inputs) = match op {
            FloatOp::BatchNorm(norm) => {
                let (input, dims) = (norm.input, self.norm_dims(id));
                unary(LeafKind::BatchNorm { norm, dims }, input)
            }
            FloatOp::Binary { name, inputs } => (LeafKind::FloatFunctional, name, inputs.to_vec()),
            FloatOp::Scalar { name, input, value } => {
                return self.scalar(id, name, input, value);
            }
            FloatOp::Cat { list, dim } => {
                let dim = self.builder.int(dim);
                (LeafKind::FloatFunctional, "cat", vec![list, dim])
            }
            FloatOp::Reduce {
                name,
                input,
                dim,
                keepdim,
            } => {
                let (dim, keepdim) = (self.builder.int(dim), self.builder.bool(keepdim));
                (LeafKind::FloatFunctional, name, vec![input, dim, keepdim])
            }
            FloatOp::MaxPool(pool) => {
                let input = pool.input;
                unary(LeafKind::MaxPool(pool), input)
            }
            FloatOp::AvgPool(pool) => {
                let input = pool.input;
                unary(LeafKind::AvgPool(pool), input)
            }
            FloatOp::AdaptiveAvgPool { input, output_size } => {
                unary(LeafKind::AdaptiveAvgPool(output_size), input)
            }
            FloatOp::Lut { op, args, input } => unary(LeafKind::Lut { op, args }, input),
            FloatOp::Round { name, input } => (LeafKind::FloatFunctional, name, vec![input]),
            FloatOp::Softmax { input, dim } => unary(LeafKind::Softmax { dim }, input),
            FloatOp::FloatSoftmax { input, dim } => unary(LeafKind::FloatSoftmax { dim }, input),
            FloatOp::LayerNorm { input, norm } => unary(LeafKind::LayerNorm(norm), input),
            FloatOp::Cell(cell) => return self.cell(id, cell),
            FloatOp::PRelu { input, weight } => unary(LeafKind::PRelu(weight), input),
            FloatOp::Relu(x) | FloatOp::Relu6(x) | FloatOp::Keep(x) => {
                self.report.dispatched += 1;
                return match self.own(id, x) {
                    true => {}
                    false => self.dispatch(id, x),
                };
            }
            FloatOp::Move(x) => {
                return match self.quantised[self.newest(x)] && self.own(id, x) {
                    true => {}
                    false => self.moved(id, x),
                };
            }
            FloatOp::Meta => return self.keep_as_is(id),
            FloatOp::ToFloat { input, like } if self.is_float32(input, like) => {
                let output = self.builder.graph.node(id).outputs[0];
                self.newest.insert(output, self.newest(input));
                return;
            }
            FloatOp::Float(_) | FloatOp::ToFloat { .. } => {
                self.report.float.extend(floats.get(&id).cloned());
                return self.keep(id);
            }
            FloatOp::Other | FloatOp::Conv(_) | FloatOp::Linear(_) => return self.other(id),
        };
        let Some((path, mut resolved)) = self.placed_activation(id) else {
            return self.keep(id);
        };
        if !resolved.names_activation {
            let output = self.builder.graph.node(id).outputs[0];
            self.widen(output, &mut resolved);
            if matches!(method, "ceil" | "floor") {
                whole_steps(&mut resolved);
            }
        }
        if let Some(list) = joined.filter(|_| !resolved.names_activation) {
            self.widen_as(list, &mut resolved);
        }
        let inputs = inputs.iter().map(|it| self.operand(*it, id)).collect();
        let is_float = matches!(kind, LeafKind::FloatSoftmax { .. });
        let made = self.call(Made {
            path,
            kind,
            resolved,
            method,
            inputs,
        });
        let output = self.builder.graph.node(id).outputs[0];
        match is_float {
            true => drop(self.newest.insert(output, made)),
            false => self.set(output, made),
        }
    }

    /// Whether a tensor, and what gives it its type, are quantised: then they are float32.
    fn is_float32(&self, input: ValueId, like: Option<ValueId>) -> bool {
        let quantised = |value: ValueId| self.quantised[self.newest(value)];
        quantised(input) && like.is_none_or(quantised)
    }

    fn operand(&mut self, value: ValueId, reader: NodeId) -> ValueId {
        match holds_tensor(self.builder.graph.ty(value)) {
            true => self.quantise(value, reader),
            false => self.newest(value),
        }
    }

    /// The path and qconfig of a node's module, whose result is quantised as a stub's is if the qconfig does not say it.
    pub(super) fn placed_activation(&mut self, id: NodeId) -> Option<(String, Resolved)> {
        let (path, mut resolved) = self.placed.remove(&id)?;
        if resolved.activation.is_none() {
            resolved.activation = self.stub.activation.clone();
        }
        Some((path, resolved))
    }

    /// `x + c`, `x · c`. A product lies on the input's grid, its scale times `|c|` (3.8), unless a rule names its type.
    fn scalar(&mut self, id: NodeId, name: &'static str, input: ValueId, value: f64) {
        let Some((path, mut resolved)) = self.placed.remove(&id) else {
            return self.keep(id);
        };
        let gate = self.facts.gates.contains(&id) && !resolved.names_activation;
        if let Some(activation) = resolved.activation.as_mut().filter(|_| gate) {
            // Six is the largest integer, so that the clip loses nothing to rounding.
            activation.observer = ObserverSpec {
                kind: ObserverKind::FixedScale {
                    scale: 6.0 / activation.quant_max() as f32,
                    zero_point: 0,
                },
                averaging_constant: 0.0,
            };
        }
        if name == "mul_scalar" && !resolved.names_activation {
            resolved.activation = None;
        } else if resolved.activation.is_none() {
            resolved.activation = self.stub.activation.clone();
        }
        if !resolved.names_activation {
            let output = self.builder.graph.node(id).outputs[0];
            self.widen(output, &mut resolved);
        }
        let input = self.quantise(input, id);
        let value = self.builder.float(value);
        let made = self.call(Made {
            path,
            kind: LeafKind::FloatFunctional,
            resolved,
            method: name,
            inputs: vec![input, value],
        });
        let output = self.builder.graph.node(id).outputs[0];
        self.set(output, made);
    }

    /// Two or three spatial dimensions, as the module's class says; two where there is none.
    fn norm_dims(&self, id: NodeId) -> usize {
        match self.facts.three_dimensional.contains(&id) {
            true => 3,
            false => 2,
        }
    }

    pub(super) fn set(&mut self, old: ValueId, made: ValueId) {
        self.quantised[made] = true;
        self.newest.insert(old, made);
    }

    /// An operator on the integers of its first tensor; a grid of coordinates is one too. Indices have no scale.
    fn dispatch(&mut self, id: NodeId, x: ValueId) {
        let node = self.builder.graph.node(id).clone();
        let kind = self.facts.kinds.get(&id).cloned().unwrap_or_default();
        let (no_scale, both) = (has_no_scale(&kind), compares(&kind));
        let inputs: Vec<ValueId> = node
            .inputs
            .iter()
            .map(
                |&it| match it == x || both || self.facts.grids.contains(&it) {
                    true => self.quantise(it, id),
                    false => self.newest(it),
                },
            )
            .collect();
        self.put(id, inputs);
        for (index, &output) in node.outputs.iter().enumerate() {
            self.quantised[output] = index == 0 && !no_scale;
        }
    }

    /// An operator that moves elements, in whatever domain they are.
    fn moved(&mut self, id: NodeId, x: ValueId) {
        let node = self.builder.graph.node(id).clone();
        let inputs: Vec<ValueId> = node.inputs.iter().map(|&it| self.newest(it)).collect();
        let x = self.newest(x);
        let (quantised, wide) = (self.quantised[x], self.wide[x]);
        self.put(id, inputs);
        for &output in &node.outputs {
            self.quantised[output] = quantised;
            self.wide[output] = wide;
        }
    }

    /// Tuples and lists: their parts keep their domains.
    pub(super) fn other(&mut self, id: NodeId) {
        let node = self.builder.graph.node(id).clone();
        let inputs: Vec<ValueId> = node.inputs.iter().map(|&it| self.newest(it)).collect();
        let unpacks = matches!(
            node.op,
            Op::ListUnpack | Op::TupleUnpack | Op::TupleIndex | Op::Operator(_)
        );
        let quantised = unpacks && inputs.first().is_some_and(|it| self.quantised[*it]);
        self.put(id, inputs);
        self.rename_inside(id);
        for &output in &node.outputs {
            self.quantised[output] = quantised && holds_tensor(self.builder.graph.ty(output));
        }
    }

    /// A question about a tensor: the domain does not matter, but for its type, which is the float one's.
    fn keep_as_is(&mut self, id: NodeId) {
        let node = self.builder.graph.node(id);
        let (first, output) = (node.inputs.first().copied(), node.outputs.first().copied());
        let is_type = self.facts.kinds.get(&id).is_some_and(|it| it == "dtype");
        if let (true, Some(first), Some(output)) = (is_type, first, output)
            && self.quantised[self.newest(first)]
        {
            let dtype = self.builder.int(DType::F32.code());
            self.newest.insert(output, dtype);
            return;
        }
        let inputs = self.builder.graph.node(id).inputs.clone();
        let inputs = inputs.iter().map(|&it| self.newest(it)).collect();
        self.put(id, inputs);
        self.rename_inside(id);
    }

    /// An operator in float: what it reads, nested blocks included, is dequantised.
    pub(super) fn keep(&mut self, id: NodeId) {
        let reads = self.facts.reads.get(&id).cloned().unwrap_or_default();
        for value in reads {
            if self.facts.live.contains(&value) && !self.is_inner(value, id) {
                let float = self.dequantise(value, id);
                self.float_reads.insert(value, float);
            }
        }
        let inputs = self.builder.graph.node(id).inputs.clone();
        let inputs = inputs
            .iter()
            .map(|it| {
                self.float_reads
                    .get(it)
                    .copied()
                    .unwrap_or_else(|| self.newest(*it))
            })
            .collect();
        self.put(id, inputs);
        self.rename_inside(id);
        self.float_reads.clear();
    }

    /// Whether a value is made inside the node's own blocks.
    fn is_inner(&self, value: ValueId, id: NodeId) -> bool {
        let graph = &self.builder.graph;
        let mut left = graph.node(id).blocks.to_vec();
        while let Some(block) = left.pop() {
            let body = graph.block(block);
            let made = |node: &NodeId| graph.node(*node).outputs.contains(&value);
            if body.params.contains(&value) || body.nodes.iter().any(made) {
                return true;
            }
            for &node in &body.nodes {
                left.extend(&graph.node(node).blocks);
            }
        }
        false
    }

    fn put(&mut self, id: NodeId, inputs: Vec<ValueId>) {
        self.builder.graph.node_mut(id).inputs = inputs.into();
        self.builder.keep(id);
    }

    /// Lets what is nested in a node read the newest of every value.
    fn rename_inside(&mut self, id: NodeId) {
        let mut left = self.builder.graph.node(id).blocks.to_vec();
        while let Some(block) = left.pop() {
            let returns = self.builder.graph.block(block).returns.clone();
            let returns = returns.iter().map(|it| self.read_inside(*it)).collect();
            self.builder.graph.block_mut(block).returns = returns;
            for node in self.builder.graph.block(block).nodes.clone() {
                let inputs = self.builder.graph.node(node).inputs.clone();
                let inputs = inputs.iter().map(|it| self.read_inside(*it)).collect();
                self.builder.graph.node_mut(node).inputs = inputs;
                left.extend(self.builder.graph.node(node).blocks.iter().copied());
            }
        }
    }

    fn read_inside(&self, value: ValueId) -> ValueId {
        let float = self.float_reads.get(&value).copied();
        float.unwrap_or_else(|| self.newest(value))
    }
}

/// Whole numbers are steps of scale 1: exact, and all that the front end's `floor` gives (hbir.md 4). Eight bits end at
/// 127.
fn whole_steps(resolved: &mut Resolved) {
    if let Some(activation) = resolved.activation.as_mut() {
        activation.dtype = QDType::Qint16;
        activation.observer = ObserverSpec {
            kind: ObserverKind::FixedScale {
                scale: 1.0,
                zero_point: 0,
            },
            averaging_constant: 0.0,
        };
    }
}
