//! Values in the domain that their reader needs.

use super::Rewriter;
use super::leaves::Made;
use crate::ir::{NodeId, Op, Type, ValueId};
use crate::quant::fuse::holds_tensor;
use crate::quant::prepare::leaf::LeafKind;
use crate::quant::qconfig::{QDType, Resolved};

impl Rewriter<'_, '_> {
    /// What stands for a value of the old graph.
    pub(super) fn newest(&self, value: ValueId) -> ValueId {
        self.newest.get(&value).copied().unwrap_or(value)
    }

    /// A tensor input of the model, quantised where it comes in.
    pub(super) fn input_stub(&mut self, param: ValueId, name: String, mut resolved: Resolved) {
        self.widen(param, &mut resolved);
        let made = self.stub(name, LeafKind::QuantStub, resolved, param);
        self.quantised[made] = true;
        self.newest.insert(param, made);
        self.as_float.insert(made, param);
    }

    /// Coordinates and steps inside composite operators need more than eight bits.
    pub(super) fn widen(&self, old: ValueId, resolved: &mut Resolved) {
        let needs = self.facts.grids.contains(&old) || self.facts.wide.contains(&old);
        let wide = needs && self.march_has_int16;
        if let Some(activation) = resolved.activation.as_mut().filter(|_| wide) {
            activation.dtype = QDType::Qint16;
        }
    }

    /// A value with a scale; `reader` is the node that needs it.
    pub(super) fn quantise(&mut self, old: ValueId, reader: NodeId) -> ValueId {
        let value = self.newest(old);
        self.quantise_new(value, old, reader)
    }

    fn quantise_new(&mut self, value: ValueId, old: ValueId, reader: NodeId) -> ValueId {
        if self.quantised[value] {
            return value;
        }
        if let Some(&known) = self.as_quantised.get(&value) {
            return known;
        }
        if *self.builder.graph.ty(value) != Type::Tensor {
            return self.each(value, &mut |this, item| {
                this.quantise_new(item, item, reader)
            });
        }
        let producer = self.builder.graph.producer(value);
        let base = match (self.facts.stored.get(&old), producer) {
            (Some(path), _) => path.clone(),
            (None, Some(producer)) => self.stub_name(producer),
            (None, None) => self.stub_name(reader),
        };
        let name = self.numbered(&format!("{base}_activation_post_process"));
        let mut resolved = self.stub.clone();
        self.widen(old, &mut resolved);
        let made = self.stub(name, LeafKind::QuantStub, resolved, value);
        self.quantised[made] = true;
        self.as_quantised.insert(value, made);
        made
    }

    /// A value without a scale, for an operator in float.
    pub(super) fn dequantise(&mut self, old: ValueId, reader: NodeId) -> ValueId {
        let value = self.newest(old);
        let base = format!("{}_input_dequant", self.stub_name(reader));
        self.dequantise_new(value, &base)
    }

    /// An output of the model.
    pub(super) fn output(&mut self, old: ValueId) -> ValueId {
        let value = self.newest(old);
        self.dequantise_new(value, "dequant")
    }

    fn dequantise_new(&mut self, value: ValueId, base: &str) -> ValueId {
        if !holds_tensor(self.builder.graph.ty(value)) {
            return value;
        }
        if *self.builder.graph.ty(value) != Type::Tensor {
            return self.each(value, &mut |this, item| this.dequantise_new(item, base));
        }
        if !self.quantised[value] {
            return value;
        }
        if let Some(&known) = self.as_float.get(&value) {
            // An input of the model is known as float, but what it would be on the chip is not.
            return known;
        }
        let name = self.numbered(base);
        let resolved = self.stub.clone();
        let made = self.stub(name, LeafKind::DeQuantStub, resolved, value);
        self.as_float.insert(value, made);
        made
    }

    /// A tuple, list or dict with each of its values changed; the parts of a split tensor by changing the tensor.
    fn each(
        &mut self,
        value: ValueId,
        change: &mut dyn FnMut(&mut Self, ValueId) -> ValueId,
    ) -> ValueId {
        let Some(producer) = self.builder.graph.producer(value) else {
            return value;
        };
        let node = self.builder.graph.node(producer);
        let (op, inputs) = (node.op.clone(), node.inputs.to_vec());
        let types: Vec<Type> = node
            .outputs
            .iter()
            .map(|it| self.builder.graph.ty(*it).clone())
            .collect();
        let index = node.outputs.iter().position(|it| *it == value).unwrap_or(0);
        let changed = match &op {
            Op::TupleConstruct | Op::ListConstruct | Op::DictConstruct => inputs
                .iter()
                .map(|it| change(self, *it))
                .collect::<Vec<_>>(),
            Op::Operator(_) if !inputs.is_empty() => {
                let mut changed = inputs.clone();
                changed[0] = change(self, inputs[0]);
                changed
            }
            _ => return value,
        };
        if changed == inputs {
            return value;
        }
        let made = self.builder.node(op, &changed, &types);
        let outputs = self.builder.graph.node(made).outputs.to_vec();
        for &output in &outputs {
            self.quantised[output] = changed.iter().any(|it| self.quantised[*it]);
        }
        outputs[index]
    }

    fn stub_name(&self, node: NodeId) -> String {
        let known = self.facts.stubs.get(&node).cloned();
        known.unwrap_or_else(|| self.builder.graph.node(node).scope.replace('.', "_"))
    }

    fn stub(
        &mut self,
        path: String,
        kind: LeafKind,
        resolved: Resolved,
        input: ValueId,
    ) -> ValueId {
        self.call(Made {
            path,
            kind,
            resolved,
            method: "forward",
            inputs: vec![input],
        })
    }

    fn numbered(&mut self, base: &str) -> String {
        self.names.free(base)
    }
}
