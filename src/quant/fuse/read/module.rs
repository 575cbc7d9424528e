//! Operators that become modules with hyperparameters or weights.

mod cell;
mod norm;
mod pool;
mod weights;

use crate::ir::{NodeId, Type, ValueId};
use crate::quant::fuse::decompose::refusal;
use crate::quant::fuse::{ConstTensor, FloatOp, Net};
use crate::quant::qconfig::March;

/// What it is, or why it stays in float; none if the operator is not of this kind.
type Found = Option<Result<FloatOp, String>>;

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
        let found = self.net.number_arg(self.id, name);
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

    fn prelu(&self) -> Step<FloatOp> {
        Ok(FloatOp::PRelu {
            input: self.input(0)?,
            weight: self.weight(self.input(1)?, "weight")?,
        })
    }
}
