//! Convolutions and linears: operators with a weight of the file.

use super::{Read, Step};
use crate::ir::ValueId;
use crate::quant::fuse::{ConstTensor, Conv, ConvKind, FloatOp, Linear};

impl Read<'_, '_> {
    pub(super) fn convolution(&self, name: &str) -> Step<FloatOp> {
        self.conv(match name {
            "conv3d" => ConvKind::Conv3d,
            "conv_transpose2d" => ConvKind::ConvTranspose2d,
            _ => ConvKind::Conv2d,
        })
    }

    /// `_convolution`, as tracing writes every convolution.
    pub(super) fn generic_convolution(&self) -> Step<FloatOp> {
        let weight = self.weight(self.input(1)?, "weight")?;
        let n = weight.sizes().len().saturating_sub(2);
        self.conv(match (n, self.bool("transposed")?) {
            (2, false) => ConvKind::Conv2d,
            (3, false) => ConvKind::Conv3d,
            (2, true) => ConvKind::ConvTranspose2d,
            _ => return Err("the plugin has no quantised function for it on this march".into()),
        })
    }

    fn conv(&self, kind: ConvKind) -> Step<FloatOp> {
        let n = kind.dims();
        let weight = self.weight(self.input(1)?, "weight")?;
        let conv = Conv {
            kind,
            input: self.input(0)?,
            stride: self.ints("stride", n)?,
            dilation: self.ints("dilation", n)?,
            padding: self.ints("padding", n)?,
            output_padding: match self.arg("output_padding") {
                Some(_) => self.ints("output_padding", n)?,
                None => vec![0; n],
            },
            bias: self.optional("bias")?,
            weight,
            groups: self.int("groups")?,
        };
        if conv.weight.sizes().len() != n + 2 {
            return Err("its weight has an unexpected number of dimensions".into());
        }
        if kind == ConvKind::Conv3d {
            self.bayes()?;
        }
        Ok(FloatOp::Conv(conv))
    }

    pub(super) fn linear(&self) -> Step<FloatOp> {
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
    pub(super) fn addmm(&self) -> Step<FloatOp> {
        if self.number("beta")? != 1.0 || self.number("alpha")? != 1.0 {
            return Err("its `alpha` or `beta` is not 1".into());
        }
        let bias = self.weight(self.input(0)?, "bias")?;
        let weight = self.weight(self.input(2)?, "weight")?;
        let weight = weight.transposed(0, 1).ok_or("its weight is no matrix")?;
        self.make_linear(self.input(1)?, weight, Some(bias))
    }

    /// A product with a stored matrix is a linear.
    pub(super) fn matmul(&self) -> Step<FloatOp> {
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
}
