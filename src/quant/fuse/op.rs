//! What a node of the float graph is.

use super::ConstTensor;
use crate::ir::ValueId;
use crate::quant::cell::CellKind;

/// A node with its hyperparameters. Values are the graph's own.
#[derive(Clone, Debug)]
pub(in crate::quant) enum FloatOp {
    /// `conv2d`, `conv3d`, `conv_transpose2d`.
    Conv(Conv),
    /// `linear`, and `addmm` or `matmul` with a stored weight.
    Linear(Linear),
    /// `batch_norm` with stored statistics, in evaluation.
    BatchNorm(Norm),
    /// Two tensors by a method of `FloatFunctional`: `add sub mul matmul maximum minimum`.
    Binary {
        /// The method.
        name: &'static str,
        /// Its operands.
        inputs: [ValueId; 2],
    },
    /// `add_scalar` or `mul_scalar`.
    Scalar {
        /// The method.
        name: &'static str,
        /// The tensor.
        input: ValueId,
        /// The number.
        value: f64,
    },
    /// `cat`.
    Cat {
        /// The list of tensors.
        list: ValueId,
        /// The dimension.
        dim: i64,
    },
    /// `sum` or `mean` over one dimension.
    Reduce {
        /// The method.
        name: &'static str,
        /// The tensor.
        input: ValueId,
        /// The dimension.
        dim: i64,
        /// Whether it stays, with size 1.
        keepdim: bool,
    },
    /// `max_pool2d`.
    MaxPool(Pool),
    /// `avg_pool2d`.
    AvgPool(Pool),
    /// `adaptive_avg_pool2d`.
    AdaptiveAvgPool {
        /// The tensor.
        input: ValueId,
        /// Height and width of the result.
        output_size: [i64; 2],
    },
    /// A function of one number, looked up.
    Lut {
        /// Its aten name.
        op: &'static str,
        /// Its scalar parameters.
        args: Vec<f64>,
        /// The tensor.
        input: ValueId,
    },
    /// `ceil` or `floor`.
    Round {
        /// The method.
        name: &'static str,
        /// The tensor.
        input: ValueId,
    },
    /// `softmax`.
    Softmax {
        /// The tensor.
        input: ValueId,
        /// The dimension.
        dim: i64,
    },
    /// `softmax` over channels on march bernoulli2, whose result is float.
    FloatSoftmax {
        /// The tensor.
        input: ValueId,
        /// The dimension.
        dim: i64,
    },
    /// `layer_norm` or `instance_norm`.
    LayerNorm {
        /// The tensor.
        input: ValueId,
        /// How.
        norm: LayerNorm,
    },
    /// `lstm_cell`, `gru_cell`, `rnn_tanh_cell`, `rnn_relu_cell`.
    Cell(Box<Cell>),
    /// `prelu`.
    PRelu {
        /// The tensor.
        input: ValueId,
        /// Slopes, one or one a channel.
        weight: ConstTensor,
    },
    /// `relu`.
    Relu(ValueId),
    /// `relu6`, `hardtanh(0, 6)`, `clamp(0, 6)`.
    Relu6(ValueId),
    /// Computes on the integers and keeps the scale; the node stays as it is.
    Keep(ValueId),
    /// Moves elements about; the node stays as it is.
    Move(ValueId),
    /// Makes float32 of a tensor, whatever it is: where it and `like` are quantised, nothing is to do.
    ToFloat {
        /// The tensor.
        input: ValueId,
        /// The tensor whose type it takes.
        like: Option<ValueId>,
    },
    /// Says something about a tensor that quantising does not change: its sizes, its device.
    Meta,
    /// No quantised function.
    Float(String),
    /// No tensor in, no tensor out; or the structure of tuples and lists.
    Other,
}

/// Which convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quant) enum ConvKind {
    /// `conv2d`
    Conv2d,
    /// `conv3d`
    Conv3d,
    /// `conv_transpose2d`
    ConvTranspose2d,
}

impl ConvKind {
    /// The axis of the weight that is the output's channels (of one group when transposed).
    pub(in crate::quant) fn out_axis(self) -> usize {
        match self {
            ConvKind::ConvTranspose2d => 1,
            _ => 0,
        }
    }

    /// Number of spatial dimensions.
    pub(in crate::quant) fn dims(self) -> usize {
        match self {
            ConvKind::Conv3d => 3,
            _ => 2,
        }
    }
}

