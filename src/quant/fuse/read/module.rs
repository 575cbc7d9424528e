//! Operators that become modules with hyperparameters or weights.

use crate::ir::{NodeId, Type, ValueId};
use crate::quant::fuse::decompose::refusal;
use crate::quant::fuse::{
    Cell, CellKind, ConstTensor, Conv, ConvKind, FloatOp, LayerNorm, Linear, Net, Norm, Over, Pool,
};
use crate::quant::qconfig::March;

/// What it is, or why it stays in float; none if the operator is not of this kind.
type Found = Option<Result<FloatOp, String>>;

/// Dimensions that the steps of a norm go over at once (horizon.md 3.15).
const MAX_NORMALISED: usize = 3;

const NOT_CONSTANT: &str = "its hyperparameters are not constant";

pub(super) fn read(net: &Net<'_>, id: NodeId, name: &str, march: March) -> Found {
    let read = Read { net, id, march };
    Some(match name {
        "conv2d" | "conv3d" | "conv_transpose2d" => read.convolution(name),
        "conv1d" | "conv_transpose1d" | "conv_transpose3d" => {
            Err("the plugin has no quantised function for it on this march".into())
        }
        "_convolution" | "convolution" => read.generic_convolution(),
        "linear" => read.linear(),
        "addmm" => read.addmm(),
        "matmul" | "bmm" | "mm" => return Some(read.matmul()),
        "batch_norm" => read.batch_norm(),
        "add" | "sub" | "mul" | "maximum" | "minimum" => read.binary(name),
        "max" | "min" if read.arg("other").is_some() => read.binary(match name {
            "max" => "maximum",
            _ => "minimum",
        }),
        "cat" | "concat" | "concatenate" => read.cat(),
        "sum" | "mean" => read.reduce(name),
        "max_pool2d" => read.max_pool(),
        "avg_pool2d" => read.avg_pool(),
        "adaptive_avg_pool2d" => read.adaptive_avg_pool(),
        "ceil" => read.round("ceil"),
        "floor" => read.round("floor"),
        "softmax" => read.softmax(),
        "layer_norm" => read.layer_norm(),
        "instance_norm" => read.instance_norm(),
        "prelu" => read.prelu(),
        "lstm_cell" | "gru_cell" | "rnn_tanh_cell" | "rnn_relu_cell" => read.cell(name),
        "lstm" | "gru" | "rnn_tanh" | "rnn_relu" => Err(refusal(net, id, name, march)?),
        _ => return None,
    })
}

struct Read<'a, 'm> {
    net: &'a Net<'m>,
    id: NodeId,
    march: March,
}

type Step<T> = Result<T, String>;

impl Read<'_, '_> {
    fn arg(&self, name: &str) -> Option<ValueId> {
        self.net.arg(self.id, name)
    }

    fn input(&self, index: usize) -> Step<ValueId> {
        let found = self.net.node(self.id).inputs.get(index).copied();
        found.ok_or_else(|| NOT_CONSTANT.to_owned())
    }

    fn ints(&self, name: &str, n: usize) -> Step<Vec<i64>> {
        let found = self.arg(name).and_then(|it| self.net.ints_n(it, n));
        found.ok_or_else(|| format!("its `{name}` is not constant"))
    }

    fn int(&self, name: &str) -> Step<i64> {
        let found = self.arg(name).and_then(|it| self.net.int(it));
        found.ok_or_else(|| format!("its `{name}` is not constant"))
    }

    fn bool(&self, name: &str) -> Step<bool> {
        let found = self.arg(name).and_then(|it| self.net.bool(it));
        found.ok_or_else(|| format!("its `{name}` is not constant"))
    }

    fn number(&self, name: &str) -> Step<f64> {
        let found = self.arg(name).and_then(|it| self.net.number(it));
        found.ok_or_else(|| format!("its `{name}` is not constant"))
    }

    /// A float32 tensor of the file.
    fn weight(&self, value: ValueId, what: &str) -> Step<ConstTensor> {
        let tensor = self.net.tensor(value);
        let tensor = tensor.ok_or_else(|| format!("its {what} is not stored in the file"))?;
        match tensor.is_f32() {
            true => Ok(tensor),
            false => Err(format!(
                "its {what} is {}, not float32",
                tensor.view.dtype()
            )),
        }
    }

    fn optional(&self, name: &str) -> Step<Option<ConstTensor>> {
        match self.arg(name).filter(|it| !self.net.is_none(*it)) {
            Some(value) => self.weight(value, name).map(Some),
            None => Ok(None),
        }
    }

