//! Recurrent cells (horizon.md 8.3).

/// Which recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quant) enum CellKind {
    /// `lstm_cell`
    Lstm,
    /// `gru_cell`
    Gru,
    /// `rnn_tanh_cell`
    Tanh,
    /// `rnn_relu_cell`
    Relu,
}

const ALL: [CellKind; 4] = [
    CellKind::Lstm,
    CellKind::Gru,
    CellKind::Tanh,
    CellKind::Relu,
];

impl CellKind {
    /// By the operator's name.
    pub(in crate::quant) fn of(name: &str) -> Option<CellKind> {
        ALL.into_iter().find(|it| it.op() == name)
    }

    /// By its class, `lstm.LSTMCell`.
    pub(in crate::quant) fn of_class(name: &str) -> Option<CellKind> {
        let (module, class) = name.split_once('.')?;
        ALL.into_iter().find(|it| it.class() == [module, class])
    }

    /// The module of the plugin and the class in it.
    pub(in crate::quant) fn class(self) -> [&'static str; 2] {
        match self {
            CellKind::Lstm => ["lstm", "LSTMCell"],
            CellKind::Gru => ["gru", "GRUCell"],
            CellKind::Tanh => ["rnn", "RNNCell"],
            CellKind::Relu => ["rnn", "RNNReLUCell"],
        }
    }

    /// The operator's name.
    pub(in crate::quant) fn op(self) -> &'static str {
        match self {
            CellKind::Lstm => "lstm_cell",
            CellKind::Gru => "gru_cell",
            CellKind::Tanh => "rnn_tanh_cell",
            CellKind::Relu => "rnn_relu_cell",
        }
    }

    /// How many gates its weights are for.
    pub(in crate::quant) fn gates(self) -> i64 {
        match self {
            CellKind::Lstm => 4,
            CellKind::Gru => 3,
            _ => 1,
        }
    }

    /// How many states it hands on.
    pub(in crate::quant) fn states(self) -> usize {
        match self {
            CellKind::Lstm => 2,
            _ => 1,
        }
    }
}
