//! Norms.

use super::{NOT_CONSTANT, Read, Step};
use crate::quant::fuse::{ConstTensor, FloatOp, LayerNorm, Norm, Over};

/// Dimensions that the steps of a norm go over at once (horizon.md 3.15).
const MAX_NORMALISED: usize = 3;

impl Read<'_, '_> {
    pub(super) fn batch_norm(&self) -> Step<FloatOp> {
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

    pub(super) fn layer_norm(&self) -> Step<FloatOp> {
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
    pub(super) fn instance_norm(&self) -> Step<FloatOp> {
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
}
