//! What layers do, with their parameters (`hbir.md` 1).

use super::super::array::Array;
use super::super::params::{Chain, ConvParams};
use crate::tensor::DType;
use std::rc::Rc;

/// How a float becomes an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// `⌊x⌋`
    Floor,
    /// `⌊x + 0.5⌋`, the plugin's `bpu_round`.
    HalfUp,
    /// The plugin's `half_to_even`.
    HalfEven,
}

/// Quantisation of an argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantise {
    /// One step.
    pub scale: f32,
    /// How quotients are rounded.
    pub round: Round,
}

/// Which convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvForm {
    /// `SConvolution`
    Convolution,
    /// `Conv3d`
    Convolution3d,
    /// `SDeconvolution`
    Deconvolution,
    /// `SLinear`
    Linear,
}

/// A convolution: weight `[O, kernel…, I/g]`, for a deconvolution `[I, kernel…, O/g]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvLayer {
    /// Which one.
    pub form: ConvForm,
    /// Sizes of the weight.
    pub weight_shape: Vec<usize>,
    /// Integer parameters.
    pub params: ConvParams,
    /// One for each spatial dimension.
    pub stride: Vec<usize>,
    /// One for each spatial dimension.
    pub padding: Vec<usize>,
    /// One for each spatial dimension.
    pub dilation: Vec<usize>,
    /// Groups.
    pub groups: usize,
    /// Negative results become 0.
    pub relu: bool,
    /// Whether the output shift rounds.
    pub rounding: bool,
    /// Output type; int32 is the accumulator itself.
    pub out: DType,
}

/// A pooling window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Height and width.
    pub stride: [usize; 2],
    /// Height and width.
    pub padding: [usize; 2],
    /// Whether a last window may hang over.
    pub ceil_mode: bool,
}

/// Coordinates of a resize: fixed-point step and start of each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resample {
    /// Output height and width.
    pub size: [usize; 2],
    /// Fraction bits of the coordinates.
    pub bits: u32,
    /// Source distance of neighbouring outputs, height and width.
    pub step: [i64; 2],
    /// Source coordinate of output 0.
    pub start: [i64; 2],
    /// Nearest instead of bilinear.
    pub nearest: bool,
    /// Whether the last shift rounds.
    pub rounding: bool,
}

/// Where the samples of a region lie along an axis, from `low` to `high` in pixels of the map, `n` of them.
///
/// The extents and offsets are read (plugin modules, torchvision's function that the float module calls), as is the
/// layer's step of 16 bits; that starts and steps floor is the choice of `hbir.md` 1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoiGrid {
    /// From `low` in steps of `(high - low + 1)/n`: bernoulli2.
    Origin,
    /// In the middles of `n` parts of `max(high - low, 1)`.
    Legacy,
    /// In the middles of `n` parts of `high - low`, half a pixel back: `aligned=True`.
    HalfPixel,
}

impl RoiGrid {
    /// Fraction bits of coordinates.
    pub fn bits(self) -> u32 {
        match self {
            RoiGrid::Origin => 8,
            RoiGrid::Legacy | RoiGrid::HalfPixel => 16,
        }
    }
}

/// Regions of one or more maps of a pyramid.
#[derive(Clone, Debug, PartialEq)]
pub struct RoiAlign {
    /// Height and width of a result.
    pub size: [usize; 2],
    /// Pixels of each map in one of the image.
    pub scales: Vec<f64>,
    /// Where the samples lie.
    pub grid: RoiGrid,
    /// Size of a region in pixels of the image, and the level that such a region is taken from.
    pub canonical: [i64; 2],
    /// Parts of a box that are cut off left, top, right and bottom.
    pub clip: Option<[f32; 4]>,
}

/// One branch of detection heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Height, width, centre y and centre x at the first place, in quarters of a pixel.
    pub anchors: Vec<[i64; 4]>,
    /// Pixels of the image from one place to the next, down and across.
    pub stride: [i64; 2],
    /// Classes of an anchor, after its four deltas.
    pub classes: usize,
    /// Fraction bits of the deltas.
    pub shift: i64,
    /// Added to the class.
    pub offset: i64,
}