    fn bayes(&self) -> Step<()> {
        match self.march.has_int16() {
            true => Ok(()),
            false => Err(format!("{} has no quantised function for it", self.march)),
        }
    }

    fn convolution(&self, name: &str) -> Step<FloatOp> {
        let kind = match name {
            "conv3d" => ConvKind::Conv3d,
            "conv_transpose2d" => ConvKind::ConvTranspose2d,
            _ => ConvKind::Conv2d,
        };
        let weight = self.weight(self.input(1)?, "weight")?;
        let n = kind.dims();
        let stride = self.ints("stride", n)?;
        let dilation = self.ints("dilation", n)?;
        let padding = self.ints("padding", n)?;
        let output_padding = match kind {
            ConvKind::ConvTranspose2d => self.ints("output_padding", n)?,
            _ => vec![0; n],
        };
        self.conv(Conv {
            kind,
            input: self.input(0)?,
            bias: self.optional("bias")?,
            weight,
            stride,
            padding,
            dilation,
            output_padding,
            groups: self.int("groups")?,
        })
    }

    /// `_convolution`, as tracing writes every convolution.
    fn generic_convolution(&self) -> Step<FloatOp> {
        let weight = self.weight(self.input(1)?, "weight")?;
        let n = weight.sizes().len().saturating_sub(2);
        let kind = match (n, self.bool("transposed")?) {
            (2, false) => ConvKind::Conv2d,
            (3, false) => ConvKind::Conv3d,
            (2, true) => ConvKind::ConvTranspose2d,
            _ => return Err("the plugin has no quantised function for it on this march".into()),
        };
        self.conv(Conv {
            kind,
            input: self.input(0)?,
            bias: self.optional("bias")?,
            weight,
            stride: self.ints("stride", n)?,
            padding: self.ints("padding", n)?,
            dilation: self.ints("dilation", n)?,
            output_padding: self.ints("output_padding", n)?,
            groups: self.int("groups")?,
        })
    }

    fn conv(&self, conv: Conv) -> Step<FloatOp> {
        if conv.weight.sizes().len() != conv.kind.dims() + 2 {
            return Err("its weight has an unexpected number of dimensions".into());
        }
        if conv.kind == ConvKind::Conv3d {
            self.bayes()?;
        }
        Ok(FloatOp::Conv(conv))
    }

    fn linear(&self) -> Step<FloatOp> {
        let stored = self.net.is_constant_tensor(self.input(1)?);
        if !stored {
            return Err("its weight is not stored in the file".into());
        }
        self.make_linear(
            self.input(0)?,
            self.weight(self.input(1)?, "weight")?,
            self.optional("bias")?,
        )
    }

    fn make_linear(
        &self,
        input: ValueId,
        weight: ConstTensor,
        bias: Option<ConstTensor>,
    ) -> Step<FloatOp> {
        if !self.march.has_linear() {
            return Err(format!("{} has no quantised linear", self.march));
        }
        if weight.sizes().len() != 2 || bias.as_ref().is_some_and(|it| it.sizes().len() != 1) {
            return Err("its weight or bias has an unexpected number of dimensions".into());
        }
        Ok(FloatOp::Linear(Linear {
            rank: self.net.rank(input),
            input,
            weight,
            bias,
        }))
    }

    /// `beta · bias + alpha · (x @ w)` with a stored weight.
    fn addmm(&self) -> Step<FloatOp> {
        if self.number("beta")? != 1.0 || self.number("alpha")? != 1.0 {
            return Err("its `alpha` or `beta` is not 1".into());
        }
        let bias = self.weight(self.input(0)?, "bias")?;
        let weight = self.weight(self.input(2)?, "weight")?;
        let weight = weight.transposed(0, 1).ok_or("its weight is no matrix")?;
        self.make_linear(self.input(1)?, weight, Some(bias))
    }

    /// A product with a stored matrix is a linear.
    fn matmul(&self) -> Step<FloatOp> {
        let inputs = [self.input(0)?, self.input(1)?];
        let stored = self.net.tensor(inputs[1]);
        let matrix = stored.filter(|it| it.is_f32() && it.sizes().len() == 2);
        if let Some(weight) = matrix.and_then(|it| it.transposed(0, 1))
            && self.march.has_linear()
        {
            return self.make_linear(inputs[0], weight, None);
        }
        Ok(FloatOp::Binary {
            name: "matmul",
            inputs,
        })
    }

    fn batch_norm(&self) -> Step<FloatOp> {
        if self.bool("training")? {
            return Err("it is in training mode: save the model after `eval()`".into());
        }
        let stored = |name| {
            let tensor = self.optional(name)?;
            tensor.ok_or_else(|| format!("it has no `{name}`"))
        };
        Ok(FloatOp::BatchNorm(Norm {
            input: self.input(0)?,
            weight: self.optional("weight")?,
            bias: self.optional("bias")?,
            mean: stored("running_mean")?,
            var: stored("running_var")?,
            eps: self.number("eps")?,
        }))
    }

