//! Steps of recurrent layers.

use super::{NOT_CONSTANT, Read, Step};
use crate::quant::cell::CellKind;
use crate::quant::fuse::{Cell, ConstTensor, FloatOp};

impl Read<'_, '_> {
    /// A step of a recurrent layer: four gates of an LSTM, three of a GRU, one of a plain one.
    pub(super) fn cell(&self, name: &str) -> Step<FloatOp> {
        self.bayes()?;
        if !self.march.has_linear() {
            return Err(format!("{} has no quantised linear", self.march));
        }
        let kind = CellKind::of(name).ok_or(NOT_CONSTANT)?;
        let hidden = self.input(1)?;
        let states = match kind {
            CellKind::Lstm => {
                let states = self.net.items(hidden);
                states.ok_or(NOT_CONSTANT)?.to_vec()
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
}
