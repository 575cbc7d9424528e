//! The sizes that tensors of the flat graph have: for inputs of known shapes, as far as they are needed to unroll what
//! goes over a sequence, and whatever the inputs' shapes, where weights say them. What is not known stays unknown.

use super::ConstTensor;
use crate::ir::{Constant, Graph, Node, Op, SideMap, Type, ValueId};
use crate::pass::fold_constants::{Follows, follows};
use rustc_hash::FxHashMap;

/// Operators whose result has the sizes of their first input; those that keep only the rank are not among them.
const POINTWISE: &[&str] = &[
    "abs",
    "alias",
    "alpha_dropout",
    "batch_norm",
    "celu",
    "clone",
    "contiguous",
    "cos",
    "cumsum",
    "detach",
    "dropout",
    "elu",
    "erf",
    "exp",
    "feature_dropout",
    "flip",
    "floor",
    "gelu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "instance_norm",
    "layer_norm",
    "leaky_relu",
    "log",
    "log_softmax",
    "mish",
    "neg",
    "prelu",
    "reciprocal",
    "relu",
    "relu6",
    "relu_",
    "scaled_dot_product_attention",
    "roll",
    "rsqrt",
    "selu",
    "sigmoid",
    "sigmoid_",
    "silu",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "tanh",
    "tanh_",
    "to",
    "type_as",
    "zeros_like",
    "ones_like",
    "clamp",
];

/// A size, if it is known.
type Size = Option<i64>;

/// What is known of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    /// Sizes of a tensor.
    Tensor(Vec<Size>),
    /// A list of tensors of these sizes.
    Tensors(Vec<Size>),
    /// An int.
    Int(i64),
    /// A float that is made of sizes.
    Float(f64),
    /// A list of ints.
    Ints(Vec<Size>),
}

/// Facts by value.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    known: SideMap<ValueId, Option<Fact>>,
    /// Last sizes of what is multiplied with stored weights.
    last: FxHashMap<ValueId, i64>,
}

impl Sizes {
    /// Sizes of a tensor.
    pub(super) fn of(&self, value: ValueId) -> Option<&[Size]> {
        match self.known[value].as_ref()? {
            Fact::Tensor(sizes) => Some(sizes),
            _ => None,
        }
    }

    /// A number that is made of sizes.
    pub(super) fn number(&self, value: ValueId) -> Option<f64> {
        match self.known[value] {
            Some(Fact::Int(int)) => Some(int as f64),
            Some(Fact::Float(float)) => Some(float),
            _ => None,
        }
    }

    /// Walks the root block of a graph; `inputs` are shapes of the parameters after the first, `stored` gives tensors of
    /// the file.
    pub(super) fn infer(
        graph: &Graph,
        inputs: &[Option<Vec<Size>>],
        stored: &dyn Fn(ValueId) -> Option<ConstTensor>,
    ) -> Sizes {
        let mut sizes = Sizes {
            last: multiplied(graph, stored),
            ..Sizes::default()
        };
        let params = graph.block(graph.root()).params.iter().skip(1);
        for (&param, shape) in params.zip(inputs) {
            sizes.known[param] = shape.clone().map(Fact::Tensor);
        }
        for &id in &graph.block(graph.root()).nodes {
            let node = graph.node(id);
            let walk = Walk {
                graph,
                node,
                sizes: &sizes,
                stored,
            };
            for (at, fact) in walk.facts().into_iter().enumerate() {
                if let Some(&output) = node.outputs.get(at) {
                    sizes.known[output] = fact;
                }
            }
        }
        sizes
    }
}

/// What is read by a linear with a stored weight, as it is or by way of moves that leave the last dimension.
fn multiplied(
    graph: &Graph,
    stored: &dyn Fn(ValueId) -> Option<ConstTensor>,
) -> FxHashMap<ValueId, i64> {
    let mut last = FxHashMap::default();
    for &id in graph.block(graph.root()).nodes.iter().rev() {
        let node = graph.node(id);
        let Op::Operator(schema) = node.op else {
            continue;
        };
        let (name, inputs) = (schema.name(), &node.inputs);
        let int = |at: usize| match inputs.get(at).and_then(|it| graph.constant(*it)) {
            Some(Constant::Int(int)) => Some(*int),
            _ => None,
        };
        let size = match name {
            "aten::linear" => stored(inputs[1]).and_then(|it| it.sizes().get(1).copied()),
            "aten::transpose" if matches!((int(1), int(2)), (Some(0 | 1), Some(0 | 1))) => {
                node.outputs.first().and_then(|it| last.get(it).copied())
            }
            "aten::contiguous" => node.outputs.first().and_then(|it| last.get(it).copied()),
            _ => None,
        };
        if let Some(size) = size {
            last.insert(inputs[0], size);
        }
    }
    last
}

