//! One node: what is known of its arguments, and which rule it follows.

use super::{Fact, Known, Size, Sizes, axis, known};
use crate::ir::{Constant, Graph, Node, Op, Type, ValueId};

/// A node and what is known before it.
pub(super) struct Walk<'a> {
    pub(super) graph: &'a Graph,
    pub(super) node: &'a Node,
    pub(super) sizes: &'a Sizes,
    pub(super) known: &'a dyn Known,
}

impl Walk<'_> {
    /// A fact for each output, as far as there are some.
    pub(super) fn facts(&self) -> Vec<Option<Fact>> {
        let name = match &self.node.op {
            Op::ListConstruct => return vec![self.list()],
            Op::ListUnpack => return self.unpacked(),
            Op::UncheckedCast => return vec![self.fact(0)],
            Op::Operator(schema) => schema.name(),
            _ => return Vec::new(),
        };
        let Some(name) = name.strip_prefix("aten::") else {
            let number = (name == "prim::NumToTensor").then(|| self.int(0));
            return vec![number.flatten().map(Fact::Int)];
        };
        match name {
            "lstm" | "gru" | "rnn_tanh" | "rnn_relu" => vec![self.recurrent()],
            "_native_multi_head_attention" | "_transformer_encoder_layer_fwd" => {
                vec![self.fact(0)]
            }
            // The second result is where the first was.
            "adaptive_max_pool1d" | "adaptive_max_pool2d" => vec![self.tensor(name); 2],
            name if self.node.outputs.len() == 1 => {
                let number = self.floats(name).or_else(|| self.ints(name));
                vec![number.or_else(|| self.tensor(name))]
            }
            _ => Vec::new(),
        }
    }

    fn list(&self) -> Option<Fact> {
        let inputs = &self.node.inputs;
        let element = self.graph.ty(*inputs.first()?);
        if *element == Type::Tensor {
            return self.common().map(Fact::Tensors);
        }
        let ints = inputs.iter().map(|it| self.int_of(*it));
        (*element == Type::Int).then(|| Fact::Ints(ints.collect()))
    }

    /// The sizes that all tensors of a list have.
    fn common(&self) -> Option<Vec<Size>> {
        let mut all = self.node.inputs.iter().map(|it| self.dims_of(*it));
        let mut dims = all.next()??;
        for other in all {
            let other = other.filter(|it| it.len() == dims.len())?;
            for (size, other) in dims.iter_mut().zip(other) {
                *size = size.filter(|it| Some(*it) == other);
            }
        }
        Some(dims)
    }

    fn unpacked(&self) -> Vec<Option<Fact>> {
        match self.fact(0) {
            Some(Fact::Tensors(sizes)) => vec![Some(Fact::Tensor(sizes)); self.node.outputs.len()],
            Some(Fact::Ints(ints)) => ints.into_iter().map(|it| it.map(Fact::Int)).collect(),
            _ => Vec::new(),
        }
    }

    /// The sequence: the last size is that of the states, times the directions.
    fn recurrent(&self) -> Option<Fact> {
        let mut dims = self.dims(0)?;
        *dims.last_mut()? = None;
        Some(Fact::Tensor(dims))
    }

    pub(super) fn at(&self, index: usize) -> Option<ValueId> {
        self.node.inputs.get(index).copied()
    }

    /// The place of an argument by its name in the schema.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        match self.node.op {
            Op::Operator(schema) => schema.arg_index(name),
            _ => None,
        }
    }

    pub(super) fn constant(&self, index: usize) -> Option<&Constant> {
        self.graph.constant(self.at(index)?)
    }

    pub(super) fn fact(&self, index: usize) -> Option<Fact> {
        self.sizes.facts[self.at(index)?].clone()
    }

    pub(super) fn dims(&self, index: usize) -> Option<Vec<Size>> {
        self.dims_of(self.at(index)?)
    }

    pub(super) fn dims_of(&self, value: ValueId) -> Option<Vec<Size>> {
        let mut sizes = match self.sizes.of(value) {
            Some(sizes) => sizes.to_vec(),
            None => self.unwalked(value)?,
        };
        if let (Some(last @ None), Some(size)) = (sizes.last_mut(), self.sizes.last.get(&value)) {
            *last = Some(*size);
        }
        Some(sizes)
    }

    /// Sizes of a value that no rule is for: of a stored tensor all, of others how many there are.
    fn unwalked(&self, value: ValueId) -> Option<Vec<Size>> {
        match self.known.stored(value) {
            Some(tensor) => Some(known(tensor.sizes())),
            None => Some(vec![None; self.known.dimensions(value)?]),
        }
    }

    pub(super) fn int(&self, index: usize) -> Option<i64> {
        self.int_of(self.at(index)?)
    }

    fn int_of(&self, value: ValueId) -> Option<i64> {
        match (self.graph.constant(value), &self.sizes.facts[value]) {
            (Some(Constant::Int(int)), _) | (_, Some(Fact::Int(int))) => Some(*int),
            // Tracing keeps numbers as tensors.
            (Some(Constant::Table(_)), _) => {
                let number = self.known.stored(value)?.scalar()?;
                (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
            }
            _ => None,
        }
    }

    pub(super) fn float(&self, index: usize) -> Option<f64> {
        let value = self.at(index)?;
        match (self.graph.constant(value), &self.sizes.facts[value]) {
            (Some(Constant::Float(float)), _) | (_, Some(Fact::Float(float))) => Some(*float),
            _ => self.int(index).map(|it| it as f64),
        }
    }

    pub(super) fn bool(&self, index: usize) -> Option<bool> {
        match self.constant(index)? {
            Constant::Bool(it) => Some(*it),
            _ => None,
        }
    }

    /// A list of ints.
    pub(super) fn list_at(&self, index: usize) -> Option<Vec<Size>> {
        let int = |it: &Constant| match it {
            Constant::Int(int) => Some(Some(*int)),
            _ => None,
        };
        match (self.constant(index), self.fact(index)) {
            (Some(Constant::List(items) | Constant::Tuple(items)), _) => {
                items.iter().map(int).collect()
            }
            (_, Some(Fact::Ints(ints))) => Some(ints),
            _ => None,
        }
    }

    /// A list of ints, or one int.
    pub(super) fn ints_at(&self, index: usize) -> Option<Vec<Size>> {
        let one = || Some(vec![Some(self.int(index)?)]);
        self.list_at(index).or_else(one)
    }

    /// The place of a dimension that an argument names.
    pub(super) fn axis(&self, argument: usize, rank: usize) -> Option<usize> {
        axis(self.int(argument)?, rank)
    }
}