/// Heads to boxes. Read are the parameters, the order of channels and of results, and the clipping to the last pixel;
/// that each corner is rounded once, half up, and that boxes overlap strictly more than the threshold, is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The branches.
    pub heads: Vec<Head>,
    /// Exponentials of the 256 deltas.
    pub table: Vec<i64>,
    /// Fraction bits of the table.
    pub table_shift: i64,
    /// Least score that is kept.
    pub threshold: i64,
    /// Last row and column in quarters of a pixel, where boxes are clipped.
    pub last: Option<[i64; 2]>,
    /// Overlap in units of 1/256, and lead of the score.
    pub nms: [i64; 2],
    /// Boxes that are given at most.
    pub most: usize,
    /// Boxes that are sorted at most.
    pub sorts: usize,
}

/// How two operands are brought to one scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddForm {
    /// `(a << shift) + b·scale`
    Scale {
        /// Left shift of the first operand; a negative one shifts right.
        shift: i64,
        /// Multiplier of the second.
        scale: i64,
    },
    /// `a·first + (b << shift)·second` (bernoulli2)
    X2a {
        /// Multiplier of the first operand.
        first: i64,
        /// Multiplier of the second.
        second: i64,
        /// Left shift of the second.
        shift: i64,
    },
}

/// Segments of a `Lut2` layer: a line, six tables of 64, a line.
#[derive(Clone, Debug, PartialEq)]
pub struct LutSegments {
    /// `[6, entries]`
    pub table: Rc<Array>,
    /// Multipliers.
    pub k: Vec<i64>,
    /// Addends.
    pub b: Vec<i64>,
    /// Left shifts of the addends.
    pub add_lsh: Vec<i64>,
    /// Right shifts of the sums.
    pub sum_rsh: Vec<i64>,
    /// Largest input of each segment.
    pub max: Vec<i64>,
    /// `F(-x) = -F(x)` for negative inputs.
    pub symmetric: bool,
}

/// What lies outside of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// One value.
    Constant(i64),
    /// The nearest element.
    Edge,
}

/// Order of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the layers'")]
pub enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a search along a dimension gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Part {
    Value,
    Index,
}

/// Reorderings of space and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    /// `reorder_upscale_unfold`: pixel shuffle by a factor.
    Up(usize),
    /// `stack_neighbor_interleaved`: pixel unshuffle by a factor.
    Down(usize),
    /// `window_partition` of a window size.
    Partition(usize),
    /// `window_reverse` of a window size to a height and width.
    Reverse(usize, usize, usize),
}

/// What a layer does. Dimensions are those of its input's layout.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are HBIR's")]
pub enum Kind {
    /// An argument, quantised where the model says so.
    Input(Option<Quantise>),
    Constant(Rc<Array>),
    /// A change of layout.
    Transpose(Vec<usize>),
    Rescale {
        chain: Chain,
        rounding: bool,
    },
    Conv(Box<ConvLayer>),
    MaxPooling(Pooling),
    AvgPooling {
        window: Pooling,
        /// Empty for an unquantised output.
        chain: Chain,
        pre_rounding: bool,
        post_rounding: bool,
    },
    RoiResize(Resample),
    /// Maps, then boxes.
    RoiAlign(RoiAlign),
    /// Boxes, scores and classes.
    Detection(Detection),
    NearestUpsample([usize; 2]),
    ElementwiseAdd {
        form: AddForm,
        chain: Chain,
    },
    ElementwiseMul {
        /// Empty for a boolean operand.
        chain: Chain,
    },
    Sum {
        dim: usize,
        chain: Chain,
    },
    Gemm {
        trans: [bool; 2],
        chain: Chain,
        rounding: bool,
    },
    PRelu {
        positive: Chain,
        negative: Chain,
    },
    Correlation {
        kernel: usize,
        max_displacement: usize,
        stride1: usize,
        stride2: usize,
        pad: usize,
        inter_rshift: i64,
        chain: Chain,
    },
    /// `StepwiseFit`: 256 entries for -128 to 127.
    Lut(Vec<i64>),
    SegmentLut(Box<LutSegments>),
    Warping {
        bits: u32,
        nearest: bool,
        pad: PadMode,
    },
    Split {
        dim: usize,
        sizes: Vec<usize>,
    },
    Slice {
        begin: Vec<usize>,
        step: Vec<usize>,
    },
    Concat(usize),
    View,
    Tile(Vec<usize>),
    Roll {
        shifts: Vec<usize>,
        dims: Vec<usize>,
    },
    GatherElements(usize),
    /// Pixels whose best channel of a range reaches a threshold, as rows for each image: that channel's value, its
    /// index, (row, column), and the channels of each part of the input.
    Filter {
        threshold: i64,
        /// First and last channel.
        range: [usize; 2],
        /// Whether the value must be above the threshold.
        above: bool,
        /// Channels of each part.
        parts: Vec<usize>,
    },
    /// For each image the number of runs, then value and length of each; longer runs than `most` are cut.
    Rle {
        most: i64,
    },
    /// Rows of the first input to the places that the second names.
    Scatter,
    ChannelShuffle(Vec<usize>),
    Reorder(Shuffle),
    Pad {
        mode: PadMode,
        before: Vec<usize>,
        after: Vec<usize>,
    },
    Relu,
    Clamp {
        min: Option<i64>,
        max: Option<i64>,
    },
    ElementwiseMax,
    ElementwiseMin,
    Compare(Compare),
    Abs {
        saturate: bool,
    },
    ReduceMax {
        dim: usize,
        part: Part,
    },
    ReduceMin {
        dim: usize,
        part: Part,
    },
    TopK {
        k: usize,
        dim: usize,
        largest: bool,
    },
    /// `ElementwiseAdd` with constants: `(x·multiplier + addend) >> shift`
    Ceil {
        multiplier: i64,
        shift: i64,
    },
    /// `SoftmaxX2X2A`: a float result.
    SoftmaxBernoulli2 {
        table: Vec<i64>,
        dim: usize,
        max_value_only: bool,
    },
}

