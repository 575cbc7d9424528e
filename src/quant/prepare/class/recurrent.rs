//! Steps of recurrent layers (horizon.md 8.3): linears, gates and products in 16 bits; the hidden state, which the next
//! linear reads, has the configured type.

use super::norm::inner;
use super::{Draft, Writer};
use crate::emit::{EmitError, Method, ObjectId, Value};
use crate::quant::cell::CellKind;
use crate::quant::fuse::{Act, Cell, ConstTensor, Linear};
use crate::quant::prepare::leaf::{Leaf, LeafKind, State};

/// The gates of an LSTM lie in the order input, forget, cell, output.
const LSTM: &str = "\
i, f, g, o, = torch.split((self.gates).add((self.input).forward(x, ), (self.hidden).forward(h, ), ), self.size, -1)
f = (self.forget_mul).mul((self.sigmoid).forward(f, ), c, )
i = (self.input_mul).mul((self.sigmoid).forward(i, ), (self.tanh).forward(g, ), )
c = (self.cell_add).add(f, i, )
h = (self.out_mul).mul((self.sigmoid).forward(o, ), (self.out_tanh).forward(c, ), )
return (h, c)";

/// Those of a GRU: reset, update, new; `h' = n + z · (h - n)`.
const GRU: &str = "\
xr, xz, xn, = torch.split((self.input).forward(x, ), self.size, -1)
hr, hz, hn, = torch.split((self.hidden).forward(h, ), self.size, -1)
r = (self.sigmoid).forward((self.reset_add).add(xr, hr, ), )
z = (self.update_sigmoid).forward((self.update_add).add(xz, hz, ), )
n = (self.tanh).forward((self.new_add).add(xn, (self.reset_mul).mul(r, hn, ), ), )
return (self.out_add).add(n, (self.update_mul).mul(z, (self.sub).sub(h, n, ), ), )";

const TANH: &str = "\
return (self.tanh).forward((self.gates).add((self.input).forward(x, ), (self.hidden).forward(h, ), ), )";

const RELU: &str = "\
return torch.relu((self.gates).add((self.input).forward(x, ), (self.hidden).forward(h, ), ))";

/// Functions and tables of a cell: those of two tensors, those of one with their operators, and which gives the hidden
/// state.
fn parts(
    kind: CellKind,
) -> (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
    &'static str,
) {
    match kind {
        CellKind::Lstm => (
            &["gates", "forget_mul", "input_mul", "cell_add", "out_mul"],
            &[
                ("sigmoid", "sigmoid"),
                ("tanh", "tanh"),
                ("out_tanh", "tanh"),
            ],
            "out_mul",
        ),
        CellKind::Gru => (
            &[
                "reset_add",
                "update_add",
                "reset_mul",
                "new_add",
                "sub",
                "update_mul",
                "out_add",
            ],
            &[
                ("sigmoid", "sigmoid"),
                ("update_sigmoid", "sigmoid"),
                ("tanh", "tanh"),
            ],
            "out_add",
        ),
        CellKind::Tanh => (&["gates"], &[("tanh", "tanh")], "tanh"),
        CellKind::Relu => (&["gates"], &[], "gates"),
    }
}

impl Writer<'_> {
    pub(super) fn cell(
        &mut self,
        draft: Draft,
        leaf: &Leaf,
        cell: &Cell,
    ) -> Result<ObjectId, EmitError> {
        let (functions, tables, last) = parts(cell.kind);
        let mut draft = draft.with("size", "int", Value::Int(cell.size()));
        for (name, weight, bias) in [
            ("input", &cell.input_weight, &cell.input_bias),
            ("hidden", &cell.hidden_weight, &cell.hidden_bias),
        ] {
            let kind = linear(cell, weight, bias.as_ref());
            draft = self.part(draft, leaf, name, kind, inner(leaf, false))?;
        }
        let all = functions.iter().map(|it| (*it, LeafKind::FloatFunctional));
        let all = all.chain(tables.iter().map(|(name, op)| {
            let args = Vec::new();
            (*name, LeafKind::Lut { op, args })
        }));
        for (name, kind) in all {
            let shared = match name {
                _ if name == last => Some(State::Hidden),
                "cell_add" => Some(State::Cell),
                _ => None,
            };
            let object = self.leaf(&Leaf {
                path: String::new(),
                kind,
                activation: inner(leaf, name == last),
                weight: leaf.weight.clone(),
                shares: shared.map(|state| state.of(&leaf.path)),
            })?;
            draft = self.child(draft, name, object);
        }
        let method = match cell.kind {
            CellKind::Lstm => Method::new("forward", "Tuple[Tensor, Tensor]"),
            _ => Method::new("forward", "Tensor"),
        };
        let mut method = method.param("x", "Tensor").param("h", "Tensor");
        if cell.kind == CellKind::Lstm {
            method = method.param("c", "Tensor");
        }
        self.object(draft.method(method.body(match cell.kind {
            CellKind::Lstm => LSTM,
            CellKind::Gru => GRU,
            CellKind::Tanh => TANH,
            CellKind::Relu => RELU,
        })))
    }
}

fn linear(cell: &Cell, weight: &ConstTensor, bias: Option<&ConstTensor>) -> LeafKind {
    LeafKind::Linear {
        linear: Linear {
            input: cell.input,
            weight: weight.clone(),
            bias: bias.cloned(),
            rank: Some(2),
        },
        add: false,
        act: Act::None,
    }
}
