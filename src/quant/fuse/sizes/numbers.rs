//! Numbers that are made of sizes.

use super::walk::Walk;
use super::{Fact, axis};
use crate::ir::{Constant, Type};

impl Walk<'_> {
    /// Operators on numbers with a float result.
    pub(super) fn floats(&self, name: &str) -> Option<Fact> {
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

    /// Operators that read sizes, and those on ints.
    pub(super) fn ints(&self, name: &str) -> Option<Fact> {
        match name {
            "size" if self.node.inputs.len() == 1 => return Some(Fact::Ints(self.dims(0)?)),
            "__getitem__" => return self.element(),
            _ => {}
        }
        let both = || Some((self.int(0)?, self.int(1)?));
        let int = match name {
            "size" => {
                let dims = self.dims(0)?;
                dims[self.axis(1, dims.len())?]
            }
            "dim" => i64::try_from(self.dims(0)?.len()).ok(),
            "Int" => self.int(0),
            "add" => both().and_then(|(a, b)| a.checked_add(b)),
            "sub" => both().and_then(|(a, b)| a.checked_sub(b)),
            "mul" => both().and_then(|(a, b)| a.checked_mul(b)),
            "div" if self.rounds_down() => both().and_then(quotient),
            "floordiv" => both().and_then(quotient),
            _ => None,
        };
        int.map(Fact::Int)
    }

    /// An element of a list; tensors of a list have the same sizes.
    fn element(&self) -> Option<Fact> {
        match self.fact(0)? {
            Fact::Ints(ints) => ints[axis(self.int(1)?, ints.len())?].map(Fact::Int),
            Fact::Tensors(sizes) => Some(Fact::Tensor(sizes)),
            _ => None,
        }
    }

    /// Whether a quotient is a whole number.
    fn rounds_down(&self) -> bool {
        let mode = self.constant(2);
        matches!(mode, Some(Constant::Str(mode)) if matches!(&**mode, b"floor" | b"trunc"))
    }
}

/// Of numbers that are not negative, for which rounding down and to zero are the same.
fn quotient((a, b): (i64, i64)) -> Option<i64> {
    (a >= 0 && b > 0).then(|| a / b)
}
