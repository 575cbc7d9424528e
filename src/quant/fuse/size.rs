//! Sizes of images inside the network: from those of the inputs, through what convolutions and pools do to them.

use super::Net;
use crate::ir::{NodeId, ValueId};

/// Operators looked through; the deepest networks have 1,000 in a row. It bounds the recursion.
const MAX_LOOK_BACK: usize = 2_000;

/// Operators whose result has the height and width of their first input.
const SAME: &[&str] = &[
    "batch_norm",
    "celu",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clone",
    "contiguous",
    "detach",
    "dropout",
    "elu",
    "feature_dropout",
    "gelu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "instance_norm",
    "leaky_relu",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
];

/// A dimension from the end on: -2 is the height, -1 the width.
type Side = i64;

impl Net<'_> {
    /// The height (-2) or width (-1) of a tensor of images, if it is known.
    pub(in crate::quant) fn size(&self, value: ValueId, side: Side) -> Option<i64> {
        let (mut at, mut side) = (value, side);
        let mut later: Vec<Step> = Vec::new();
        for _ in 0..MAX_LOOK_BACK {
            if let Some(size) = self.own_size(at, side) {
                let mut steps = later.into_iter().rev();
                return steps.try_fold(size, |it, step| step.of(it));
            }
            let producer = self.graph().producer(at)?;
            if matches!(self.aten(producer), Some("view" | "reshape")) {
                (at, side) = self.written_size(producer, side)?;
                continue;
            }
            later.push(self.step(producer, side)?);
            at = self.first_tensor(producer)?;
        }
        None
    }

    /// The tensor and dimension whose size a reshape writes for one of its own.
    fn written_size(&self, id: NodeId, side: Side) -> Option<(ValueId, Side)> {
        let list = self.node(self.graph().producer(*self.node(id).inputs.get(1)?)?);
        let at = list
            .inputs
            .len()
            .checked_sub(side.unsigned_abs() as usize)?;
        let size = self.graph().producer(*list.inputs.get(at)?)?;
        let &[of, dim] = &self.node(size).inputs[..] else {
            return None;
        };
        let dim = self.int(dim)?;
        let dim = if dim < 0 { dim } else { dim - self.rank(of)? };
        let is_side = self.aten(size) == Some("size") && matches!(dim, -2 | -1);
        is_side.then_some((of, dim))
    }

    /// The size of an input or a stored tensor.
    fn own_size(&self, value: ValueId, side: Side) -> Option<i64> {
        let from_end = |sizes: &[i64]| {
            let at = sizes.len().checked_sub(side.unsigned_abs() as usize)?;
            sizes.get(at).copied()
        };
        if let Some(tensor) = self.tensor(value) {
            return from_end(tensor.sizes());
        }
        let graph = self.graph();
        let params = graph.block(graph.root()).params.iter().skip(1);
        let place = params.clone().position(|it| *it == value)?;
        from_end(self.input_sizes.get(place)?.as_ref()?)
    }

    /// What a node does to a size.
    fn step(&self, id: NodeId, side: Side) -> Option<Step> {
        let name = self.aten(id)?;
        let pair = |name| {
            let both = self.ints_n(self.arg(id, name)?, 2)?;
            both.get((side + 2) as usize).copied()
        };
        let flag = |name| self.arg(id, name).and_then(|it| self.bool(it));
        match name {
            "conv2d" | "_convolution" | "convolution" => {
                let weight = self.tensor(*self.node(id).inputs.get(1)?)?;
                if weight.sizes().len() != 4 || flag("transposed") == Some(true) {
                    return None;
                }
                Some(Step::Window {
                    kernel: *weight.sizes().get((side + 4) as usize)?,
                    stride: pair("stride")?,
                    padding: pair("padding")?,
                    dilation: pair("dilation")?,
                    ceil: false,
                })
            }
            "max_pool2d" | "avg_pool2d" => {
                let kernel = pair("kernel_size")?;
                let empty = self.ints(self.arg(id, "stride")?)?.is_empty();
                Some(Step::Window {
                    kernel,
                    stride: if empty { kernel } else { pair("stride")? },
                    padding: pair("padding")?,
                    dilation: if name == "max_pool2d" {
                        pair("dilation")?
                    } else {
                        1
                    },
                    ceil: flag("ceil_mode")?,
                })
            }
            "adaptive_avg_pool2d" | "adaptive_max_pool2d" => Some(Step::Set(pair("output_size")?)),
            "cat" => {
                let dim = self.int(self.arg(id, "dim")?)?;
                matches!(dim, 1 | -3).then_some(Step::Same)
            }
            "add" | "sub" | "mul" | "div" | "maximum" | "minimum" => {
                let other = *self.node(id).inputs.get(1)?;
                let is_number = self.number(other).is_some();
                Some(if is_number {
                    Step::Same
                } else {
                    Step::Broadcast
                })
            }
            "pad" | "constant_pad_nd" | "reflection_pad2d" | "replication_pad2d" => {
                let sides = self.ints(*self.node(id).inputs.get(1)?)?;
                let start = ((-1 - side) * 2) as usize;
                let both = sides.get(start..start + 2).unwrap_or_default();
                Some(Step::Add(both.iter().sum()))
            }
            _ => SAME.contains(&name).then_some(Step::Same),
        }
    }
}

/// From the size of an operator's input to that of its result.
#[derive(Clone, Copy, Debug)]
enum Step {
    Same,
    /// Against another tensor, which may make many of one.
    Broadcast,
    Add(i64),
    Set(i64),
    Window {
        kernel: i64,
        stride: i64,
        padding: i64,
        dilation: i64,
        ceil: bool,
    },
}

impl Step {
    fn of(self, size: i64) -> Option<i64> {
        match self {
            Step::Same => Some(size),
            Step::Broadcast => (size > 1).then_some(size),
            Step::Add(more) => size.checked_add(more),
            Step::Set(size) => Some(size),
            Step::Window {
                kernel,
                stride,
                padding,
                dilation,
                ceil,
            } => {
                let span = dilation.checked_mul(kernel.checked_sub(1)?)?;
                let room = padding.checked_mul(2)?.checked_add(size)?;
                let room = room.checked_sub(span)?.checked_sub(1)?;
                let plain = stride > 0 && room >= 0;
                let up = if ceil { stride - 1 } else { 0 };
                let mut count = plain.then(|| room.checked_add(up))?? / stride + 1;
                // A window that starts behind the end does not count.
                if ceil && (count - 1).checked_mul(stride)? >= size.checked_add(padding)? {
                    count -= 1;
                }
                Some(count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: i64, stride: i64, padding: i64, ceil: bool) -> Step {
        Step::Window {
            kernel,
            stride,
            padding,
            dilation: 1,
            ceil,
        }
    }

    #[test]
    fn windows_give_torchs_sizes() {
        // torch.nn.functional.max_pool2d
        for (size, step, expected) in [
            (224, window(7, 2, 3, false), 112),
            (7, window(2, 2, 0, false), 3),
            (7, window(2, 2, 0, true), 4),
            (6, window(3, 3, 1, true), 3),
            (5, window(2, 3, 1, true), 2),
            (4, window(2, 4, 1, true), 2),
        ] {
            assert_eq!(step.of(size), Some(expected), "{size} {step:?}");
        }
    }

    #[test]
    fn what_is_no_window_has_no_size() {
        assert_eq!(window(9, 1, 0, false).of(4), None);
        assert_eq!(window(1, 0, 0, false).of(4), None);
        assert_eq!(window(i64::MAX, 1, 0, false).of(i64::MIN), None);
    }
}
