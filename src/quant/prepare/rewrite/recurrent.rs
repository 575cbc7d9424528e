//! Steps of recurrent layers as calls of one module.

use super::Rewriter;
use crate::ir::{NodeId, Op, Type, ValueId};
use crate::quant::fuse::Cell;
use crate::quant::prepare::leaf::{Leaf, LeafKind, State};
use crate::quant::qconfig::{FakeQuantSpec, QDType, Resolved};
use smol_str::SmolStr;

impl Rewriter<'_, '_> {
    /// A step: the states of the first one get stubs with the fake quantisers of the cell's own states, so that every
    /// step reads values of the same scales.
    pub(super) fn cell(&mut self, id: NodeId, cell: Box<Cell>) {
        let Some((path, resolved)) = self.placed_activation(id) else {
            return self.keep(id);
        };
        let first = self.facts.chains.get(&id).is_none_or(|it| *it == id);
        let mut inputs = vec![self.quantise(cell.input, id)];
        for (&old, state) in cell.states.iter().zip([State::Hidden, State::Cell]) {
            inputs.push(match first {
                true => self.state(old, state, &path, &resolved),
                false => self.newest(old),
            });
        }
        let outputs = self.builder.graph.node(id).outputs.to_vec();
        if first {
            let leaf = Leaf {
                path: path.clone(),
                kind: LeafKind::Cell(cell),
                activation: resolved.activation,
                weight: resolved.weight,
                shares: None,
            };
            self.report.module(&leaf);
            self.leaves.push(leaf);
        }
        inputs.insert(0, self.object(&path));
        for (at, made) in self.results(&inputs, outputs.len()).into_iter().enumerate() {
            self.wide[made] = at == 1;
            self.set(outputs[at], made);
        }
    }

    /// The results of a call.
    fn results(&mut self, inputs: &[ValueId], count: usize) -> Vec<ValueId> {
        let op = Op::CallMethod(SmolStr::new_static("forward"));
        if count == 1 {
            return vec![self.builder.value(op, inputs, Type::Tensor)];
        }
        let types = vec![Type::Tensor; count];
        let tuple = self.builder.value(op, inputs, Type::tuple(types.clone()));
        let unpacked = self.builder.node(Op::TupleUnpack, &[tuple], &types);
        self.builder.graph.node(unpacked).outputs.to_vec()
    }

    /// What a layer starts with, on the scale of what its steps give.
    fn state(&mut self, old: ValueId, state: State, path: &str, resolved: &Resolved) -> ValueId {
        let value = self.newest(old);
        let (name, wide) = match state {
            State::Hidden => ("hidden", false),
            State::Cell => ("cell", true),
        };
        let mut activation: Option<FakeQuantSpec> = resolved.activation.clone();
        if let Some(spec) = activation.as_mut().filter(|_| wide) {
            spec.dtype = QDType::Qint16;
        }
        let leaf = Leaf {
            path: self.names.free(&format!("{path}_{name}")),
            kind: LeafKind::QuantStub,
            activation,
            weight: resolved.weight.clone(),
            shares: Some(state.of(path)),
        };
        let inputs = [self.object(&leaf.path), value];
        self.report.module(&leaf);
        self.leaves.push(leaf);
        let made = self.results(&inputs, 1)[0];
        self.quantised[made] = true;
        made
    }

    /// Sixteen bits for what joins values of sixteen.
    pub(super) fn widen_as(&self, list: ValueId, resolved: &mut Resolved) {
        let graph = &self.builder.graph;
        let Some(producer) = graph.producer(self.newest(list)) else {
            return;
        };
        let items = &graph.node(producer).inputs;
        let wide = !items.is_empty() && items.iter().all(|it| self.wide[*it]);
        if let Some(activation) = resolved.activation.as_mut().filter(|_| wide) {
            activation.dtype = QDType::Qint16;
        }
    }
}