pub(super) fn known(sizes: &[i64]) -> Vec<Size> {
    sizes.iter().copied().map(Some).collect()
}

/// One node.
struct Walk<'a> {
    graph: &'a Graph,
    node: &'a Node,
    sizes: &'a Sizes,
    stored: &'a dyn Fn(ValueId) -> Option<ConstTensor>,
}

impl Walk<'_> {
    /// A fact for each output, as far as there are some.
    fn facts(&self) -> Vec<Option<Fact>> {
        let name = match &self.node.op {
            Op::ListConstruct => return vec![self.list()],
            Op::ListUnpack => return self.unpacked(),
            Op::UncheckedCast => return vec![self.fact(0)],
            Op::Operator(schema) => schema.name(),
            _ => return Vec::new(),
        };
        match name.strip_prefix("aten::") {
            Some("lstm" | "gru" | "rnn_tanh" | "rnn_relu") => vec![self.recurrent()],
            Some("_native_multi_head_attention" | "_transformer_encoder_layer_fwd") => {
                vec![self.fact(0)]
            }
            Some(name) if self.node.outputs.len() == 1 => {
                let number = self.floats(name).or_else(|| self.ints(name));
                vec![number.or_else(|| self.tensor(name))]
            }
            None if name == "prim::NumToTensor" => vec![self.int(0).map(Fact::Int)],
            _ => Vec::new(),
        }
    }

    fn at(&self, index: usize) -> Option<ValueId> {
        self.node.inputs.get(index).copied()
    }

    fn fact(&self, index: usize) -> Option<Fact> {
        self.sizes.known[self.at(index)?].clone()
    }

    fn dims(&self, index: usize) -> Option<Vec<Size>> {
        self.dims_of(self.at(index)?)
    }

    fn dims_of(&self, value: ValueId) -> Option<Vec<Size>> {
        let mut sizes = match &self.sizes.known[value] {
            Some(Fact::Tensor(sizes)) => sizes.clone(),
            _ => known((self.stored)(value)?.sizes()),
        };
        if let (Some(last @ None), Some(size)) = (sizes.last_mut(), self.sizes.last.get(&value)) {
            *last = Some(*size);
        }
        Some(sizes)
    }

    fn int(&self, index: usize) -> Option<i64> {
        self.int_of(self.at(index)?)
    }

    fn int_of(&self, value: ValueId) -> Option<i64> {
        match (self.graph.constant(value), &self.sizes.known[value]) {
            (Some(Constant::Int(int)), _) | (_, Some(Fact::Int(int))) => Some(*int),
            // Tracing keeps numbers as tensors.
            (Some(Constant::Table(_)), _) => {
                let number = (self.stored)(value)?.scalar()?;
                (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
            }
            _ => None,
        }
    }

    fn float(&self, index: usize) -> Option<f64> {
        let value = self.at(index)?;
        match (self.graph.constant(value), &self.sizes.known[value]) {
            (Some(Constant::Float(float)), _) | (_, Some(Fact::Float(float))) => Some(*float),
            _ => self.int(index).map(|it| it as f64),
        }
    }

    /// Operators on numbers with a float result.
    fn floats(&self, name: &str) -> Option<Fact> {
        if *self.graph.ty(*self.node.outputs.first()?) != Type::Float {
            return None;
        }
        let (a, b) = (self.float(0)?, self.float(1));
        let float = match name {
            "Float" => a,
            "sqrt" => a.sqrt(),
            "add" => a + b?,
            "sub" => a - b?,
            "mul" => a * b?,
            "div" => a / b.filter(|it| *it != 0.0)?,
            _ => return None,
        };
        Some(Fact::Float(float))
    }

    /// A list of ints, or one int.
    fn ints_at(&self, index: usize) -> Option<Vec<Size>> {
        let value = self.at(index)?;
        if let Some(Constant::List(items) | Constant::Tuple(items)) = self.graph.constant(value) {
            let int = |it: &Constant| match it {
                Constant::Int(int) => Some(Some(*int)),
                _ => None,
            };
            return items.iter().map(int).collect();
        }
        match &self.sizes.known[value] {
            Some(Fact::Ints(ints)) => Some(ints.clone()),
            _ => Some(vec![Some(self.int_of(value)?)]),
        }
    }

    fn bool(&self, index: usize) -> Option<bool> {
        match self.graph.constant(self.at(index)?)? {
            Constant::Bool(it) => Some(*it),
            _ => None,
        }
    }

    fn list(&self) -> Option<Fact> {
        let inputs = &self.node.inputs;
        let element = self.graph.ty(*inputs.first()?);
        if *element == Type::Tensor {
            return Some(Fact::Tensors(self.dims(0)?));
        }
        let ints = inputs.iter().map(|it| self.int_of(*it));
        (*element == Type::Int).then(|| Fact::Ints(ints.collect()))
    }

    fn unpacked(&self) -> Vec<Option<Fact>> {
        match self.fact(0) {
            Some(Fact::Tensors(sizes)) => vec![Some(Fact::Tensor(sizes)); self.node.outputs.len()],
            Some(Fact::Ints(ints)) => ints.into_iter().map(|it| it.map(Fact::Int)).collect(),
            _ => Vec::new(),
        }
    }

    /// Operators on numbers.
    fn ints(&self, name: &str) -> Option<Fact> {
        let both = || Some((self.int(0)?, self.int(1)?));
        let int = match name {
            "size" if self.node.inputs.len() == 1 => return Some(Fact::Ints(self.dims(0)?)),
            "size" => self.dims(0)?[self.axis(1, self.dims(0)?.len())?]?,
            "dim" => self.dims(0)?.len() as i64,
            "__getitem__" => match self.fact(0)? {
                Fact::Ints(ints) => ints[index(self.int(1)?, ints.len())?]?,
                Fact::Tensors(sizes) => return Some(Fact::Tensor(sizes)),
                _ => return None,
            },
            "Int" => self.int(0)?,
            "add" => both().and_then(|(a, b)| a.checked_add(b))?,
            "sub" => both().and_then(|(a, b)| a.checked_sub(b))?,
            "mul" => both().and_then(|(a, b)| a.checked_mul(b))?,
            "div" if self.rounds_down() => both()
                .filter(|it| it.0 >= 0 && it.1 > 0)
                .map(|(a, b)| a / b)?,
            "floordiv" => both()
                .filter(|it| it.0 >= 0 && it.1 > 0)
                .map(|(a, b)| a / b)?,
            _ => return None,
        };
        Some(Fact::Int(int))
    }

    /// Whether a quotient is a whole number.
    fn rounds_down(&self) -> bool {
        let mode = self.at(2).and_then(|it| self.graph.constant(it));
        matches!(mode, Some(Constant::Str(mode)) if matches!(&**mode, b"floor" | b"trunc"))
    }

    /// The place of a dimension that an argument names.
    fn axis(&self, argument: usize, rank: usize) -> Option<usize> {
        index(self.int(argument)?, rank)
    }

    fn tensor(&self, name: &str) -> Option<Fact> {
        if POINTWISE.contains(&name) {
            return Some(Fact::Tensor(self.dims(0)?));
        }
        if follows(name) == Some(Follows::Larger) {
            return Some(Fact::Tensor(self.broadcast()?));
        }
        let mut dims = self.dims(0);
        match name {
            "cat" | "concat" => return Some(Fact::Tensor(self.joined()?)),
            "chunk" | "split" | "unbind" | "split_with_sizes" => return self.parts(name),
            "embedding" => {
                let mut dims = self.dims(1)?;
                dims.push(*self.dims(0)?.last()?);
                return Some(Fact::Tensor(dims));
            }
            _ => {}
        }
        let dims = dims.take()?;
        let moved = self.moved(name, dims.clone());
        moved
            .or_else(|| self.windowed(name, dims))
            .map(Fact::Tensor)
    }

    fn broadcast(&self) -> Option<Vec<Size>> {
        let a = self.dims(0)?;
        let second = self.at(1)?;
        if *self.graph.ty(second) != Type::Tensor {
            return Some(a);
        }
        let b = self.dims_of(second)?;
        let rank = a.len().max(b.len());
        let from_end = |dims: &[Size], at: usize| match dims.len().checked_sub(at + 1) {
            Some(at) => dims[at],
            None => Some(1),
        };
        let both = |at: usize| match (from_end(&a, at), from_end(&b, at)) {
            (Some(1), other) | (other, Some(1)) => other,
            (one, other) => one.or(other),
        };
        Some((0..rank).rev().map(both).collect())
    }

    /// The sum along the dimension of what is joined.
    fn joined(&self) -> Option<Vec<Size>> {
        let list = self.graph.node(self.graph.producer(self.at(0)?)?);
        if list.op != Op::ListConstruct {
            return None;
        }
        let mut all = list.inputs.iter().map(|it| self.dims_of(*it));
        let mut dims = all.next()??;
        let axis = self.axis(1, dims.len())?;
        for other in all {
            let other = other?;
            dims[axis] = dims[axis].zip(*other.get(axis)?).map(|(a, b)| a + b);
        }
        Some(dims)
    }

    /// Parts along a dimension, whose last may be smaller: their size is not followed.
    fn parts(&self, name: &str) -> Option<Fact> {
        let mut dims = self.dims(0)?;
        let axis = self.axis(if name == "unbind" { 1 } else { 2 }, dims.len())?;
        match (name, dims[axis], self.int(1)) {
            ("unbind", ..) => drop(dims.remove(axis)),
            ("chunk", Some(size), Some(count)) if count > 0 && size % count == 0 => {
                dims[axis] = Some(size / count);
            }
            ("split", Some(size), Some(part)) if part > 0 && size % part == 0 => {
                dims[axis] = Some(part);
            }
            _ => dims[axis] = None,
        }
        Some(Fact::Tensors(dims))
    }

    /// Operators that move elements, reduce, or multiply matrices.
    fn moved(&self, name: &str, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        let rank = dims.len();
        match name {
            "linear" => *dims.last_mut()? = self.dims(1)?.first().copied()?,
            "matmul" | "bmm" | "mm" => {
                let other = self.dims(1)?;
                if rank < 2 || other.len() != rank && other.len() != 2 {
                    return None;
                }
                *dims.last_mut()? = other.last().copied()?;
            }
            "t" if rank == 2 => dims.reverse(),
            "transpose" | "swapaxes" | "swapdims" => {
                dims.swap(self.axis(1, rank)?, self.axis(2, rank)?)
            }
            "permute" => {
                let order = self.ints_at(1)?;
                let order = order.iter().map(|it| Some(dims[index((*it)?, rank)?]));
                return order.collect();
            }
            "unsqueeze" => dims.insert(self.axis(1, rank + 1)?, Some(1)),
            "squeeze" if self.node.inputs.len() == 2 => {
                let axis = self.axis(1, rank)?;
                if dims[axis]? == 1 {
                    dims.remove(axis);
                }
            }
            "select" => drop(dims.remove(self.axis(1, rank)?)),
            "slice" => {
                let axis = self.axis(1, rank)?;
                dims[axis] = self.sliced(dims[axis]);
            }
            "flatten" => {
                let (start, end) = (self.axis(1, rank)?, self.axis(2, rank)?);
                let whole = product(dims.get(start..=end)?.iter().copied());
                dims.splice(start..=end, [whole]);
            }
            "view" | "reshape" => return self.reshaped(&dims, 1),
            "unflatten" => {
                let axis = self.axis(1, rank)?;
                let parts = self.reshaped(&[dims[axis]], 2)?;
                dims.splice(axis..=axis, parts);
            }
            "expand" => {
                let wanted = self.ints_at(1)?;
                let old = wanted.len().checked_sub(rank)?;
                let size = |(at, it): (usize, &Size)| match (*it, at.checked_sub(old)) {
                    (Some(-1), Some(at)) => dims[at],
                    (it, _) => it,
                };
                return Some(wanted.iter().enumerate().map(size).collect());
            }
            "mean" | "sum" => {
                let keep = self.bool(2)?;
                let mut axes = self
                    .ints_at(1)?
                    .iter()
                    .map(|it| index((*it)?, rank))
                    .collect::<Option<Vec<_>>>()?;
                axes.sort_unstable();
                for axis in axes.into_iter().rev() {
                    match keep {
                        true => dims[axis] = Some(1),
                        false => drop(dims.remove(axis)),
                    }
                }
            }
            _ => return None,
        }
        Some(dims)
    }

    fn sliced(&self, size: Size) -> Size {
        let size = size?;
        let bound = |argument: usize, open: i64| match self.graph.constant(self.at(argument)?) {
            Some(Constant::None) => Some(open),
            _ => {
                let at = self.int(argument)?;
                Some(if at < 0 {
                    at.checked_add(size)?.max(0)
                } else {
                    at.min(size)
                })
            }
        };
        let (start, end) = (bound(2, 0)?, bound(3, size)?);
        let step = self.int(4).filter(|it| *it > 0)?;
        Some((end - start).max(0).checked_add(step - 1)? / step)
    }

    /// `-1` is what is left.
    fn reshaped(&self, dims: &[Size], argument: usize) -> Option<Vec<Size>> {
        let mut wanted = self.ints_at(argument)?;
        let Some(free) = wanted.iter().position(|it| *it == Some(-1)) else {
            return Some(wanted);
        };
        let whole = product(dims.iter().copied());
        let others = product(wanted.iter().copied().filter(|it| *it != Some(-1)));
        wanted[free] = match (whole, others) {
            (Some(whole), Some(others)) if others > 0 => Some(whole / others),
            _ => None,
        };
        Some(wanted)
    }

    /// Convolutions and pools: batch, channels, then one size for each dimension of space.
    fn windowed(&self, name: &str, mut dims: Vec<Size>) -> Option<Vec<Size>> {
        let space = dims
            .len()
            .checked_sub(2)
            .filter(|it| (1..=3).contains(it))?;
        let named = |argument: &str| {
            let Op::Operator(schema) = &self.node.op else {
                return None;
            };
            let ints = self.ints_at(schema.arg_index(argument)?)?;
            match ints.len() {
                1 => Some(vec![ints[0]?; space]),
                _ => ints
                    .into_iter()
                    .collect::<Option<Vec<i64>>>()
                    .filter(|it| it.len() == space),
            }
        };
        let (kernel, dilation, ceil) = match name {
            "conv1d" | "conv2d" | "conv3d" | "_convolution" => {
                let transposed = name == "_convolution" && self.bool(6)?;
                let weight = self
                    .dims(1)
                    .filter(|it| !transposed && it.len() == dims.len())?;
                dims[1] = weight[0];
                let kernel = weight[2..].iter().copied().collect::<Option<Vec<_>>>()?;
                (kernel, named("dilation")?, false)
            }
            "max_pool1d" | "max_pool2d" | "avg_pool1d" | "avg_pool2d" => {
                let dilation = named("dilation").unwrap_or_else(|| vec![1; space]);
                let Op::Operator(schema) = &self.node.op else {
                    return None;
                };
                (
                    named("kernel_size")?,
                    dilation,
                    self.bool(schema.arg_index("ceil_mode")?)?,
                )
            }
            "adaptive_avg_pool1d" | "adaptive_avg_pool2d" => {
                let wanted = named("output_size")?;
                dims.splice(2.., wanted.into_iter().map(Some));
                return Some(dims);
            }
            _ => return None,
        };
        // An empty stride is the window's size; rounding up has rules of its own at the edge.
        let stride = named("stride").unwrap_or_else(|| kernel.clone());
        let padding = named("padding")?;
        for at in 0..space {
            let reach = dilation[at].checked_mul(kernel[at] - 1)?.checked_add(1)?;
            let room = |size: i64| {
                size.checked_add(2 * padding[at])?
                    .checked_sub(reach)
                    .filter(|it| *it >= 0)
            };
            let size = dims[at + 2]
                .and_then(room)
                .filter(|_| stride[at] > 0 && !ceil);
            dims[at + 2] = size.map(|it| it / stride[at] + 1);
        }
        Some(dims)
    }

    /// The sequence: the last size is that of the states, times the directions.
    fn recurrent(&self) -> Option<Fact> {
        let mut dims = self.dims(0)?;
        *dims.last_mut()? = None;
        Some(Fact::Tensor(dims))
    }
}

/// How many elements there are.
fn product(mut sizes: impl Iterator<Item = Size>) -> Size {
    sizes.try_fold(1_i64, |all, it| all.checked_mul(it?))
}

/// The place of an element, counted from the end if negative.
fn index(at: i64, len: usize) -> Option<usize> {
    let at = if at < 0 {
        at.checked_add(len as i64)?
    } else {
        at
    };
    usize::try_from(at).ok().filter(|it| *it < len)
}
