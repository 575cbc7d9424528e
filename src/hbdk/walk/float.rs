//! Operators behind `dequantize`: the layers go on with integers, the result remembers the scale.

use super::super::graph::Dequantise;
use super::super::value::{TensorId, Val};
use super::{Args, Builder, Fail};

impl Builder<'_> {
    /// Gives the results of an operator the scale of its dequantised input. Operators that do something else to
    /// floats than to integers are refused.
    pub(super) fn carry_scale(&mut self, kind: &str, args: &Args, value: Val) -> Result<Val, Fail> {
        let inputs = args.values().iter().flat_map(Val::tensors);
        let float = inputs.filter(|&id| self.tensor(id).dequantise.is_some());
        let Some(id) = float.collect::<Vec<_>>().first().copied() else {
            return Ok(value);
        };
        let refuse = || {
            Fail::new("a float operator behind dequantize")
                .advise("end the model at DeQuantStub, and run what follows on the CPU")
        };
        let name = kind.strip_prefix("aten::").unwrap_or(kind);
        if name == "size" {
            return Ok(value);
        }
        let own = self.tensor(id).dequantise.clone().ok_or_else(refuse)?;
        for made in value.tensors() {
            let axis = match own.axis {
                None if MOVES.contains(&name) => None,
                None => return Err(refuse()),
                Some(axis) => Some(self.moved(name, args, id, made, axis).ok_or_else(refuse)?),
            };
            self.tensors[made.0].dequantise = Some(Dequantise {
                scale: own.scale.clone(),
                axis,
            });
        }
        Ok(value)
    }

    /// Where a channel dimension is after an operator.
    fn moved(
        &self,
        name: &str,
        args: &Args,
        from: TensorId,
        to: TensorId,
        axis: usize,
    ) -> Option<usize> {
        let (old, new) = (self.native_shape(from), self.native_shape(to));
        let rank = old.len() as i64;
        match name {
            "alias" | "detach" | "contiguous" | "dropout" => Some(axis),
            // What lies before the channels is as it was, so that what lies after them is too.
            "reshape" | "view" | "flatten" | "squeeze" | "unsqueeze" | "slice" => {
                let kept = new.get(..=axis) == old.get(..=axis);
                kept.then_some(axis)
            }
            "permute" => {
                let dims = args.ints(1).ok()?;
                dims.iter()
                    .position(|d| d.rem_euclid(rank) as usize == axis)
            }
            "transpose" => {
                let [a, b] =
                    [args.int(1).ok()?, args.int(2).ok()?].map(|d| d.rem_euclid(rank) as usize);
                Some(match axis {
                    axis if axis == a => b,
                    axis if axis == b => a,
                    axis => axis,
                })
            }
            _ => None,
        }
    }
}

/// Operators that only move elements.
const MOVES: &[&str] = &[
    "alias",
    "detach",
    "contiguous",
    "dropout",
    "reshape",
    "view",
    "flatten",
    "squeeze",
    "unsqueeze",
    "permute",
    "transpose",
    "slice",
    "split",
    "split_with_sizes",
    "expand",
    "repeat",
    "tile",
    "relu",
    "pixel_shuffle",
    "pixel_unshuffle",
    "roll",
    "gather",
];
