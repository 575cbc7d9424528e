//! Pools.

use super::{NOT_CONSTANT, Read, Step};
use crate::quant::fuse::{FloatOp, Pool};

impl Read<'_, '_> {
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

    pub(super) fn max_pool(&self) -> Step<FloatOp> {
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

    pub(super) fn avg_pool(&self) -> Step<FloatOp> {
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

    pub(super) fn adaptive_avg_pool(&self) -> Step<FloatOp> {
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
}
