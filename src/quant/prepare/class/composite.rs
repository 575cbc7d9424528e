//! Softmax of march bayes: `max`, then `sub`, `exp`, `sum`, `reciprocal` in 16 bits, then `mul` (horizon.md 3.15).

use super::norm::inner;
use super::{Draft, QAT, Writer};
use crate::emit::{EmitError, ObjectId, Value};
use crate::quant::prepare::leaf::{Leaf, LeafKind};

const SOFTMAX: &str = "\
top, _0, = torch.max(x, self.dim, True)
e = (self.exp).forward((self.sub).sub(x, top, ), )
s = (self.sum).sum(e, self.dim, True, )
return (self.mul).mul(e, (self.reciprocal).forward(s, ), )";

impl Writer<'_> {
    pub(super) fn softmax(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        dim: i64,
    ) -> Result<ObjectId, EmitError> {
        let lut = |op| LeafKind::Lut {
            op,
            args: Vec::new(),
        };
        let draft = draft.with("dim", "int", Value::Int(dim));
        let draft = self.part(
            draft,
            leaf,
            "sub",
            LeafKind::FloatFunctional,
            inner(leaf, false),
        )?;
        let draft = self.part(draft, leaf, "exp", lut("exp"), inner(leaf, false))?;
        let draft = self.part(
            draft,
            leaf,
            "sum",
            LeafKind::FloatFunctional,
            inner(leaf, false),
        )?;
        let reciprocal = Draft {
            spec: crate::emit::ClassSpec::module(&format!("{QAT}.reciprocal.Reciprocal")),
            values: Vec::new(),
            states: Vec::new(),
        };
        let reciprocal = self.part(
            reciprocal,
            leaf,
            "reciprocal",
            lut("reciprocal"),
            inner(leaf, false),
        )?;
        let reciprocal = reciprocal.forward("return (self.reciprocal).forward(x, )");
        let reciprocal = self.object(reciprocal)?;
        let draft = self.child(draft, "reciprocal", reciprocal);
        let draft = self.part(
            draft,
            leaf,
            "mul",
            LeafKind::FloatFunctional,
            inner(leaf, true),
        )?;
        self.object(draft.forward(SOFTMAX))
    }
}
