//! The fake-quantised modules: what they are and what they hold.

use crate::emit::Method;
use crate::quant::fuse::{
    Act, Cell, ConstTensor, Conv, ConvKind, LayerNorm, Linear, Norm, Over, Pool,
};
use crate::quant::qconfig::FakeQuantSpec;

/// A module of the fake-quant file.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Attribute path from the root.
    pub(super) path: String,
    /// What it computes.
    pub(super) kind: LeafKind,
    /// How its result is fake-quantised; none keeps it as it is.
    pub(super) activation: Option<FakeQuantSpec>,
    /// How its weight is.
    pub(super) weight: FakeQuantSpec,
    /// Under which name its result's fake quantiser is shared: with all that lie on the same scale.
    pub(super) shares: Option<String>,
}

/// A state that a recurrent cell hands on to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// What it gives.
    Hidden,
    /// The cell's own, of an LSTM.
    Cell,
}

impl State {
    /// What the fake quantiser of a state is called, of the cell at a path.
    pub(super) fn of(self, path: &str) -> String {
        format!("{path} {self:?}")
    }
}

impl Leaf {
    /// Whether there are fake quantisers in it.
    pub(super) fn has_state(&self) -> bool {
        self.kind.has_weight() || self.kind.has_activation() && self.activation.is_some()
    }
}

/// What a module computes.
#[derive(Clone, Debug)]
pub(super) enum LeafKind {
    QuantStub,
    DeQuantStub,
    Conv {
        conv: Conv,
        add: bool,
        act: Act,
    },
    Linear {
        linear: Linear,
        add: bool,
        act: Act,
    },
    BatchNorm {
        norm: Norm,
        dims: usize,
    },
    FloatFunctional,
    MaxPool(Pool),
    AvgPool(Pool),
    AdaptiveAvgPool([i64; 2]),
    Lut {
        op: &'static str,
        args: Vec<f64>,
    },
    Softmax {
        dim: i64,
    },
    /// Its result is float.
    FloatSoftmax {
        dim: i64,
    },
    LayerNorm(LayerNorm),
    /// A step of a recurrent layer.
    Cell(Box<Cell>),
    PRelu(ConstTensor),
    /// A float module whose one operator keeps the scale.
    Own {
        class: String,
        forward: Method,
    },
}

impl LeafKind {
    /// Module and class below `horizon_plugin_pytorch.nn.qat` (horizon.md 8.1, 8.3); a float module that stays has its
    /// own class.
    pub(super) fn class(&self) -> (&'static str, String) {
        let plain = |file, class: &str| (file, class.to_owned());
        match self {
            LeafKind::QuantStub => plain("stubs", "QuantStub"),
            LeafKind::DeQuantStub => plain("stubs", "DeQuantStub"),
            LeafKind::Conv { conv, add, act } => conv_class(conv.kind, *add, *act),
            LeafKind::Linear { add, act, .. } => {
                ("linear", format!("Linear{}", suffix(*add, *act)))
            }
            LeafKind::BatchNorm { dims, .. } => ("batchnorm", format!("BatchNorm{dims}d")),
            LeafKind::FloatFunctional => plain("functional_modules", "FloatFunctional"),
            LeafKind::MaxPool(_) => plain("max_pool2d", "MaxPool2d"),
            LeafKind::AvgPool(_) => plain("avg_pool2d", "AvgPool2d"),
            LeafKind::AdaptiveAvgPool(_) => plain("avg_pool2d", "AdaptiveAvgPool2d"),
            LeafKind::Lut { .. } => plain("segment_lut", "SegmentLUT"),
            LeafKind::Softmax { .. } => plain("softmax", "SegmentLUTSoftmax"),
            LeafKind::FloatSoftmax { .. } => plain("softmax_bernoulli2", "SoftmaxBernoulli2"),
            LeafKind::LayerNorm(norm) => match norm.over {
                Over::Shape(_) => plain("layernorm", "LayerNorm"),
                Over::Space(dims) => ("instancenorm", format!("InstanceNorm{dims}d")),
            },
            LeafKind::Cell(cell) => {
                let [module, class] = cell.kind.class();
                plain(module, class)
            }
            LeafKind::PRelu(_) => plain("prelu", "PReLU"),
            LeafKind::Own { class, .. } => plain("", class),
        }
    }

    /// Whether its result may be fake-quantised: a maximum keeps its input's scale.
    pub(super) fn has_activation(&self) -> bool {
        !matches!(
            self,
            LeafKind::DeQuantStub
                | LeafKind::MaxPool(_)
                | LeafKind::FloatSoftmax { .. }
                | LeafKind::Own { .. }
        )
    }

    /// Whether it has a weight that is fake-quantised.
    pub(super) fn has_weight(&self) -> bool {
        matches!(
            self,
            LeafKind::Conv { .. }
                | LeafKind::Linear { .. }
                | LeafKind::Cell(_)
                | LeafKind::PRelu(_)
        )
    }
}

fn suffix(add: bool, act: Act) -> String {
    let act = match act {
        Act::None => "",
        Act::Relu => "ReLU",
        Act::Relu6 => "ReLU6",
    };
    format!("{}{act}", if add { "Add" } else { "" })
}

fn conv_class(kind: ConvKind, add: bool, act: Act) -> (&'static str, String) {
    let suffix = suffix(add, act);
    match kind {
        ConvKind::Conv2d => ("conv2d", format!("Conv{suffix}2d")),
        ConvKind::Conv3d => ("conv3d", format!("Conv{suffix}3d")),
        ConvKind::ConvTranspose2d => ("conv_transpose2d", format!("ConvTranspose{suffix}2d")),
    }
}