/// A convolution.
#[derive(Clone, Debug)]
pub(in crate::quant) struct Conv {
    /// Which one.
    pub(in crate::quant) kind: ConvKind,
    /// The tensor.
    pub(in crate::quant) input: ValueId,
    /// `[out, in / groups, k…]`, transposed `[in, out / groups, k…]`.
    pub(in crate::quant) weight: ConstTensor,
    /// `[out]`
    pub(in crate::quant) bias: Option<ConstTensor>,
    /// Step of the window.
    pub(in crate::quant) stride: Vec<i64>,
    /// Zeros on both sides.
    pub(in crate::quant) padding: Vec<i64>,
    /// Step inside the window.
    pub(in crate::quant) dilation: Vec<i64>,
    /// Added to the size of the result; transposed only.
    pub(in crate::quant) output_padding: Vec<i64>,
    /// Groups of channels.
    pub(in crate::quant) groups: i64,
}

/// `x @ weight.t() + bias`
#[derive(Clone, Debug)]
pub(in crate::quant) struct Linear {
    /// The tensor.
    pub(in crate::quant) input: ValueId,
    /// `[out, in]`
    pub(in crate::quant) weight: ConstTensor,
    /// `[out]`
    pub(in crate::quant) bias: Option<ConstTensor>,
    /// The dimensions of the tensor, if they are known.
    pub(in crate::quant) rank: Option<i64>,
}

/// A step of a recurrent layer.
#[derive(Clone, Debug)]
pub(in crate::quant) struct Cell {
    /// Which one.
    pub(in crate::quant) kind: CellKind,
    /// `[N, I]`
    pub(in crate::quant) input: ValueId,
    /// What the step before gave, `[N, H]` each: hidden, and the cell's own for an LSTM.
    pub(in crate::quant) states: Vec<ValueId>,
    /// Of the input, `[G · H, I]` and `[G · H]`.
    pub(in crate::quant) input_weight: ConstTensor,
    /// See `input_weight`.
    pub(in crate::quant) input_bias: Option<ConstTensor>,
    /// Of the hidden state, `[G · H, H]` and `[G · H]`.
    pub(in crate::quant) hidden_weight: ConstTensor,
    /// See `hidden_weight`.
    pub(in crate::quant) hidden_bias: Option<ConstTensor>,
}

/// A batch norm in evaluation.
#[derive(Clone, Debug)]
pub(in crate::quant) struct Norm {
    /// The tensor.
    pub(in crate::quant) input: ValueId,
    /// The factor; none is 1.
    pub(in crate::quant) weight: Option<ConstTensor>,
    /// The summand; none is 0.
    pub(in crate::quant) bias: Option<ConstTensor>,
    /// Mean.
    pub(in crate::quant) mean: ConstTensor,
    /// Variance.
    pub(in crate::quant) var: ConstTensor,
    /// Added to the variance.
    pub(in crate::quant) eps: f64,
}

/// A norm over the last dimensions with statistics of its input.
#[derive(Clone, Debug)]
pub(in crate::quant) struct LayerNorm {
    /// What it normalises over.
    pub(in crate::quant) over: Over,
    /// The factor, broadcast to the input.
    pub(in crate::quant) weight: Option<ConstTensor>,
    /// The summand, broadcast to the input.
    pub(in crate::quant) bias: Option<ConstTensor>,
    /// Added to the variance.
    pub(in crate::quant) eps: f64,
}

/// The dimensions of a norm.
#[derive(Clone, Debug)]
pub(in crate::quant) enum Over {
    /// The last ones, of these sizes: `layer_norm`.
    Shape(Vec<i64>),
    /// So many, those of space: `instance_norm`.
    Space(usize),
}

/// A pooling window.
#[derive(Clone, Debug)]
pub(in crate::quant) struct Pool {
    /// The tensor.
    pub(in crate::quant) input: ValueId,
    /// Size of the window.
    pub(in crate::quant) kernel_size: [i64; 2],
    /// Step of the window.
    pub(in crate::quant) stride: [i64; 2],
    /// Zeros (or nothing, for a maximum) on both sides.
    pub(in crate::quant) padding: [i64; 2],
    /// Step inside the window; 1 for averages.
    pub(in crate::quant) dilation: [i64; 2],
    /// Whether a window may reach over the end.
    pub(in crate::quant) ceil_mode: bool,
    /// Whether padding counts; averages only.
    pub(in crate::quant) count_include_pad: bool,
}