    /// A method of `FloatFunctional` on two tensors, or on one and a number.
    fn binary(&self, name: &str) -> Step<FloatOp> {
        let inputs = [self.input(0)?, self.input(1)?];
        let numbers = inputs.map(|it| self.net.number(it));
        let method = match name {
            "add" => ["add", "add_scalar"],
            "mul" => ["mul", "mul_scalar"],
            "sub" => ["sub", ""],
            "maximum" => ["maximum", ""],
            _ => ["minimum", ""],
        };
        let scalar = |input, value| match method[1] {
            "" => Err("one operand is a number".to_owned()),
            name => Ok(FloatOp::Scalar { name, input, value }),
        };
        let is_tensor = |at: usize| *self.net.graph().ty(inputs[at]) == Type::Tensor;
        for (at, number) in numbers.iter().enumerate() {
            if number.is_none() && !is_tensor(at) {
                return Err("one operand is a number that is not constant".into());
            }
        }
        match numbers {
            [_, Some(value)] => scalar(inputs[0], value),
            [Some(value), None] => scalar(inputs[1], value),
            [None, None] if method[0] == "sub" && !self.march.has_int16() => {
                self.bayes().map(|()| FloatOp::Binary {
                    name: "sub",
                    inputs,
                })
            }
            [None, None] => Ok(FloatOp::Binary {
                name: method[0],
                inputs,
            }),
        }
    }

    fn cat(&self) -> Step<FloatOp> {
        Ok(FloatOp::Cat {
            list: self.input(0)?,
            dim: self.int("dim")?,
        })
    }

    fn reduce(&self, name: &str) -> Step<FloatOp> {
        let dims = self.arg("dim").and_then(|it| self.net.ints(it));
        let plain = self.arg("dtype").is_none_or(|it| self.net.is_none(it));
        match dims.as_deref() {
            Some(&[dim]) if plain => Ok(FloatOp::Reduce {
                name: if name == "sum" { "sum" } else { "mean" },
                input: self.input(0)?,
                dim,
                keepdim: self.bool("keepdim")?,
            }),
            _ => Err("only one dimension at a time is quantised".into()),
        }
    }

    fn window(&self, kind: &str) -> Step<Pool> {
        let pair = |name| -> Step<[i64; 2]> {
            self.ints(name, 2)?
                .try_into()
                .map_err(|_| NOT_CONSTANT.to_owned())
        };
        let kernel_size = pair("kernel_size")?;
        // An empty stride is the window's size.
        let empty = self
            .arg("stride")
            .and_then(|it| self.net.ints(it))
            .is_some_and(|it| it.is_empty());
        Ok(Pool {
            input: self.input(0)?,
            kernel_size,
            stride: if empty { kernel_size } else { pair("stride")? },
            padding: pair("padding")?,
            dilation: if kind == "max" {
                pair("dilation")?
            } else {
                [1, 1]
            },
            ceil_mode: self.bool("ceil_mode")?,
            count_include_pad: true,
        })
    }

    fn max_pool(&self) -> Step<FloatOp> {
        // A window that follows from the input's size.
        if self
            .arg("kernel_size")
            .is_some_and(|it| self.net.ints(it).is_none())
        {
            return Ok(FloatOp::Keep(self.input(0)?));
        }
        let pool = self.window("max")?;
        match pool.dilation {
            [1, 1] => Ok(FloatOp::MaxPool(pool)),
            _ => Err("its dilation is not 1".into()),
        }
    }

    fn avg_pool(&self) -> Step<FloatOp> {
        let mut pool = self.window("avg")?;
        pool.count_include_pad = self.bool("count_include_pad")?;
        let divided = self
            .arg("divisor_override")
            .is_some_and(|it| !self.net.is_none(it));
        if divided {
            return Err("it has a `divisor_override`".into());
        }
        if !pool.count_include_pad && pool.padding != [0, 0] {
            return Err("padding does not count (`count_include_pad=False`)".into());
        }
        pool.count_include_pad = true;
        Ok(FloatOp::AvgPool(pool))
    }