impl Kind {
    /// HBIR's name.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Input(_) => "Input",
            Kind::Constant(_) => "Constant",
            Kind::Transpose(_) => "Transpose",
            Kind::Rescale { .. } => "Rescale",
            Kind::Conv(conv) => match conv.form {
                ConvForm::Convolution => "SConvolution",
                ConvForm::Convolution3d => "Conv3d",
                ConvForm::Deconvolution => "SDeconvolution",
                ConvForm::Linear => "SLinear",
            },
            Kind::MaxPooling(_) => "MaxPooling",
            Kind::AvgPooling { .. } => "SAvgPooling",
            Kind::RoiResize(_) => "RoiResize",
            Kind::RoiAlign(_) => "RoiAlign",
            Kind::Detection(_) => "DetectionPostProcess",
            Kind::NearestUpsample(_) => "NearestUpsample",
            Kind::ElementwiseAdd { form, .. } => match form {
                AddForm::Scale { .. } => "SElementwiseAdd",
                AddForm::X2a { .. } => "SElementwiseAddX2a",
            },
            Kind::ElementwiseMul { .. } => "SElementwiseMul",
            Kind::Sum { .. } => "SSum",
            Kind::Gemm { .. } => "SGemm",
            Kind::PRelu { .. } => "PRelu",
            Kind::Correlation { .. } => "SCorrelation",
            Kind::Lut(_) => "StepwiseFit",
            Kind::SegmentLut(_) => "Lut2",
            Kind::Warping { .. } => "Warping",
            Kind::Split { .. } => "Split",
            Kind::Slice { .. } => "Slice",
            Kind::Concat(_) => "Concat",
            Kind::View => "View",
            Kind::Tile(_) => "Tile",
            Kind::Roll { .. } => "Roll",
            Kind::GatherElements(_) => "GatherElements",
            Kind::Scatter => "Scatter",
            Kind::Filter { .. } => "Filter",
            Kind::Rle { .. } => "Rle",
            Kind::ChannelShuffle(_) => "ChannelShuffle",
            Kind::Reorder(_) => "Reshape",
            Kind::Pad { .. } => "Pad",
            Kind::Relu => "Relu",
            Kind::Clamp { .. } => "Clamp",
            Kind::ElementwiseMax => "ElementwiseMax",
            Kind::ElementwiseMin => "ElementwiseMin",
            Kind::Compare(order) => match order {
                Compare::Equal => "ElementwiseEqual",
                Compare::NotEqual => "ElementwiseNotEqual",
                Compare::Less => "ElementwiseLess",
                Compare::LessOrEqual => "ElementwiseLessOrEqual",
                Compare::Greater => "ElementwiseGreater",
                Compare::GreaterOrEqual => "ElementwiseGreaterOrEqual",
            },
            Kind::Abs { .. } => "ElementwiseAbs",
            Kind::ReduceMax { .. } => "ReduceMax",
            Kind::ReduceMin { .. } => "ReduceMin",
            Kind::TopK { .. } => "TopKElements",
            Kind::Ceil { .. } => "ElementwiseAdd",
            Kind::SoftmaxBernoulli2 { .. } => "SoftmaxX2X2A",
        }
    }
}

/// How a [`DType`] is written in HBIR: without `q`.
pub(super) fn dtype_text(dtype: DType) -> &'static str {
    dtype.name()
}