    fn adaptive_avg_pool(&self) -> Step<FloatOp> {
        let (input, parts) = (self.input(0)?, self.ints("output_size", 2)?);
        for (dim, parts) in [-2, -1].into_iter().zip(&parts) {
            if let Some(size) = self
                .net
                .size(input, dim)
                .filter(|it| it % parts.max(&1) != 0)
            {
                return Err(format!(
                    "{size} elements do not divide into {parts} equal parts"
                ));
            }
        }
        Ok(FloatOp::AdaptiveAvgPool {
            input,
            output_size: parts.try_into().map_err(|_| NOT_CONSTANT.to_owned())?,
        })
    }

    /// To whole numbers, which are steps of scale 1: of a march without 16 bits nobody says that it has this.
    fn round(&self, name: &'static str) -> Step<FloatOp> {
        self.bayes()?;
        Ok(FloatOp::Round {
            name,
            input: self.input(0)?,
        })
    }

    fn softmax(&self) -> Step<FloatOp> {
        let (input, dim) = (self.input(0)?, self.int("dim")?);
        if self.march.has_int16() {
            return Ok(FloatOp::Softmax { input, dim });
        }
        // One table for all channels of a pixel (3.15); no other dimension has one.
        let rank = self.net.rank(input);
        let channels = rank == Some(4) && matches!(dim, 1 | -3);
        match channels && self.march == March::Bernoulli2 {
            true => Ok(FloatOp::FloatSoftmax { input, dim: 1 }),
            false => Err(format!("{} has it over channels only", self.march)),
        }
    }

    fn layer_norm(&self) -> Step<FloatOp> {
        self.bayes()?;
        let shape = self
            .arg("normalized_shape")
            .and_then(|it| self.net.ints(it));
        let shape = shape.ok_or(NOT_CONSTANT)?;
        if !(1..=MAX_NORMALISED).contains(&shape.len()) {
            return Err("no more than three normalised dimensions are quantised".into());
        }
        Ok(FloatOp::LayerNorm {
            input: self.input(0)?,
            norm: LayerNorm {
                over: Over::Shape(shape),
                weight: self.optional("weight")?,
                bias: self.optional("bias")?,
                eps: self.number("eps")?,
            },
        })
    }

    /// A layer norm over the dimensions of space, with a factor and a summand for each channel (3.15).
    fn instance_norm(&self) -> Step<FloatOp> {
        self.bayes()?;
        let input = self.input(0)?;
        let rank = self.net.rank(input);
        let rank = rank.ok_or("how many dimensions its input has is not known")?;
        let dims = usize::try_from(rank - 2).unwrap_or(0);
        if !(1..=MAX_NORMALISED).contains(&dims) {
            return Err("no more than three normalised dimensions are quantised".into());
        }
        let per_channel = |name| -> Step<Option<ConstTensor>> {
            let Some(mut tensor) = self.optional(name)? else {
                return Ok(None);
            };
            for at in 1..=dims {
                tensor = tensor.unsqueezed(at).ok_or(NOT_CONSTANT)?;
            }
            Ok(Some(tensor))
        };
        Ok(FloatOp::LayerNorm {
            input,
            norm: LayerNorm {
                over: Over::Space(dims),
                weight: per_channel("weight")?,
                bias: per_channel("bias")?,
                eps: self.number("eps")?,
            },
        })
    }

    /// A step of a recurrent layer: four gates of an LSTM, three of a GRU, one of a plain one.
    fn cell(&self, name: &str) -> Step<FloatOp> {
        self.bayes()?;
        if !self.march.has_linear() {
            return Err(format!("{} has no quantised linear", self.march));
        }
        let kind = CellKind::of(name).ok_or(NOT_CONSTANT)?;
        let hidden = self.input(1)?;
        let states = match kind {
            CellKind::Lstm => {
                let producer = self.net.graph().producer(hidden).ok_or(NOT_CONSTANT)?;
                self.net.node(producer).inputs.to_vec()
            }
            _ => vec![hidden],
        };
        let cell = Cell {
            kind,
            input: self.input(0)?,
            input_weight: self.weight(self.input(2)?, "weight")?,
            input_bias: self.optional("b_ih")?,
            hidden_weight: self.weight(self.input(3)?, "weight")?,
            hidden_bias: self.optional("b_hh")?,
            states,
        };
        let gates =
            |it: &ConstTensor| it.sizes().len() == 2 && it.sizes()[0] == kind.gates() * cell.size();
        let fits = gates(&cell.input_weight) && gates(&cell.hidden_weight);
        match fits && cell.states.len() == kind.states() {
            true => Ok(FloatOp::Cell(Box::new(cell))),
            false => Err("its weights or states have unexpected sizes".into()),
        }
    }

    fn prelu(&self) -> Step<FloatOp> {
        Ok(FloatOp::PRelu {
            input: self.input(0)?,
            weight: self.weight(self.input(1)?, "weight")?,
        })
    }
}
